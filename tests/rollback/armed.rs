//! A rollback that nobody starts: the monitor is armed, MAOS fails its tasks, the verdict comes, the countdown runs, and everything is
//! back and proved without a hand. A hand stops it; what keeps it from happening is told.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::command;
use crate::sql::sql;
use crate::support::{Kind, Site};

/// A site whose MAOS works for itself, watched every second. Whoever is called writes what he was told into a file, in one go.
/// `countdown` in seconds: long enough for what a test does meanwhile on a busy machine.
fn watched(kind: Kind, on_postgres: bool, countdown: u32) -> Site {
    let site = Site::new(kind, on_postgres, 80);
    let page = site.path("page.jsonl").display().to_string();
    let more = format!(
        "monitor:\n  interval: 1\n  duration: 3600\n  countdown: {countdown}\n  \
         hooks: [[sh, -c, 'told=$(cat); printf \"%s\\n\" \"$told\" >> {page}']]\n"
    );
    let settings = site.read("ws/migration.yml");
    site.write("ws/migration.yml", &format!("{settings}{more}"));
    site.knob("seconds", "0.01");
    site.knob("traffic", "30");
    site
}

struct Watch<'a> {
    site: &'a Site,
    child: Child,
}

impl<'a> Watch<'a> {
    fn begin(site: &'a Site) -> Self {
        let workspace = site.path("ws").display().to_string();
        let mut watch = command(
            std::path::Path::new("/"),
            &["-w", &workspace, "--json", "monitor", "run"],
        );
        let file = |name: &str| std::fs::File::create(site.path(name)).unwrap();
        watch.stdout(file("out.jsonl")).stderr(file("err.txt"));
        watch.stdin(Stdio::null());
        Self {
            site,
            child: watch.spawn().unwrap(),
        }
    }

    fn lines(&self) -> Vec<Value> {
        self.site
            .read("out.jsonl")
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a look at another process, with a deadline"
    )]
    fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().unwrap();
            let told = self.site.read("err.txt");
            assert!(ended.is_none(), "ended with {ended:?} before: {what}\n{told}");
            assert!(begun.elapsed() < Duration::from_mins(1), "never: {what}\n{told}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn end(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    fn state(&self) -> Value {
        self.site.run(&["monitor", "status"]).document()
    }

    fn arm(&mut self) {
        self.until("samples of a healthy MAOS", |watch| {
            watch.lines().iter().any(|line| line["verdict"] != "breach")
        });
        let target = self.site.target();
        let armed = self
            .site
            .run(&["monitor", "arm", "--reason", "night", "--confirm", &target]);
        assert_eq!(armed.code, Some(0), "{armed:#?}");
        self.until("armed", |watch| watch.state()["armed"] == true);
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The words of whoever was called, in order.
fn pages(site: &Site) -> Vec<Value> {
    site.read("page.jsonl")
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn without_a_hand(kind: Kind, on_postgres: bool) {
    let site = watched(kind, on_postgres, 5);
    let id = site.backup();
    site.go_on();
    let mut watch = Watch::begin(&site);
    watch.arm();
    site.knob("failure_rate", "0.9");
    assert_eq!(watch.end(), Some(10), "{}", site.read("err.txt"));

    let lines = watch.lines();
    let verdict = lines.iter().find(|line| line["should_rollback"] == true);
    assert!(verdict.is_some(), "{lines:#?}");
    let told = site.read("err.txt");
    assert!(told.contains("countdown"), "{told}");
    assert!(told.contains("Rolled back and proved in"), "{told}");
    let result = site.result();
    assert_eq!(
        (&result["success"], &result["params"]["backup"]),
        (&true.into(), &id.into())
    );
    assert_eq!(site.read("etc/maos.yml"), "max_agents: 4\n");
    assert_eq!(site.copies(), (0, 1));
    let new = "SELECT count(*) FROM tasks WHERE description LIKE 'new %'";
    let all = sql(&site.url, "SELECT count(*) FROM tasks");
    match kind {
        Kind::Upgrade => {
            assert_eq!((all.as_str(), sql(&site.url, new).as_str()), ("82", "2"));
            assert!(site.runs(), "MAOS was started again");
        }
        Kind::Brownfield => {
            assert_eq!(all, "80");
            let carried = new.replace("FROM tasks", "FROM legacy_tasks");
            assert_eq!(sql(&site.legacy, &carried), "2");
            assert_eq!(site.read("legacy.open"), "", "the legacy system was opened");
            assert!(!site.runs(), "MAOS stays stopped");
        }
    }
    let pages = pages(&site);
    assert!(
        pages.iter().any(|page| page["should_rollback"] == true),
        "{pages:#?}"
    );
}

#[test]
fn armed_errors_are_rolled_back_without_a_hand_on_postgresql() {
    without_a_hand(Kind::Upgrade, true);
}

#[test]
fn armed_errors_are_rolled_back_without_a_hand_on_sqlite() {
    without_a_hand(Kind::Upgrade, false);
}

#[test]
fn armed_errors_give_the_work_back_to_the_legacy_system_without_a_hand() {
    without_a_hand(Kind::Brownfield, true);
}

#[test]
fn a_hand_stops_the_countdown_and_nothing_is_rolled_back() {
    let site = watched(Kind::Upgrade, false, 600);
    site.backup();
    site.go_on();
    let before = site.state();
    let mut watch = Watch::begin(&site);
    watch.arm();
    site.knob("failure_rate", "0.9");
    watch.until("the countdown", |watch| !watch.state()["countdown"].is_null());
    let stopped = site.run(&["monitor", "disarm", "--operator", "bob"]);
    assert_eq!(stopped.code, Some(0), "{stopped:#?}");
    // Not armed any more, the watch ends with its verdict.
    assert_eq!(watch.end(), Some(10), "{}", site.read("err.txt"));
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
    let journal = site.run(&["journal", "list", "--capability", "rollback"]);
    assert!(!journal.out.contains("\"started\""), "{journal:#?}");
}

/// A session that dies while it counts down: the next one counts again, from the beginning, and goes through with it.
#[test]
fn a_countdown_that_was_killed_begins_anew() {
    let site = watched(Kind::Upgrade, false, 20);
    site.backup();
    site.go_on();
    let mut watch = Watch::begin(&site);
    watch.arm();
    site.knob("failure_rate", "0.9");
    watch.until("the countdown", |watch| !watch.state()["countdown"].is_null());
    let first = watch.state()["countdown"].clone();
    watch.child.kill().unwrap();
    watch.end();
    let mut again = Watch::begin(&site);
    again.until("another countdown", |watch| {
        let now = watch.state()["countdown"].clone();
        !now.is_null() && now != first
    });
    assert_eq!(again.end(), Some(10), "{}", site.read("err.txt"));
    assert_eq!(site.result()["success"], true);
}

/// Nothing to go back to: it is told, called out and kept, and the watch does not go on as if all were well.
#[test]
fn what_keeps_an_armed_rollback_from_happening_is_told() {
    let site = watched(Kind::Upgrade, false, 5);
    let before = site.state();
    let mut watch = Watch::begin(&site);
    watch.arm();
    site.knob("failure_rate", "0.9");
    assert_eq!(watch.end(), Some(5), "{}", site.read("err.txt"));
    let told = site.read("err.txt");
    assert!(
        told.contains("there is no verified backup to go back to"),
        "{told}"
    );
    assert_eq!((site.state(), site.copies()), (before, (0, 0)));
    let journal = site.run(&["journal", "list", "--capability", "rollback"]);
    assert!(journal.out.contains("no verified backup"), "{journal:#?}");
}
