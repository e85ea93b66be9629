//! A full disk: refused beforehand where the space is known, and never half a backup under a final name.

use std::process::Command;

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::backup::{create, list};
use maos_migrate::engine::operation::Control;

use crate::support::{request, sqlite};

/// A small file system of its own; `None` where this user may not mount one.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(at: &std::path::Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at)
            .output()
            .unwrap();
        done.status.success().then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_c52_a_full_disk_leaves_no_half_backup() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(small) = Small::mount(&place.path().join("small"), "3m") else {
        eprintln!("no right to mount: not tested here");
        return;
    };
    let url = sqlite(files.path(), 40_000);
    let mut wanted = request(place.path(), &url);
    wanted.folder.clone_from(&small.0);
    // Known beforehand.
    let error = create(&wanted, &Control::silent()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("are free for"), "{error}");
    assert!(list(&small.0).unwrap().is_empty());
    assert_eq!(std::fs::read_dir(&small.0).unwrap().count(), 0);

    // Not known: another program takes the space meanwhile. A small database and a checkpoint that does not fit any more.
    let few = tempfile::tempdir().unwrap();
    let url = sqlite(few.path(), 5);
    let mut wanted = request(place.path(), &url);
    wanted.folder.clone_from(&small.0);
    let growing = place.path().join("checkpoints/growing");
    let done = Command::new("mkfifo").arg(&growing).status().unwrap();
    assert!(done.success());
    // A pipe is no file: it is left out and said so, and its reader is never blocked.
    let made = create(&wanted, &Control::silent()).await.unwrap();
    assert!(
        made.manifest
            .uncovered
            .iter()
            .any(|one| one.what.ends_with("growing")),
        "{:?}",
        made.manifest.uncovered
    );
    let filler = small.0.join("filler");
    let mut taking = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut taking, &[0; 4096]).is_ok() {}
    drop(taking);
    let error = create(&wanted, &Control::silent()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    let names: Vec<String> = std::fs::read_dir(&small.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|name| !name.starts_with(".new")), "{names:?}");
    assert_eq!(list(&small.0).unwrap().len(), 1);
}
