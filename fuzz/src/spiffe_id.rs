use meshroot::spiffe::{SpiffeId, SpiffeIdRef, TrustDomain, TrustDomainRef};

use crate::assert_code;

/// A text is a SPIFFE ID or trust domain exactly when a second, naive reading of the standard says so; what was read is
/// what stood there; its parts make the whole; an error lies inside the text.
pub fn spiffe_id(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };

    match SpiffeId::parse(text) {
        Ok(id) => {
            assert!(naive_id(text), "accepted {text:?}");
            assert_eq!(id.to_string(), text);
            assert_eq!(SpiffeId::parse(&id.to_string()), Ok(id.clone()));
            assert_eq!(SpiffeIdRef::parse(text).map(SpiffeIdRef::to_owned), Ok(id.clone()));
            assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text);
            assert_eq!(SpiffeId::from_path(id.trust_domain(), id.path()), Ok(id.clone()));
            assert_eq!(id.trust_domain().id().append_path(id.path()), Ok(id.clone()));
            let segments = id.path().split('/').skip(1);
            assert_eq!(SpiffeId::from_segments(id.trust_domain(), segments), Ok(id.clone()));
            assert_eq!(TrustDomainRef::parse_name_or_id(text), Ok(id.trust_domain()));
            assert_eq!(id.trust_domain().id().path(), "");
            // A workload of one trust domain is never one of another.
            let other = id.append_path("/more").ok().filter(|longer| longer == &id);
            assert_eq!(other, None);
        }
        Err(e) => {
            assert!(!naive_id(text), "refused {text:?}: {e}");
            assert!(e.offset() <= text.len(), "{e:?} lies outside {text:?}");
            assert_code(e.code(), &["spiffe"]);
        }
    }

    match TrustDomain::parse(text) {
        Ok(name) => {
            assert!(naive_trust_domain(text), "accepted {text:?}");
            assert_eq!(name.as_str(), text);
            assert_eq!(name.id().to_string(), format!("spiffe://{text}"));
            assert_eq!(SpiffeId::parse(name.id().as_str()), Ok(name.id()));
        }
        Err(e) => {
            assert!(!naive_trust_domain(text), "refused {text:?}: {e}");
            assert!(e.offset() <= text.len(), "{e:?} lies outside {text:?}");
        }
    }
    assert_eq!(SpiffeId::check_segment(text).is_ok(), naive_segment(text), "{text:?}");
}

/// SPIFFE-ID §2 in its own words.
fn naive_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("spiffe://") else { return false };
    let (name, path) = rest.split_once('/').map_or((rest, None), |(name, path)| (name, Some(path)));
    text.len() <= 2048 && naive_trust_domain(name) && path.is_none_or(|path| path.split('/').all(naive_segment))
}

fn naive_trust_domain(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c))
}

fn naive_segment(segment: &str) -> bool {
    !["", ".", ".."].contains(&segment) && segment.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
}
