use super::*;
use proptest::prelude::*;

const CERTIFICATE: &str = include_str!("../../testdata/keys/certificate.pem");

fn error(text: &str) -> PemError {
    parse(text.as_bytes()).unwrap_err()
}

#[test]
fn blocks_are_found_between_text_and_know_their_lines() {
    let text = format!("Bag Attributes\n    friendlyName: root\n{CERTIFICATE}\nsubject=CN=other\r\n{}", CERTIFICATE.replace('\n', "\r\n"));
    let blocks = parse(text.as_bytes()).unwrap();
    assert_eq!(blocks.iter().map(|b| b.line).collect::<Vec<_>>(), [3, 3 + CERTIFICATE.lines().count() + 2]);
    assert_eq!(blocks[0].der, blocks[1].der);
    assert_eq!(blocks[0].der, pem::parse(CERTIFICATE).unwrap().contents());
    assert!(parse(b"").unwrap().is_empty());
    assert!(parse(b"no block\n-- BEGIN nothing --\n").unwrap().is_empty());
}

#[test]
fn what_is_written_is_what_others_write() {
    for length in [0, 1, 47, 48, 49, 96, 1_000] {
        let der: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let theirs = pem::encode_config(&pem::Pem::new("CERTIFICATE", der.clone()), pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF));
        assert_eq!(encode_certificate(&der), theirs);
    }
}

#[test]
fn commented_out_blocks_are_text() {
    let text: String = CERTIFICATE.lines().map(|line| format!("# {line}\n")).collect();
    assert!(parse(text.as_bytes()).unwrap().is_empty());
}

#[test]
fn a_block_may_be_one_long_line_and_end_without_a_line_break() {
    let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let text = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
    assert_eq!(parse(text.as_bytes()).unwrap()[0].der, parse(CERTIFICATE.as_bytes()).unwrap()[0].der);
}

#[test]
fn boundaries_must_have_their_line_to_themselves() {
    let joined = format!("{}{CERTIFICATE}", CERTIFICATE.trim_end());
    let end = CERTIFICATE.lines().count();
    assert_eq!(error(&joined), PemError::Boundary { line: end });
    assert_eq!(error("text\n  -----BEGIN A-----\nAAAA\n-----END A-----\n"), PemError::Boundary { line: 2 });
    assert_eq!(error("-----BEGIN A-----\nAAAA\n  -----END A-----\n"), PemError::Boundary { line: 3 });
    assert_eq!(error("-----BEGIN A----\nAAAA\n-----END A-----\n"), PemError::Boundary { line: 1 });
    assert_eq!(error("-----BEGIN A-----\\nAAAA\\n-----END A-----\n"), PemError::Boundary { line: 1 });
    assert_eq!(error("-----BEGIN -----\nAAAA\n-----END -----\n"), PemError::Boundary { line: 1 });
    assert_eq!(error(&format!("-----BEGIN {}-----\n", "A".repeat(65))), PemError::Boundary { line: 1 });
}

#[test]
fn boundaries_must_match() {
    assert_eq!(error("x\n-----END A-----\n"), PemError::StrayEnd { line: 2 });
    assert_eq!(error("-----BEGIN A-----\nAAAA\n"), PemError::Unclosed { line: 1, label: "A".into() });
    assert_eq!(error("-----BEGIN A-----\nAAAA\n-----BEGIN B-----\nAAAA\n-----END B-----\n"), PemError::Unclosed { line: 1, label: "A".into() });
    assert_eq!(error("-----BEGIN A-----\nAAAA\n-----END B-----\n"), PemError::EndMismatch { line: 3, begun: "A".into(), ended: "B".into() });
}

#[test]
fn the_inside_of_a_block_is_strict() {
    let block = |body: &str| format!("-----BEGIN A-----\n{body}\n-----END A-----\n");
    let base64 = |reason| PemError::Base64 { line: 1, label: "A".into(), reason };
    assert_eq!(error(&block("AAAA\nAA-A")), PemError::Character { line: 3, column: 3 });
    assert_eq!(error(&block(" AAAA")), PemError::Character { line: 2, column: 1 });
    assert_eq!(error(&block("AAAA\n\nAAAA")), PemError::EmptyLine { line: 3 });
    assert_eq!(error(&block("AAAA\n")), PemError::EmptyLine { line: 3 });
    assert_eq!(error(&block("\nAAAA")), PemError::EmptyLine { line: 2 });
    assert_eq!(error("-----BEGIN A-----\n-----END A-----\n"), PemError::Empty { line: 1, label: "A".into() });
    assert_eq!(error(&block("AAAAA")), base64("its length is no multiple of 4"));
    assert_eq!(error(&block("AAA")), base64("wrong padding"));
    assert_eq!(error(&block("AB==")), base64("its last character has bits too many"));
    assert_eq!(error(&block("AA==AAAA")), base64("padding before the end"));
    assert_eq!(error(&block("Comment: mine\n\nAAAA")), PemError::Header { line: 2, label: "A".into() });
    assert_eq!(error(&block("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA")), PemError::Encrypted { line: 2, label: "A".into() });
    assert!(parse(block("AAAA  ").as_bytes()).is_ok(), "blanks at the end of a line are invisible to people");
}

#[test]
fn foreign_encodings_are_named() {
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(CERTIFICATE.bytes().flat_map(|byte| [byte, 0])).collect();
    assert_eq!(parse(&utf16).unwrap_err(), PemError::Encoding("UTF-16"));
    assert_eq!(error(&format!("\u{feff}{CERTIFICATE}")), PemError::Encoding("UTF-8 with a byte order mark"));
}

#[test]
fn sizes_are_limited() {
    assert_eq!(parse(&vec![b'\n'; MAX_PEM_BYTES + 1]).unwrap_err(), PemError::TooLong(MAX_PEM_BYTES + 1));
    assert!(parse(&vec![b'\n'; MAX_PEM_BYTES]).is_ok());
    let block = "-----BEGIN A-----\nAAAA\n-----END A-----\n";
    assert_eq!(parse(block.repeat(MAX_PEM_BLOCKS).as_bytes()).unwrap().len(), MAX_PEM_BLOCKS);
    assert_eq!(error(&block.repeat(MAX_PEM_BLOCKS + 1)), PemError::TooManyBlocks { line: 3 * MAX_PEM_BLOCKS + 1 });
}

#[test]
fn one_block_as_long_as_the_limit_is_read() {
    let line = "A".repeat(64) + "\n";
    let boundaries = "-----BEGIN A-----\n-----END A-----\n".len();
    let body = line.repeat((MAX_PEM_BYTES - boundaries) / 65);
    let blocks = parse(format!("-----BEGIN A-----\n{body}-----END A-----\n").as_bytes()).unwrap();
    assert_eq!(blocks[0].der.len(), body.len() / 65 * 48);
}

#[test]
fn certificates_come_alone_and_are_certificates() {
    let two = certificates(format!("{CERTIFICATE}{CERTIFICATE}").as_bytes()).unwrap();
    assert_eq!(two.len(), 2);
    assert_eq!(encode_certificates(&two), format!("{CERTIFICATE}{CERTIFICATE}"));
    assert_eq!(certificates(b"nothing").unwrap_err(), PemError::NoCertificate);

    let key = include_str!("../../testdata/keys/ed25519-pkcs8.pem");
    let line = CERTIFICATE.lines().count() + 1;
    assert_eq!(
        certificates(format!("{CERTIFICATE}{key}").as_bytes()).unwrap_err(),
        PemError::NotCertificate { block: 2, line, label: "PRIVATE KEY".into() }
    );
    let garbage = certificates(format!("{CERTIFICATE}-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n").as_bytes());
    let error = garbage.unwrap_err();
    assert!(matches!(error, PemError::Certificate { block: 2, line: at, .. } if at == line), "{error}");
    assert!(error.to_string().starts_with(&format!("block 2, line {line}: ")), "{error}");
    assert!(error.code().starts_with("x509."));
}

#[test]
fn a_block_is_never_printed() {
    let block = Block { label: "PRIVATE KEY".into(), der: vec![0xab; 3], line: 7 };
    assert_eq!(format!("{block:?}"), "Block(PRIVATE KEY, 3 bytes, line 7)");
}

proptest! {
    #[test]
    fn what_is_written_is_read(der in proptest::collection::vec(any::<u8>(), 1..500)) {
        let text = encode("X", &der);
        let secret = encode_secret("X", &der);
        prop_assert_eq!(&text, secret.as_str());
        let blocks = parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&blocks[0].der, &der);
    }

    #[test]
    fn secrets_are_written_without_growing(der in proptest::collection::vec(any::<u8>(), 0..500)) {
        let text = encode_secret("ENCRYPTED PRIVATE KEY", &der);
        // Had the buffer grown, it would have doubled.
        prop_assert!(text.capacity() < text.len().saturating_add(140));
    }

    #[test]
    fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&text);
    }

    #[test]
    fn no_arrangement_of_lines_makes_it_panic(
        lines in proptest::collection::vec(
            prop_oneof![
                Just("-----BEGIN A-----"), Just("-----END A-----"), Just("-----END B-----"), Just("AAAA"), Just("AA=="),
                Just(""), Just("-----BEGIN "), Just("-----END"), Just("a: b"), Just("-----"),
            ],
            0..12,
        ),
    ) {
        let text = lines.join("\n");
        if let Ok(blocks) = parse(text.as_bytes()) {
            prop_assert_eq!(blocks.len(), lines.iter().filter(|line| **line == "-----BEGIN A-----").count());
        }
    }
}
