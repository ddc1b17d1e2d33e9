//! What stands in the certificates of a path, read without the library under test.

use super::blueprint::{
    AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, EXTENDED_KEY_USAGE, KEY_USAGE, NAME_CONSTRAINTS, SUBJECT_ALT_NAME, SUBJECT_KEY_IDENTIFIER,
};
use super::der::{BOOLEAN, INTEGER, OCTET_STRING, OID, Tlv};
use super::form::{is_identifier, is_whole};

/// One certificate, as far as it can be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Features<'a> {
    /// 0 is version 1.
    pub(super) version: u8,
    pub(super) serial: &'a [u8],
    /// AlgorithmIdentifier of the signed part.
    pub(super) algorithm: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// SubjectPublicKeyInfo.
    pub(super) key: &'a [u8],
    /// The two Times as they stand.
    pub(super) validity: Vec<Tlv<'a>>,
    pub(super) has_unique_ids: bool,
    /// A name, a part of one or the extensions are a list whose tag says that it is none: primitive instead of constructed.
    pub(super) has_primitive_lists: bool,
    extensions: Vec<Extension<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Extension<'a> {
    pub(super) oid: &'a [u8],
    pub(super) critical: bool,
    pub(super) value: &'a [u8],
    /// Its BOOLEAN is neither 0 nor 255, or says the default.
    pub(super) odd_boolean: bool,
}

impl<'a> Features<'a> {
    pub(super) fn read(der: &'a [u8]) -> Option<Self> {
        let (whole, _) = Tlv::first(der)?;
        let tbs = *whole.children().first()?;
        let mut found = Self::default();
        let mut fields = tbs.children().into_iter().peekable();
        if let Some(version) = fields.next_if(|field| field.tag == 0xa0) {
            found.version = *version.content.last()?;
        }
        found.serial = fields.next()?.content;
        found.algorithm = fields.next()?.whole;
        found.issuer = fields.next()?.whole;
        found.validity = fields.next()?.children();
        found.subject = fields.next()?.whole;
        found.key = fields.next()?.whole;
        found.has_primitive_lists = [found.issuer, found.subject].iter().any(|name| has_primitive_lists(name));
        for field in fields {
            match field.tag {
                0x81 | 0x82 | 0xa1 | 0xa2 => found.has_unique_ids = true,
                0xa3 => {
                    let list = *field.children().first()?;
                    found.has_primitive_lists |= list.tag == PRIMITIVE_SEQUENCE;
                    found.extensions = list.children().iter().filter_map(Extension::read).collect();
                }
                _ => {}
            }
        }
        Some(found)
    }

    pub(super) fn extension(&self, oid: &[u8]) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|e| e.oid == oid)
    }

    pub(super) fn self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    pub(super) fn has_critical(&self, oid: &[u8]) -> bool {
        self.extension(oid).is_some_and(|e| e.critical)
    }

    pub(super) fn extensions(&self) -> &[Extension<'a>] {
        &self.extensions
    }

    pub(super) fn critical(&self) -> impl Iterator<Item = &Extension<'a>> {
        self.extensions.iter().filter(|e| e.critical)
    }

    /// Whether an extension stands twice that is none of these.
    pub(super) fn repeats_other_than(&self, these: &[&[u8]]) -> bool {
        let again = |place: usize, one: &Extension<'_>| self.extensions.iter().skip(place + 1).any(|other| other.oid == one.oid);
        self.extensions.iter().enumerate().any(|(place, one)| !these.contains(&one.oid) && again(place, one))
    }

    /// Whether a time of its validity lies before 1970.
    pub(super) fn before_1970(&self) -> bool {
        self.validity.iter().any(|time| match time.content {
            [tens @ b'5'..=b'6', _, ..] if time.tag == 0x17 => *tens < b'7',
            year => time.tag == 0x18 && year < &b"1970"[..],
        })
    }

    pub(super) fn has_no_extensions(&self) -> bool {
        self.extensions.is_empty()
    }

    /// Tags and contents of the GeneralNames of subjectAltName.
    pub(super) fn alt_names(&self) -> Vec<Tlv<'a>> {
        self.extension(SUBJECT_ALT_NAME).and_then(|e| Tlv::first(e.value)).map(|(names, _)| names.children()).unwrap_or_default()
    }

    /// The bases of nameConstraints, permitted and excluded.
    pub(super) fn bases(&self) -> Vec<Tlv<'a>> {
        let Some((whole, _)) = self.extension(NAME_CONSTRAINTS).and_then(|e| Tlv::first(e.value)) else { return Vec::new() };
        whole.children().iter().flat_map(Tlv::children).filter_map(|subtree| subtree.children().first().copied()).collect()
    }

    /// Whether a constraint is of this kind: the tag of its GeneralName.
    pub(super) fn constrains(&self, tag: u8) -> bool {
        self.bases().iter().any(|base| base.tag == tag)
    }

    /// Contents of the OIDs of extKeyUsage, and whether there is one.
    pub(super) fn purposes(&self) -> Option<Vec<&'a [u8]>> {
        let (whole, _) = Tlv::first(self.extension(EXTENDED_KEY_USAGE)?.value)?;
        Some(whole.children().iter().filter(|e| e.tag == OID).map(|e| e.content).collect())
    }

    /// Whether extKeyUsage is a list of well-formed identifiers; true if there is none.
    pub(super) fn purposes_are_whole(&self) -> bool {
        let Some(value) = self.extension(EXTENDED_KEY_USAGE).map(|e| e.value) else { return true };
        Tlv::first(value).is_some_and(|(list, rest)| {
            rest.is_empty() && is_whole(&list) && list.children().iter().all(|e| e.tag == OID && is_identifier(e.content))
        })
    }

    /// cA and pathLenConstraint's content.
    pub(super) fn basic_constraints(&self) -> Option<(bool, Option<&'a [u8]>)> {
        let (whole, _) = Tlv::first(self.extension(BASIC_CONSTRAINTS)?.value)?;
        let fields = whole.children();
        let ca = fields.iter().any(|f| f.tag == BOOLEAN && f.content != [0]);
        Some((ca, fields.iter().find(|f| f.tag == INTEGER).map(|f| f.content)))
    }

    /// The first octet of keyUsage.
    pub(super) fn key_usage(&self) -> Option<u8> {
        let (bits, _) = Tlv::first(self.extension(KEY_USAGE)?.value)?;
        Some(bits.content.get(1).copied().unwrap_or(0))
    }

    /// The octets of subjectKeyIdentifier.
    pub(super) fn subject_key_id(&self) -> Option<&'a [u8]> {
        Tlv::first(self.extension(SUBJECT_KEY_IDENTIFIER)?.value).map(|(id, _)| id.content)
    }

    /// Tags and contents of authorityKeyIdentifier's fields.
    pub(super) fn authority(&self) -> Option<Vec<Tlv<'a>>> {
        Tlv::first(self.extension(AUTHORITY_KEY_IDENTIFIER)?.value).map(|(whole, _)| whole.children())
    }
}

impl<'a> Extension<'a> {
    /// Its value is such a list.
    pub(super) fn is_primitive_list(&self) -> bool {
        self.value.first() == Some(&PRIMITIVE_SEQUENCE)
    }

    fn read(one: &Tlv<'a>) -> Option<Self> {
        let fields = one.children();
        let oid = fields.first()?.content;
        let critical = fields.iter().any(|f| f.tag == BOOLEAN && f.content != [0]);
        let value = fields.iter().find(|f| f.tag == OCTET_STRING)?.content;
        let odd_boolean = fields.iter().any(|f| f.tag == BOOLEAN && f.content != [0xff]);
        Some(Self { oid, critical, value, odd_boolean })
    }
}

/// SEQUENCE and SET without the bit that says that elements are in them.
const PRIMITIVE_SEQUENCE: u8 = 0x10;
const PRIMITIVE_SET: u8 = 0x11;

fn has_primitive_lists(name: &[u8]) -> bool {
    Tlv::first(name).is_some_and(|(name, _)| name.tag == PRIMITIVE_SEQUENCE || name.children().iter().any(|rdn| rdn.tag == PRIMITIVE_SET))
}

/// All that can be read of these.
pub(super) fn read_all<'a>(ders: &'a [Vec<u8>]) -> Vec<Features<'a>> {
    ders.iter().filter_map(|der| Features::read(der)).collect()
}

/// Whether a certificate has a name of a form that we cannot judge, and a CA of the path constrains another such form.
pub(super) fn has_other_forms(one: &Features<'_>, path: &[Features<'_>]) -> bool {
    let is_other = |tag: &u8| matches!(tag, 0xa0 | 0xa3 | 0xa5 | 0x88);
    let names: Vec<u8> = one.alt_names().iter().map(|name| name.tag).filter(is_other).collect();
    let bases: Vec<u8> = path.iter().flat_map(Features::bases).map(|base| base.tag).filter(is_other).collect();
    !names.is_empty() && !bases.is_empty() && !bases.iter().any(|base| names.contains(base))
}
