//! What a person does who follows the steps of `doctor`: each [`Mend`], carried out on a scene.

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::doctor::{Mend, Plane, Reissue, Settings, Verdict, diagnose};
use meshroot::key::Crypto;
use meshroot::revocation::Crl;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use super::{Cluster, Scene, keys};
use crate::der::name;
use crate::mint::{Ca, DAY, Shape, YEAR};

/// The key of a CA that takes another's place.
const REPLACEMENT: usize = 12;

impl Scene {
    /// The scene after these steps.
    ///
    /// # Errors
    /// What no machine can do: [`Mend::ByHand`].
    pub fn mended<'a>(&self, steps: impl IntoIterator<Item = &'a Mend>, crypto: &Crypto) -> Result<Self, String> {
        let mut scene = self.clone();
        steps.into_iter().try_for_each(|step| scene.mend(step, crypto)).map(|()| scene)
    }

    /// The scene after somebody has done what `doctor` says about one cell, until it says yes. Only after a certificate had to be found may it
    /// have more to say.
    ///
    /// # Errors
    /// Steps that no machine can do, or that did not help, with what doctor says then.
    pub fn cured(&self, row: usize, column: usize, plane: Plane, crypto: &Crypto) -> Result<Self, String> {
        let mut scene = self.clone();
        loop {
            let (mend, before) = no(&scene, row, column, plane, crypto)?.ok_or("doctor says yes before anything is mended")?;
            scene = scene.mended(&mend, crypto)?;
            match no(&scene, row, column, plane, crypto)? {
                None => return Ok(scene),
                // Whoever looks for a certificate does not look twice: it is in the evidence then.
                Some(_) if mend.iter().any(|step| matches!(step, Mend::FindIssuer { .. })) => {}
                Some((_, after)) => return Err(format!("{before}; after {mend:?} still {after}")),
            }
        }
    }

    fn mend(&mut self, step: &Mend, crypto: &Crypto) -> Result<(), String> {
        match step {
            Mend::AddRoots { cluster, trust_domain, roots } => {
                let cluster = self.cluster_mut(cluster);
                match (trust_domain, &mut cluster.bundle_map) {
                    (Some(domain), Some(map)) => {
                        let held = map.get(domain.as_ref()).map(|bundle| bundle.x509_authorities().to_vec()).unwrap_or_default();
                        let bundle = Bundle::new(domain.clone()).with_x509_authorities(held.into_iter().chain(roots.clone())).unwrap();
                        map.insert(bundle);
                    }
                    (None, None) => cluster.roots.extend(roots.iter().cloned()),
                    _ => return Err(format!("{step:?} for {}, which has {:?}", cluster.name, cluster.bundle_map.as_ref().map(BundleMap::len))),
                }
            }
            Mend::AddToChain { cluster, certificates } => {
                let cluster = self.cluster_mut(cluster);
                cluster.chain.splice(0..0, certificates.iter().cloned());
            }
            Mend::FindIssuer { cluster, issuer } => {
                let found = self.authorities().iter().find(|ca| ca.certificate.subject() == issuer).map(|ca| ca.certificate.clone());
                let found = found.ok_or_else(|| format!("nobody knows {issuer}"))?;
                self.cluster_mut(cluster).chain.push(found);
            }
            Mend::RenewAuthority { cluster, certificate } => self.remake(cluster, certificate, |_| (), crypto),
            Mend::ReissueAuthority { cluster, certificate, change } => self.remake(cluster, certificate, |shape| reshape(shape, *change), crypto),
            Mend::ReplaceAuthority { cluster, certificate } => self.replace(cluster, certificate, crypto),
            Mend::AddCrls { cluster, crls } => self.cluster_mut(cluster).crls.extend(crls.iter().cloned()),
            Mend::IssueCrl { cluster, issuer } => {
                let crl = self.authority(issuer).crl(self.now.minus(DAY), self.now.plus(30 * DAY), &[]);
                let cluster = self.cluster_mut(cluster);
                // Two CAs may have one name; the older list of this one is the one that its key has signed.
                cluster.crls.retain(|held| Crl::from_der(held).unwrap().verify_signature(issuer.public_key(), crypto).is_err());
                cluster.crls.push(crl);
            }
            Mend::RemoveCrls { cluster } => self.cluster_mut(cluster).crls.clear(),
            Mend::ChangeTrustDomain { cluster, trust_domain } => {
                let certificate = self.cluster(cluster).signing.certificate.clone();
                let uri = format!("spiffe://{trust_domain}");
                self.remake(cluster, &certificate, |shape| shape.uri = shape.uri.as_ref().map(|_| uri.clone()), crypto);
                self.cluster_mut(cluster).trust_domain = trust_domain.to_string();
            }
            Mend::LetIn { cluster, trust_domain } => self.cluster_mut(cluster).lets_in.push(trust_domain.to_string()),
            Mend::WaitUntil { at } => self.now = *at,
            other => return Err(format!("no machine can do {other:?}")),
        }
        Ok(())
    }

    /// Makes a CA certificate again: name and key stay. A root goes out to everybody, another CA into its own cluster.
    fn remake(&mut self, cluster: &str, old: &Certificate, change: impl Fn(&mut Shape), crypto: &Crypto) {
        let mut shape = Shape::of(old, self.now, self.now.plus(YEAR));
        change(&mut shape);
        let new = if old.is_self_issued() {
            Ca { certificate: self.authority(old).certify_itself(&shape, crypto), ..self.authority(old) }.certificate
        } else {
            self.issuer_of(old, crypto).certify(&shape, old.public_key(), crypto)
        };
        let everywhere = old.is_self_issued();
        self.authorities.iter_mut().filter(|ca| ca.certificate == *old).for_each(|ca| ca.certificate = new.clone());
        for cluster in self.clusters.iter_mut().filter(|candidate| everywhere || candidate.name == cluster) {
            let renew = |held: &mut Certificate| {
                if held == old {
                    *held = new.clone();
                }
            };
            renew(&mut cluster.signing.certificate);
            cluster.chain.iter_mut().chain(&mut cluster.roots).for_each(renew);
        }
    }

    /// Gives a cluster a CA with a key of its own, below the issuer of the one that goes; and its CRL to all who check CRLs.
    fn replace(&mut self, cluster: &str, old: &Certificate, crypto: &Crypto) {
        let mut shape = Shape::of(old, self.now, self.now.plus(YEAR));
        // A name of its own: two CAs of one name would share each other's CRLs.
        (shape.subject, shape.key_id) = (name(&[(10, "mesh.example"), (3, &format!("Cluster CA {cluster} 2"))]), None);
        let new = self.issuer_of(old, crypto).below(&shape, &keys::p256(REPLACEMENT, crypto), crypto);
        let crl = new.crl(self.now.minus(DAY), self.now.plus(30 * DAY), &[]);
        self.clusters.iter_mut().filter(|cluster| !cluster.crls.is_empty()).for_each(|cluster| cluster.crls.push(crl.clone()));
        let cluster = self.cluster_mut(cluster);
        cluster.chain.iter_mut().filter(|held| *held == old).for_each(|held| *held = new.certificate.clone());
        cluster.signing = new;
    }

    /// Every CA whose key somebody in the scene has.
    fn authorities(&self) -> Vec<Ca> {
        self.authorities.iter().cloned().chain(self.clusters.iter().map(|cluster| cluster.signing.clone())).collect()
    }

    fn authority(&self, certificate: &Certificate) -> Ca {
        let found = self.authorities().into_iter().find(|ca| ca.certificate == *certificate);
        found.unwrap_or_else(|| panic!("nobody in {} has the key of {}", self.name, certificate.subject()))
    }

    fn issuer_of(&self, certificate: &Certificate, crypto: &Crypto) -> Ca {
        let signed = |ca: &Ca| certificate.verify_signature(ca.certificate.public_key(), crypto).is_ok();
        self.authorities().into_iter().find(signed).unwrap_or_else(|| panic!("nobody in {} signed {}", self.name, certificate.subject()))
    }

    fn cluster_mut(&mut self, name: &str) -> &mut Cluster {
        self.clusters.iter_mut().find(|cluster| cluster.name == name).unwrap_or_else(|| panic!("no cluster {name}"))
    }
}

/// The steps that `doctor` says for a cell and the rule that is broken; nothing where it says yes.
fn no(scene: &Scene, row: usize, column: usize, plane: Plane, crypto: &Crypto) -> Result<Option<(Vec<Mend>, String)>, String> {
    let diagnosis = diagnose(scene.evidence(), &Settings::default(), crypto, scene.now);
    let cell = diagnosis.cell(scene.clusters[row].name, scene.clusters[column].name, plane).ok_or("there is no such cell")?;
    match &cell.verdict {
        Verdict::Yes { .. } => Ok(None),
        Verdict::No { mend, .. } if mend.is_empty() => Err("a no without a step".into()),
        Verdict::No { mend, cause, .. } => Ok(Some((mend.iter().map(|step| step.mend.clone()).collect(), cause.to_string()))),
        other => Err(format!("{other:?}")),
    }
}

fn reshape(shape: &mut Shape, change: Reissue) {
    match change {
        Reissue::KeyUsage => shape.key_usage.extend([5, 6]),
        Reissue::PathLength => shape.path_length = None,
        Reissue::NameConstraints => shape.permitted_uri = None,
        other => panic!("no scene needs {other:?}"),
    }
}

impl Shape {
    /// The shape of a certificate that is there, with other dates. Its name constraints are not looked into: nobody keeps them who makes it again
    /// because of its dates alone.
    fn of(certificate: &Certificate, now: Timestamp, not_after: Timestamp) -> Self {
        use meshroot::x509::KeyUsage as Usage;
        let bits = [Usage::DIGITAL_SIGNATURE, Usage::NON_REPUDIATION, Usage::KEY_ENCIPHERMENT, Usage::DATA_ENCIPHERMENT, Usage::KEY_AGREEMENT];
        let bits = bits.into_iter().chain([Usage::KEY_CERT_SIGN, Usage::CRL_SIGN]).zip(0..);
        let usage = certificate.key_usage().unwrap();
        Self {
            subject: certificate.subject().as_der().to_vec(),
            not_before: now.minus(DAY),
            not_after,
            key_usage: bits.filter(|(bit, _)| usage.contains(*bit)).map(|(_, number)| number).collect(),
            path_length: certificate.basic_constraints().and_then(|constraints| constraints.path_len),
            uri: certificate.alt_names().and_then(|names| names.uris.first().map(|uri| (*uri).to_owned())),
            permitted_uri: None,
            key_id: certificate.subject_key_id().map(|id| id.as_bytes().to_vec()),
        }
    }
}
