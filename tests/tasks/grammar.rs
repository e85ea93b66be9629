//! The decomposition grammar, held to its figures.

use maos_migrate::engine::tasks::{Rules, decompose};

/// Prints decompositions of a file of descriptions (JSON lines), for an outside scorer: set `DECOMPOSE_INPUT` to its path.
#[test]
#[ignore = "a tool: prints what it decomposes"]
fn print_decompositions() {
    let path = std::env::var("DECOMPOSE_INPUT").expect("a path");
    let rules = Rules::default_with(None).expect("rules");
    for (i, line) in std::fs::read_to_string(path).expect("file").lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).expect("json");
        let text = value["description"].as_str().expect("description");
        let made = decompose((i as i64).into(), text, &rules);
        println!("@@{}", serde_json::to_string(&made).expect("json"));
    }
}
