use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot_store::{CaAnswer, CaRequest, CaRequestId, JoinToken, TokenDigest, TokenScope};

use super::{Place, new_store, no_change, with_mesh};
use crate::support::{Mesh, NOW};

const HOUR: Duration = Duration::from_secs(3_600);

fn request(mesh: &Mesh, id: u8) -> CaRequest {
    CaRequest {
        id: CaRequestId([id; 16]),
        number: 0,
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("north").unwrap(),
        profile: "cluster CA".into(),
        lifetime: HOUR * 24,
        csr: b"a request".to_vec(),
        caller: "operator".into(),
        token: None,
        at: NOW,
        answered: None,
    }
}

fn answer(mesh: &Mesh) -> CaAnswer {
    CaAnswer { authority: mesh.west.clone(), at: NOW.plus(HOUR), by: "operator".into() }
}

fn token(mesh: &Mesh, digest: u8) -> JoinToken {
    JoinToken {
        digest: TokenDigest([digest; 32]),
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("north").unwrap(),
        scope: TokenScope::ClusterCa,
        created_by: "operator".into(),
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
        used_by: None,
    }
}

pub fn a_request_for_a_ca_waits_until_it_is_answered_once(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let (first, second) = (request(&mesh, 1), CaRequest { profile: "subordinate CA".into(), ..request(&mesh, 2) });
    assert_eq!((store.add_ca_request(&first).unwrap(), store.add_ca_request(&second).unwrap()), (1, 2));
    drop(store);
    let store = place.open();
    let stored = [CaRequest { number: 1, ..first }, CaRequest { number: 2, ..second }];
    assert_eq!(store.waiting_ca_requests().unwrap(), stored);
    assert_eq!(store.ca_request(&CaRequestId([9; 16])).unwrap(), None);
    assert_eq!(store.answer_ca_request(&stored[0].id, &answer(&mesh), &no_change(&mesh, 1)).unwrap(), 2);
    let answered = CaRequest { answered: Some(answer(&mesh)), ..stored[0].clone() };
    assert_eq!(place.open().ca_request(&answered.id).unwrap(), Some(answered.clone()));
    assert_eq!(store.waiting_ca_requests().unwrap(), stored[1..]);
    let code = |id| store.answer_ca_request(&id, &answer(&mesh), &no_change(&mesh, 2)).unwrap_err().code();
    assert_eq!((code(answered.id), code(CaRequestId([9; 16]))), ("store.ca_request_answered", "store.ca_request_unknown"));
    assert_eq!(store.version().unwrap(), 2, "what was refused left nothing behind");
}

pub fn a_request_for_a_ca_uses_its_token_up(place: &dyn Place) {
    let (store, mesh) = with_mesh(place);
    let with = |id, digest| CaRequest { token: Some(TokenDigest([digest; 32])), ..request(&mesh, id) };
    assert_eq!(store.add_ca_request(&with(1, 1)).unwrap_err().code(), "store.token_unknown");
    store.add_token(&token(&mesh, 1)).unwrap();
    store.add_ca_request(&with(1, 1)).unwrap();
    assert_eq!(place.open().add_ca_request(&with(2, 1)).unwrap_err().code(), "store.token_used");
    assert_eq!(store.token(&TokenDigest([1; 32])).unwrap().unwrap().used_by, Some(1));
    assert_eq!(store.ca_request_of(&TokenDigest([1; 32])).unwrap().unwrap().id, CaRequestId([1; 16]));
    assert_eq!(store.ca_request_of(&TokenDigest([2; 32])).unwrap(), None);
    store.add_token(&JoinToken { expires_at: NOW, ..token(&mesh, 2) }).unwrap();
    assert_eq!(store.add_ca_request(&with(2, 2)).unwrap_err().code(), "store.token_expired");
    assert_eq!(store.waiting_ca_requests().unwrap().len(), 1);
}

pub fn an_answer_that_cannot_be_stored_leaves_the_request_waiting(place: &dyn Place) {
    let empty = place.create(&new_store());
    let mesh = Mesh::new("mesh.example");
    assert_eq!(empty.add_ca_request(&request(&mesh, 1)).unwrap_err().code(), "store.unknown_trust_domain");
    empty.commit(&super::first_change(&mesh, 0)).unwrap();
    empty.add_ca_request(&request(&mesh, 1)).unwrap();
    let late = empty.answer_ca_request(&CaRequestId([1; 16]), &answer(&mesh), &no_change(&mesh, 0));
    assert_eq!(late.unwrap_err().code(), "store.conflict");
    assert_eq!(empty.waiting_ca_requests().unwrap().len(), 1);
}
