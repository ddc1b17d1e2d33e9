//! Encrypted PKCS#8 (RFC 5958 §3) with PBES2 (RFC 8018 §6.2), and its bounds on work.

use der::asn1::{ObjectIdentifier, OctetString, OctetStringRef};
use der::{Decode, Encode, Reader};
use pkcs8::pkcs5::{EncryptionScheme, pbes2};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::canonical::{self, malformed};
use super::{Entropy, KeyError};

/// Most memory that a file may make scrypt take, in bytes: twice what `N` = 2^17 takes, the most that is recommended.
const MAX_SCRYPT_MEMORY: u64 = 256 << 20;

/// Most memory times passes (`p`) that a file may ask for, in bytes: some seconds.
const MAX_SCRYPT_WORK: u64 = 1 << 30;

/// Most iterations that a file may make PBKDF2 take: some seconds (RFC 8018 §4.2 names it for critical keys).
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;

/// log2 of the `N` that we write: OpenSSL 3.0 refuses more ("memory limit exceeded").
const SCRYPT_LOG_N: u8 = 14;

/// Decrypts an EncryptedPrivateKeyInfo to the PKCS#8 inside.
pub(super) fn decrypt(der: &[u8], password: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (parameters, ciphertext) = read(der)?;
    let password = password.ok_or(KeyError::PasswordNeeded)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = parameters.decrypt_in_place(password, &mut buffer).map_err(|_| KeyError::WrongPassword)?.len();
    buffer.truncate(length);
    // A wrong password ends in valid padding once in 256 times, and then in noise.
    if pkcs8::PrivateKeyInfoRef::from_der(&buffer).is_err() {
        return Err(KeyError::WrongPassword);
    }
    Ok(buffer)
}

/// Encrypts a PKCS#8 key: scrypt with N=2^14, r=8, p=1, AES-256-CBC. For export; a store has a seal of its own.
pub(super) fn encrypt(pkcs8: &[u8], password: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, KeyError> {
    if password.is_empty() {
        return Err(KeyError::EmptyPassword);
    }
    let failed = |what: &'static str| move |_| KeyError::SignerFailed(what.into());
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    entropy.fill(&mut salt)?;
    entropy.fill(&mut iv)?;
    let cost = scrypt::Params::new(SCRYPT_LOG_N, 8, 1).map_err(|_| KeyError::SignerFailed("scrypt refused its parameters".into()))?;
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(failed("PBES2 refused its parameters"))?;
    let encrypted = parameters.encrypt(password, pkcs8).map_err(failed("PBES2 could not encrypt the key"))?;
    let encode = || {
        let encrypted_data = OctetString::new(encrypted)?;
        pkcs8::EncryptedPrivateKeyInfoOwned { encryption_algorithm: EncryptionScheme::Pbes2(parameters), encrypted_data }.to_der()
    };
    encode().map_err(|e| KeyError::SignerFailed(e.to_string()))
}

/// The parameters, supported and bounded, and the ciphertext.
fn read(der: &[u8]) -> Result<(pbes2::Parameters, &[u8]), KeyError> {
    let mut fields = canonical::fields(der)?;
    let scheme = AlgorithmIdentifierRef::decode(&mut fields).map_err(malformed)?;
    let ciphertext = <&OctetStringRef>::decode(&mut fields).map_err(malformed)?.as_bytes();
    fields.finish().map_err(malformed)?;
    if scheme.oid != pbes2::PBES2_OID {
        return Err(unsupported(scheme.oid));
    }
    let parameters = scheme.parameters.ok_or_else(|| KeyError::MalformedPrivateKey("PBES2 has no parameters".into()))?;
    let mut fields = canonical::fields_of(parameters)?;
    let derivation = AlgorithmIdentifierRef::decode(&mut fields).map_err(malformed)?;
    let cipher = AlgorithmIdentifierRef::decode(&mut fields).map_err(malformed)?;
    fields.finish().map_err(malformed)?;
    Ok((pbes2::Parameters { kdf: read_derivation(derivation)?, encryption: read_cipher(cipher)? }, ciphertext))
}

fn read_cipher(cipher: AlgorithmIdentifierRef<'_>) -> Result<pbes2::EncryptionScheme, KeyError> {
    match cipher.oid {
        pbes2::AES_128_CBC_OID | pbes2::AES_192_CBC_OID | pbes2::AES_256_CBC_OID => cipher.try_into().map_err(malformed),
        other => Err(unsupported(other)),
    }
}

fn read_derivation(derivation: AlgorithmIdentifierRef<'_>) -> Result<pbes2::Kdf, KeyError> {
    if ![pbes2::PBKDF2_OID, pbes2::SCRYPT_OID].contains(&derivation.oid) {
        return Err(unsupported(derivation.oid));
    }
    let derivation = pbes2::Kdf::try_from(derivation).map_err(|e| match e.kind() {
        der::ErrorKind::OidUnknown { oid } => unsupported(oid),
        _ => malformed(e),
    })?;
    match &derivation {
        pbes2::Kdf::Pbkdf2(p) if p.prf == pbes2::Pbkdf2Prf::HmacWithSha1 => return Err(unsupported(pbes2::HMAC_WITH_SHA1_OID)),
        pbes2::Kdf::Pbkdf2(p) if p.iteration_count == 0 => {
            return Err(KeyError::MalformedPrivateKey("PBKDF2 with 0 iterations".into()));
        }
        pbes2::Kdf::Pbkdf2(p) if p.iteration_count > MAX_PBKDF2_ITERATIONS => {
            return Err(KeyError::TooExpensive(format!("{} iterations of PBKDF2, more than {MAX_PBKDF2_ITERATIONS}", p.iteration_count)));
        }
        pbes2::Kdf::Scrypt(p) => check_scrypt(p)?,
        _ => {}
    }
    Ok(derivation)
}

fn check_scrypt(p: &pbes2::ScryptParams) -> Result<(), KeyError> {
    let (n, r, passes) = (p.cost_parameter, u64::from(p.block_size), u64::from(p.parallelization));
    // RFC 7914 §2. The crate would panic on N = 0.
    if n < 2 || !n.is_power_of_two() || r == 0 || passes == 0 {
        return Err(KeyError::MalformedPrivateKey(format!("impossible scrypt parameters N={n}, r={r}, p={passes}")));
    }
    let memory = n.saturating_mul(r).saturating_mul(128);
    let blocks = passes.saturating_mul(r).saturating_mul(128);
    if memory.saturating_add(blocks) > MAX_SCRYPT_MEMORY || memory.saturating_mul(passes) > MAX_SCRYPT_WORK {
        return Err(KeyError::TooExpensive(format!(
            "scrypt with N={n}, r={r}, p={passes}, more than {} MiB or several seconds",
            MAX_SCRYPT_MEMORY >> 20
        )));
    }
    Ok(())
}

/// Names what people meet; the rest goes by number.
fn unsupported(oid: ObjectIdentifier) -> KeyError {
    let number = oid.to_string();
    let name = match number.as_str() {
        "1.2.840.113549.1.5.3" => "pbeWithMD5AndDES-CBC",
        "1.2.840.113549.1.5.10" => "pbeWithSHA1AndDES-CBC",
        "1.2.840.113549.1.12.1.3" => "pbeWithSHA1And3-KeyTripleDES-CBC",
        "1.2.840.113549.1.12.1.6" => "pbeWithSHA1And40BitRC2-CBC",
        "1.2.840.113549.2.7" => "PBKDF2 with HMAC-SHA-1",
        "1.2.840.113549.3.7" => "triple DES",
        "1.3.14.3.2.7" => "DES",
        _ => return KeyError::UnsupportedEncryption(format!("the algorithm {number}")),
    };
    KeyError::UnsupportedEncryption(name.into())
}
