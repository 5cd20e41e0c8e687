//! `core.sharedRepository`, beside what git itself makes of it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::World;
use crate::host::process::Program;
use crate::host::share::Sharing;

/// What git makes under this umask: a directory, a file, and one that nobody is to write to.
fn made(world: &World, path: &Path, umask: &str, shared: &str) -> [u32; 3] {
    fs::create_dir(path).unwrap();
    let line = format!(
        "umask {umask} && git init -q && git config core.sharedRepository {shared} &&
         git commit -q --allow-empty -m one"
    );
    let ran = Program::new("sh").args(["-c", &line]).dir(path).full_env(world.env.iter()).run();
    assert!(ran.succeeded(), "{}", String::from_utf8_lossy(&ran.err));
    let object = world.git(path, &["rev-parse", "HEAD"]);
    let (fan, name) = object.split_at(2);
    let objects = path.join(".git/objects");
    [
        objects.join(fan),
        path.join(".git/refs/heads").join(branch(path)),
        objects.join(fan).join(name),
    ]
    .map(|path| fs::metadata(path).unwrap().permissions().mode() & 0o7777)
}

fn branch(path: &Path) -> String {
    let head = fs::read_to_string(path.join(".git/HEAD")).unwrap();
    head.trim().rsplit('/').next().unwrap().to_owned()
}

#[test]
fn modes_are_those_of_git() {
    let world = World::new();
    let values = [
        "umask",
        "group",
        "true",
        "1",
        "all",
        "2",
        "everybody",
        "0660",
        "0640",
        "0664",
        "0600",
        "0777",
    ];
    for umask in ["002", "022", "077"] {
        let bits = u32::from_str_radix(umask, 8).unwrap();
        for shared in values {
            let path = world.path(&format!("{umask}-{shared}"));
            let sharing = Sharing::named(shared);
            let mode = |is_dir, mode: u32| {
                let mode = mode & !bits;
                sharing.map_or(mode, |sharing| sharing.mode(is_dir, mode))
            };
            let ours = [mode(true, 0o777), mode(false, 0o666), mode(false, 0o444)];
            assert_eq!(ours, made(&world, &path, umask, shared), "{shared} under {umask}");
        }
    }
}
