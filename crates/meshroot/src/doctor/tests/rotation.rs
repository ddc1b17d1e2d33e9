use super::*;

fn phase(diagnosis: &Diagnosis) -> (&str, &str) {
    let found = warning(diagnosis, "doctor.rotation");
    (&found.message, &found.remedy)
}

fn newer(name: &str) -> Ca {
    root_with(name, |p| p.not_before = at(NOW.minus(DAY)))
}

#[test]
fn a_new_root_is_published_everywhere_before_anything_is_signed_under_it() {
    let (a, b) = (root("a"), newer("b"));
    let (west, east) = (below(&a, "west"), below(&a, "east"));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), cacerts("east", &[&east], &[&a])]);
    assert!(diagnosis.every_pair_trusts());
    let (message, remedy) = phase(&diagnosis);
    assert!(message.contains("published") && message.contains("CN=b"), "{message}");
    assert!(remedy.contains("add it in east"), "{remedy}");
}

#[test]
fn signing_under_a_root_that_is_not_published_yet_breaks_one_direction() {
    let (a, b) = (root("a"), newer("b"));
    let (west, east) = (below(&b, "west"), below(&a, "east"));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), cacerts("east", &[&east], &[&a])]);
    let refused: Vec<_> = said(&diagnosis).into_iter().filter(|line| line.ends_with("no")).collect();
    assert_eq!(refused, ["west>east sidecar no", "west>east ambient no"]);
    let (_, _, mend, _) = no(&diagnosis, "west", "east", Plane::Sidecar);
    assert_eq!(mend[0].mend, Mend::AddRoots { cluster: "east".into(), trust_domain: None, roots: certs(&[&b]) });
    assert!(mend[0].text.contains("published everywhere before"), "{}", mend[0].text);
    let (message, remedy) = phase(&diagnosis);
    assert!(message.contains("signs already"), "{message}");
    assert!(remedy.contains("add it in east"), "{remedy}");
}

#[test]
fn the_middle_of_a_rotation_says_who_is_left() {
    let (a, b) = (root("a"), newer("b"));
    let (west, east) = (below(&b, "west"), below(&a, "east"));
    let diagnosis = look(vec![cacerts("west", &[&west], &[&a, &b]), cacerts("east", &[&east], &[&a, &b])]);
    assert!(diagnosis.every_pair_trusts());
    let (message, remedy) = phase(&diagnosis);
    assert!(message.contains("west") && message.contains("CN=b"), "{message}");
    assert!(remedy.contains("east") && remedy.contains("keep CN=a"), "{remedy}");
}

#[test]
fn the_old_root_is_taken_away_last() {
    let (a, b) = (root("a"), newer("b"));
    let (west, east) = (below(&b, "west"), below(&b, "east"));
    let done = look(vec![cacerts("west", &[&west], &[&b]), cacerts("east", &[&east], &[&a, &b])]);
    assert!(done.every_pair_trusts());
    let (message, remedy) = phase(&done);
    assert!(message.contains("CN=a") && message.contains("nothing is signed under it"), "{message}");
    assert!(remedy.contains("remove it in east"), "{remedy}");

    let too_early = look(vec![cacerts("west", &[&west], &[&b]), cacerts("east", &[&below(&a, "east")], &[&a, &b])]);
    assert_eq!(said(&too_early).iter().filter(|line| line.ends_with("no")).count(), 2);
    let (message, remedy) = phase(&too_early);
    assert!(message.contains("taken away"), "{message}");
    assert!(remedy.contains("put it back in west"), "{remedy}");
}

#[test]
fn meshes_that_share_nothing_are_no_rotation() {
    let (a, b) = (root("a"), newer("b"));
    let diagnosis = look(vec![cacerts("west", &[&below(&a, "west")], &[&a]), cacerts("east", &[&below(&b, "east")], &[&b])]);
    assert!(!codes(&diagnosis).contains(&"doctor.rotation"));
    assert!(warning(&diagnosis, "doctor.no_common_root").message.contains("west"));
}
