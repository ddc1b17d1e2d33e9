//! What every implementation of [`Store`] has to do, one sentence a test.
//!
//! `conformance!(place)` makes a test of each; `place` is an expression for a [`Place`] where there is no store yet.
#![allow(unreachable_pub, dead_code, unused_imports, unused_macros, reason = "some test programs use only its fixtures")]

mod ca_requests;
mod changes;
mod inventory;
mod issuance;
mod revocations;
mod standing;
mod submissions;

pub use ca_requests::*;
pub use changes::*;
pub use inventory::*;
pub use issuance::*;
pub use revocations::*;
pub use standing::*;
pub use submissions::*;

use meshroot::hierarchy::ClusterName;
use meshroot_store::{Change, Issuance, JoinToken, NewStore, RenderedBundle, SealedKeyOf, Store, StoreKind, TokenDigest, TokenScope};

use crate::support::{Mesh, NOW};

/// Where one store can be.
pub trait Place: Sync {
    fn create(&self, new: &NewStore) -> Box<dyn Store>;
    /// Opens the store once more: in the first process, or after all are gone.
    fn open(&self) -> Box<dyn Store>;
}

pub fn new_store() -> NewStore {
    let id = "00112233445566778899aabbccddeeff".parse().unwrap();
    NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: b"a wrapped data key".to_vec(), at: NOW }
}

/// The first change: everything that the mesh has.
pub fn first_change(mesh: &Mesh, expected_version: u64) -> Change {
    Change {
        expected_version,
        trust_domain: mesh.trust_domain.clone(),
        events: mesh.events.clone(),
        sealed_keys: vec![SealedKeyOf { authority: mesh.west.clone(), sealed: b"sealed key of west".to_vec() }],
        bundle: Some(RenderedBundle { sequence: 1, bytes: mesh.bundle.to_spiffe_json().into_bytes() }),
        at: NOW,
    }
}

/// A change that changes nothing; to vary.
pub fn no_change(mesh: &Mesh, expected_version: u64) -> Change {
    Change { events: Vec::new(), sealed_keys: Vec::new(), bundle: None, ..first_change(mesh, expected_version) }
}

/// A change that publishes the next bundle.
pub fn next_bundle(mesh: &Mesh, version: u64, sequence: u64) -> Change {
    Change { bundle: Some(RenderedBundle { sequence, bytes: b"next".to_vec() }), ..no_change(mesh, version) }
}

/// A one-time token for a cluster's CA that is good for nothing any more.
pub fn expired_token(mesh: &Mesh, digest: u8) -> JoinToken {
    JoinToken {
        digest: TokenDigest([digest; 32]),
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("west").unwrap(),
        scope: TokenScope::ClusterCa,
        created_by: "operator".into(),
        created_at: NOW,
        expires_at: NOW,
        used_by: None,
    }
}

pub fn issuance(mesh: &Mesh, path: &str) -> Issuance {
    Issuance {
        issued: mesh.issue(path),
        trust_domain: mesh.trust_domain.clone(),
        authority: mesh.west.clone(),
        kind: "workload".into(),
        caller: "operator".into(),
        at: NOW,
        since: NOW,
    }
}

/// A store that holds the mesh.
pub fn with_mesh(place: &dyn Place) -> (Box<dyn Store>, Mesh) {
    let (store, mesh) = (place.create(&new_store()), Mesh::new("mesh.example"));
    assert_eq!(store.commit(&first_change(&mesh, 0)).unwrap(), 1);
    (store, mesh)
}

#[macro_export]
macro_rules! conformance {
    ($place:expr) => {
        $crate::conformance!(
            $place,
            a_new_store_is_empty_and_knows_what_it_is,
            what_was_committed_is_there_when_the_store_is_opened_again,
            of_two_changes_decided_on_one_version_only_one_is_stored,
            changes_from_several_threads_at_once_are_never_lost,
            a_sequence_number_never_goes_back_and_never_names_two_bundles,
            a_sequence_number_that_cannot_be_stored_is_refused,
            a_key_is_never_replaced,
            a_refused_change_leaves_everything_as_it_was,
            trust_domains_do_not_mix,
            only_what_is_in_the_log_is_recorded,
            the_log_says_what_the_certificate_says,
            a_serial_number_is_used_once,
            a_serial_number_of_a_ca_certificate_is_used_once,
            a_serial_number_is_forgotten_only_long_after_its_certificate_expired,
            a_certificate_that_cannot_be_recorded_fails_alone,
            records_from_several_threads_at_once_all_have_their_place,
            the_log_is_read_in_pages_and_by_what_is_asked_for,
            the_last_expiry_is_known_until_it_is_past,
            a_certificate_is_found_by_itself,
            a_token_is_good_for_one_certificate,
            a_token_used_twice_at_once_is_good_once,
            an_expired_token_is_good_for_nothing,
            a_token_can_be_withdrawn_until_it_is_used,
            the_same_request_under_the_same_key_gets_the_same_answer,
            a_used_token_still_answers_the_request_that_used_it,
            a_refused_token_leaves_no_key_behind,
            an_idempotency_key_is_forgotten_only_after_its_time,
            a_search_finds_what_fits_all_that_it_names,
            a_search_goes_on_page_by_page_to_the_end,
            a_search_finds_the_same_before_and_after_maintenance,
            unexpired_certificates_are_counted_by_authority,
            what_expired_long_ago_is_let_go_of_and_nothing_else,
            the_log_in_numbers,
            a_bundle_has_a_moment_from_which_everybody_serves_it,
            a_later_bundle_that_somebody_saw_stops_all_writing_until_the_store_is_restored,
            a_bundle_that_is_held_raises_no_doubt,
            a_restoration_jumps_and_is_possible_at_any_time,
            what_was_revoked_is_there_when_the_store_is_opened_again,
            of_two_revocations_decided_on_one_version_only_one_is_stored,
            a_certificate_is_revoked_once_and_stays_as_it_was,
            revocations_of_expired_certificates_are_not_asked_for,
            a_crl_is_only_replaced_by_one_with_a_greater_number,
            a_revocation_in_an_unknown_trust_domain_is_refused,
            a_denied_identity_is_not_recorded_until_the_denial_is_taken_back,
            a_denial_holds_until_it_expires,
            a_request_for_a_ca_waits_until_it_is_answered_once,
            a_request_for_a_ca_uses_its_token_up,
            an_answer_that_cannot_be_stored_leaves_the_request_waiting
        );
    };
    ($place:expr, $($sentence:ident),*) => {
        $(
            #[test]
            fn $sentence() {
                $crate::conformance::$sentence(&$place);
            }
        )*
    };
}
