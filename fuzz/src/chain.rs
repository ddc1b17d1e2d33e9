use std::sync::LazyLock;

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::key::Crypto;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::{Budget, CaLinks, Reason, ValidatedSvid, Validator};
use meshroot::x509::{Certificate, DistinguishedName};

use crate::credulous::Credulous;
use crate::{NOW, assert_code};

/// The only anchor. Its key, and that of the CA below it, were thrown away.
const ROOT: &[u8] = include_bytes!("../data/root.der");
/// The only leaves that were ever signed below it and are valid at [`NOW`]: below a cluster CA, below one with a name
/// constraint, and below another root that it cross-signed.
const LEAVES: [&[u8]; 3] =
    [include_bytes!("../data/leaf.der"), include_bytes!("../data/leaf-constrained.der"), include_bytes!("../data/leaf-crossed.der")];

struct Judges {
    root: Certificate,
    honest: Validator,
    credulous: Validator,
    counter: Credulous,
}

static JUDGES: LazyLock<Judges> = LazyLock::new(|| {
    let root = Certificate::from_der(ROOT).unwrap();
    let bundle = Bundle::new(TrustDomain::parse("mesh.example").unwrap()).with_x509_authorities([root.clone()]).unwrap();
    let map = BundleMap::from(bundle);
    let counter = Credulous::new();
    Judges { root, honest: Validator::new(&map, Crypto::ring()), credulous: Validator::new(&map, counter.crypto()), counter }
});

/// Any bytes, cut into a chain: each certificate is preceded by its length in two bytes.
///
/// Nobody can sign, so the leaves that exist are the only ones ever accepted; and where signatures are believed, what is
/// accepted still keeps every rule of a path. The work stays bounded either way.
pub fn validate_chain(data: &[u8]) {
    let chain = cut(data);
    let now = Timestamp::from_unix(NOW);
    let Judges { root, honest, credulous, counter } = &*JUDGES;

    let honestly = honest.validate(&chain, &CrlSet::empty(), now);
    if honestly.is_ok() {
        // An ECDSA signature has a second valid form, so only what is signed has to be the same.
        assert!(LEAVES.map(signed_part).contains(&signed_part(chain[0])), "a forged leaf was accepted");
    }

    counter.take();
    let mut links = CaLinks::new();
    let believed = credulous.validate_with(&chain, &CrlSet::empty(), now, &mut links);
    let most = Budget::default().signatures as usize + 2 * chain.len() + 2;
    let work = counter.take();
    assert!(work <= most, "{work} verifications for {} certificates", chain.len());
    match &believed {
        Ok(svid) => {
            keeps_the_rules(svid, &chain, root, now);
            // A remembered link judges the same chain the same way.
            let again = credulous.validate_with(&chain, &CrlSet::empty(), now, &mut links).expect("accepted a moment ago");
            assert_eq!((again.id(), again.not_after()), (svid.id(), svid.not_after()));
        }
        Err(rejection) => {
            // Who believes every signature follows more paths, and may run out of work where others do not.
            let exhausted = matches!(rejection.reason, Reason::BudgetExhausted { .. });
            assert!(honestly.is_err() || exhausted, "a signature too many made it invalid: {rejection}");
            assert_code(rejection.code(), &["verify"]);
            assert!(rejection.certificate.as_ref().is_none_or(|at| at.position <= chain.len()), "{rejection:?}");
        }
    }
}

fn keeps_the_rules(svid: &ValidatedSvid, chain: &[&[u8]], root: &Certificate, now: Timestamp) {
    let leaf = Certificate::from_der(chain[0]).expect("an accepted leaf can be read");
    let names = leaf.alt_names().expect("an accepted leaf has names");
    assert_eq!(names.uris, [svid.id().as_str()]);
    assert!(!svid.id().path().is_empty() && svid.id().trust_domain().as_str() == "mesh.example");
    assert!(!leaf.is_ca());
    assert_eq!(svid.path().last(), Some(root));

    let mut below = &leaf;
    let mut end = leaf.validity().not_after;
    let mut cas_below = 0;
    assert!(leaf.validity().contains(now));
    for ca in svid.path() {
        assert!(ca.is_ca() && ca.validity().contains(now));
        assert!(ca == root || chain.contains(&ca.der()), "a CA from nowhere");
        assert!(alike(below.issuer(), ca.subject()), "{} was not issued by {}", below.issuer(), ca.subject());
        let allowed = ca.basic_constraints().and_then(|constraints| constraints.path_len);
        assert!(allowed.is_none_or(|most| cas_below <= usize::from(most)), "{cas_below} CAs below one that allows {allowed:?}");
        cas_below += usize::from(!alike(ca.issuer(), ca.subject()));
        end = end.min(ca.validity().not_after);
        below = ca;
    }
    assert_eq!(svid.not_after(), end);
}

/// Whether two names may be the same by RFC 5280 §7.1, read naively: with the same letters but for case, in whatever order, since the
/// attributes of one part of a name have none. One that is shown as octets may be any: its string type is one that we do not spell out.
fn alike(one: &DistinguishedName, other: &DistinguishedName) -> bool {
    let letters = |name: &DistinguishedName| {
        let mut letters: Vec<char> = name.to_string().chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        letters.sort_unstable();
        letters
    };
    let spelt_out = |name: &DistinguishedName| !name.to_string().contains(['#', '\\', '(']);
    one == other || !(spelt_out(one) && spelt_out(other)) || letters(one) == letters(other)
}

fn cut(mut data: &[u8]) -> Vec<&[u8]> {
    let mut chain = Vec::new();
    while let [high, low, rest @ ..] = data {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (certificate, behind) = rest.split_at(length);
        chain.push(certificate);
        data = behind;
    }
    chain
}

/// The tbsCertificate of a readable certificate whose lengths take two bytes, as all of ours do.
fn signed_part(der: &[u8]) -> &[u8] {
    let [0x30, 0x82, _, _, tbs @ ..] = der else { panic!("not our leaf's form") };
    let [0x30, 0x82, high, low, ..] = tbs else { panic!("not our leaf's form") };
    &tbs[..4 + usize::from(u16::from_be_bytes([*high, *low]))]
}
