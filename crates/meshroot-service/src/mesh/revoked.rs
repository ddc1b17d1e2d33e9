use std::collections::HashMap;
use std::time::Duration;

use meshroot::hierarchy::{Authority, AuthorityId, AuthorityState, Role};
use meshroot::key::Crypto;
use meshroot::revocation::Crl;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{Denial, Revocation, Revocations};

use super::{Rendering, Snapshot};

/// How often a CRL is read again by those who keep one: as often as a bundle.
const REFRESH: Duration = Duration::from_secs(300);

/// What is revoked and denied, at one moment, ready to be asked with every request; and the CRLs, ready to be served.
#[derive(Clone, Debug)]
pub(crate) struct Revoked {
    version: u64,
    /// The version of the snapshot whose CAs the set of CRLs is for.
    snapshot: u64,
    by_serial: HashMap<SerialNumber, Vec<Revocation>>,
    /// Of several denials of one identity, the one that holds longest.
    denied: HashMap<SpiffeId, Denial>,
    pub(crate) crls: Vec<ServedCrl>,
    /// The CRLs of all CAs that are in some chain, or whose are missing.
    set: Result<CrlFile, Vec<String>>,
}

/// A CA's CRL, as it is served.
#[derive(Clone, Debug)]
pub(crate) struct ServedCrl {
    pub(crate) trust_domain: TrustDomain,
    pub(crate) authority: AuthorityId,
    pub(crate) crl: Crl,
    pub(crate) der: Rendering,
    pub(crate) pem: Rendering,
}

/// CRLs of several CAs in one file.
#[derive(Clone, Debug)]
struct CrlFile {
    rendering: Rendering,
    /// When the first of them is out of date.
    until: Timestamp,
}

impl Revoked {
    pub(super) fn of(held: Revocations, snapshot: &Snapshot, crypto: &Crypto, now: Timestamp) -> Self {
        let mut by_serial: HashMap<_, Vec<_>> = HashMap::with_capacity(held.revoked.len());
        for one in held.revoked {
            by_serial.entry(one.serial.clone()).or_default().push(one);
        }
        let mut denied: HashMap<SpiffeId, Denial> = HashMap::new();
        for one in held.denied {
            let longer = |held: &Denial| held.expires_at.is_some_and(|until| one.expires_at.is_none_or(|new| new > until));
            if denied.get(&one.id).is_none_or(longer) {
                denied.insert(one.id.clone(), one);
            }
        }
        let crls: Vec<_> = held
            .crls
            .into_iter()
            .map(|published| ServedCrl {
                der: Rendering::new(published.crl.der().to_vec(), "application/pkix-crl", REFRESH, crypto),
                pem: Rendering::new(published.crl.to_pem(), "application/x-pem-file", REFRESH, crypto),
                trust_domain: published.trust_domain,
                authority: published.authority,
                crl: published.crl,
            })
            .collect();
        let set = CrlFile::of(&crls, snapshot, crypto, now);
        Self { version: held.version, snapshot: snapshot.version(), by_serial, denied, crls, set }
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// The revocation of this certificate of this CA.
    pub(crate) fn find(&self, trust_domain: &TrustDomain, authority: &AuthorityId, serial: &SerialNumber) -> Option<&Revocation> {
        self.by_serial.get(serial)?.iter().find(|one| one.trust_domain == *trust_domain && one.authority == *authority)
    }

    /// The denial of this identity that holds at `now`.
    pub(crate) fn denial(&self, id: &SpiffeId, now: Timestamp) -> Option<&Denial> {
        self.denied.get(id).filter(|denial| denial.holds(now))
    }

    pub(crate) fn revocations(&self) -> impl Iterator<Item = &Revocation> {
        self.by_serial.values().flatten()
    }

    pub(crate) fn denials(&self) -> impl Iterator<Item = &Denial> {
        self.denied.values()
    }

    /// The CRL of the authority with this name.
    pub(crate) fn crl(&self, authority: &str) -> Option<&ServedCrl> {
        self.crls.iter().find(|served| served.authority.as_str() == authority)
    }

    /// CRLs of all CAs in one file. One without some CA's, or with one that is out of date, makes Envoy refuse every
    /// certificate of that CA, so there is none then, and the words say what is missing.
    pub(crate) fn complete_set(&self, now: Timestamp) -> Result<&Rendering, String> {
        let file = self.set.as_ref().map_err(|missing| missing.join("; "))?;
        if now < file.until {
            return Ok(&file.rendering);
        }
        let old =
            self.crls.iter().filter(|served| !is_current(&served.crl, now)).map(|served| format!("the CRL of '{}' is out of date", served.authority));
        Err(old.collect::<Vec<_>>().join("; "))
    }

    /// Revoked certificates that the CRL of their CA does not tell of: the CA's key is elsewhere.
    pub(crate) fn untold(&self) -> impl Iterator<Item = &Revocation> {
        self.revocations().filter(|one| {
            let of = |served: &&ServedCrl| served.trust_domain == one.trust_domain && served.authority == one.authority;
            self.crls.iter().find(of).is_none_or(|served| served.crl.get(&one.serial).is_none())
        })
    }
}

impl CrlFile {
    fn of(crls: &[ServedCrl], snapshot: &Snapshot, crypto: &Crypto, now: Timestamp) -> Result<Self, Vec<String>> {
        let mut missing = Vec::new();
        let mut text = String::new();
        let mut until = Timestamp::MAX;
        for domain in snapshot.trust_domains() {
            let trust_domain = domain.hierarchy.trust_domain();
            for authority in domain.hierarchy.authorities().iter().filter(|authority| unexpired(authority, now).is_some()) {
                let of = |served: &&ServedCrl| served.trust_domain == *trust_domain && served.authority == *authority.id();
                match crls.iter().find(of) {
                    Some(served) if is_current(&served.crl, now) => {
                        text.push_str(&served.crl.to_pem());
                        until = until.min(served.crl.next_update().unwrap_or(Timestamp::MAX));
                    }
                    // One that is in no chain may be missing, and an old one would do harm.
                    _ if !is_in_chains(authority, domain.has_key(authority.id())) => {}
                    Some(_) => missing.push(format!("the CRL of '{}' is out of date", authority.id())),
                    None => missing.push(format!("there is no CRL of '{}'", authority.id())),
                }
            }
        }
        if text.is_empty() && missing.is_empty() {
            missing.push("there is no CA".to_owned());
        }
        if missing.is_empty() { Ok(Self { rendering: Rendering::new(text, "application/x-pem-file", REFRESH, crypto), until }) } else { Err(missing) }
    }
}

fn is_current(crl: &Crl, now: Timestamp) -> bool {
    crl.this_update() <= now && crl.next_update().is_some_and(|until| now < until)
}

/// The certificate of an authority that is valid for longest, if one still is.
pub(super) fn unexpired(authority: &Authority, now: Timestamp) -> Option<&Certificate> {
    let valid = |certificate: &&Certificate| certificate.validity().not_after >= now;
    authority.certificates().iter().filter(valid).max_by_key(|certificate| certificate.validity().not_after)
}

/// Whether a peer may be shown a chain with this authority in it. A CA whose key is elsewhere may issue whatever its state is
/// here.
fn is_in_chains(authority: &Authority, key_is_here: bool) -> bool {
    match authority.role() {
        Role::Root => authority.published_at().is_some(),
        Role::Cluster(_) => match authority.state() {
            AuthorityState::Prepared => !key_is_here,
            AuthorityState::Retired => false,
            _ => true,
        },
    }
}
