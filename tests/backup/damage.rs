//! Fault case C53: truncated, bit-flipped, missing manifest, of another system or version: never taken for good.

use maos_migrate::engine::ErrorKind;
use maos_migrate::engine::backup::{MANIFEST, Manifest, Standing, intact, list, newest_usable};
use maos_migrate::engine::operation::Control;

use crate::postgres::Cluster;
use crate::support::{databases, made, open, postgres, proved, request, sqlite};

fn reseal(folder: &std::path::Path, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::read(folder).unwrap();
    change(&mut manifest);
    let (_, text) = manifest.sealed().unwrap();
    std::fs::write(folder.join(MANIFEST), text).unwrap();
}

type Harm = (&'static str, fn(&std::path::Path), &'static str);

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a table of harms")]
async fn fault_c53_a_backup_that_is_not_as_it_was_is_refused() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let files = tempfile::tempdir().unwrap();
    let harms: [Harm; 10] = [
        (
            "cut",
            |folder| cut(folder, 41),
            "41 bytes shorter than its manifest",
        ),
        (
            "longer",
            |folder| {
                use std::io::Write as _;
                std::fs::OpenOptions::new()
                    .append(true)
                    .open(dump(folder))
                    .unwrap()
                    .write_all(b"x")
                    .unwrap();
            },
            "1 byte longer",
        ),
        (
            "flipped",
            |folder| {
                let path = dump(folder);
                let mut bytes = std::fs::read(&path).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(path, bytes).unwrap();
            },
            "not as it was written",
        ),
        (
            "no dump",
            |folder| std::fs::remove_file(dump(folder)).unwrap(),
            "is missing",
        ),
        (
            "no manifest",
            |folder| std::fs::remove_file(folder.join(MANIFEST)).unwrap(),
            "manifest.json is missing",
        ),
        (
            "half a manifest",
            |folder| {
                let text = std::fs::read_to_string(folder.join(MANIFEST)).unwrap();
                std::fs::write(folder.join(MANIFEST), &text[..text.len() / 2]).unwrap();
            },
            "damaged",
        ),
        (
            "edited manifest",
            |folder| {
                let text = std::fs::read_to_string(folder.join(MANIFEST)).unwrap();
                std::fs::write(folder.join(MANIFEST), text.replace("alice", "mallory")).unwrap();
            },
            "not as it was written",
        ),
        (
            "newer layout",
            |folder| {
                let text = std::fs::read_to_string(folder.join(MANIFEST)).unwrap();
                std::fs::write(
                    folder.join(MANIFEST),
                    text.replacen("\"format\": 1", "\"format\": 2", 1),
                )
                .unwrap();
            },
            "version 2",
        ),
        (
            "another system",
            |folder| {
                reseal(folder, |manifest| {
                    manifest.database.as_mut().unwrap().system = "postgres 1".to_owned();
                });
            },
            "of another system",
        ),
        (
            "another version",
            |folder| {
                reseal(folder, |manifest| {
                    manifest.database.as_mut().unwrap().major += 1;
                });
            },
            "this is",
        ),
    ];
    for url in [postgres(&cluster, "maos", 2_000), sqlite(files.path(), 2_000)] {
        for (what, harm, words) in harms {
            let home = place
                .path()
                .join(format!("{}-{}", &url[..6], what.replace(' ', "-")));
            let request = request(&home, &url);
            let made = made(&request).await;
            harm(&made.folder);
            let error = proved(&made.folder, &url).await.expect_err(what);
            assert_eq!(error.kind, ErrorKind::Input, "{what}: {error}");
            assert!(error.message.contains(words), "{what}: {error}");
            let all = list(&request.folder).unwrap();
            let listed = &all[0];
            assert!(!listed.usable(), "{what}");
            assert!(
                matches!(listed.standing, Standing::Damaged(_)),
                "{what}: {:?}",
                listed.standing
            );
            assert!(newest_usable(&all).is_none(), "{what}");
        }
        assert!(
            databases(&url).iter().all(|name| !name.contains("verify")),
            "{:?}",
            databases(&url)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_says_nothing_of_another_manifest_and_ends_with_the_files() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = sqlite(files.path(), 50);
    let request = request(place.path(), &url);
    let made = made(&request).await;
    proved(&made.folder, &url).await.unwrap();
    assert_eq!(list(&request.folder).unwrap()[0].standing, Standing::Verified);
    reseal(&made.folder, |manifest| manifest.operator = "mallory".to_owned());
    assert_eq!(list(&request.folder).unwrap()[0].standing, Standing::Unverified);
    proved(&made.folder, &url).await.unwrap();
    cut(&made.folder, 1);
    assert!(matches!(
        list(&request.folder).unwrap()[0].standing,
        Standing::Damaged(_)
    ));
}

/// Fault C53: what was verified once is read through again before something rests on it, and is of this system still.
#[tokio::test(flavor = "multi_thread")]
async fn fault_c53_a_verified_backup_that_changed_since_holds_nothing() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = sqlite(files.path(), 50);
    let request = request(place.path(), &url);
    let made = made(&request).await;
    proved(&made.folder, &url).await.unwrap();
    let (database, control) = (open(&url), Control::silent());
    let look = || list(&request.folder).unwrap().remove(0);
    intact(&look(), Some(database.as_ref()), &control).await.unwrap();
    let mut strange = look();
    let manifest = strange.manifest.as_mut().unwrap();
    "elsewhere".clone_into(&mut manifest.database.as_mut().unwrap().system);
    let error = intact(&strange, Some(database.as_ref()), &control)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Blocked);
    assert!(error.message.contains("is of another system"), "{error}");
    assert!(look().usable(), "it is good where it belongs");
    let path = dump(&made.folder);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(look().usable(), "no length changed");
    let error = intact(&look(), Some(database.as_ref()), &control)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Blocked);
    assert!(error.message.contains("is not as it was written"), "{error}");
    assert!(matches!(look().standing, Standing::Damaged(_)));
}

/// A survivor of another restore is not taken for the backup: the epoch mark is looked for, not only counts.
#[tokio::test(flavor = "multi_thread")]
async fn fault_c54_a_restore_without_the_epoch_mark_is_no_proof() {
    let (cluster, place) = (Cluster::start(), tempfile::tempdir().unwrap());
    let url = postgres(&cluster, "maos", 100);
    let request = request(place.path(), &url);
    let made = made(&request).await;
    reseal(&made.folder, |manifest| manifest.epoch = "0".repeat(32));
    let error = proved(&made.folder, &url).await.unwrap_err();
    assert!(error.message.contains("epoch mark"), "{error}");
}

fn dump(folder: &std::path::Path) -> std::path::PathBuf {
    let manifest = Manifest::read(folder).unwrap();
    folder.join(manifest.database.unwrap().file)
}

fn cut(folder: &std::path::Path, bytes: u64) {
    let path = dump(folder);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - bytes).unwrap();
}
