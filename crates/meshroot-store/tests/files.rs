//! Files are there as a whole or not at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use meshroot_store::files::{Mode, private_dir, replace, unchanged, write_new};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_private_file_is_0600_and_a_public_one_0644() {
    let folder = tempfile::tempdir().unwrap();
    let (key, cert) = (folder.path().join("key"), folder.path().join("cert"));
    write_new(&key, b"key", Mode::Private).unwrap();
    write_new(&cert, b"cert", Mode::Public).unwrap();
    assert_eq!((mode(&key), mode(&cert)), (0o600, 0o644));
    replace(&cert, b"now a key", Mode::Private).unwrap();
    assert_eq!(mode(&cert), 0o600);
    assert_eq!(names(folder.path()), ["cert", "key"]);
    assert_eq!(fs::metadata(&key).unwrap().nlink(), 1, "no other name is left");
}

#[test]
fn a_new_file_never_takes_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "theirs").unwrap();
    assert_eq!(write_new(&path, b"ours", Mode::Public).unwrap_err().code(), "store.exists");
    assert_eq!(fs::read(&path).unwrap(), b"theirs");
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("nowhere"), &dangling).unwrap();
    assert_eq!(write_new(&dangling, b"ours", Mode::Public).unwrap_err().code(), "store.exists");
    assert_eq!(names(folder.path()), ["dangling", "file"]);
}

#[test]
fn of_several_writers_of_a_new_file_one_wins_and_the_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = folder.path().join(format!("file-{round}"));
        let won: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4u8)
                .map(|n| {
                    (
                        n,
                        scope.spawn({
                            let path = &path;
                            move || write_new(path, &vec![n; 10_000], Mode::Public)
                        }),
                    )
                })
                .collect();
            writers.into_iter().filter_map(|(n, writer)| writer.join().unwrap().is_ok().then_some(n)).collect()
        });
        assert_eq!(won.len(), 1);
        assert_eq!(fs::read(&path).unwrap(), vec![won[0]; 10_000]);
    }
}

#[test]
fn a_reader_never_sees_half_of_a_file_that_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle.json");
    write_new(&path, &vec![0; 200_000], Mode::Public).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (1..40u8).for_each(|n| replace(&path, &vec![n; 200_000], Mode::Public).unwrap()));
        while !writer.is_finished() {
            let seen = fs::read(&path).unwrap();
            assert!(seen.len() == 200_000 && seen.iter().all(|byte| *byte == seen[0]));
        }
    });
}

#[test]
fn a_symbolic_link_is_replaced_and_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "precious").unwrap();
    symlink(&target, &link).unwrap();
    replace(&link, b"ours", Mode::Private).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"precious");
    assert_eq!((fs::read(&link).unwrap().as_slice(), mode(&link)), (&b"ours"[..], 0o600));
}

#[test]
fn a_failure_leaves_nothing_behind_and_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (file, inner) = (folder.path().join("file"), folder.path().join("folder"));
    fs::write(&file, "a file").unwrap();
    fs::create_dir(&inner).unwrap();
    // A folder is in the way, the folder is a file, the folder is not there, the file system takes no files.
    for path in [inner.clone(), file.join("below"), folder.path().join("missing/file"), "/proc/file".into()] {
        let refused = replace(&path, b"ours", Mode::Public).unwrap_err();
        assert!(refused.to_string().contains(&path.display().to_string()), "{refused}");
    }
    assert_eq!(names(folder.path()), ["file", "folder"]);
    assert_eq!(names(&inner), [] as [&str; 0]);
}

#[test]
fn made_folders_are_0700_and_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
    let deep = open.join("a/b/c");
    private_dir(&deep).unwrap();
    private_dir(&deep).unwrap();
    assert_eq!([mode(&open), mode(&open.join("a")), mode(&open.join("a/b")), mode(&deep)], [0o755, 0o700, 0o700, 0o700]);
    fs::write(open.join("file"), "a file").unwrap();
    assert_eq!(private_dir(&open.join("file/below")).unwrap_err().code(), "store.exists");
}

#[test]
fn a_file_is_unchanged_only_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert!(!unchanged(&path, b"").unwrap());
    fs::write(&path, "content").unwrap();
    assert!(unchanged(&path, b"content").unwrap());
    assert!(!unchanged(&path, b"contenT").unwrap());
    assert!(!unchanged(&path, b"conten").unwrap());
    assert!(!unchanged(&path, b"content ").unwrap());
    assert!(!unchanged(folder.path(), b"").unwrap());
    assert!(unchanged(&path.join("below"), b"").is_err());
}
