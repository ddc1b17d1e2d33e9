//! Time passes while configurations stay.

use std::sync::Arc;
use std::time::Duration;

use meshroot_rustls::{Peers, client_config, server_config};

use crate::mesh::{Clock, Mesh, NOW};
use crate::shake::shake;

#[test]
fn an_expired_certificate_is_refused_to_the_second() {
    let mesh = Mesh::new("mesh.example");
    let (clock, cart) = (Clock::new(), mesh.identity("/cart"));
    let client = Arc::new(client_config(&mesh.trust(), &cart, Peers::trusted(), &[]).unwrap());
    let server = Arc::new(server_config(&clock.trust([&mesh.bundle]), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap());
    let last = cart.credential().validity().not_after;

    clock.set(last);
    let mut open = shake(&client, &server).unwrap();
    clock.set(last.plus(Duration::from_secs(1)));
    let refused = shake(&client, &server).unwrap_err().by_server();
    assert_eq!(refused.code(), "verify.expired");
    assert!(refused.to_string().contains(&last.to_string()), "{refused}");
    assert!(open.works());

    clock.set(NOW.minus(Duration::from_secs(3600)));
    assert_eq!(shake(&client, &server).unwrap_err().by_server().code(), "verify.not_yet_valid");
}

#[test]
fn an_expired_server_is_refused_by_the_clients_clock() {
    let mesh = Mesh::new("mesh.example");
    let clock = Clock::new();
    let client = Arc::new(client_config(&clock.trust([&mesh.bundle]), &mesh.identity("/cart"), Peers::trusted(), &[]).unwrap());
    let server = Arc::new(server_config(&mesh.trust(), &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap());
    assert!(shake(&client, &server).is_ok());
    clock.set(NOW.plus(Duration::from_secs(25 * 3600)));
    assert_eq!(shake(&client, &server).unwrap_err().by_client().code(), "verify.expired");
}
