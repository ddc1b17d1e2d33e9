use core::fmt;
use std::time::Duration;

use axum::http::StatusCode;
use meshroot::hierarchy::Role;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;
use meshroot_store::{IdPattern, IssuanceRow, Query, Search};

use super::{Found, Wanted};
use crate::http::{Problem, hex};
use crate::mesh::{Mesh, MeshError};

/// Which certificates.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    Serial(SerialNumber),
    Id(SpiffeId),
    Caller(String),
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "with the serial number {serial}"),
            Self::Id(id) => write!(f, "of '{id}'"),
            Self::Caller(caller) => write!(f, "that '{}' asked for", caller.escape_debug()),
        }
    }
}

impl Selection {
    pub(super) fn of(wanted: &Wanted) -> Result<Self, Problem> {
        let bad = |code, detail: String| Problem::new(StatusCode::BAD_REQUEST, code, detail);
        match (&wanted.serial, &wanted.id, &wanted.caller) {
            (Some(serial), None, None) => {
                let octets = hex::read(serial).filter(|octets| octets.len() <= 21);
                let octets =
                    octets.ok_or_else(|| bad("revocation.serial", "a serial number is written in hexadecimal, two digits an octet".into()))?;
                Ok(Self::Serial(SerialNumber::from_bytes(&octets)))
            }
            (None, Some(id), None) => {
                let id = SpiffeId::parse(id).map_err(|e| bad(e.code(), e.to_string()))?;
                if id.path().is_empty() {
                    return Err(bad(
                        "revocation.identity",
                        format!("'{id}' is a trust domain, and its CAs have serial numbers: revoke them by these"),
                    ));
                }
                Ok(Self::Id(id))
            }
            (None, None, Some(caller)) if !caller.trim().is_empty() && caller.len() <= 1_024 => Ok(Self::Caller(caller.trim().to_owned())),
            _ => Err(bad("revocation.selection", "say which certificates: one of `serial`, `id` and `caller`, and not more".into())),
        }
    }

    /// Whether it can mean anything here.
    pub(super) fn check(&self, mesh: &Mesh) -> Result<(), Problem> {
        match self {
            Self::Id(id) if mesh.now().trust_domain(id.trust_domain().as_str()).is_none() => {
                let detail = format!("'{id}' is of a trust domain that this service does not serve");
                Err(Problem::new(StatusCode::NOT_FOUND, "revocation.no_such_trust_domain", detail))
            }
            _ => Ok(()),
        }
    }

    /// The unexpired certificates that this means, CA certificates too where a serial number is given.
    pub(super) fn find(&self, mesh: &Mesh, now: Timestamp) -> Result<Vec<Found>, Problem> {
        let mut found = match self {
            Self::Serial(serial) => cas(mesh, serial, now)?,
            Self::Id(_) | Self::Caller(_) => Vec::new(),
        };
        let mut keep = |rows: Vec<IssuanceRow>| {
            found.extend(rows.into_iter().filter(|row| row.validity.not_after >= now && self.fits(row)).map(|row| Found {
                trust_domain: row.trust_domain,
                authority: row.authority,
                serial: row.serial,
                id: row.id.filter(|id| !id.path().is_empty()),
                not_after: row.validity.not_after,
            }));
        };
        let mut search = self.search(now);
        let known = loop {
            let page = mesh.store().search(&search).map_err(MeshError::from)?;
            keep(page.rows);
            match page.next {
                Some(next) => search.after = next,
                None => break page.known,
            }
        };
        // What the index does not know yet: the newest entries are those that matter most here.
        let mut query = Query { after: known, limit: Query::MOST, ..Query::default() };
        loop {
            let page = mesh.store().issuances(&query).map_err(MeshError::from)?;
            let Some(last) = page.last().map(|row| row.position) else { break };
            keep(page);
            query.after = last;
        }
        Ok(found)
    }

    fn search(&self, now: Timestamp) -> Search {
        // Its last second counts.
        let search = Search { expires_after: Some(now.minus(Duration::from_secs(1))), limit: Search::MOST, ..Search::default() };
        match self {
            Self::Serial(serial) => Search { serial: Some(serial.clone()), ..search },
            Self::Id(id) => Search { id: Some(IdPattern::Exactly(id.clone())), ..search },
            Self::Caller(caller) => Search { caller: Some(caller.clone()), ..search },
        }
    }

    fn fits(&self, row: &IssuanceRow) -> bool {
        match self {
            Self::Caller(caller) => is_by(&row.caller, caller),
            Self::Serial(serial) => row.serial == *serial,
            Self::Id(id) => row.id.as_ref() == Some(id),
        }
    }
}

/// Whether a record's caller is this one: in full, or without what follows a comma or a space (the pod, the record).
fn is_by(recorded: &str, caller: &str) -> bool {
    recorded.strip_prefix(caller).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ' ']))
}

/// The CA certificates with this serial number, each by the authority that signed it.
fn cas(mesh: &Mesh, serial: &SerialNumber, now: Timestamp) -> Result<Vec<Found>, Problem> {
    let snapshot = mesh.now();
    let mut found = Vec::new();
    for domain in snapshot.trust_domains() {
        for authority in domain.hierarchy.authorities() {
            for certificate in authority.certificates().iter().filter(|ca| ca.serial() == serial && ca.validity().not_after >= now) {
                if *authority.role() == Role::Root && certificate.is_self_issued() {
                    let detail = format!("'{}' is a root, and no CRL revokes a root: it is taken out of the trust bundle", authority.id());
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "revocation.root", detail));
                }
                let Some(signer) = domain.signer_of(certificate) else { continue };
                found.push(Found {
                    trust_domain: domain.hierarchy.trust_domain().clone(),
                    authority: signer.id().clone(),
                    serial: serial.clone(),
                    id: None,
                    not_after: certificate.validity().not_after,
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::is_by;

    #[test]
    fn a_caller_is_meant_in_full_or_up_to_a_comma_or_space() {
        let recorded = "the service account shop/cart of west, pod cart-1";
        assert!(is_by(recorded, recorded) && is_by(recorded, "the service account shop/cart of west"));
        assert!(
            !is_by(recorded, "the service account shop/ca")
                && !is_by("spiffe://mesh.example/ns/shop/sa/cart-2", "spiffe://mesh.example/ns/shop/sa/cart")
        );
    }
}
