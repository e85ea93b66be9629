//! Back to a backup that the guide's own script made: its database, its configuration and checkpoints; rows that came since are found
//! though it has no keys.

use crate::sql::sql;
use crate::support::{Kind, Site};

#[test]
fn a_backup_in_the_guides_layout_goes_back_with_its_files() {
    let site = Site::new(Kind::Upgrade, true, 70);
    let then = site.state();
    let folder = site.path("ws/backups/pre_upgrade_20250115_103000");
    std::fs::create_dir_all(folder.join("checkpoints/deep")).unwrap();
    let dumped = std::process::Command::new("pg_dump")
        .args(["-d", &site.url])
        .output()
        .unwrap();
    assert!(dumped.status.success());
    std::fs::write(folder.join("database.sql"), &dumped.stdout).unwrap();
    for (from, to) in [
        ("etc/maos.yml", "config.yml"),
        ("checkpoints/a.checkpoint", "checkpoints/a.checkpoint"),
        ("checkpoints/deep/b.checkpoint", "checkpoints/deep/b.checkpoint"),
    ] {
        std::fs::copy(site.path(from), folder.join(to)).unwrap();
    }
    let id = "pre_upgrade_20250115_103000";
    let proved = site.run(&["backup", "verify", id, "--yes"]);
    assert_eq!(proved.code, Some(0), "{proved:#?}");
    site.go_on();
    let changed = site.state();

    // A file that is not as it was verified is not put back, and nothing is: that is told before the first step.
    std::fs::write(folder.join("config.yml"), "max_agents: 5\n").unwrap();
    let refused = site.back(&["--backup", id]);
    assert_eq!(refused.code, Some(5), "{refused:#?}");
    assert_eq!((site.state(), site.copies()), (changed, (0, 0)));
    std::fs::write(folder.join("config.yml"), "max_agents: 4\n").unwrap();
    // What was found damaged has to be verified again.
    assert_eq!(site.run(&["backup", "verify", id, "--yes"]).code, Some(0));

    let ran = site.back(&["--backup", id]);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(
        sql(
            &site.url,
            "SELECT count(*) FROM tasks WHERE description LIKE 'new %'"
        ),
        "2"
    );
    sql(&site.url, "DELETE FROM tasks WHERE description LIKE 'new %'");
    assert_eq!(site.state(), then);
    assert_eq!(site.copies(), (0, 1));
}
