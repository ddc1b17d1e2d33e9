//! What an input is when it is not what is wanted.

use meshroot::inspect::inspect;
use meshroot::key::Crypto;
use meshroot::pem::PemError;
use meshroot::time::Timestamp;

use crate::exit::{Exit, Failure};

/// Says what the bytes are, as far as that can be told, and then what is wanted.
pub(crate) fn of(bytes: &[u8], wanted: &str) -> Failure {
    // Nothing that depends on the time is said.
    let other = PemError::NoCertificate.code();
    let (code, what) = match inspect(bytes, "", &Crypto::ring(), Timestamp::MIN) {
        Ok(items) => (other, items.first().map_or_else(|| "nothing is in it".to_owned(), |item| called(&item.title))),
        Err(e) => e.looks_like().map_or_else(|| (e.code(), e.to_string()), |what| (other, what.to_owned())),
    };
    Failure::new(Exit::BadInput, code, format!("{what}; what is wanted is {wanted}"))
}

fn called(title: &str) -> String {
    let article = if title.starts_with(['a', 'e', 'i', 'o', 'u', 'X']) { "an" } else { "a" };
    format!("this is {article} {title}")
}
