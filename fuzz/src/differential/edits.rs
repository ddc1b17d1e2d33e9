//! What an input does to an honest case. The number of an edit is its place in [`EDITS`]: new ones go to the end, or
//! the seeds mean something else.

use super::blueprint::{
    AUTHORITY_KEY_IDENTIFIER, BASIC_CONSTRAINTS, Blueprint, EXTENDED_KEY_USAGE, Flaw, KEY_USAGE, NAME_CONSTRAINTS, SUBJECT_ALT_NAME,
    SUBJECT_KEY_IDENTIFIER, basic_constraints, extended_key_usage, key_identifier, key_usage,
};
use super::der::{OCTET_STRING, SEQUENCE, Tlv, element, list};
use super::names::{alt_name, base, constraints, subject};
use super::world::{DAY, Purpose, World, authority_key_identifier};
use crate::NOW;

type Edit = fn(&mut World, usize, u8, u8);

/// The edits, each with a name for the story.
pub(super) const EDITS: [(&str, Edit); 29] = [
    ("validity", validity),
    ("basicConstraints", constrain_basically),
    ("keyUsage", use_key),
    ("extKeyUsage", use_key_further),
    ("nameConstraints permitted", permit),
    ("nameConstraints excluded", exclude),
    ("subjectAltName", name_also),
    ("an extension more", extend),
    ("an extension twice", duplicate),
    ("another subject", rename),
    ("another issuer name", misname_issuer),
    ("key identifiers", misidentify),
    ("signed by another", sign_by_another),
    ("form", misform),
    ("serial number", renumber),
    ("cross-signed", cross_sign),
    ("a namesake with another key", namesake),
    ("a self-issued certificate between", issue_to_self),
    ("anchors", anchor),
    ("the chain's order", shuffle),
    ("sent once more", repeat),
    ("left out", leave_out),
    ("the time asked for", ask_time),
    ("a byte before signing", mutate_before),
    ("a byte after signing", mutate_after),
    ("revoked", revoke),
    ("a CRL's form", misform_crl),
    ("no CRL", forget_crl),
    ("rubbish sent", send_rubbish),
];

pub(super) fn apply(world: &mut World, edit: u8, target: u8, argument: u8, more: u8) {
    let (name, edit) = EDITS[usize::from(edit) % EDITS.len()];
    let target = usize::from(target) % world.certificates.len();
    world.story.push(format!("certificate {target}: {name} ({argument}, {more})"));
    edit(world, target, argument, more);
}

fn validity(world: &mut World, target: usize, argument: u8, more: u8) {
    let seconds = i64::from(more);
    let certificate = &mut world.certificates[target];
    match argument % 9 {
        0 => certificate.not_after = NOW - 1 - seconds,
        1 => certificate.not_after = NOW,
        2 => certificate.not_before = NOW + 1 + seconds,
        3 => certificate.not_before = NOW,
        4 => (certificate.not_before, certificate.not_after) = (NOW + DAY, NOW - DAY),
        // 1950-01-01 and a day after 2050, where the form of a Time changes; the year 9999.
        5 => certificate.not_before = -631_152_000,
        6 => certificate.not_after = 2_524_608_000 + DAY * seconds,
        7 => certificate.not_after = 253_402_300_799,
        _ => (certificate.not_before, certificate.not_after) = (NOW, NOW),
    }
}

fn constrain_basically(world: &mut World, target: usize, argument: u8, more: u8) {
    let certificate = &mut world.certificates[target];
    let critical = more & 0x80 == 0;
    match argument % 6 {
        0 => certificate.remove(BASIC_CONSTRAINTS),
        1 => certificate.set(BASIC_CONSTRAINTS, critical, basic_constraints(false, None)),
        2 => certificate.set(BASIC_CONSTRAINTS, critical, basic_constraints(true, None)),
        3 | 4 => certificate.set(BASIC_CONSTRAINTS, critical, basic_constraints(true, Some(u16::from(more % 4)))),
        _ => certificate.set(BASIC_CONSTRAINTS, critical, basic_constraints(false, Some(u16::from(more)))),
    }
}

fn use_key(world: &mut World, target: usize, argument: u8, more: u8) {
    let certificate = &mut world.certificates[target];
    match argument {
        0 => certificate.remove(KEY_USAGE),
        bits => certificate.set(KEY_USAGE, more & 1 == 0, key_usage(if bits == 1 { 0 } else { bits })),
    }
}

fn use_key_further(world: &mut World, target: usize, argument: u8, more: u8) {
    const PURPOSES: [&[u8]; 9] = [&[1], &[2], &[1, 2], &[0], &[3], &[0, 1], &[3, 2], &[9], &[]];
    let certificate = &mut world.certificates[target];
    match PURPOSES.get(usize::from(argument) % 10) {
        Some(purposes) => certificate.set(EXTENDED_KEY_USAGE, more & 1 == 1, extended_key_usage(purposes)),
        None => certificate.remove(EXTENDED_KEY_USAGE),
    }
}

fn permit(world: &mut World, target: usize, argument: u8, more: u8) {
    constrain(&mut world.certificates[target], 0xa0, base(argument), more & 1 == 0);
}

fn exclude(world: &mut World, target: usize, argument: u8, more: u8) {
    constrain(&mut world.certificates[target], 0xa1, base(argument), more & 1 == 0);
}

/// Adds a subtree to those that are there.
fn constrain(certificate: &mut Blueprint, kind: u8, base: Vec<u8>, critical: bool) {
    let subtrees = |kind: u8| -> Vec<Vec<u8>> {
        let Some(old) = certificate.extension(NAME_CONSTRAINTS) else { return Vec::new() };
        let lists = Tlv::first(&old.value).map(|(whole, _)| whole.children()).unwrap_or_default();
        lists.iter().filter(|list| list.tag == kind).flat_map(Tlv::children).map(|subtree| subtree.content.to_vec()).collect()
    };
    let (mut permitted, mut excluded) = (subtrees(0xa0), subtrees(0xa1));
    if kind == 0xa0 {
        permitted.push(base)
    } else {
        excluded.push(base)
    }
    certificate.set(NAME_CONSTRAINTS, critical, constraints(&permitted, &excluded));
}

fn name_also(world: &mut World, target: usize, argument: u8, more: u8) {
    let certificate = &mut world.certificates[target];
    let old = certificate.extension(SUBJECT_ALT_NAME);
    let critical = old.is_some_and(|e| e.critical) != (more & 0x40 != 0);
    let mut names: Vec<Vec<u8>> = match old.and_then(|e| Tlv::first(&e.value)) {
        Some((old, _)) if more & 0x80 == 0 => old.children().iter().map(|name| name.whole.to_vec()).collect(),
        _ => Vec::new(),
    };
    match argument {
        250.. => return certificate.remove(SUBJECT_ALT_NAME),
        240..=249 => names.clear(),
        name => names.push(alt_name(name)),
    }
    certificate.set(SUBJECT_ALT_NAME, critical, list(SEQUENCE, &names));
}

fn extend(world: &mut World, target: usize, argument: u8, more: u8) {
    const UNKNOWN: &[u8] = &[0x2a, 3, 4, 5];
    let certificate = &mut world.certificates[target];
    let critical = more & 1 == 1;
    let sequence = |parts: &[Vec<u8>]| list(SEQUENCE, parts);
    let uri = || element(0x86, b"http://crl.mesh.example/ca.crl");
    let (oid, value): (&[u8], Vec<u8>) = match argument % 10 {
        0 => (UNKNOWN, vec![5, 0]),
        // certificatePolicies: anyPolicy; policyConstraints: requireExplicitPolicy 0; inhibitAnyPolicy 0.
        1 => (&[0x55, 0x1d, 32], sequence(&[sequence(&[element(6, &[0x55, 0x1d, 32, 0])])])),
        2 => (&[0x55, 0x1d, 36], sequence(&[element(0x80, &[0])])),
        3 => (&[0x55, 0x1d, 54], vec![2, 1, 0]),
        4 => (&[0x55, 0x1d, 31], sequence(&[sequence(&[list(0xa0, &[list(0xa0, &[uri()])])])])),
        // authorityInformationAccess, issuerAltName, subjectDirectoryAttributes, freshestCRL, a SubjectKeyIdentifier.
        5 => (&[0x2b, 6, 1, 5, 5, 7, 1, 1], sequence(&[sequence(&[element(6, &[0x2b, 6, 1, 5, 5, 7, 48, 2]), uri()])])),
        6 => (&[0x55, 0x1d, 18], sequence(&[uri()])),
        7 => (&[0x55, 0x1d, 9], sequence(&[sequence(&[element(6, &[0x55, 4, 3]), element(0x31, &[0x0c, 1, b'x'])])])),
        8 => (&[0x55, 0x1d, 46], sequence(&[sequence(&[list(0xa0, &[list(0xa0, &[uri()])])])])),
        _ => (SUBJECT_KEY_IDENTIFIER, element(OCTET_STRING, &key_identifier(certificate.key))),
    };
    certificate.set(oid, critical, value);
}

fn duplicate(world: &mut World, target: usize, argument: u8, _: u8) {
    let extensions = &mut world.certificates[target].extensions;
    if let Some(one) = extensions.get(usize::from(argument) % extensions.len().max(1)).cloned() {
        extensions.push(one);
    }
}

/// A new subject; those below follow unless `more` is odd.
fn rename(world: &mut World, target: usize, argument: u8, more: u8) {
    let new = subject(argument);
    let key = world.certificates[target].key;
    let old = std::mem::replace(&mut world.certificates[target].subject, new.clone());
    if more & 1 == 0 {
        for certificate in &mut world.certificates {
            if certificate.signer == key && certificate.issuer == old {
                certificate.issuer.clone_from(&new);
            }
        }
    }
}

fn misname_issuer(world: &mut World, target: usize, argument: u8, _: u8) {
    world.certificates[target].issuer = subject(argument);
}

fn misidentify(world: &mut World, target: usize, argument: u8, more: u8) {
    let certificate = &mut world.certificates[target];
    let other = usize::from(more % 20);
    match argument % 8 {
        0 => certificate.remove(AUTHORITY_KEY_IDENTIFIER),
        1 => certificate.remove(SUBJECT_KEY_IDENTIFIER),
        2 => certificate.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(other)),
        3 => certificate.set(SUBJECT_KEY_IDENTIFIER, false, element(OCTET_STRING, &key_identifier(other))),
        // By issuer and serial number, right or wrong.
        4 => {
            let issuer = list(0xa1, &[list(0xa4, &[certificate.issuer.clone()])]);
            certificate.set(AUTHORITY_KEY_IDENTIFIER, false, list(SEQUENCE, &[issuer, element(0x82, &[more])]));
        }
        5 => certificate.set(AUTHORITY_KEY_IDENTIFIER, false, list(SEQUENCE, &[])),
        6 => certificate.set(AUTHORITY_KEY_IDENTIFIER, true, authority_key_identifier(certificate.signer)),
        _ => certificate.set(SUBJECT_KEY_IDENTIFIER, more & 1 == 0, element(OCTET_STRING, &[])),
    }
}

fn sign_by_another(world: &mut World, target: usize, argument: u8, _: u8) {
    world.certificates[target].signer = usize::from(argument % 20);
}

fn misform(world: &mut World, target: usize, argument: u8, more: u8) {
    let certificate = &mut world.certificates[target];
    match argument % 9 {
        0 => certificate.flaw = Flaw::Broken,
        1 => certificate.flaw = Flaw::AlgorithmsDiffer,
        2 => certificate.flaw = Flaw::NullParameters,
        3 => certificate.flaw = Flaw::UniqueId,
        4 => certificate.flaw = Flaw::TrailingByte,
        5 => certificate.version = more % 4,
        6 => (certificate.version, certificate.extensions) = (0, Vec::new()),
        7 => certificate.extensions.clear(),
        _ => certificate.extensions.reverse(),
    }
}

fn renumber(world: &mut World, target: usize, argument: u8, more: u8) {
    world.certificates[target].serial = match argument % 8 {
        0 => vec![0],
        1 => vec![0x80 | more],
        2 => [&[0x7f][..], &[more; 19]].concat(),
        3 => [&[0, 0x80][..], &[more; 19]].concat(),
        4 => [&[0x7f][..], &[more; 20]].concat(),
        5 => vec![0, more & 0x7f],
        6 => Vec::new(),
        _ => vec![0x10 + more % 6],
    };
}

/// The same subject and key, vouched for by another: a new root or another CA that is there.
fn cross_sign(world: &mut World, target: usize, argument: u8, more: u8) {
    let mut crossed = world.certificates[target].clone();
    let by = if argument & 1 == 0 {
        let mut root = world.certificates[0].clone();
        root.key = world.fresh_key(more);
        root.signer = root.key;
        root.subject = super::blueprint::common_name(&format!("root {}", root.key));
        root.issuer.clone_from(&root.subject);
        root.set(SUBJECT_KEY_IDENTIFIER, false, element(OCTET_STRING, &key_identifier(root.key)));
        root.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(root.key));
        let Some(place) = world.add(root) else { return };
        if argument & 2 == 0 {
            world.anchors.push(place);
        }
        if argument & 4 == 4 {
            world.chain.push(place);
        }
        place
    } else {
        usize::from(more) % world.certificates.len()
    };
    let by = world.certificates[by].clone();
    (crossed.issuer, crossed.signer) = (by.subject, by.key);
    crossed.serial = vec![0x40 + more % 0x20];
    crossed.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(by.key));
    let Some(place) = world.add(crossed) else { return };
    if argument & 8 == 0 { world.chain.push(place) } else { world.chain.insert(0, place) }
}

/// The same subject with another key, from the same issuer: everything below seems to be signed by it.
fn namesake(world: &mut World, target: usize, argument: u8, more: u8) {
    let mut decoy = world.certificates[target].clone();
    decoy.key = world.fresh_key(more);
    decoy.serial = vec![0x30 + argument % 0x10];
    if argument & 1 == 0 {
        decoy.set(SUBJECT_KEY_IDENTIFIER, false, element(OCTET_STRING, &key_identifier(decoy.key)));
    }
    if argument & 2 == 2 {
        decoy.remove(SUBJECT_KEY_IDENTIFIER);
    }
    if decoy.subject == decoy.issuer {
        decoy.signer = decoy.key;
    }
    let self_signed = decoy.signer == decoy.key;
    let Some(place) = world.add(decoy) else { return };
    if self_signed && argument & 4 == 4 {
        world.anchors.insert(0, place);
    } else {
        world.chain.insert(0, place);
    }
}

/// A CA's new key, vouched for by its old one; what was below the old one is below the new.
fn issue_to_self(world: &mut World, target: usize, argument: u8, more: u8) {
    let old = world.certificates[target].clone();
    let mut new = old.clone();
    new.key = world.fresh_key(more);
    (new.signer, new.issuer) = (old.key, old.subject.clone());
    new.serial = vec![0x60 + argument % 0x10];
    new.set(SUBJECT_KEY_IDENTIFIER, false, element(OCTET_STRING, &key_identifier(new.key)));
    new.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(old.key));
    if target == world.leaf {
        return;
    }
    for certificate in &mut world.certificates {
        if certificate.signer == old.key && certificate.subject != old.subject {
            certificate.signer = new.key;
            certificate.set(AUTHORITY_KEY_IDENTIFIER, false, authority_key_identifier(new.key));
        }
    }
    if let Some(place) = world.add(new) {
        world.chain.push(place);
    }
}

fn anchor(world: &mut World, target: usize, argument: u8, _: u8) {
    match argument % 6 {
        0 => world.anchors.push(target),
        1 => world.anchors = vec![target],
        2 => world.anchors.retain(|anchor| *anchor != target),
        3 => world.anchors.reverse(),
        4 => world.anchors.insert(0, target),
        _ => world.chain.extend(world.anchors.clone()),
    }
}

fn shuffle(world: &mut World, target: usize, argument: u8, _: u8) {
    let chain = &mut world.chain;
    if chain.is_empty() {
        return;
    }
    let length = chain.len();
    match argument % 3 {
        0 => chain.reverse(),
        1 => chain.rotate_left(target % length),
        _ => chain.swap(target % length, usize::from(argument) % length),
    }
}

fn repeat(world: &mut World, target: usize, argument: u8, _: u8) {
    for _ in 0..1 + argument % 3 {
        world.chain.insert(usize::from(argument) % (world.chain.len() + 1), target);
    }
}

fn leave_out(world: &mut World, target: usize, _: u8, _: u8) {
    world.chain.retain(|place| *place != target);
}

fn ask_time(world: &mut World, _: usize, argument: u8, more: u8) {
    world.now = NOW + [0, -DAY, DAY, -DAY - 1, DAY + 1, i64::from(more), -i64::from(more), 60 * DAY][usize::from(argument % 8)];
    if more & 0x80 != 0 {
        world.purpose = [Purpose::Any, Purpose::Server, Purpose::Client][usize::from(more % 3)];
    }
}

fn mutate_before(world: &mut World, target: usize, argument: u8, more: u8) {
    world.certificates[target].before_signing.push((argument, more));
}

fn mutate_after(world: &mut World, target: usize, argument: u8, more: u8) {
    world.certificates[target].after_signing.push((argument, more));
}

/// Puts a certificate on its issuer's CRL, which is made if it is not there.
fn revoke(world: &mut World, target: usize, argument: u8, more: u8) {
    let Blueprint { issuer, signer, serial, .. } = world.certificates[target].clone();
    let place = world.crls.iter().position(|crl| crl.issuer == issuer && crl.signer == signer);
    let place = place.or_else(|| {
        let ca = world.certificates.iter().position(|ca| ca.subject == issuer && ca.key == signer)?;
        world.crls.push(world.crl_of(ca));
        Some(world.crls.len() - 1)
    });
    if let Some(crl) = place.and_then(|place| world.crls.get_mut(place)) {
        let reason = [None, Some(1), Some(4), Some(6), Some(0), Some(8), Some(7), Some(10)][usize::from(argument % 8)];
        crl.revoked.push((if more & 0x80 == 0 { serial } else { vec![more] }, reason));
    }
}

fn misform_crl(world: &mut World, target: usize, argument: u8, more: u8) {
    let Some(count) = world.crls.len().checked_sub(1) else { return };
    let boolean = |tag: u8| element(tag, &[0xff]);
    let crl = &mut world.crls[target % (count + 1)];
    match argument % 18 {
        0 => crl.next_update = Some(NOW - 1 - i64::from(more)),
        1 => crl.next_update = Some(NOW),
        2 => crl.this_update = NOW + 1 + i64::from(more),
        3 => crl.this_update = NOW,
        4 => crl.next_update = None,
        5 => crl.broken = true,
        6 => crl.signer = usize::from(more % 20),
        7 => crl.scope = Some(boolean(0x81)),
        8 => crl.scope = Some(boolean(0x82)),
        9 => crl.scope = Some(boolean(0x84)),
        10 => crl.scope = Some(element(0x83, &[1, 2])),
        11 => crl.scope = Some(list(0xa0, &[list(0xa0, &[element(0x86, b"http://crl.mesh.example/ca.crl")])])),
        12 => crl.unknown_critical = true,
        13 => crl.delta = true,
        14 => crl.without_number = true,
        15 => crl.authority = (more & 1 == 0).then_some(usize::from(more % 20)),
        16 => crl.before_signing.push((target as u8, more)),
        _ => {
            let copy = crl.clone();
            world.crls.insert(0, copy);
        }
    }
}

fn forget_crl(world: &mut World, target: usize, _: u8, _: u8) {
    if !world.crls.is_empty() {
        world.crls.remove(target % world.crls.len());
    }
}

fn send_rubbish(world: &mut World, target: usize, argument: u8, more: u8) {
    world.rubbish.push(match argument % 4 {
        0 => Vec::new(),
        1 => vec![more; 7],
        2 => list(SEQUENCE, &[list(SEQUENCE, &[]), list(SEQUENCE, &[])]),
        _ => {
            let der = world.certificates[target].der();
            der[..der.len() / 2].to_vec()
        }
    });
}
