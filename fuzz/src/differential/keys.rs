use std::sync::{Arc, LazyLock};

use meshroot::key::{Crypto, KeyError, PrivateKey, PublicKey, Signer};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::nid::Nid;

/// How many keys of each kind there are.
pub(super) const EACH: usize = 10;

/// Fixed keys: no secret anywhere, the same on every machine.
static POOL: LazyLock<Vec<Arc<dyn Signer>>> = LazyLock::new(|| (0..2 * EACH).map(make).collect());

/// A key of the pool: the even ones are P-256, the odd ones Ed25519. The same bytes always get the same signature, so that an input is
/// the same case every time.
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
    let read = |der: &[u8]| PrivateKey::from_der(der, None, &crypto).expect("a fixed key");
    match index % 2 {
        0 => {
            let key = read(&with_public_half(&secret).expect("a scalar below the order"));
            Arc::new(Deterministic { secret, public_key: key.public_key().clone(), crypto })
        }
        _ => {
            let der = [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &secret].concat();
            read(&der).signer(&crypto).expect("a fixed key")
        }
    }
}

/// SEC1 with its public half, which only OpenSSL computes for us.
fn with_public_half(secret: &[u8; 32]) -> Result<Vec<u8>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let scalar = BigNum::from_slice(secret)?;
    let mut point = EcPoint::new(&group)?;
    let mut context = BigNumContext::new()?;
    point.mul_generator2(&group, &scalar, &mut context)?;
    EcKey::from_private_components(&group, &scalar, &point)?.private_key_to_der()
}

/// ECDSA whose nonce follows from key and message. Its secret is known to everybody, so it protects nothing.
#[derive(Debug)]
struct Deterministic {
    secret: [u8; 32],
    public_key: PublicKey,
    crypto: Crypto,
}

impl Deterministic {
    /// SEC 1 §4.1.3.
    fn ecdsa(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let mut context = BigNumContext::new()?;
        let (mut order, mut x, mut y) = (BigNum::new()?, BigNum::new()?, BigNum::new()?);
        group.order(&mut order, &mut context)?;
        let digest = self.crypto.sha256(message);
        let seed = BigNum::from_slice(&self.crypto.sha256(&[self.secret, digest].concat()))?;
        let (mut nonce, mut inverse, mut r, mut rd, mut sum, mut s) =
            (BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?, BigNum::new()?);
        nonce.nnmod(&seed, &order, &mut context)?;
        let mut point = EcPoint::new(&group)?;
        point.mul_generator2(&group, &nonce, &mut context)?;
        point.affine_coordinates(&group, &mut x, &mut y, &mut context)?;
        r.nnmod(&x, &order, &mut context)?;
        rd.mod_mul(&r, &*BigNum::from_slice(&self.secret)?, &order, &mut context)?;
        sum.mod_add(&rd, &*BigNum::from_slice(&digest)?, &order, &mut context)?;
        inverse.mod_inverse(&nonce, &order, &mut context)?;
        s.mod_mul(&inverse, &sum, &order, &mut context)?;
        EcdsaSig::from_private_components(r, s)?.to_der()
    }
}

impl Signer for Deterministic {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.ecdsa(message).map_err(|e| KeyError::SignerFailed(e.to_string()))
    }
}
