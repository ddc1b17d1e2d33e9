//! Ten million records: how long things take, and how much room.
//!
//! ```sh
//! cargo test --release -p meshroot-store --features scale --lib -- --nocapture ten_million
//! ```
//!
//! It takes minutes and ten gigabytes; `MESHROOT_SCALE` makes it another number. It asks for what the design asks for; on a machine that is busy with other
//! things its times are longer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests may be blunt"
)]
#![allow(clippy::disallowed_methods, reason = "it measures time")]

use std::time::Instant;

use meshroot::x509::SerialNumber;

use super::references::References;
use super::serials::{Number, Recent};
use super::*;
use crate::support::{Mesh, NOW};
use crate::{IdPattern, Issuance, NewStore, RenderedBundle, StoreKind};

const DAY: u64 = 86_400;
const RETENTION: Duration = Duration::from_secs(90 * DAY);

/// Certificates of a day's life, issued over four days, for 100,000 workloads in 500 namespaces, by 200 clusters' CAs.
struct Plan {
    records: u64,
    certificate: Vec<u8>,
    /// Where in it the serial number is.
    serial_at: usize,
    /// Where there is what nobody can guess: key, key identifier, and most of the signature.
    random_at: [(usize, usize); 4],
}

impl Plan {
    fn authority(n: u64) -> String {
        format!("cluster-{}-1234abcd", n % 200)
    }

    fn id(n: u64) -> String {
        let workload = n.wrapping_mul(2_654_435_761) % 100_000;
        format!("spiffe://mesh.example/ns/namespace-{}/sa/app-{workload}", workload % 500)
    }

    fn at(&self, n: u64) -> i64 {
        NOW.unix() + i64::try_from(n * 4 * DAY / self.records).unwrap()
    }

    /// Looks random, and is the same in every run.
    fn serial(n: u64) -> [u8; 20] {
        let mut serial = [0u8; 20];
        let mut state = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        for part in serial.chunks_mut(8) {
            state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&state.to_be_bytes()[..part.len()]);
        }
        serial[0] |= 0x40;
        serial[0] &= 0x7f;
        serial
    }

    /// A certificate that is as different from the others as a real one.
    fn certificate(&self, n: u64) -> Vec<u8> {
        let mut certificate = self.certificate.clone();
        certificate[self.serial_at..self.serial_at + 20].copy_from_slice(&Self::serial(n));
        let mut random = (1..).flat_map(|part| Self::serial(n.wrapping_mul(1_000_003) + part));
        for (at, length) in self.random_at {
            certificate[at..at + length].iter_mut().zip(&mut random).for_each(|(octet, random)| *octet = random);
        }
        certificate
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.at(self.records))
    }
}

/// Writes the rows that recording would write, many in a transaction.
fn fill(store: &SqliteStore, plan: &Plan, from: u64, to: u64) {
    let mut state = store.state();
    let context = store.context("fill");
    let transaction = state.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let (mut found, mut references, mut index) = (Recent::default(), References::default(), Recent::default());
    index.behind = 1;
    let mut tail = log::Tail::find(&transaction, &context, &mut found, &mut references).unwrap();
    let remembered = plan.now().unix() - i64::try_from(DAY).unwrap();
    for n in from..to {
        let (serial, at) = (Plan::serial(n), plan.at(n));
        let (authority, id) = (Plan::authority(n), Plan::id(n));
        let certificate = plan.certificate(n);
        let not_after = at + i64::try_from(DAY).unwrap();
        let entry = log::Entry {
            position: tail.next,
            trust_domain: 1,
            authority: &authority,
            kind: "workload",
            caller: &format!("{id} with record {}", n / 2),
            spiffe_id: Some(&id),
            serial: &serial,
            not_before: at - 60,
            not_after,
            at,
            since: Some(at - 5_000),
            certificate: &certificate,
        };
        tail.write(&entry).unwrap();
        entry.note_expiry(&transaction).unwrap();
        if not_after >= remembered {
            let certificate = Certificate::from_der(&certificate).unwrap();
            index.add(Number::of(1, &certificate).key(), certificate.validity().not_after, tail.next);
        }
        tail.next += 1;
    }
    drop(tail);
    index.settle_if_many(&transaction, &context, plan.now()).unwrap();
    transaction.commit().unwrap();
}

/// What this process has written until now, to the disk or to what is in front of it.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// The best of five, since the machine may be busy.
fn time<T>(what: &str, most: Duration, mut work: impl FnMut() -> T) -> T {
    let mut best = Duration::MAX;
    let mut made = None;
    for _ in 0..5 {
        let began = Instant::now();
        made = Some(work());
        best = best.min(began.elapsed());
    }
    println!("{what:<66} {:>9.3} ms", best.as_secs_f64() * 1e3);
    assert!(best <= most, "{what} took {best:?}, and {most:?} are allowed");
    made.unwrap()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn ten_million_records_are_as_quick_as_few() {
    let records: u64 = std::env::var("MESHROOT_SCALE").map_or(10_000_000, |number| number.parse().unwrap());
    let folder = tempfile::tempdir_in(std::env::var_os("MESHROOT_SCALE_FOLDER").unwrap_or_else(|| ".".into())).unwrap();
    let path = folder.path().join("mesh.db");
    let mesh = Mesh::new("mesh.example");
    let id = "00112233445566778899aabbccddeeff".parse().unwrap();
    let store = SqliteStore::create(&path, &NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: b"wrapped".to_vec(), at: NOW }).unwrap();
    let bundle = RenderedBundle { sequence: 1, bytes: mesh.bundle.to_spiffe_json().into_bytes() };
    let change = Change {
        expected_version: 0,
        trust_domain: mesh.trust_domain.clone(),
        events: mesh.events.clone(),
        sealed_keys: Vec::new(),
        bundle: Some(bundle),
        at: NOW,
    };
    store.commit(&change).unwrap();
    let issued = mesh.issue_with("/ns/namespace-100/sa/app-10000", SerialNumber::from_bytes(&[0x55; 20]), NOW);
    let certificate = issued.der().to_vec();
    let serial_at = certificate.windows(20).position(|window| window == [0x55; 20]).unwrap();
    let read = Certificate::from_der(&certificate).unwrap();
    let find = |octets: &[u8]| certificate.windows(octets.len()).position(|window| window == octets).unwrap();
    let (key, key_id) = (read.public_key().spki_der(), read.subject_key_id().unwrap().as_bytes());
    let (key_end, end) = (find(key) + key.len(), certificate.len());
    // The signature is two numbers, the second behind a header of two or three octets.
    let random_at = [(key_end - 64, 64), (find(key_id), key_id.len()), (end - 66, 31), (end - 32, 32)];
    let plan = Plan { records, certificate, serial_at, random_at };
    println!("{records} records, each with a certificate of {} octets", plan.certificate.len());

    store.state().connection.pragma_update(None, "synchronous", "OFF").unwrap();
    store.state().connection.pragma_update(None, "cache_size", -256_000).unwrap();
    let (mut filled, mut learned, mut octets) = (Duration::ZERO, Duration::ZERO, 0);
    for from in (0..records).step_by(65_536) {
        let to = (from + 65_536).min(records);
        let began = Instant::now();
        fill(&store, &plan, from, to);
        filled += began.elapsed();
        let (began, before) = (Instant::now(), written());
        while store.maintain(Timestamp::from_unix(plan.at(to)), RETENTION).unwrap().more {}
        learned += began.elapsed();
        octets += written() - before;
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / records as f64;
    println!(
        "written in {:.1} µs a record; the inventory took {:.1} µs and {} written octets a record",
        each(filled),
        each(learned),
        octets / records
    );
    drop(store);
    let octets = size(&path);
    println!("{:.2} GB, {:.0} octets a record", octets as f64 / 1e9, octets as f64 / records as f64);
    report_room(&path);

    let second = Duration::from_secs(1);
    let store = time("open and load", second, || {
        let store = SqliteStore::open(&path).unwrap();
        store.load().unwrap();
        store
    });
    let (now, quick) = (plan.now(), Duration::from_millis(100));
    let authority = |n: u64| -> AuthorityId { serde_json::from_value(Plan::authority(n).into()).unwrap() };
    let search = |what: &str, search: Search| {
        let found = time(what, quick, || store.search(&search).unwrap());
        assert!(found.rows.iter().all(|row| search.fits(row)));
        assert!(found.rows.len() as u32 == search.limit || found.next.is_none() || found.rows.is_empty(), "{what}");
        println!("{:>70} found{}", found.rows.len(), if found.next.is_some() { ", and more" } else { "" });
        found
    };
    let all = Search::default;
    let exactly = |n| Some(IdPattern::Exactly(Plan::id(n).parse().unwrap()));
    search("the first 100", all());
    search("100 in the middle", Search { after: records / 2, ..all() });
    search("an identity", Search { id: exactly(77), ..all() });
    search("a namespace", Search { id: Some(IdPattern::BeginsWith("spiffe://mesh.example/ns/namespace-123/".into())), ..all() });
    search("an identity, from the middle", Search { id: exactly(77), after: records / 2, ..all() });
    let one = search("an old serial number", Search { serial: Some(SerialNumber::from_bytes(&Plan::serial(5))), ..all() });
    assert_eq!(one.rows.len(), 1);
    search("a new serial number", Search { serial: Some(SerialNumber::from_bytes(&Plan::serial(records - 5))), ..all() });
    search("a caller", Search { caller: Some(format!("{} with", Plan::id(78))), ..all() });
    search("a cluster's", Search { authorities: Some(vec![authority(7)]), ..all() });
    search("a cluster's, unexpired", Search { authorities: Some(vec![authority(7)]), expires_after: Some(now), ..all() });
    let soon = Search { expires_after: Some(now), expires_by: Some(now.plus(Duration::from_secs(60))), ..all() };
    search("what expires in a minute", soon.clone());
    search("an identity's that expires in a minute", Search { id: exactly(77), ..soon });
    search("nobody's", Search { id: Some(IdPattern::BeginsWith("spiffe://nobody/".into())), ..all() });
    let unexpired = time("who depends on a root: unexpired ones counted by CA", quick, || store.unexpired(now).unwrap());
    println!("{:>70} CAs, {} certificates", unexpired.len(), unexpired.iter().map(|one| one.certificates).sum::<u64>());
    time("last expiry of a CA", quick, || store.last_expiry(&mesh.trust_domain, &authority(3), now).unwrap()).unwrap();
    let last = store.search(&Search { after: records - 1, ..all() }).unwrap().rows.pop().unwrap();
    time("the log in numbers", quick, || store.log_extent().unwrap());
    time("an entry by its position", quick, || store.issuances(&Query { after: last.position - 1, limit: 1, ..Query::default() }).unwrap());
    let mut batches: Vec<Vec<Issuance>> = (0..5).map(|_| (0..8).map(|_| issuance(&mesh)).collect()).collect();
    time("eight certificates recorded together", quick, || store.record(batches.pop().unwrap()).unwrap());
    let later = now.plus(RETENTION + Duration::from_secs(2 * DAY));
    time("a segment let go of", second, || store.maintain(later, RETENTION).unwrap());
    assert!(store.log_extent().unwrap().held < records);
}

fn issuance(mesh: &Mesh) -> Issuance {
    Issuance {
        issued: mesh.issue("/ns/shop/sa/cart"),
        trust_domain: mesh.trust_domain.clone(),
        authority: mesh.west.clone(),
        kind: "workload".into(),
        caller: "operator".into(),
        at: NOW,
        since: NOW,
    }
}

/// Which tables take how much, where SQLite can say.
fn report_room(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT CASE WHEN name LIKE 'issuances%' THEN 'the log' WHEN name LIKE 'terms%' THEN 'what it is searched by' \
               WHEN name LIKE 'expiries%' THEN 'counts' WHEN name LIKE '%serial%' THEN 'serial numbers in use' ELSE 'the rest' END AS what, \
               sum(pgsize) FROM dbstat WHERE aggregate = TRUE GROUP BY what ORDER BY 2 DESC";
    let Ok(mut select) = connection.prepare(sql) else { return };
    let rows = select.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))).unwrap();
    rows.map(Result::unwrap).for_each(|(what, octets)| println!("{what:<66} {:>9.1} MB", octets as f64 / 1e6));
}
