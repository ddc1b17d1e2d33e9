//! Name constraints (RFC 5280 §4.2.1.10): what names may appear below a CA.

mod canonical;
mod matching;

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::x509::encode::{SEQUENCE, explicit};
use crate::x509::reader::{DerReader, Element};
use crate::x509::{AltNames, DistinguishedName};

use super::{Reason, work::Work};
pub(crate) use canonical::same as same_name;
pub(super) use canonical::{Rdns, rdns};
use matching::Fit;

const MALFORMED: Reason = Reason::MalformedExtension("nameConstraints");

/// One CA's constraints, read.
#[derive(Debug)]
pub(super) struct NameConstraints {
    permitted: Vec<Constraint>,
    excluded: Vec<Constraint>,
}

#[derive(Debug)]
enum Constraint {
    Dns(String),
    Email(String),
    Uri(String),
    Ip {
        address: Vec<u8>,
        mask: Vec<u8>,
    },
    /// The RDNs of a Name, folded, and the Name for people.
    Directory(Vec<Vec<u8>>, DistinguishedName),
    /// otherName, x400Address, ediPartyName, registeredID: forms that we cannot judge names of.
    Other,
}

/// One name of a certificate.
enum Candidate<'a> {
    Dns(&'a str),
    Email(&'a str),
    Uri(&'a str),
    Ip(&'a [u8]),
    Directory(Vec<Vec<u8>>, &'a [u8]),
    Other,
}

impl NameConstraints {
    pub(super) fn decode(value: &[u8]) -> Result<Self, Reason> {
        let mut outer = DerReader::new(value);
        let sequence = outer.required(SEQUENCE).map_err(|_| MALFORMED)?;
        outer.finish().map_err(|_| MALFORMED)?;
        let mut fields = sequence.inside();
        let permitted = subtrees(fields.optional(explicit(0)).map_err(|_| MALFORMED)?)?;
        let excluded = subtrees(fields.optional(explicit(1)).map_err(|_| MALFORMED)?)?;
        fields.finish().map_err(|_| MALFORMED)?;
        // RFC 5280: one of the two must be there.
        if permitted.is_empty() && excluded.is_empty() {
            return Err(MALFORMED);
        }
        Ok(Self { permitted, excluded })
    }

    /// Judges every name of a certificate below: its subject, and its subjectAltName if it has one.
    pub(super) fn check(&self, subject: &[u8], names: Option<&AltNames<'_>>, work: &mut Work) -> Result<(), Reason> {
        // Counted before anything is compared, every name with every constraint whatever their kinds: what is too much
        // costs nothing.
        let constraints = self.permitted.len().saturating_add(self.excluded.len());
        let count = match names {
            Some(names) => names.len(),
            None => attributes(subject),
        };
        work.names(count.saturating_mul(constraints))?;

        if subject != DistinguishedName::EMPTY {
            self.check_one(&directory(subject, "subject")?)?;
            // An e-mail address in the subject counts where the subjectAltName has none.
            if self.constrains_email() && names.is_none_or(|names| names.emails.is_empty()) {
                for address in canonical::email_addresses(subject).ok_or(Reason::MalformedExtension("subject"))? {
                    self.check_one(&Candidate::Email(&address))?;
                }
            }
        }
        let Some(names) = names else { return Ok(()) };
        names.dns.iter().try_for_each(|name| self.check_one(&Candidate::Dns(name)))?;
        names.emails.iter().try_for_each(|name| self.check_one(&Candidate::Email(name)))?;
        names.uris.iter().try_for_each(|name| self.check_one(&Candidate::Uri(name)))?;
        names.ips.iter().try_for_each(|name| self.check_one(&Candidate::Ip(name)))?;
        names.directory_names.iter().try_for_each(|name| self.check_one(&directory(name, "subjectAltName")?))?;
        if names.others > 0 { self.check_one(&Candidate::Other) } else { Ok(()) }
    }

    fn constrains_email(&self) -> bool {
        self.permitted.iter().chain(&self.excluded).any(|constraint| matches!(constraint, Constraint::Email(_)))
    }

    fn check_one(&self, name: &Candidate<'_>) -> Result<(), Reason> {
        if let Some(hit) = self.excluded.iter().find(|constraint| constraint.fit(name).is_some_and(|fit| fit != Fit::Outside)) {
            return Err(Reason::NameConstraint { name: name.to_string(), constraint: format!("{hit} is excluded") });
        }
        let mut of_this_kind = self.permitted.iter().filter_map(|constraint| constraint.fit(name)).peekable();
        if of_this_kind.peek().is_none() || of_this_kind.any(|fit| fit == Fit::Inside) {
            return Ok(());
        }
        const SHOWN: usize = 8;
        let permitted = || self.permitted.iter().filter(|constraint| constraint.fit(name).is_some());
        let mut shown: Vec<String> = permitted().take(SHOWN).map(Constraint::to_string).collect();
        if let more @ 1.. = permitted().count().saturating_sub(SHOWN) {
            shown.push(format!("{more} more"));
        }
        Err(Reason::NameConstraint { name: name.to_string(), constraint: format!("only {} is permitted", shown.join(", ")) })
    }
}

/// GeneralSubtrees: one or more.
fn subtrees(tagged: Option<Element<'_>>) -> Result<Vec<Constraint>, Reason> {
    let Some(tagged) = tagged else { return Ok(Vec::new()) };
    let mut items = tagged.inside();
    let mut found = Vec::new();
    while !items.is_finished() {
        let mut subtree = items.required(SEQUENCE).map_err(|_| MALFORMED)?.inside();
        let base = subtree.element().map_err(|_| MALFORMED)?;
        // RFC 5280: minimum is zero, which DER leaves out, and maximum absent.
        if !subtree.is_finished() {
            return Err(Reason::UnsupportedNameConstraint);
        }
        found.push(Constraint::read(base)?);
    }
    if found.is_empty() { Err(MALFORMED) } else { Ok(found) }
}

fn directory<'a>(name: &'a [u8], field: &'static str) -> Result<Candidate<'a>, Reason> {
    let folded = rdns(name).ok_or(Reason::MalformedExtension(field))?;
    Ok(Candidate::Directory(folded, name))
}

/// How many RDNs a Name has, as far as it can be read.
fn attributes(name: &[u8]) -> usize {
    let mut sets = DerReader::new(name).required(SEQUENCE).map_or(DerReader::new(&[]), |name| name.inside());
    core::iter::from_fn(|| sets.element().ok()).count()
}

impl Constraint {
    fn read(base: Element<'_>) -> Result<Self, Reason> {
        let text = || core::str::from_utf8(base.content).ok().filter(|text| text.is_ascii()).map(str::to_owned).ok_or(MALFORMED);
        Ok(match base.tag {
            0x81 => Self::Email(text()?),
            0x82 => Self::Dns(text()?),
            0x86 => Self::Uri(text()?),
            0x87 if matches!(base.content.len(), 8 | 32) => {
                let (address, mask) = base.content.split_at(base.content.len() / 2);
                // RFC 4632: ones, then zeros.
                let mut rest = mask.iter().skip_while(|byte| **byte == 0xff);
                if rest.next().is_some_and(|byte| byte.leading_ones() != byte.count_ones()) || rest.any(|byte| *byte != 0) {
                    return Err(MALFORMED);
                }
                Self::Ip { address: address.into(), mask: mask.into() }
            }
            0xa4 => {
                let folded = rdns(base.content).ok_or(MALFORMED)?;
                Self::Directory(folded, DistinguishedName::from_der_unchecked(base.content))
            }
            0xa0 | 0xa3 | 0xa5 | 0x88 => Self::Other,
            _ => return Err(MALFORMED),
        })
    }

    /// `None` for a name of another kind.
    fn fit(&self, name: &Candidate<'_>) -> Option<Fit> {
        match (self, name) {
            (Self::Dns(constraint), Candidate::Dns(name)) => Some(matching::dns(constraint, name)),
            (Self::Email(constraint), Candidate::Email(name)) => Some(matching::email(constraint, name)),
            (Self::Uri(constraint), Candidate::Uri(name)) => Some(matching::uri(constraint, name)),
            (Self::Ip { address, mask }, Candidate::Ip(name)) => Some(matching::ip(address, mask, name)),
            (Self::Directory(constraint, _), Candidate::Directory(name, _)) => Some(Fit::from(name.starts_with(constraint))),
            (Self::Other, Candidate::Other) => Some(Fit::Unclear),
            _ => None,
        }
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{}", name.escape_default()),
            Self::Email(name) => write!(f, "email:{}", name.escape_default()),
            Self::Uri(name) => write!(f, "URI:{}", name.escape_default()),
            Self::Ip { address, mask } => {
                write!(f, "IP:{}/{}", address_text(address), mask.iter().map(|byte| byte.count_ones()).sum::<u32>())
            }
            Self::Directory(_, name) => write!(f, "directory name '{name}'"),
            Self::Other => f.write_str("a form of name that is not supported"),
        }
    }
}

impl fmt::Display for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => write!(f, "{}", name.escape_default()),
            Self::Ip(octets) => f.write_str(&address_text(octets)),
            Self::Directory(_, name) => write!(f, "{}", DistinguishedName::from_der_unchecked(name)),
            Self::Other => f.write_str("a name of a form that is not supported"),
        }
    }
}

fn address_text(octets: &[u8]) -> String {
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).to_string()),
        _ => <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).to_string()),
    }
    .unwrap_or_else(|_| format!("{octets:02x?}"))
}
