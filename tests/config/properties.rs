//! What holds for every legacy file, whatever is in it.

use maos_migrate::engine::config::{Profile, Request, plan};
use maos_migrate::engine::operation::Control;
use proptest::prelude::*;

use crate::apply_at;

/// Keys that the maps know in several spellings, and some that they do not.
const KEYS: [&str; 24] = [
    "worker_count",
    "WORKERS",
    "log_level",
    "task_timeout",
    "agents.execution_timeout",
    "agents.memory_limit",
    "db_url",
    "database.url",
    "database",
    "database.host",
    "database.port",
    "database.name",
    "database.user",
    "database.password",
    "redis_url",
    "redis_host",
    "redis_port",
    "redis_db",
    "redis_ssl",
    "redis_password",
    "version",
    "retry_jitter",
    "ключ",
    "api_key",
];

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        any::<i64>().prop_map(Into::into),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        Just(serde_json::Value::Null),
        "\\PC{0,40}".prop_map(Into::into),
        "(postgres|redis|rediss|mysql)://[a-z:@/%?#=&$\\{\\}\\[\\]0-9]{0,30}".prop_map(Into::into),
        "[a-z =;'\\\\Pp]{0,40}".prop_map(Into::into),
        "[0-9]{1,4}(s|m|h|ms|GB|MB|k|x| min)?".prop_map(Into::into),
        Just("${HOME:-a:b@/}".into()),
        prop::collection::vec(any::<i32>(), 0..3).prop_map(Into::into),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_key_has_one_fate_and_the_result_reads_back(
        entries in prop::collection::btree_map(prop::sample::select(&KEYS[..]), value(), 0..12),
        profile in prop::sample::select(&Profile::ALL[..]),
        as_json in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let tree: serde_json::Map<_, _> = entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let source = folder.path().join(if as_json { "legacy.json" } else { "legacy.yml" });
        // JSON as YAML: the same keys and values through the other reader.
        std::fs::write(&source, serde_json::to_string(&tree).expect("JSON")).expect("the file");
        let mut request = Request::new(source, folder.path().join("out.yml"));
        request.profile = profile;
        let prepared = match plan(&request, &Control::silent()) {
            Ok(prepared) => prepared,
            Err(error) => {
                // Only the YAML reader may refuse, for characters that YAML does not allow.
                prop_assert!(!as_json, "{}", error);
                return Ok(());
            }
        };
        let report = &prepared.report;
        let mut told: Vec<&str> = report.mapped.iter().map(|m| m.key.as_str()).collect();
        told.extend(report.unmapped.iter().map(|u| u.key.as_str()));
        told.sort_unstable();
        let mut keys: Vec<&str> = tree.keys().map(String::as_str).collect();
        keys.sort_unstable();
        prop_assert_eq!(told, keys);
        prop_assert_eq!(prepared.view.rows.iter().filter(|row| row.place.line > 0).count(), tree.len());
        apply_at(&prepared, "2026-11-22T14:26:40Z");
        let again = plan(&request, &Control::silent()).expect("a plan");
        prop_assert!(!again.plan.needs_approval, "the second run finds everything in place");
    }

    #[test]
    fn no_text_makes_a_reader_fall(text in "[\\PC\\n\\t]{0,200}", name in prop::sample::select(&["a.yml", "a.json", "a.env"][..])) {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join(name);
        std::fs::write(&source, text).expect("the file");
        // Refused or read: either is an answer.
        let _ = plan(&Request::new(source, folder.path().join("out.yml")), &Control::silent());
    }
}
