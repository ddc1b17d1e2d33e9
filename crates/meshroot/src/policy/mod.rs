//! Policy: who may have which identity. Data in, decision and reason out.
//!
//! ```text
//! TOML ──serde──> Policy ──check──> CheckedPolicy ──decide(caller, request, now)──> Grant, or Denial with its rule
//! ```
//!
//! A [`Policy`] is what a person wrote. [`Policy::check`] judges the whole of it and reports every fault at once; only what it passes
//! decides anything. Nothing is granted that no rule grants: the policy that says nothing refuses everything.
//!
//! An identity comes from the [`Caller`] and from the rules, never from a certificate request: what a request names can be refused for
//! it and gets nothing by it. A [`Grant`] cannot be made elsewhere, and [`Authorized::by_policy`](crate::issue::Authorized::by_policy)
//! turns it and a proven key into what an issuer signs.
//!
//! The file format, with every setting explained, is `docs/policy.md` in the crate's sources:
//!
#![doc = include_str!("../../docs/policy.md")]

mod caller;
mod cases;
mod check;
mod checked;
mod data;
mod decide;
mod denial;
mod duration;
mod error;
mod grant;
mod keys;
mod network;
mod pattern;
mod request;
#[cfg(test)]
mod tests;

pub use caller::{Caller, CallerKind, JoinScope};
pub use cases::{AskedCase, CallerCase, Case, CaseFile, CaseOutcome, CaseReport, ExpectedCase, Mismatch};
pub use checked::{CheckedPolicy, KubernetesIssuer, PolicyNote};
pub use data::{
    CaRule, Callers, ClusterPolicy, Defaults, DenyRule, KubernetesCallers, NodeProxyCallers, Policy, ServerRule, SvidCallers, SwitchedOn,
    WorkloadRule,
};
pub use denial::Denial;
pub use error::{PolicyError, PolicyFault};
pub use grant::{Grant, Granted, PolicyCut};
pub use request::{Requested, Wanted};
