//! The migration settings file: the guide's words, private, and never over somebody else's.

use std::os::unix::fs::PermissionsExt as _;

use maos_migrate::engine::environment::{Found, Key};

use crate::support::Place;

const LINES: &str = "target: {maos: rehearsal}\nmaos: {migration_settings: home/migration-config.yml}\n";

#[tokio::test]
async fn it_has_the_guides_settings_and_is_private() {
    let mut place = Place::new(LINES);
    let preview = place.look().await.settings_lines.join("\n");
    for said in [
        "mode: parallel_transition",
        "max_agents: 5",
        "log_level: DEBUG",
        "legacy_support: true",
    ] {
        assert!(preview.contains(said), "{preview}");
    }
    place.apply().await.unwrap();
    let file = place.path("home/migration-config.yml");
    let text = std::fs::read_to_string(&file).unwrap();
    let read: serde_json::Value =
        maos_migrate::engine::yaml::from_str("migration-config.yml", &text).unwrap();
    assert_eq!(read["migration"]["mode"], "parallel_transition");
    assert_eq!(read["system"]["max_agents"], 5);
    assert_eq!(read["compatibility"]["enable_legacy_api"], true);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn another_file_is_kept_beside_and_a_link_is_refused() {
    let mut place = Place::new(LINES);
    let file = place.path("home/migration-config.yml");
    std::fs::create_dir(place.path("home")).unwrap();
    std::fs::write(&file, "mine: true\n").unwrap();
    let view = place.look().await;
    let Found::Needs(act, what) = &view.line(Key::Settings).unwrap().found else {
        panic!("{view:#?}")
    };
    assert!(act == "replace" && what.contains(".bak"), "{act} {what}");
    place.apply().await.unwrap();
    let kept: Vec<_> = place
        .path("home")
        .read_dir()
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains(".bak"))
        .collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(kept[0].path()).unwrap(), "mine: true\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        place.look().await.line(Key::Settings).unwrap().found,
        Found::Needs(..)
    ));
    place.apply().await.unwrap();
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    assert!(matches!(
        place.look().await.line(Key::Settings).unwrap().found,
        Found::Refused(_)
    ));
    assert!(place.apply().await.is_err());
}
