//! One HTTP/1.1 GET, as much of it as a document of a few kilobytes needs.
//!
//! Redirects are not followed: a bundle says whom to trust, and where it comes from was decided by whoever named the URL
//! (SPIFFE Federation §5.2.1.2). Compression is not asked for, so that what arrives is as long as it says.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use super::connect::Stream;
use super::peer::shake_hands;
use super::{HttpsUrl, NetError, WebRoots, configuration};
use crate::clock::Deadline;

/// Bytes of the longest document; no bundle that we accept is longer.
const MOST: usize = 4 << 20;
/// Bytes of the status line and all headers.
const MOST_HEAD: usize = 16 << 10;

/// Fetches a document from a server that these roots vouch for.
pub(crate) fn get(url: &HttpsUrl, roots: &WebRoots, timeout: Duration) -> Result<Vec<u8>, NetError> {
    let deadline = Deadline::after(timeout);
    let mut config = configuration(roots.0.clone())?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut stream = Stream::open(&url.host, url.port, deadline)?;
    let mut tls = ClientConnection::new(Arc::new(config), url.server_name.clone()).map_err(|e| NetError::Tls(e.to_string()))?;
    shake_hands(&mut tls, &mut stream)?;
    let mut connection = StreamOwned::new(tls, stream);
    let agent = concat!("meshroot/", env!("CARGO_PKG_VERSION"));
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {agent}\r\nAccept: application/json, */*\r\nConnection: close\r\n\r\n",
        url.target, url.authority
    );
    connection.write_all(request.as_bytes()).and_then(|()| connection.flush()).map_err(|e| failed(&e))?;
    let answer = read_answer(&mut connection)?;
    body(answer)
}

fn failed(e: &io::Error) -> NetError {
    match NetError::io(e, "while answering the request") {
        NetError::Closed => NetError::Http("it closed the connection in the middle of its answer".into()),
        other => other,
    }
}

fn http(why: impl Into<String>) -> NetError {
    NetError::Http(why.into())
}

/// The bytes of an answer, up to what is declared, and never more than is allowed.
struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
}

fn body(answer: Answer) -> Result<Vec<u8>, NetError> {
    match answer.status {
        200 => Ok(answer.body),
        300..=399 => {
            let to = answer.location.map_or_else(String::new, |to| format!(" to {}", to.escape_debug()));
            Err(http(format!("it redirects{to} (HTTP {}), and redirects are not followed: name that URL if you trust it", answer.status)))
        }
        status => Err(http(format!("it answers with HTTP {status} instead of a document"))),
    }
}

fn read_answer(from: &mut impl Read) -> Result<Answer, NetError> {
    let mut held = Vec::new();
    let head_ends = loop {
        if let Some(at) = held.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if held.len() > MOST_HEAD {
            return Err(http(format!("its headers are longer than {MOST_HEAD} bytes")));
        }
        if more(from, &mut held)? == 0 {
            return Err(http("it closed the connection before its headers were complete"));
        }
    };
    let rest = held.split_off(head_ends.saturating_add(4));
    let head = core::str::from_utf8(&held).map_err(|_| http("its headers are no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse::<u16>().ok());
    let status = status.ok_or_else(|| http("its answer is not HTTP/1.1"))?;
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).map(|(name, value)| (name, value.trim())).collect();
    let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
    let location = header("location").map(str::to_owned);
    if status != 200 {
        return Ok(Answer { status, location, body: Vec::new() });
    }
    let body = match (header("transfer-encoding"), header("content-length")) {
        (Some(coding), _) if coding.eq_ignore_ascii_case("chunked") => chunked(from, rest)?,
        (Some(coding), _) => return Err(http(format!("its answer is encoded as '{}'", coding.escape_debug()))),
        (None, Some(length)) => {
            let length = length.parse::<usize>().map_err(|_| http("its Content-Length is no number"))?;
            if length > MOST {
                return Err(too_long());
            }
            exactly(from, rest, length)?
        }
        (None, None) => to_the_end(from, rest)?,
    };
    Ok(Answer { status, location, body })
}

fn too_long() -> NetError {
    http(format!("its document is longer than {MOST} bytes: that much is not read"))
}

fn more(from: &mut impl Read, held: &mut Vec<u8>) -> Result<usize, NetError> {
    let mut buffer = [0; 8192];
    let read = match from.read(&mut buffer) {
        Ok(read) => read,
        // Many servers leave without TLS's goodbye; whether the answer is complete, its length says.
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => 0,
        Err(e) => return Err(failed(&e)),
    };
    held.extend(buffer.iter().take(read));
    Ok(read)
}

fn exactly(from: &mut impl Read, mut held: Vec<u8>, length: usize) -> Result<Vec<u8>, NetError> {
    while held.len() < length {
        if more(from, &mut held)? == 0 {
            return Err(http(format!("its answer ends after {} of {length} bytes", held.len())));
        }
    }
    held.truncate(length);
    Ok(held)
}

fn to_the_end(from: &mut impl Read, mut held: Vec<u8>) -> Result<Vec<u8>, NetError> {
    while more(from, &mut held)? > 0 {
        if held.len() > MOST {
            return Err(too_long());
        }
    }
    Ok(held)
}

/// RFC 9112 §7.1. Trailers are not read: the connection ends anyway.
fn chunked(from: &mut impl Read, mut held: Vec<u8>) -> Result<Vec<u8>, NetError> {
    let cut = || http("its answer ends in the middle");
    let mut body = Vec::new();
    loop {
        let line_ends = loop {
            match held.windows(2).position(|window| window == b"\r\n") {
                Some(at) => break at,
                None if held.len() > MOST_HEAD => return Err(http("its answer has a chunk of no readable size")),
                None if more(from, &mut held)? == 0 => return Err(cut()),
                None => {}
            }
        };
        let size = held.get(..line_ends).and_then(|line| core::str::from_utf8(line).ok()).and_then(|line| line.split(';').next());
        let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).ok_or_else(|| http("its answer has a chunk of no readable size"))?;
        if size == 0 {
            return Ok(body);
        }
        let end = line_ends.saturating_add(2).saturating_add(size);
        if body.len().saturating_add(size) > MOST {
            return Err(too_long());
        }
        while held.len() < end.saturating_add(2) {
            if more(from, &mut held)? == 0 {
                return Err(cut());
            }
        }
        body.extend_from_slice(held.get(line_ends.saturating_add(2)..end).unwrap_or_default());
        held.drain(..end.saturating_add(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, String> {
        read_answer(&mut text.as_bytes()).and_then(body).map_err(|e| e.to_string())
    }

    #[test]
    fn a_document_is_read_however_its_length_is_said() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more",
            "HTTP/1.0 200 OK\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        ] {
            assert_eq!(read(answer).unwrap(), b"hello", "{answer}");
        }
    }

    #[test]
    fn everything_else_is_named() {
        for (answer, said) in [
            ("", "before its headers"),
            ("hello\r\n\r\n", "not HTTP/1.1"),
            ("HTTP/1.1 302 Found\r\nLocation: https://b/\r\n\r\n", "redirects to https://b/"),
            ("HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "after 5 of 9 bytes"),
            ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "no number"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "longer than"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "encoded as 'gzip'"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "longer than"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel", "ends in the middle"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "no readable size"),
        ] {
            let error = read(answer).unwrap_err();
            assert!(error.contains(said), "{answer}: {error}");
        }
        let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(MOST_HEAD));
        assert!(read(&long).unwrap_err().contains("headers are longer"));
        let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "y".repeat(MOST + 1));
        assert!(read(&endless).unwrap_err().contains("longer than"));
    }
}
