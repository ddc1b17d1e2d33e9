//! The transcripts in `docs/doctor.md` are what the command says today. `MESHROOT_BLESS=1` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::Command;

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::scene::{Scene, expired, federated, makefile, plain, rotation};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doctor.md")
}

/// How a scene is handed to the command.
enum As {
    Folders,
    Manifests,
    /// Manifests, and one bundle map for both.
    ManifestsAndMap,
}

fn transcripts(crypto: &Crypto) -> Vec<(Scene, As)> {
    vec![
        (plain::healthy(NOW, crypto), As::Folders),
        (plain::self_signed(NOW, crypto), As::Manifests),
        (makefile::with_crl(NOW, crypto), As::Folders),
        (rotation::half_finished(NOW, crypto), As::Manifests),
        (expired::intermediate(NOW, crypto), As::Folders),
        (federated::pair(NOW, crypto), As::Manifests),
        (federated::by_domain(NOW, crypto), As::ManifestsAndMap),
    ]
}

/// `$ meshroot doctor …`, what it prints, and its exit code.
fn transcript(scene: &Scene, how: &As) -> String {
    let folder = tempfile::tempdir().unwrap();
    let names = scene.clusters.iter().map(|cluster| cluster.name);
    let sources: Vec<String> = match how {
        As::Folders => {
            scene.write_folders(folder.path());
            names.collect::<Vec<_>>().into_iter().map(|name| format!("{name}/")).collect()
        }
        As::Manifests => {
            scene.write_manifests(folder.path());
            names.map(|name| format!("{name}.yaml")).collect()
        }
        As::ManifestsAndMap => {
            scene.write_manifests(folder.path());
            std::fs::write(folder.path().join("bundles.json"), scene.bundle_map().to_json()).unwrap();
            names.flat_map(|name| [format!("{name}.yaml"), format!("{name}=bundles.json")]).collect()
        }
    };
    let out = Command::new(env!("CARGO_BIN_EXE_meshroot"))
        .arg("doctor")
        .args(&sources)
        .args(["--at", &NOW.to_string()])
        .env_clear()
        .env("NO_COLOR", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(out.stderr.is_empty(), "{}: {}", scene.name, String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let said: Vec<&str> = said.lines().map(str::trim_end).collect();
    format!("$ meshroot doctor {}\n{}\n$ echo $?\n{}\n", sources.join(" "), constant(&said.join("\n")), out.status.code().unwrap())
}

/// Digests and serial numbers are new each time, since ECDSA signatures are: every one of them is written as the same digits.
fn constant(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        let digest = run.len() >= 16 && run.chars().any(|c| c.is_ascii_digit());
        out += &if digest { "0123456789abcdef".chars().cycle().take(run.len()).collect() } else { std::mem::take(&mut run) };
        run.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

#[test]
fn the_guide_shows_what_doctor_says() {
    let guide_text = std::fs::read_to_string(guide()).unwrap();
    let mut current = guide_text.clone();
    for (scene, how) in transcripts(&Crypto::ring()) {
        let opening = format!("<!-- transcript: {} -->\n```console\n", scene.name);
        let start = current.find(&opening).unwrap_or_else(|| panic!("docs/doctor.md has no transcript of {}", scene.name)) + opening.len();
        let end = start + current.get(start..).unwrap().find("```\n").unwrap();
        current.replace_range(start..end, &transcript(&scene, &how));
    }
    if std::env::var_os("MESHROOT_BLESS").is_some() {
        std::fs::write(guide(), &current).unwrap();
        return;
    }
    let differs = guide_text.lines().zip(current.lines()).find(|(kept, said)| kept != said);
    assert!(guide_text == current, "docs/doctor.md is not what doctor says; MESHROOT_BLESS=1 writes it anew. It differs first at\n{differs:#?}");
}

#[test]
fn what_quickstart_makes_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_meshroot")).args(arguments).env_clear().current_dir(folder.path()).output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    run(&["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"]);
    let said = run(&["doctor", "mesh/clusters/west", "mesh/clusters/east"]);
    assert!(said.contains("All 4 pairs trust each other"), "{said}");
}
