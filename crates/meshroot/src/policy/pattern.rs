//! Patterns of paths, DNS names and single names. At most one `*` a part, so matching is two comparisons and linear.

use crate::spiffe::SpiffeId;

/// One part of a path or a DNS name, or a name alone.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Exactly(Box<str>),
    /// `web-*-eu`: any run of characters of one part between the two.
    Around(Box<str>, Box<str>),
    Namespace,
    ServiceAccount,
    Cluster,
    /// `**`, at the end: one part or more.
    Rest,
}

/// What the placeholders of a pattern stood for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Captured<'a> {
    pub(super) namespace: Option<&'a str>,
    pub(super) service_account: Option<&'a str>,
}

/// A pattern of the path of a SPIFFE ID, or of a DNS name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Box<[Part]>,
    separator: char,
    text: Box<str>,
}

type Parsed<T> = Result<T, &'static str>;

const PLACEHOLDERS: &str = "placeholders are {namespace}, {service_account} and {cluster}, and stand for a whole part each";
const ONE_STAR: &str = "a part has at most one '*'; '**' stands alone, at the end";

impl Template {
    /// A path, with its slash in front.
    pub(super) fn path(text: &str) -> Parsed<Self> {
        let inner = text.strip_prefix('/').ok_or("it must start with '/'")?;
        Self::parse(text, inner, '/', |literal| SpiffeId::check_segment(literal).is_ok())
    }

    /// A path without placeholders: for identities that are refused to everybody.
    pub(super) fn fixed_path(text: &str) -> Parsed<Self> {
        let template = Self::path(text)?;
        let placeholder = |part: &Part| matches!(part, Part::Namespace | Part::ServiceAccount | Part::Cluster);
        if template.parts.iter().any(placeholder) { Err("it has placeholders, and there is no caller to fill them in") } else { Ok(template) }
    }

    /// A DNS name.
    pub(super) fn dns(text: &str) -> Parsed<Self> {
        let template = Self::parse(text, text, '.', |literal| !literal.is_empty() && literal.bytes().all(is_dns_byte))?;
        if template.parts.contains(&Part::Rest) {
            return Err("'**' has no meaning in a DNS name: write '*' for each label");
        }
        Ok(template)
    }

    fn parse(text: &str, inner: &str, separator: char, literal: impl Fn(&str) -> bool) -> Parsed<Self> {
        let mut parts = Vec::new();
        for part in inner.split(separator) {
            if parts.last() == Some(&Part::Rest) {
                return Err(ONE_STAR);
            }
            let part = match part {
                "{namespace}" => Part::Namespace,
                "{service_account}" => Part::ServiceAccount,
                "{cluster}" => Part::Cluster,
                "**" => Part::Rest,
                _ => Part::name(part, &literal)?,
            };
            if matches!(part, Part::Namespace | Part::ServiceAccount) && parts.contains(&part) {
                return Err("a placeholder is there twice");
            }
            parts.push(part);
        }
        Ok(Self { parts: parts.into(), separator, text: text.into() })
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn has_namespace(&self) -> bool {
        self.parts.contains(&Part::Namespace)
    }

    pub(super) fn has_service_account(&self) -> bool {
        self.parts.contains(&Part::ServiceAccount)
    }

    pub(super) fn has_star(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Around(..) | Part::Rest))
    }

    /// What the placeholders stand for, if `text` is of this form. A path has its slash in front.
    pub(super) fn matches<'t>(&self, text: &'t str, cluster: &str) -> Option<Captured<'t>> {
        let inner = if self.separator == '/' { text.strip_prefix('/')? } else { text };
        let (mut captured, mut given) = (Captured::default(), inner.split(self.separator));
        for part in &self.parts {
            let one = given.next().filter(|one| !one.is_empty())?;
            let fits = match part {
                Part::Namespace => {
                    captured.namespace = Some(one);
                    true
                }
                Part::ServiceAccount => {
                    captured.service_account = Some(one);
                    true
                }
                Part::Cluster => one == cluster,
                Part::Rest => return Some(captured),
                name => name.fits(one),
            };
            if !fits {
                return None;
            }
        }
        given.next().is_none().then_some(captured)
    }

    /// The text with its placeholders filled in; none if it has a `*`.
    pub(super) fn fill(&self, namespace: &str, service_account: &str, cluster: &str) -> Option<String> {
        let mut text = String::new();
        for (index, part) in self.parts.iter().enumerate() {
            if index > 0 || self.separator == '/' {
                text.push(self.separator);
            }
            text.push_str(match part {
                Part::Exactly(literal) => literal,
                Part::Namespace => namespace,
                Part::ServiceAccount => service_account,
                Part::Cluster => cluster,
                Part::Around(..) | Part::Rest => return None,
            });
        }
        Some(text)
    }
}

/// A pattern of one name: a namespace, a service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamePattern {
    part: Part,
    text: Box<str>,
}

impl NamePattern {
    /// Letters, digits, '-' and '.', in lower case, with at most one `*`.
    pub(super) fn parse(text: &str) -> Parsed<Self> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        Ok(Self { part: Part::name(text, &|literal| !literal.is_empty() && literal.bytes().all(good))?, text: text.into() })
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        self.part.fits(name)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Part {
    fn name(text: &str, literal: &impl Fn(&str) -> bool) -> Parsed<Self> {
        const CHARACTERS: &str = "it is empty, or has a character that cannot stand there";
        if text.contains(['{', '}']) {
            return Err(PLACEHOLDERS);
        }
        let Some((before, behind)) = text.split_once('*') else {
            return if literal(text) { Ok(Self::Exactly(text.into())) } else { Err(CHARACTERS) };
        };
        if behind.contains('*') {
            return Err(ONE_STAR);
        }
        // Around a star anything may be empty, and "." may not be mistaken for a dot segment.
        let around = |literal_part: &str| literal_part.is_empty() || literal(&format!("{literal_part}x"));
        if around(before) && around(behind) { Ok(Self::Around(before.into(), behind.into())) } else { Err(CHARACTERS) }
    }

    fn fits(&self, one: &str) -> bool {
        match self {
            Self::Exactly(literal) => **literal == *one,
            Self::Around(before, behind) => one.strip_prefix(&**before).is_some_and(|rest| rest.ends_with(&**behind)),
            _ => false,
        }
    }
}

/// Lower case only: names are compared byte by byte, and requests in another case are refused.
fn is_dns_byte(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fits(pattern: &str, path: &str) -> bool {
        Template::path(pattern).unwrap().matches(path, "west").is_some()
    }

    #[test]
    fn a_path_matches_part_by_part() {
        for (pattern, yes, no) in [
            ("/ns/shop/sa/cart", "/ns/shop/sa/cart", "/ns/shop/sa/cart2"),
            ("/ns/*/sa/cart", "/ns/shop/sa/cart", "/ns/shop/x/sa/cart"),
            ("/vm/web-*", "/vm/web-1", "/vm/web-1/x"),
            ("/vm/*-eu", "/vm/web-eu", "/vm/web-us"),
            ("/vm/a*a", "/vm/aa", "/vm/a"),
            ("/vm/**", "/vm/a/b/c", "/vm"),
            ("/vm/**", "/vm/a", "/vmx/a"),
            ("/{cluster}/x", "/west/x", "/east/x"),
            ("/*", "/a", "/a/b"),
        ] {
            assert!(fits(pattern, yes) && !fits(pattern, no), "{pattern}");
        }
    }

    #[test]
    fn placeholders_say_what_they_stood_for() {
        let template = Template::path("/ns/{namespace}/sa/{service_account}").unwrap();
        let captured = template.matches("/ns/shop/sa/cart", "west").unwrap();
        assert_eq!((captured.namespace, captured.service_account), (Some("shop"), Some("cart")));
        assert_eq!(template.matches("/ns//sa/cart", "west"), None);
        assert_eq!(template.fill("shop", "cart", "west").unwrap(), "/ns/shop/sa/cart");
        let dns = Template::dns("{service_account}.{namespace}.svc").unwrap();
        assert_eq!(dns.fill("shop", "cart", "west").unwrap(), "cart.shop.svc");
        // An account with a dot in its name is no label.
        assert_eq!(dns.matches("a.b.shop.svc", "west"), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in
            ["", "ns", "/", "/ns/", "//", "/a b", "/a/../b", "/{ns}", "/x{namespace}", "/a**", "/**/a", "/*a*", "/{namespace}/{namespace}", "/%41"]
        {
            assert!(Template::path(bad).is_err(), "{bad}");
        }
        for bad in ["", ".", "a..b", "A.example", "**.example", "a.**", "a/b", "*a*.example"] {
            assert!(Template::dns(bad).is_err(), "{bad}");
        }
        for bad in ["", "**", "a/b", "Shop", "{namespace}", "*a*"] {
            assert!(NamePattern::parse(bad).is_err(), "{bad}");
        }
        assert!(Template::fixed_path("/ns/{namespace}").is_err());
    }

    proptest! {
        #[test]
        fn what_is_filled_in_matches_and_comes_out_again(namespace in "[a-z0-9-]{1,9}", account in "[a-z0-9.-]{1,9}") {
            let template = Template::path("/{cluster}/ns/{namespace}/sa/{service_account}").unwrap();
            let filled = template.fill(&namespace, &account, "west").unwrap();
            let captured = template.matches(&filled, "west").unwrap();
            prop_assert_eq!((captured.namespace, captured.service_account), (Some(&*namespace), Some(&*account)));
            prop_assert_eq!(template.matches(&filled, "east"), None);
        }

        #[test]
        fn any_pattern_and_any_text_end(pattern in "[/a*{}.]{0,12}", text in "[/a.]{0,12}") {
            for template in [Template::path(&pattern), Template::dns(&pattern)].into_iter().flatten() {
                let _ = template.matches(&text, "west");
            }
        }
    }
}
