//! Istio's own programs and what behaves like them, in front of the real service: the witnesses of its gRPC side.

pub mod grpc;
pub mod held;
pub mod liar;
pub mod mesh;
pub mod pilot_agent;
pub mod programs;
pub mod serving;
pub mod ztunnel;
