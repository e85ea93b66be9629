//! The folder of backups: order, age, what may go.

use maos_migrate::engine::backup::{Standing, list, newest_usable, prunable, prune};
use maos_migrate::engine::evidence;
use maos_migrate::engine::snapshot::Snapshot;

use crate::support::{made, now, proved, request, sqlite};

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_verified_ones_stay() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = sqlite(files.path(), 20);
    for n in 0..5 {
        let mut request = request(place.path(), &url);
        request.now = now() + jiff::SignedDuration::from_hours(n);
        let made = made(&request).await;
        // The second and the last one are never proved.
        if n != 1 && n != 4 {
            proved(&made.folder, &url).await.unwrap();
        }
    }
    let folder = place.path().join("backups");
    let all = list(&folder).unwrap();
    let ids: Vec<&str> = all.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids[0], "20261122_182003");
    assert!(prunable(&all, 4).is_empty(), "three are verified; none may go");
    let going = prunable(&all, 2);
    let gone: Vec<&str> = going.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(gone, ["20261122_152003", "20261122_142003"]);
    assert_eq!(prune(&folder, &going).unwrap(), 2);
    let left = list(&folder).unwrap();
    assert_eq!(
        left.iter()
            .filter(|one| one.standing == Standing::Verified)
            .count(),
        2
    );

    let all = list(&folder).unwrap();
    assert_eq!(newest_usable(&all).unwrap().id, "20261122_172003");
    // The gate: it is an hour old by now.
    let last = now() + jiff::SignedDuration::from_hours(4);
    for (minutes, standing, words) in [
        (
            30,
            evidence::Standing::No,
            "no verified backup younger than 30 min",
        ),
        (
            60,
            evidence::Standing::No,
            "no verified backup younger than 60 min",
        ),
        (61, evidence::Standing::Yes, "backup verified, 60 min old"),
    ] {
        let line = evidence::backup(&Snapshot::default(), Some(&all), last, minutes);
        assert_eq!(line.standing, standing, "{line:?}");
        assert!(line.text.contains(words), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backups_of_one_second_have_two_names() {
    let (files, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let url = sqlite(files.path(), 5);
    let request = request(place.path(), &url);
    let (one, two) = (made(&request).await, made(&request).await);
    assert_eq!(
        (one.manifest.id.as_str(), two.manifest.id.as_str()),
        ("20261122_142003", "20261122_142003_2")
    );
    assert_ne!(one.manifest.epoch, two.manifest.epoch);
}
