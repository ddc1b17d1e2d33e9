//! Our own validator on a case, and its views of the others.

use meshroot::key::Crypto;
use meshroot::revocation::{Crl, CrlSet};
use meshroot::time::Timestamp;
use meshroot::verify::views::{View, as_others_see};
use meshroot::verify::{PathQuery, Purpose, Rejection, validate_path};
use meshroot::x509::Certificate;

use super::{Case, Role};
use crate::exhibits::now;

/// A case as our library takes it: what it trusts has been read.
#[derive(Debug)]
pub struct Asked<'a> {
    case: &'a Case,
    anchors: Vec<Certificate>,
    crls: CrlSet,
}

impl<'a> Asked<'a> {
    /// Reads what the case trusts.
    ///
    /// # Errors
    /// Anchors or CRLs that our library does not read: nobody can hand it such.
    pub fn read(case: &'a Case) -> Result<Self, String> {
        let anchors = case.anchors.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let crls = case.crls.iter().map(|der| Crl::from_der(der)).collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        Ok(Self { case, anchors, crls: CrlSet::new(crls) })
    }

    fn query(&self) -> PathQuery<'_> {
        let purpose = if self.case.role == Role::Client { Purpose::ClientAuth } else { Purpose::ServerAuth };
        PathQuery::new(self.case.at.map_or_else(now, Timestamp::from_unix)).purpose(purpose).crls(&self.crls)
    }

    /// Our own verdict.
    pub fn ours(&self) -> Result<(), Rejection> {
        let (leaf, above) = self.case.chain.split_first().unwrap();
        validate_path(leaf, above, &self.anchors, &Crypto::ring(), &self.query()).map(|_| ())
    }

    /// What the others say, as we think.
    pub fn views(&self) -> Vec<View> {
        as_others_see(&self.case.chain, &self.anchors, &self.query(), &Crypto::ring())
    }
}
