use std::sync::Arc;

use meshroot::key::Crypto;

use super::Operators;
use crate::discovery::KeySets;
use crate::mesh::Snapshot;
use crate::review::Reviews;
use crate::{Config, ServiceError};

/// By what callers are made out, besides the store and the policy: read from the settings, once.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) operators: Operators,
    pub(crate) key_sets: Arc<KeySets>,
    pub(crate) reviews: Reviews,
}

impl Means {
    pub(crate) fn read(config: &Config, snapshot: &Snapshot, crypto: &Crypto) -> Result<Self, ServiceError> {
        Ok(Self {
            operators: Operators::read(&config.administration, snapshot, crypto)?,
            key_sets: Arc::new(KeySets::new(&config.discovery)?),
            reviews: Reviews::new(&config.review, config.limits.remembered).map_err(|e| ServiceError::Review(e.to_string()))?,
        })
    }
}
