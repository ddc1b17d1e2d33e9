//! One HTTP/1.1 GET, as much of it as a document of a few kilobytes needs.
//!
//! A redirect is followed only to another `https` URL, whose server the same roots vouch for (SPIFFE Federation §5.2.1.4),
//! and a few times at most. Compression is not asked for, so that what arrives is as long as it says.

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

/// Redirects that are followed; more than one is a mistake already.
const MOST_REDIRECTS: usize = 3;

/// Fetches a document from a server that these roots vouch for. The time is for everything, redirects included.
pub(crate) fn get(url: &HttpsUrl, roots: &WebRoots, timeout: Duration) -> Result<Vec<u8>, NetError> {
    let deadline = Deadline::after(timeout);
    let mut url = url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let answer = ask(&url, roots, deadline)?;
        match answer.status {
            200 => return Ok(answer.body),
            301 | 302 | 303 | 307 | 308 => url = elsewhere(&url, answer.location.as_deref(), answer.status)?,
            status => return Err(http(format!("it answers with HTTP {status} instead of a document"))),
        }
    }
    Err(http(format!("it redirects more than {MOST_REDIRECTS} times")))
}

/// Where a redirect leads.
fn elsewhere(from: &HttpsUrl, to: Option<&str>, status: u16) -> Result<HttpsUrl, NetError> {
    let to = to.ok_or_else(|| http(format!("it redirects (HTTP {status}) without saying where to")))?;
    let whole = if to.starts_with('/') && !to.starts_with("//") { format!("{}{}{to}", HttpsUrl::SCHEME, from.authority) } else { to.to_owned() };
    HttpsUrl::parse(&whole).map_err(|e| http(format!("it redirects (HTTP {status}) to what is not followed: {e}")))
}

fn ask(url: &HttpsUrl, roots: &WebRoots, deadline: Deadline) -> Result<Answer, NetError> {
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
    read_answer(&mut connection)
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

/// What was answered; the body only of a good answer.
struct Answer {
    status: u16,
    location: Option<String>,
    body: Vec<u8>,
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
        let size =
            size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok()).ok_or_else(|| http("its answer has a chunk of no readable size"))?;
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
        read_answer(&mut text.as_bytes()).map(|answer| answer.body).map_err(|e| e.to_string())
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
    fn redirects_lead_to_https_alone() {
        let from = HttpsUrl::parse("https://a:8443/x").unwrap();
        let to = |to| elsewhere(&from, to, 302).map(|url| (url.authority, url.target)).map_err(|e| e.to_string());
        assert_eq!(to(Some("/y")).unwrap(), ("a:8443".into(), "/y".into()));
        assert_eq!(to(Some("https://b/y")).unwrap(), ("b".into(), "/y".into()));
        for wrong in [None, Some("http://b/"), Some("//b/"), Some("y"), Some("https://u@b/"), Some("file:///etc/passwd")] {
            assert!(to(wrong).unwrap_err().starts_with("it redirects (HTTP 302)"), "{wrong:?}");
        }
    }

    #[test]
    fn everything_else_is_named() {
        for (answer, said) in [
            ("", "before its headers"),
            ("hello\r\n\r\n", "not HTTP/1.1"),
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
