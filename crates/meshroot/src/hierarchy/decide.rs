use super::{Authority, AuthorityId, AuthorityState, ClusterName, Command, Event, Hierarchy, HierarchyError, Role};
use crate::key::Crypto;
use crate::spiffe::SpiffeIdRef;
use crate::time::Timestamp;
use crate::verify::CaPath;
use crate::x509::Certificate;

impl Hierarchy {
    /// Judges a change. The events are what has to be recorded, and then [`apply`](Self::apply)d.
    ///
    /// # Errors
    /// Why the change is refused; nothing has changed.
    pub fn decide(&self, command: &Command, crypto: &Crypto, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        match command {
            Command::AddRoot { path } => self.add_root(path, crypto, now),
            Command::AddCluster { cluster, path } => self.add_cluster(cluster, path, crypto, now),
            Command::AddCertificate { authority, path } => self.add_certificate(authority, path, now),
            Command::Publish { authority } => self.publish(authority, now),
            Command::Activate { authority, published_for } => self.activate(authority, *published_for, now),
            Command::Retire { authority, last_leaf_until, force } => self.retire(authority, *last_leaf_until, *force, now),
            Command::Taint { authority } => {
                let authority = self.known(authority)?.id.clone();
                Ok(vec![Event::StateChanged { authority, state: AuthorityState::Tainted, at: now }])
            }
            Command::Import { bundle, force } => self.import(bundle, *force, now),
            Command::Forget { trust_domain } => self.forget(trust_domain, now),
            Command::Restore { seen } => Ok(vec![Event::Restored { sequence: self.sequence_after_restoring(*seen, now), at: now }]),
        }
    }

    fn known(&self, id: &AuthorityId) -> Result<&Authority, HierarchyError> {
        self.authority(id.as_str()).ok_or_else(|| HierarchyError::UnknownAuthority(id.clone()))
    }

    fn add_root(&self, path: &CaPath, crypto: &Crypto, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let Some(certificate) = path.signing() else { return Ok(Vec::new()) };
        self.check_new(certificate)?;
        let role = Role::Root;
        let authority = AuthorityId::of(&role, certificate.public_key(), crypto);
        let first = self.roots().next().is_none();
        // A trust domain's very first root is exempt from waiting: there is no peer yet that could not know it.
        let state = if first { AuthorityState::Active } else { AuthorityState::Prepared };
        let added = Event::AuthorityAdded { authority: authority.clone(), role, certificate: certificate.clone(), state, at: now };
        if !first {
            return Ok(vec![added]);
        }
        Ok(vec![added, Event::AnchorPublished { authority, sequence: self.next_sequence(), at: now }])
    }

    fn add_cluster(&self, cluster: &ClusterName, path: &CaPath, crypto: &Crypto, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let certificate = self.check_path(path)?;
        self.check_new(certificate)?;
        let role = Role::Cluster(cluster.clone());
        let authority = AuthorityId::of(&role, certificate.public_key(), crypto);
        let state = if self.active_cluster_ca(cluster).is_none() { AuthorityState::Active } else { AuthorityState::Prepared };
        Ok(vec![Event::AuthorityAdded { authority, role, certificate: certificate.clone(), state, at: now }])
    }

    fn add_certificate(&self, id: &AuthorityId, path: &CaPath, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let authority = self.known(id)?;
        let certificate = self.check_path(path)?;
        self.check_trust_domain(certificate)?;
        if authority.certificates.first().is_some_and(|first| first.public_key() != certificate.public_key()) {
            return Err(HierarchyError::WrongState {
                authority: id.clone(),
                state: authority.state,
                advice: "the certificate is for another key, so it is another authority",
            });
        }
        if authority.certificates.contains(certificate) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::CertificateAdded { authority: id.clone(), certificate: certificate.clone(), at: now }])
    }

    fn publish(&self, id: &AuthorityId, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let authority = self.known(id)?;
        if authority.role != Role::Root {
            return Err(HierarchyError::NotARoot(id.clone()));
        }
        if authority.published_at.is_some() {
            return Ok(Vec::new());
        }
        match authority.state {
            AuthorityState::Prepared => Ok(vec![Event::AnchorPublished { authority: id.clone(), sequence: self.next_sequence(), at: now }]),
            state => Err(HierarchyError::WrongState { authority: id.clone(), state, advice: "only a prepared root is published" }),
        }
    }

    fn activate(&self, id: &AuthorityId, needed: std::time::Duration, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let authority = self.known(id)?;
        match authority.state {
            AuthorityState::Prepared => {}
            AuthorityState::Active => return Ok(Vec::new()),
            state => return Err(HierarchyError::WrongState { authority: id.clone(), state, advice: "only a prepared authority is activated" }),
        }
        if authority.role == Role::Root {
            let since = authority.published_at.ok_or(HierarchyError::WrongState {
                authority: id.clone(),
                state: authority.state,
                advice: "publish it first, and wait until every peer has the new bundle",
            })?;
            let published = now.since(since);
            if published < needed {
                return Err(HierarchyError::PublishedTooShort { authority: id.clone(), published, needed });
            }
        }
        let until_now = self.authorities.iter().filter(|a| a.role == authority.role && a.state == AuthorityState::Active);
        let mut events: Vec<Event> =
            until_now.map(|a| Event::StateChanged { authority: a.id.clone(), state: AuthorityState::Retiring, at: now }).collect();
        events.push(Event::StateChanged { authority: id.clone(), state: AuthorityState::Active, at: now });
        Ok(events)
    }

    fn retire(&self, id: &AuthorityId, last_leaf_until: Option<Timestamp>, force: bool, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let authority = self.known(id)?;
        if authority.state == AuthorityState::Retired {
            return Ok(Vec::new());
        }
        let retired = Event::StateChanged { authority: id.clone(), state: AuthorityState::Retired, at: now };
        let needed = self.dependent(authority, last_leaf_until, now);
        if let Some((dependent, until)) = needed.clone().filter(|_| !force) {
            return Err(HierarchyError::StillNeeded { authority: id.clone(), dependent, until });
        }
        if authority.published_at.is_none() {
            return Ok(vec![retired]);
        }
        if self.roots().filter(|root| root.published_at.is_some()).count() < 2 {
            return Err(HierarchyError::LastRoot(id.clone()));
        }
        let removed = Event::AnchorRemoved { authority: id.clone(), sequence: self.next_sequence(), forced: needed.is_some(), at: now };
        Ok(vec![removed, retired])
    }

    /// What unexpired thing depends on an authority, and until when.
    fn dependent(&self, authority: &Authority, last_leaf_until: Option<Timestamp>, now: Timestamp) -> Option<(String, Timestamp)> {
        if let Some(until) = last_leaf_until.filter(|until| *until >= now) {
            return Some(("a workload's certificate".to_owned(), until));
        }
        if authority.role != Role::Root {
            return None;
        }
        let names: Vec<_> = authority.certificates.iter().map(Certificate::subject).collect();
        let below = |ca: &&Authority| {
            ca.role != Role::Root && matches!(ca.state, AuthorityState::Active | AuthorityState::Prepared | AuthorityState::Retiring)
        };
        self.authorities.iter().filter(below).find_map(|ca| {
            let valid = |c: &&Certificate| c.validity().not_after >= now;
            let only_here = ca.certificates.iter().filter(valid).all(|c| names.contains(&c.issuer()));
            let until = ca.certificates.iter().filter(valid).map(|c| c.validity().not_after).max()?;
            only_here.then(|| (format!("the cluster CA '{}'", ca.id), until))
        })
    }

    /// A CA certificate below the bundle that does not outlive its root.
    fn check_path<'p>(&self, path: &'p CaPath) -> Result<&'p Certificate, HierarchyError> {
        let (Some(certificate), Some(root)) = (path.signing(), path.certificates().last()) else {
            return Err(HierarchyError::NotBelowBundle("(none)".into()));
        };
        if !self.anchors().contains(root) {
            return Err(HierarchyError::NotBelowBundle(certificate.subject().to_string()));
        }
        let (until, root_until) = (certificate.validity().not_after, root.validity().not_after);
        if until > root_until {
            return Err(HierarchyError::OutlivesRoot { until, root_until });
        }
        Ok(certificate)
    }

    fn check_new(&self, certificate: &Certificate) -> Result<(), HierarchyError> {
        self.check_trust_domain(certificate)?;
        for authority in &self.authorities {
            for known in &authority.certificates {
                if known.public_key() == certificate.public_key() {
                    return Err(HierarchyError::DuplicateKey(authority.id.clone()));
                }
                if known.subject() == certificate.subject() {
                    return Err(HierarchyError::DuplicateSubject(authority.id.clone()));
                }
            }
        }
        Ok(())
    }

    /// A certificate may carry no SPIFFE ID (other software's roots), but not another trust domain's.
    fn check_trust_domain(&self, certificate: &Certificate) -> Result<(), HierarchyError> {
        let uris = certificate.alt_names().map(|names| names.uris).unwrap_or_default();
        let ours = |uri: &&str| SpiffeIdRef::parse(uri).is_ok_and(|id| id.trust_domain() == self.trust_domain && id.path().is_empty());
        if uris.iter().all(ours) {
            return Ok(());
        }
        Err(HierarchyError::ForeignTrustDomain { ours: self.trust_domain.clone(), found: uris.into_iter().map(str::to_owned).collect() })
    }

    /// A change adds one, and no mesh has changed its roots every second since 1970: the seconds since then are ahead of all that
    /// was ever published, even when nobody knows what that was. A margin keeps it ahead after several restorations.
    fn sequence_after_restoring(&self, seen: u64, now: Timestamp) -> u64 {
        const MARGIN: u64 = 1_000;
        let seconds = u64::try_from(now.unix()).unwrap_or(0);
        self.sequence.max(seen).saturating_add(MARGIN).max(seconds)
    }

    fn next_sequence(&self) -> u64 {
        self.sequence.saturating_add(1)
    }
}
