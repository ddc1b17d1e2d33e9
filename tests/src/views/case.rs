//! One case: a chain that somebody presents, and what the one who judges it trusts.

use super::cert::Spec;
use super::crl::CrlSpec;
use super::keys::Key;

/// A chain with everything that a validator is given.
#[derive(Clone, Debug)]
pub struct Case {
    /// Like `uri_constraint.sub_domain`.
    pub name: String,
    /// DER, leaf first, as a peer sends it.
    pub chain: Vec<Vec<u8>>,
    /// DER.
    pub anchors: Vec<Vec<u8>>,
    /// DER; none: revocation is not asked for.
    pub crls: Vec<Vec<u8>>,
    /// What the presenter is in TLS.
    pub role: Role,
    /// The time of judgement, in seconds since 1970; none: the present.
    pub at: Option<i64>,
    /// The leaf's key.
    pub key: &'static Key,
    /// The trust domain whose bundle the anchors are.
    pub trust_domain: String,
}

/// What the presenter is in TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A client: the one who judges is the server.
    Client,
    /// A server.
    Server,
}

/// The usual hierarchy, to be spoilt: a root, a cluster CA, a leaf.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "their names say it")]
pub struct Mesh {
    pub root: Spec,
    pub ca: Spec,
    pub leaf: Spec,
    pub crls: Vec<Vec<u8>>,
    pub role: Role,
    pub at: Option<i64>,
    pub trust_domain: String,
}

impl Mesh {
    /// As it should be.
    pub fn good() -> Self {
        Self {
            root: Spec::root(),
            ca: Spec::ca("CA west", "ca"),
            leaf: Spec::leaf(),
            crls: vec![],
            role: Role::Client,
            at: None,
            trust_domain: "mesh.example".to_owned(),
        }
    }

    /// CRLs of the root and the CA: both, with what each revokes.
    pub fn with_crls(&mut self, root: &CrlSpec, ca: &CrlSpec) {
        self.crls = vec![root.signed_by(&self.root), ca.signed_by(&self.ca)];
    }

    /// The root's certificate.
    pub fn root_der(&self) -> Vec<u8> {
        self.root.signed_by(&self.root)
    }

    /// The CA's certificate.
    pub fn ca_der(&self) -> Vec<u8> {
        self.ca.signed_by(&self.root)
    }

    /// The leaf's certificate.
    pub fn leaf_der(&self) -> Vec<u8> {
        self.leaf.signed_by(&self.ca)
    }

    /// The case of these three.
    pub fn case(&self, name: &str) -> Case {
        self.presenting(name, vec![self.leaf_der(), self.ca_der()])
    }

    /// The case of another chain below this root.
    pub fn presenting(&self, name: &str, chain: Vec<Vec<u8>>) -> Case {
        Case {
            name: name.to_owned(),
            chain,
            anchors: vec![self.root_der()],
            crls: self.crls.clone(),
            role: self.role,
            at: self.at,
            key: self.leaf.key,
            trust_domain: self.trust_domain.clone(),
        }
    }
}

/// The usual hierarchy with something changed.
pub fn with(name: &str, change: impl FnOnce(&mut Mesh)) -> Case {
    let mut mesh = Mesh::good();
    change(&mut mesh);
    mesh.case(name)
}
