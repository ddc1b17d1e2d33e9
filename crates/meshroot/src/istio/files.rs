use core::fmt;

use zeroize::Zeroizing;

/// The signing certificate; istiod reads the first one in it and no other.
pub const CA_CERT: &str = "ca-cert.pem";
/// The signing certificate's private key, unencrypted.
pub const CA_KEY: &str = "ca-key.pem";
/// What is sent along with every leaf: the signing certificate, then its issuers upwards.
pub const CERT_CHAIN: &str = "cert-chain.pem";
/// All the roots that workloads trust.
pub const ROOT_CERT: &str = "root-cert.pem";
/// The CRLs of every CA, if revocation is used.
pub const CA_CRL: &str = "ca-crl.pem";
/// The signing certificate and its chain in a Secret of type `kubernetes.io/tls`.
pub const TLS_CRT: &str = "tls.crt";
/// The private key in a Secret of type `kubernetes.io/tls`.
pub const TLS_KEY: &str = "tls.key";
/// The roots in a Secret of type `kubernetes.io/tls`.
pub const TLS_CA: &str = "ca.crt";
/// The empty marker that istiod leaves in a set it made itself.
pub const ISTIO_GENERATED: &str = "istio-generated";

/// The bytes of a cacerts set as they were found; a file that is not there is `None`.
///
/// Both layouts fit: Istio's own, and the one of `kubernetes.io/tls` Secrets (`tls.crt`, `tls.key`, `ca.crt`), which
/// istiod takes whenever `tls.crt` exists. Keys are wiped when the value is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacertsFiles {
    /// `ca-cert.pem`.
    pub ca_cert: Option<Vec<u8>>,
    /// `ca-key.pem`.
    pub ca_key: Option<Zeroizing<Vec<u8>>>,
    /// `cert-chain.pem`.
    pub cert_chain: Option<Vec<u8>>,
    /// `root-cert.pem`.
    pub root_cert: Option<Vec<u8>>,
    /// `ca-crl.pem`.
    pub ca_crl: Option<Vec<u8>>,
    /// `tls.crt`.
    pub tls_crt: Option<Vec<u8>>,
    /// `tls.key`.
    pub tls_key: Option<Zeroizing<Vec<u8>>>,
    /// `ca.crt`.
    pub tls_ca: Option<Vec<u8>>,
    /// Whether `istio-generated` is there: istiod made the set for itself.
    pub istio_generated: bool,
}

impl CacertsFiles {
    /// The names that [`set`](Self::set) takes, in the order of the documentation.
    pub const NAMES: [&'static str; 9] = [CA_CERT, CA_KEY, CERT_CHAIN, ROOT_CERT, CA_CRL, TLS_CRT, TLS_KEY, TLS_CA, ISTIO_GENERATED];

    /// Puts in the file of this name; `false`, and nothing happens, when istiod would not read a file so called.
    pub fn set(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> bool {
        let bytes = Zeroizing::new(bytes.into());
        let public = || Some(bytes.to_vec());
        match name {
            CA_CERT => self.ca_cert = public(),
            CERT_CHAIN => self.cert_chain = public(),
            ROOT_CERT => self.root_cert = public(),
            CA_CRL => self.ca_crl = public(),
            TLS_CRT => self.tls_crt = public(),
            TLS_CA => self.tls_ca = public(),
            CA_KEY => self.ca_key = Some(bytes),
            TLS_KEY => self.tls_key = Some(bytes),
            ISTIO_GENERATED => self.istio_generated = true,
            _ => return false,
        }
        true
    }

    /// Whether no file of either layout is there.
    pub fn is_empty(&self) -> bool {
        *self == Self { istio_generated: self.istio_generated, ..Self::default() }
    }

    /// What istiod will read, by its rule: `tls.crt`, if it exists, decides for the layout of `kubernetes.io/tls`.
    pub(crate) fn as_istiod_reads_them(&self) -> Reading<'_> {
        // istiod's rule knows only tls.crt. A folder with tls.key alone was still meant to be of that layout, and the
        // complaint about what is missing should say so.
        let istio = [&self.ca_cert, &self.cert_chain, &self.root_cert].iter().any(|file| file.is_some()) || self.ca_key.is_some();
        if self.tls_crt.is_some() || !istio && (self.tls_key.is_some() || self.tls_ca.is_some()) {
            let cert = File { name: TLS_CRT, bytes: self.tls_crt.as_deref() };
            return Reading {
                cert,
                key: File { name: TLS_KEY, bytes: self.tls_key.as_ref().map(|key| key.as_slice()) },
                chain: cert,
                root: File { name: TLS_CA, bytes: self.tls_ca.as_deref() },
                crl: None,
                kubernetes_tls: true,
            };
        }
        Reading {
            cert: File { name: CA_CERT, bytes: self.ca_cert.as_deref() },
            key: File { name: CA_KEY, bytes: self.ca_key.as_ref().map(|key| key.as_slice()) },
            chain: File { name: CERT_CHAIN, bytes: self.cert_chain.as_deref() },
            root: File { name: ROOT_CERT, bytes: self.root_cert.as_deref() },
            // An empty CRL file counts as none in istiod.
            crl: self.ca_crl.as_deref().filter(|crl| !crl.is_empty()),
            kubernetes_tls: false,
        }
    }
}

/// The sizes of the files, nothing of what is in them.
impl fmt::Debug for CacertsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_map();
        let public = [
            (CA_CERT, &self.ca_cert),
            (CERT_CHAIN, &self.cert_chain),
            (ROOT_CERT, &self.root_cert),
            (CA_CRL, &self.ca_crl),
            (TLS_CRT, &self.tls_crt),
            (TLS_CA, &self.tls_ca),
        ];
        out.entries(public.iter().filter_map(|(name, file)| Some((name, file.as_ref()?.len()))));
        let secret = [(CA_KEY, &self.ca_key), (TLS_KEY, &self.tls_key)];
        out.entries(secret.iter().filter(|(_, key)| key.is_some()).map(|(name, _)| (name, "redacted")));
        out.finish()
    }
}

/// One file: what it is called, and its bytes if it is there.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    pub(crate) name: &'static str,
    pub(crate) bytes: Option<&'a [u8]>,
}

/// The files that istiod makes a CA of.
pub(crate) struct Reading<'a> {
    pub(crate) cert: File<'a>,
    pub(crate) key: File<'a>,
    pub(crate) chain: File<'a>,
    pub(crate) root: File<'a>,
    pub(crate) crl: Option<&'a [u8]>,
    /// The chain is `tls.crt` and `ca.crt`, one behind the other, with nothing in between; and no CRL is read.
    pub(crate) kubernetes_tls: bool,
}

impl Reading<'_> {
    /// The files that have to be there and are not.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let mut missing: Vec<_> =
            [self.cert, self.key, self.chain, self.root].iter().filter(|file| file.bytes.is_none()).map(|file| file.name).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_taken_and_others_are_not() {
        for name in CacertsFiles::NAMES {
            assert!(CacertsFiles::default().set(name, b"x".as_slice()), "{name}");
        }
        let mut files = CacertsFiles::default();
        assert!(!files.set("key.pem", b"x".as_slice()));
        assert!(files.is_empty());
    }

    #[test]
    fn debug_shows_no_byte_of_a_key() {
        let mut files = CacertsFiles::default();
        files.set(CA_KEY, b"secret".as_slice());
        files.set(CA_CERT, b"public".as_slice());
        assert_eq!(format!("{files:?}"), r#"{"ca-cert.pem": 6, "ca-key.pem": "redacted"}"#);
    }

    #[test]
    fn tls_crt_decides_for_the_layout_of_kubernetes_tls() {
        let mut files = CacertsFiles::default();
        files.set(CA_CERT, b"a".as_slice());
        assert_eq!(files.as_istiod_reads_them().cert.name, CA_CERT);
        files.set(TLS_CA, b"c".as_slice());
        assert_eq!(files.as_istiod_reads_them().cert.name, CA_CERT);
        files.set(TLS_CRT, b"b".as_slice());
        assert_eq!(files.as_istiod_reads_them().cert.name, TLS_CRT);
    }
}
