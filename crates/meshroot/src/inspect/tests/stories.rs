//! What each kind of input must be told.

use super::{codes, input, look, now};
use crate::inspect::{Item, Kind, inspect};
use crate::key::Crypto;
use crate::lint::Severity;
use crate::pem;
use crate::time::Timestamp;

fn items(name: &str) -> Vec<Item> {
    look(&input(name)).unwrap()
}

fn kinds(items: &[Item]) -> Vec<Kind> {
    items.iter().map(|item| item.kind).collect()
}

/// The first block of a PEM input, as DER.
fn first_der(name: &str) -> Vec<u8> {
    pem::parse(&input(name)).unwrap()[0].der.clone()
}

#[test]
fn a_good_chain_has_no_problem_and_says_who_it_is() {
    let items = items("svid.pem");
    assert_eq!(kinds(&items), [Kind::Chain, Kind::Certificate, Kind::Certificate]);
    assert_eq!(codes(&items), [""; 0]);
    assert_eq!(items[1].get("SPIFFE ID"), Some("spiffe://mesh.example/ns/shop/sa/cart"));
    assert_eq!(items[1].get("valid until"), Some("2026-11-23T11:00:00Z (valid for 23h)"));
    assert_eq!(items[2].get("CA"), Some("yes, with no CA below (pathLen 0)"));
}

#[test]
fn validity_is_judged_at_the_given_time() {
    let at = |time: &str| inspect(&input("svid.pem"), "", &Crypto::ring(), time.parse::<Timestamp>().unwrap()).unwrap();
    let later = at("2026-11-26T11:00:00Z");
    assert_eq!(later[1].get("valid until"), Some("2026-11-23T11:00:00Z (expired 3d ago)"));
    assert_eq!(codes(&later), ["inspect.expired"]);
    let earlier = at("2026-11-22T10:00:00Z");
    assert_eq!(earlier[1].get("valid until"), Some("2026-11-23T11:00:00Z (not valid yet, for another 1h)"));
    assert_eq!(codes(&earlier), ["inspect.not_yet_valid"]);
    // Both ends belong to the period.
    assert_eq!(codes(&at("2026-11-23T11:00:00Z")), [""; 0]);
    assert_eq!(codes(&at("2026-11-23T11:00:01Z")), ["inspect.expired"]);
}

#[test]
fn a_chain_in_the_wrong_order_is_told_the_right_one() {
    let order = items("order.pem");
    assert_eq!(codes(&order), ["inspect.order", "inspect.root_included"]);
    assert!(order[0].problems[0].message.ends_with("put them as line 1, then line 25, then line 13"), "{}", order[0]);
    assert_eq!(codes(&items("leaf-last.pem")), ["inspect.order"]);
}

#[test]
fn strangers_duplicates_and_foreign_keys_in_a_chain_are_found() {
    assert_eq!(codes(&items("unrelated.pem")), ["inspect.unrelated", "inspect.duplicate", "inspect.key_mismatch"]);
}

#[test]
fn an_issuer_of_the_same_name_and_another_key_is_found() {
    assert_eq!(codes(&items("same-name.pem")), ["inspect.bad_signature"]);
}

#[test]
fn issuers_that_must_not_issue_are_found() {
    assert_eq!(codes(&items("leaf-signs.pem")), ["inspect.issuer_not_a_ca"]);
    let deep = items("too-deep.pem");
    assert_eq!(codes(&deep), ["inspect.path_length", "inspect.outlives_issuer", "inspect.other_trust_domain", "inspect.root_included"]);
}

#[test]
fn key_identifiers_that_do_not_fit_are_found() {
    let mut chain = input("svid.pem");
    // The issuer's own identifier, changed in one byte: its signature no longer counts either, but that is not asked here.
    let ca = &pem::parse(&chain).unwrap()[1];
    let id = look(&ca.der).unwrap()[0].get("subject key id").unwrap().to_owned();
    let bytes: Vec<u8> = (0..id.len()).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect();
    let mut der = ca.der.clone();
    let at = der.windows(bytes.len()).position(|window| window == bytes).unwrap();
    der[at] ^= 1;
    chain.truncate(chain.windows(5).rposition(|window| window == b"BEGIN").unwrap() - 5);
    chain.extend(pem::encode_certificate(&der).into_bytes());
    assert_eq!(codes(&look(&chain).unwrap()), ["inspect.key_id_mismatch"]);
}

#[test]
fn a_private_key_is_held_against_the_first_certificate() {
    let with_key = items("svid-and-key.pem");
    assert_eq!(codes(&with_key), [""; 0]);
    assert_eq!(with_key[1].kind, Kind::PrivateKey);
    assert_eq!(with_key[1].get("belongs to"), Some("the first certificate (line 6)"));

    let text = String::from_utf8(input("svid-and-key.pem")).unwrap();
    let (key, certificates) = text.split_at(text.find("-----BEGIN CERTIFICATE").unwrap());
    let (leaf, ca) = certificates.split_at(certificates.rfind("-----BEGIN CERTIFICATE").unwrap());
    let turned = look(format!("{key}{ca}{leaf}").as_bytes()).unwrap();
    assert!(codes(&turned).contains(&"inspect.key_mismatch"));
}

#[test]
fn trust_anchors_are_no_chain() {
    let roots = items("roots.pem");
    assert_eq!(roots[0].kind, Kind::TrustAnchors);
    assert_eq!(codes(&roots), ["inspect.duplicate", "inspect.not_a_root", "inspect.expired"]);
}

#[test]
fn certificates_that_we_refuse_are_described_all_the_same() {
    let weak = items("weak.pem");
    assert_eq!(weak[0].get("key"), Some("RSA-1024"));
    let expected = [
        "lint.public_key",
        "lint.unknown_critical",
        "lint.dns_name",
        "lint.leaf_signs",
        "lint.eku_incomplete",
        "lint.several_uris",
        "lint.string_type",
        "lint.printable_string",
        "inspect.expired",
        "lint.san_critical",
    ];
    assert_eq!(codes(&weak), expected);
    let p521 = items("p521.der");
    assert_eq!(p521[0].get("key"), Some("ECDSA P-521"));
    assert!(codes(&p521).contains(&"lint.id_without_path"));
}

#[test]
fn a_server_is_not_held_to_be_a_workload() {
    let server = items("server.der");
    assert_eq!(server[0].title, "server certificate for ewgw.mesh.example");
    assert_eq!(server[0].worst(), Some(Severity::Warning));
    assert_eq!(codes(&server), ["lint.eku_incomplete", "lint.no_uri", "lint.long_leaf", "lint.ed25519", "lint.san_critical"]);
}

#[test]
fn what_a_ca_should_not_say_is_told() {
    let constrained = items("constrained.pem");
    assert_eq!(constrained[0].get("name constraints"), Some("only URI mesh.example; never DNS internal"));
    for code in ["lint.ski_missing", "lint.aki_missing", "lint.uri_constraints", "lint.eku_on_ca", "lint.ca_key_usage"] {
        assert!(codes(&constrained).contains(&code), "{code}");
    }
    assert_eq!(codes(&items("forever.pem")), ["lint.ca_without_id", "lint.no_expiration"]);
}

#[test]
fn a_root_whose_own_key_did_not_sign_it_is_found() {
    let mut der = first_der("forever.pem");
    let last = der.len() - 1;
    der[last] ^= 1;
    assert!(codes(&look(&der).unwrap()).contains(&"inspect.self_signature"));
}

#[test]
fn requests_are_told_what_they_must_not_ask_for() {
    let request = items("request.pem");
    assert_eq!(codes(&request), ["inspect.csr_ca", "inspect.csr_not_a_spiffe_id", "inspect.csr_other_names"]);
    assert!(request[0].title.contains(r"cart\u{202e}evil"), "{}", request[0].title);
    let mut der = first_der("request.pem");
    let last = der.len() - 1;
    der[last] ^= 1;
    assert!(codes(&look(&der).unwrap()).contains(&"csr.no_proof"));
}

#[test]
fn a_bundle_tells_its_trust_domain_and_what_readers_ignore() {
    let good = items("bundle.json");
    assert_eq!(good[0].title, "SPIFFE trust bundle of mesh.example, as its authorities say");
    assert_eq!(codes(&good), [""; 0]);
    let ignored = items("bundle-ignored.json");
    let expected = [
        "bundle.entry.private_key",
        "bundle.not_a_ca",
        "bundle.entry.key_differs",
        "bundle.entry.unknown_use",
        "bundle.entry.missing_member",
        "bundle.hint_too_long",
        "bundle.entry.repeated",
        "inspect.expired",
    ];
    assert_eq!(codes(&ignored), expected);
    // An expired authority waits for its removal, and breaks nothing.
    assert_eq!(ignored[2].worst(), Some(Severity::Warning));
    let unnamed = look(br#"{"keys":[]}"#).unwrap();
    assert!(unnamed[0].title.contains("unknown trust domain"));
    assert_eq!(codes(&unnamed), ["inspect.empty_bundle"]);
}

#[test]
fn a_bundle_map_tells_each_bundle_its_own() {
    let map = items("map.json");
    assert_eq!(map[0].kind, Kind::BundleMap);
    assert_eq!(codes(&map), ["inspect.other_trust_domain", "inspect.empty_bundle"]);
    let entry = |name: &str, key: &str| format!(r#""{name}":{{"keys":[{{"kty":"{key}","use":"x509-svid"}}]}}"#);
    let ignored = look(format!(r#"{{"trust_domains":{{{},{}}}}}"#, entry("b.example", "two"), entry("a.example", "one")).as_bytes()).unwrap();
    assert_eq!(ignored[1].place, r#"trust_domains["a.example"]"#);
    assert!(ignored[1].to_string().contains("'one'") && !ignored[1].to_string().contains("'two'"), "{}", ignored[1]);
    assert!(ignored[2].to_string().contains("'two'"), "{}", ignored[2]);
}

#[test]
fn a_secret_is_judged_as_istiod_would_and_says_that_its_key_is_plain() {
    let good = items("cacerts.yaml");
    assert_eq!(good[0].get("as istiod sees it"), Some("good"));
    assert_eq!(codes(&good), ["inspect.plain_key"]);
    let wrong = items("cacerts-wrong-key.yaml");
    assert_eq!(wrong[0].get("as istiod sees it"), Some("it would not work"));
    assert!(codes(&wrong).contains(&"istio.key_mismatch"));
    assert_eq!(codes(&items("tls.yaml")), ["inspect.key_mismatch", "inspect.plain_key"]);
}

#[test]
fn a_broken_part_does_not_hide_the_others() {
    let items = items("broken-part.pem");
    assert_eq!(kinds(&items), [Kind::Certificate, Kind::Broken, Kind::Other]);
    assert_eq!(codes(&items), ["x509.malformed", "inspect.pem_label"]);
}

#[test]
fn an_unlock_file_is_known_and_its_secret_not_told() {
    let items = items("unlock.key");
    assert_eq!(items[0].kind, Kind::UnlockFile);
    assert!(!items[0].to_string().contains("5a5a"));
}

#[test]
fn what_cannot_be_read_is_told_what_it_looks_like_and_where() {
    let said = |bytes: &[u8]| {
        let e = look(bytes).expect_err("it should not be readable");
        (e.code(), e.to_string())
    };
    let cut = first_der("svid.pem");
    for (bytes, code, words) in [
        (b"".as_slice(), "inspect.unknown", "input: it is empty"),
        (b" \n\t", "inspect.unknown", "nothing but blanks"),
        (b"hello\nworld\n", "inspect.unknown", "text of an unknown kind (2 lines)"),
        (b"\x00\x01\x02", "inspect.unknown", "binary data of an unknown kind (no text from offset 0 on)"),
        (b"abc\x00", "inspect.unknown", "offset 3"),
        (b"SQLite format 3\0rest", "inspect.unknown", "meshroot status"),
        (b"\xff\xfea\0b\0", "inspect.unknown", "UTF-16"),
        (b"ssh-ed25519 AAAA me@host", "inspect.unknown", "SSH public key"),
        (b"spiffe://mesh.example/a", "inspect.unknown", "a SPIFFE ID as text"),
        (b"\x30\x03\x02\x01\x00", "inspect.unknown", "DER of an unknown kind"),
        (b"\x30\x82\x01\x00\x02\x01\x03\x30\x82", "inspect.unknown", "PKCS#12"),
        (b"{", "inspect.json", "line 1, column 1"),
        (b"{}", "inspect.unknown_json", "no members"),
        (b"{\"a\": 1}", "inspect.unknown_json", "members 'a'"),
        (b"[1]", "inspect.json", "JSON"),
        (b"{\"keys\": 7}", "bundle.malformed", "it looks like a SPIFFE bundle"),
        (b"apiVersion: v1\nkind: ConfigMap\n", "manifest.no_secret", "Kubernetes manifest"),
        (b"-----BEGIN CERTIFICATE-----\n", "pem.unclosed", "line 1"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "x509.malformed", "line 1: it looks like a certificate"),
        (b"  -----BEGIN nothing", "pem.boundary", "line 1"),
        (b"meshroot-unlock-v1 12", "seal.unlock_file", "unlock file"),
        (&cut[..cut.len() - 1], "x509.malformed", "it looks like a certificate"),
        (&cut[..cut.len() / 2], "x509.malformed", "it looks like a certificate"),
    ] {
        let (found, message) = said(bytes);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(words), "{message}");
        assert!(message.starts_with("input: "), "{message}");
    }
    let (_, base64) = said("QUJD".repeat(20).as_bytes());
    assert!(base64.contains("base64 without") && !base64.contains("QUJD"), "{base64}");
}

#[test]
fn json_errors_do_not_repeat_what_may_be_a_key() {
    for json in [
        r#"{"keys": "SECRETSECRET"}"#,
        r#"{"keys": ["SECRETSECRET"]}"#,
        r#"{"trust_domains": "SECRETSECRET"}"#,
        r#""SECRETSECRET""#,
        r#"{"kind": "Secret", "metadata": "SECRETSECRET"}"#,
    ] {
        let e = look(json.as_bytes()).unwrap_err();
        assert!(!e.to_string().contains("SECRETSECRET"), "{e}");
    }
}

#[test]
fn a_name_of_a_file_cannot_touch_a_terminal() {
    let e = inspect(b"", "a\u{1b}[31mb", &Crypto::ring(), now()).unwrap_err();
    assert!(!e.to_string().contains('\u{1b}'));
}

#[test]
fn strings_that_are_not_what_they_say_are_found() {
    let der = first_der("svid.pem");
    let ca = pem::parse(&input("svid.pem")).unwrap()[1].der.clone();
    assert!(look(&der).unwrap()[0].problems.is_empty());
    let at = ca.windows(12).position(|window| window == b"mesh.example").unwrap();
    let mut bad = ca.clone();
    // Not UTF-8 any more, in a UTF8String.
    bad[at] = 0xff;
    assert!(codes(&look(&bad).unwrap()).contains(&"lint.utf8_string"));
    let mut printable = ca;
    printable[at - 2] = 0x13;
    printable[at] = b'@';
    assert!(codes(&look(&printable).unwrap()).contains(&"lint.printable_string"));
}
