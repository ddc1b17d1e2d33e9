use std::sync::{Arc, LazyLock};

use meshroot::key::{Crypto, PrivateKey, Signer};

/// How many keys of each kind there are.
pub(super) const EACH: usize = 10;

/// Fixed keys: no secret anywhere, the same on every machine.
static POOL: LazyLock<Vec<Arc<dyn Signer>>> = LazyLock::new(|| (0..2 * EACH).map(make).collect());

/// A key of the pool: the even ones are P-256, the odd ones Ed25519.
pub(super) fn key(index: usize) -> &'static dyn Signer {
    &*POOL[index % POOL.len()]
}

/// AlgorithmIdentifier of the signatures that a key makes.
pub(super) fn signature_algorithm(index: usize) -> &'static [u8] {
    match index % 2 {
        0 => b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
        _ => b"\x30\x05\x06\x03\x2b\x65\x70",
    }
}

fn make(index: usize) -> Arc<dyn Signer> {
    let crypto = Crypto::ring();
    let secret = crypto.sha256(format!("meshroot differential key {index}").as_bytes());
    let der = match index % 2 {
        0 => p256(&secret),
        _ => [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &secret].concat(),
    };
    PrivateKey::from_der(&der, None, &crypto).expect("a fixed key").signer(&crypto).expect("a fixed key")
}

/// SEC1 with its public half, which only OpenSSL computes for us.
fn p256(secret: &[u8; 32]) -> Vec<u8> {
    use openssl::{
        bn::BigNum,
        ec::{EcGroup, EcKey, EcPoint},
        nid::Nid,
    };
    let made = || {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let scalar = BigNum::from_slice(secret)?;
        let mut context = openssl::bn::BigNumContext::new()?;
        let mut point = EcPoint::new(&group)?;
        point.mul_generator2(&group, &scalar, &mut context)?;
        EcKey::from_private_components(&group, &scalar, &point)?.private_key_to_der()
    };
    made().expect("a scalar below the order")
}
