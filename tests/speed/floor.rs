use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey};

use crate::latency::median;
use crate::process::on_cpu;

/// The signature work that no certificate can do without, measured while the server works: verify the request, sign, verify
/// what was signed. Neighbours, clocks and caches are the same for both then.
pub(crate) struct Floor {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<f64>>,
}

/// Operations a burst, and the time between two bursts: about six parts of a hundred of one core.
const BURST: u32 = 40;
const PAUSE: Duration = Duration::from_millis(60);

impl Floor {
    pub(crate) fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let work = Work::new();
            let mut bursts = Vec::new();
            while !stopped.load(Ordering::Relaxed) || bursts.len() < 3 {
                let before = on_cpu();
                (0..BURST).for_each(|_| work.once());
                // Only with the switch to another thread does the kernel write down all of what a thread has run.
                std::thread::sleep(PAUSE);
                bursts.push((on_cpu() - before).as_secs_f64() / f64::from(BURST));
            }
            bursts
        });
        Self { stop, thread }
    }

    /// Seconds of CPU a certificate, the median of all bursts.
    pub(crate) fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        median(self.thread.join().unwrap())
    }
}

struct Work {
    random: SystemRandom,
    key: EcdsaKeyPair,
    // As long as the signed parts of a request and of a certificate.
    request: [u8; 260],
    tbs: [u8; 480],
    signature: Vec<u8>,
}

impl Work {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let (request, tbs) = ([1; 260], [2; 480]);
        let signature = key.sign(&random, &request).unwrap().as_ref().to_vec();
        Self { random, key, request, tbs, signature }
    }

    fn once(&self) {
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.key.public_key());
        public.verify(&self.request, &self.signature).unwrap();
        let signature = self.key.sign(&self.random, &self.tbs).unwrap();
        public.verify(&self.tbs, signature.as_ref()).unwrap();
    }
}
