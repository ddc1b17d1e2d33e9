//! From pieces of evidence to clusters: what belongs together, and what contradicts itself.

mod domains;
mod merge;

use std::collections::{HashMap, HashSet};

use crate::key::Crypto;
use crate::lint::Severity;
use crate::x509::Certificate;

use super::intake::{Authority, Content, Piece, Sent};
use super::naming;
use super::site::Site;
use super::{Settings, Warning};

/// Puts the clusters together. They come in the order of the evidence.
pub(super) fn gather(pieces: Vec<Piece>, settings: &Settings, crypto: &Crypto, warnings: &mut Vec<Warning>, notes: &mut Vec<String>) -> Vec<Site> {
    let mut gathering = Gathering { sites: Vec::new(), crypto, warnings, notes };
    let crowded = crowded_files(&pieces);
    // CAs make clusters; the rest is put to them where it fits.
    let (authorities, rest): (Vec<_>, Vec<_>) = pieces.into_iter().partition(|piece| matches!(piece.content, Content::Authority(_)));
    let (sent, trust): (Vec<_>, Vec<_>) = rest.into_iter().partition(|piece| matches!(piece.content, Content::Sent(_)));
    for piece in authorities.into_iter().chain(trust).chain(sent) {
        gathering.place(piece, &crowded);
    }
    let mut sites = gathering.sites;
    sites.sort_by_key(|site| site.order);
    domains::settle(&mut sites, settings, notes);
    sites
}

/// Files that hold several CAs cannot name one of them.
fn crowded_files(pieces: &[Piece]) -> HashSet<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for piece in pieces.iter().filter(|piece| matches!(piece.content, Content::Authority(_)) && piece.given.is_none()) {
        let count = counts.entry(naming::without_document(&piece.source)).or_default();
        *count = count.saturating_add(1);
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(path, _)| path.to_owned()).collect()
}

struct Gathering<'a> {
    sites: Vec<Site>,
    crypto: &'a Crypto,
    warnings: &'a mut Vec<Warning>,
    notes: &'a mut Vec<String>,
}

impl Gathering<'_> {
    fn place(&mut self, piece: Piece, crowded: &HashSet<String>) {
        let Piece { order, source, given, content } = piece;
        let derived = if crowded.contains(naming::without_document(&source)) { None } else { naming::from_source(&source) };
        let at = match (&given, &content) {
            (_, Content::Nothing) if given.is_none() => return,
            (Some(name), _) => self.site_named(name, "given", order),
            (None, Content::Authority(authority)) => self.site_of_authority(authority, derived, order),
            (None, Content::Roots { roots, .. }) => match self.site_of_roots(roots, derived, &source, order) {
                Some(at) => at,
                None => return,
            },
            (None, Content::Crls { .. }) => match self.site_of_crls(derived, &source) {
                Some(at) => at,
                None => return,
            },
            (None, Content::Bundle(bundle)) => {
                let name = format!("bundle of {}", bundle.trust_domain());
                self.consumer(derived, name, order)
            }
            (None, Content::Map(_)) => self.consumer(derived, "bundle map".into(), order),
            (None, Content::Sent(sent)) => self.site_of_sender(sent, derived, &source, order),
            (None, Content::Nothing) => return,
        };
        let Some(site) = self.sites.get_mut(at) else { return };
        site.seen(&source, order);
        merge::into(site, content, &source, self.crypto, self.warnings);
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|site| site.name == name)
    }

    fn add(&mut self, name: String, named_by: String, order: usize) -> usize {
        self.sites.push(Site::new(name, named_by, order));
        self.sites.len().saturating_sub(1)
    }

    fn site_named(&mut self, name: &str, by: &str, order: usize) -> usize {
        self.find(name).unwrap_or_else(|| self.add(name.to_owned(), by.to_owned(), order))
    }

    /// A name that no site has.
    fn unique(&self, name: &str) -> String {
        if self.find(name).is_none() {
            return name.to_owned();
        }
        let numbered = (2u32..).map(|number| format!("{name}-{number}")).find(|candidate| self.find(candidate).is_none());
        numbered.unwrap_or_else(|| name.to_owned())
    }

    /// Two CAs of one name that nobody gave are two clusters, whatever their files are called.
    fn site_of_authority(&mut self, authority: &Authority, derived: Option<(String, String)>, order: usize) -> usize {
        let hint = authority.signing.as_ref().and_then(naming::from_authority);
        let joins = |site: &Site| match (&site.signing, &authority.signing) {
            // Several kinds of evidence under one name are about one cluster, and its contradictions are told.
            (Some(known), Some(new)) => known == new || site.origin != Some(authority.origin),
            _ => site.authority_source.is_empty(),
        };
        for (name, by) in derived.iter().chain(&hint) {
            match self.find(name) {
                None => return self.add(name.clone(), by.clone(), order),
                Some(at) if self.sites.get(at).is_some_and(joins) => return at,
                Some(_) => {}
            }
        }
        let (name, by) = derived.or(hint).unwrap_or_else(|| ("cluster".into(), "nothing: give it as NAME=SOURCE".into()));
        let name = self.unique(&name);
        self.add(name, by, order)
    }

    /// Roots of nobody that is named: those of the one cluster that has the same, else of a consumer of their own.
    fn site_of_roots(&mut self, roots: &[Certificate], derived: Option<(String, String)>, source: &str, order: usize) -> Option<usize> {
        if let Some((name, by)) = derived {
            return Some(self.find(&name).unwrap_or_else(|| self.add(name, by, order)));
        }
        let same: Vec<usize> = self.sites.iter().enumerate().filter(|(_, site)| same_set(site.roots(), roots)).map(|(at, _)| at).collect();
        match same.as_slice() {
            [] => {
                let name = self.unique(if source.is_empty() { "roots" } else { source });
                Some(self.add(name, "the source".into(), order))
            }
            [one] => Some(*one),
            several => {
                let names: Vec<&str> = several.iter().filter_map(|at| self.sites.get(*at)).map(|site| site.name.as_str()).collect();
                self.notes.push(format!("{source} has the same roots as {}: it says nothing new", super::warning::listed(names)));
                None
            }
        }
    }

    fn site_of_crls(&mut self, derived: Option<(String, String)>, source: &str) -> Option<usize> {
        if let Some(at) = derived.and_then(|(name, _)| self.find(&name)) {
            return Some(at);
        }
        if let [_] = self.sites.as_slice() {
            return Some(0);
        }
        let message = "it is not known which cluster checks these CRLs, so they were left out";
        self.warnings.push(Warning::new(Severity::Warning, "doctor.whose", message, "say it: NAME=SOURCE").at(source));
        None
    }

    fn consumer(&mut self, derived: Option<(String, String)>, otherwise: String, order: usize) -> usize {
        let (name, by) = derived.unwrap_or((otherwise, "what it is".into()));
        match self.find(&name) {
            // A file beside the cluster's other files is the cluster's.
            Some(at) if self.sites.get(at).is_some_and(Site::sends) => at,
            Some(_) => {
                let name = self.unique(&name);
                self.add(name, by, order)
            }
            None => self.add(name, by, order),
        }
    }

    /// A leaf belongs to the cluster whose CA signed it.
    fn site_of_sender(&mut self, sent: &Sent, derived: Option<(String, String)>, source: &str, order: usize) -> usize {
        if let Some(at) = self.sites.iter().position(|site| site.signing.as_ref().is_some_and(|ca| signed(ca, sent, self.crypto))) {
            return at;
        }
        let named = sent.address.clone().map(|address| (naming::clean(&address), "its address".to_owned()));
        let (name, by) = named.or(derived).unwrap_or_else(|| (if source.is_empty() { "chain".into() } else { source.into() }, "the source".into()));
        match self.find(&name) {
            Some(at) if self.sites.get(at).is_some_and(|site| site.signing.is_none()) => at,
            Some(_) => {
                let name = self.unique(&name);
                self.add(name, by, order)
            }
            None => self.add(name, by, order),
        }
    }
}

/// Whether this CA's key signed the leaf, under this CA's name.
fn signed(ca: &Certificate, sent: &Sent, crypto: &Crypto) -> bool {
    sent.certificates.first().is_some_and(|leaf| leaf.issuer() == ca.subject() && leaf.verify_signature(ca.public_key(), crypto).is_ok())
}

/// Whether both lists hold the same certificates.
fn same_set(a: &[Certificate], b: &[Certificate]) -> bool {
    let set = |list: &[Certificate]| list.iter().map(|certificate| certificate.der().to_vec()).collect::<HashSet<_>>();
    !a.is_empty() && set(a) == set(b)
}
