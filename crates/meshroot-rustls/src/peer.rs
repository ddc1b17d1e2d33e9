use meshroot::spiffe::SpiffeId;
use meshroot::x509::Certificate;
use rustls::pki_types::CertificateDer;

/// Who is at the other end, from `peer_certificates()` of a connection: the first certificate's one SPIFFE ID.
///
/// It reads and does not judge: ask it about connections whose handshake is over and whose configuration is one of
/// [`client_config`](crate::client_config) and [`server_config`](crate::server_config). `None` for what those never accept:
/// no certificate, no URI or several, a SPIFFE ID without a path.
pub fn peer_id(certificates: &[CertificateDer<'_>]) -> Option<SpiffeId> {
    id_of(&Certificate::from_der(certificates.first()?).ok()?)
}

pub(crate) fn id_of(leaf: &Certificate) -> Option<SpiffeId> {
    let uris = leaf.alt_names()?.uris;
    let [uri] = uris.as_slice() else { return None };
    SpiffeId::parse(uri).ok().filter(|id| !id.path().is_empty())
}
