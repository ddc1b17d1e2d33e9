//! Who still depends on an authority: whose unexpired certificates end with it.

use std::sync::Arc;

use axum::http::StatusCode;
use meshroot::hierarchy::{Authority, AuthorityId, Role};
use meshroot_store::Unexpired;
use serde_json::{Value, json};

use super::tokens::in_store;
use super::{App, Problem};
use crate::mesh::Domain;

/// The authorities whose certificates' chains may end at one: itself, and every CA that has a certificate of it.
#[derive(Debug)]
pub(super) struct Below {
    pub(super) authorities: Vec<AuthorityId>,
    name: String,
    /// What each is for.
    roles: Vec<(AuthorityId, Role)>,
}

impl Below {
    pub(super) fn of(domain: &Domain, of: &Authority) -> Self {
        let names: Vec<_> = of.certificates().iter().map(|certificate| certificate.subject()).collect();
        let is_below = |one: &&Authority| {
            one.id() == of.id() || one.certificates().iter().any(|certificate| !certificate.is_self_issued() && names.contains(&certificate.issuer()))
        };
        let roles: Vec<_> = domain.hierarchy.authorities().iter().filter(is_below).map(|one| (one.id().clone(), one.role().clone())).collect();
        Self { authorities: roles.iter().map(|(id, _)| id.clone()).collect(), name: of.id().to_string(), roles }
    }

    /// How many certificates depend on it, by cluster and CA, and until when.
    pub(super) async fn count(&self, app: &Arc<App>) -> Result<Value, Problem> {
        let (store, now) = (Arc::clone(app.mesh.store()), app.mesh.clock().now());
        let unexpired = in_store(move || store.unexpired(now)).await?;
        let ours: Vec<&Unexpired> = unexpired.iter().filter(|one| self.authorities.contains(&one.authority)).collect();
        let by: Vec<Value> = ours.iter().map(|one| self.describe(one)).collect();
        Ok(json!({
            "authority": self.name,
            "certificates": ours.iter().fold(0u64, |sum, one| sum.saturating_add(one.certificates)),
            "last_expiry": ours.iter().map(|one| one.last_expiry).max().map(|until| until.to_string()),
            "by": by,
        }))
    }

    fn describe(&self, one: &Unexpired) -> Value {
        let role = self.roles.iter().find(|(id, _)| *id == one.authority).map(|(_, role)| role);
        let cluster = match role {
            Some(Role::Cluster(name)) => Some(name.as_str()),
            _ => None,
        };
        json!({
            "cluster": cluster,
            "authority": one.authority.as_str(),
            "certificates": one.certificates,
            "last_expiry": one.last_expiry.to_string(),
        })
    }
}

pub(super) fn no_such_authority() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "inventory.authority", "there is no such authority")
}
