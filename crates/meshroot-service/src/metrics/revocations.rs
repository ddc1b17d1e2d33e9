use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::mesh::Mesh;

/// What is measured of revocations.
#[derive(Debug)]
pub(super) struct Revocations {
    revoked: Family<Reason, Counter>,
    in_force: Gauge,
    untold: Gauge,
    denied: Gauge,
    next_update: Family<Crl, Gauge>,
    complete: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Crl {
    trust_domain: String,
    authority: String,
}

impl Revocations {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self {
            revoked: Family::default(),
            in_force: Gauge::default(),
            untold: Gauge::default(),
            denied: Gauge::default(),
            next_update: Family::default(),
            complete: Gauge::default(),
        };
        registry.register("revocations", "Certificates revoked by this process, by reason", all.revoked.clone());
        registry.register("revoked_certificates", "Unexpired certificates that are revoked", all.in_force.clone());
        registry.register("revoked_certificates_untold", "Revoked certificates that no CRL tells of: the CA's key is elsewhere", all.untold.clone());
        registry.register("denied_identities", "Identities that get no certificate", all.denied.clone());
        registry.register_with_unit("crl_next_update", "Time until a CRL is out of date", Unit::Seconds, all.next_update.clone());
        registry.register("crl_set_complete", "1 while the CRLs of all CAs are there and none is out of date", all.complete.clone());
        all
    }

    pub(super) fn count(&self, reason: &'static str, certificates: usize) {
        self.revoked.get_or_create(&Reason { reason }).inc_by(u64::try_from(certificates).unwrap_or(u64::MAX));
    }

    /// Takes over what holds now.
    pub(super) fn set(&self, mesh: &Mesh) {
        let now = mesh.clock().now();
        let revoked = mesh.revoked();
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.in_force.set(count(revoked.revocations().filter(|one| one.not_after >= now).count()));
        self.untold.set(count(revoked.untold().filter(|one| one.not_after >= now).count()));
        self.denied.set(count(revoked.denials().filter(|denial| denial.holds(now)).count()));
        self.complete.set(i64::from(revoked.complete_set(now).is_ok()));
        self.next_update.clear();
        for served in &revoked.crls {
            let labels = Crl { trust_domain: served.trust_domain.to_string(), authority: served.authority.to_string() };
            let until = served.crl.next_update().map_or(0, |until| until.unix().saturating_sub(now.unix()));
            self.next_update.get_or_create(&labels).set(until);
        }
    }
}
