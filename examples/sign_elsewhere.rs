//! Signs with a key that this program never sees: first through a `Signer` of its own, then in two steps, where only
//! the finished to-be-signed bytes travel to the key and only a signature comes back.
//!
//!     cargo run -p meshroot-examples --bin sign_elsewhere

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::SystemTime;

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::create_root;
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, KeyError, PrivateKey, PublicKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;

/// A message, and where the signature goes.
type Job = (Vec<u8>, Sender<Result<Vec<u8>, KeyError>>);

/// The key of a KMS, an HSM or a ceremony laptop: its public half is here, its private half behind a channel.
#[derive(Debug)]
struct RemoteKey {
    public_key: PublicKey,
    jobs: Sender<Job>,
}

impl Signer for RemoteKey {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let gone = |_| KeyError::SignerFailed("the KMS does not answer".into());
        let (answer, signature) = channel();
        self.jobs.send((message.to_vec(), answer)).map_err(|_| KeyError::SignerFailed("the KMS is gone".into()))?;
        signature.recv().map_err(gone)?
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (crypto, now) = (Crypto::ring(), Timestamp::from(SystemTime::now()));

    // The other side: the private key lives in this thread and nowhere else.
    let (jobs, work) = channel::<Job>();
    let private = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?.signer(&crypto)?;
    let kms: Arc<dyn Signer> = Arc::new(RemoteKey { public_key: private.public_key().clone(), jobs });
    thread::spawn(move || work.iter().for_each(|(message, answer)| drop(answer.send(private.sign(&message)))));

    // Everything that signs takes a `Signer`: the root is made with it as with any other key.
    let trust_domain = TrustDomain::parse("mesh.example")?;
    let root = create_root(&trust_domain, &Profile::root_ca(), &*kms, &crypto, now)?;
    let bundle = Bundle::new(trust_domain).with_x509_authorities(root.certificates().iter().cloned())?;
    println!("the KMS signed the root '{}'", bundle.x509_authorities().iter().map(|root| root.subject().to_string()).collect::<String>());

    // In two steps: prepare everything, get the signature however you like (a queue, a file, a person), complete.
    let issuer = Issuer::new(root.certificates(), &bundle, Arc::clone(&kms), crypto.clone(), now)?;
    let workload = PrivateKey::generate(KeyAlgorithm::Ed25519, &crypto)?.signer(&crypto)?;
    let id = SpiffeId::parse("spiffe://mesh.example/ns/shop/sa/cart")?;
    let prepare = || -> Result<_, Box<dyn Error>> {
        let grant = Authorized::workload(ProvenRequest::from_signer(&*workload, &crypto)?, id.clone())?;
        Ok(issuer.prepare(grant, &Profile::workload(), SerialNumber::generate(crypto.entropy())?, now)?)
    };
    let tbs = prepare()?;
    println!("{} bytes to be signed with {}, serial {}", tbs.message().len(), tbs.algorithm(), tbs.serial());
    let signature = kms.sign(tbs.message())?;
    println!("completed: valid until {}", tbs.complete(&signature)?.validity().not_after);

    // A signature over anything else makes no certificate: what is returned was validated first.
    let Err(error) = prepare()?.complete(&signature) else { return Err("a foreign signature was taken".into()) };
    println!("refused [{}]: {error}", error.code());
    Ok(())
}
