use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meshroot::pem::{Block, PemError, certificates, encode_certificates, parse};

use crate::assert_code;

/// What was read, written again by other code, is read the same; line ends and text around the blocks change nothing;
/// every error has a line of the text.
pub fn pem(data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count();
    match parse(data) {
        Ok(blocks) => {
            for block in &blocks {
                assert!(block.line >= 1 && block.line <= lines, "{block:?} of {lines} lines");
                assert!(!block.der.is_empty(), "{block:?}");
            }
            let begun = data.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"-----BEGIN")).count();
            assert_eq!(begun, blocks.len(), "a block was overlooked");
            assert_eq!(boundaries(data), blocks.iter().map(|block| block.label.clone()).collect::<Vec<_>>());
            let written: String = blocks.iter().map(write).collect();
            same(&blocks, &parse(written.as_bytes()).expect("what we read can be written"));
            same(&blocks, &parse(written.replace('\n', "\r\n").as_bytes()).expect("CRLF is a line end"));
            same(
                &blocks,
                &parse(format!("subject: x\n\n{}trailer", written.replace("-----BEGIN", "issuer: y\n-----BEGIN")).as_bytes())
                    .expect("text between blocks"),
            );
        }
        Err(e) => check(&e),
    }
    match certificates(data) {
        Ok(found) => {
            assert!(!found.is_empty());
            assert_eq!(certificates(encode_certificates(&found).as_bytes()).as_ref(), Ok(&found));
        }
        Err(e) => check(&e),
    }
}

/// The labels of BEGIN lines, each of which must be followed by an END of the same label before the next.
fn boundaries(text: &[u8]) -> Vec<String> {
    let (mut labels, mut open) = (Vec::new(), None);
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
        if let Some(label) = line.strip_prefix(b"-----BEGIN ").and_then(|rest| rest.strip_suffix(b"-----")) {
            assert_eq!(open.replace(label), None, "a block inside a block");
            labels.push(String::from_utf8_lossy(label).into_owned());
        } else if let Some(label) = line.strip_prefix(b"-----END ").and_then(|rest| rest.strip_suffix(b"-----")) {
            assert_eq!(open.take(), Some(label), "an END that ends nothing");
        }
    }
    assert_eq!(open, None, "a block without an end");
    labels
}

/// RFC 7468's strict form.
fn write(block: &Block) -> String {
    let mut text = format!("-----BEGIN {}-----\n", block.label);
    for line in block.der.chunks(48) {
        text += &BASE64_STANDARD.encode(line);
        text.push('\n');
    }
    text + &format!("-----END {}-----\n", block.label)
}

fn same(a: &[Block], b: &[Block]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert_eq!((&a.label, &a.der), (&b.label, &b.der));
    }
}

fn check(e: &PemError) {
    assert_code(e.code(), &["pem", "x509", "key"]);
    assert!(e.to_string().len() < 1024, "{} bytes of message", e.to_string().len());
}
