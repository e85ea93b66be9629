#[test]
fn smoke() {
    use maos_migrate::engine::config::*;
    use maos_migrate::engine::operation::Control;
    for profile in Profile::ALL {
        let dir = tempfile::tempdir().unwrap();
        let mut r = Request::new(
            "assets/sample/legacy/config.yml",
            dir.path().join("maos_config.yml"),
        );
        r.profile = profile;
        let p = plan(&r, &Control::silent()).unwrap();
        println!("{}", p.view.headline());
        for row in &p.view.rows {
            println!(
                "{:<42} | {} {}   {}",
                row.legacy,
                row.mark.glyph(),
                row.maos,
                row.note.as_deref().unwrap_or("")
            );
        }
        println!("{:#?}", p.view.conflicts);
        println!("{:#?}", p.view.findings);
        println!("{:#?}", p.plan);
        let o = apply(&p, "2026-11-22T14:26:40Z".parse().unwrap(), &Control::silent()).unwrap();
        println!("{o:#?} {}", o.proved());
        for f in std::fs::read_dir(dir.path()).unwrap() {
            let f = f.unwrap();
            println!(
                "--- {:?}\n{}",
                f.file_name(),
                std::fs::read_to_string(f.path()).unwrap()
            );
        }
    }
}
