//! Where our reader stops and another's may go on.

use crate::x509::CertificateError;

use super::Implementation;

/// Whether the implementation reads some of what our reader refuses in this place.
pub(super) fn goes_on(who: Implementation, e: &CertificateError) -> bool {
    let CertificateError::Malformed { field, .. } = e else {
        return who == Implementation::OpenSsl && matches!(e, CertificateError::TrailingBytes(_));
    };
    match who {
        Implementation::OpenSsl => !matches!(*field, "tbsCertificate.serialNumber" | "tbsCertificate.validity"),
        Implementation::RustlsWebpki => matches!(*field, "tbsCertificate.serialNumber" | "tbsCertificate.extensions"),
        Implementation::BoringSsl => matches!(*field, "tbsCertificate.version" | "tbsCertificate.extensions"),
        // Times without seconds.
        Implementation::Go => matches!(*field, "tbsCertificate.version" | "tbsCertificate.validity" | "tbsCertificate.extensions"),
    }
}
