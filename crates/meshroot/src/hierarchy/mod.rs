//! The hierarchy of one trust domain: roots, the cluster CAs below them, and the state of each.
//!
//! A change is a [`Command`]. [`Hierarchy::decide`] checks it and may refuse; it answers [`Event`]s, which a store keeps
//! and [`Hierarchy::apply`] cannot refuse. Replaying the events gives the hierarchy back.

mod authority;
mod command;
mod create;
mod decide;
mod error;
mod imported;
mod names;
mod state;

pub use authority::{Authority, AuthorityId, AuthorityState, Role};
pub use command::{Command, Event};
pub use create::{ca_name, create_cluster_ca, create_root};
pub use error::{HierarchyError, InvalidClusterName};
pub use imported::Imported;
pub use names::ClusterName;
pub use state::Hierarchy;
