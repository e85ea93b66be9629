//! The decomposition grammar, held to its figures by descriptions with what a careful engineer expects of them.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use maos_migrate::engine::tasks::{Band, Decomposition, Rules, decompose};
use serde::Deserialize;

/// Descriptions of software work, and of many other trades.
const DESCRIPTIONS: [&str; 2] = [
    include_str!("decompose.jsonl"),
    include_str!("decompose_trades.jsonl"),
];

/// Lines of the two files: each item's phrases stand together in a subtask of its own; `after` [i, j]: i waits for j;
/// `parallel`: neither waits for the other; `min`, `max`: how many subtasks, the coordinator left out.
#[derive(Deserialize)]
struct Expected {
    description: String,
    items: Vec<Vec<String>>,
    #[serde(default)]
    after: Vec<(usize, usize)>,
    #[serde(default)]
    parallel: Vec<(usize, usize)>,
    min: Option<usize>,
    max: usize,
    band: Band,
}

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::default_with(None).expect("the rules are sound"))
}

fn ancestors(made: &Decomposition, id: usize) -> BTreeSet<usize> {
    let mut out = BTreeSet::new();
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        for &dependency in &made.subtasks[id].dependencies {
            if out.insert(dependency) {
                open.push(dependency);
            }
        }
    }
    out
}

#[derive(Default)]
struct Figures {
    hit: usize,
    wanted: usize,
    produced: usize,
    order: [usize; 2],
    counts: usize,
    bands: usize,
    cases: usize,
    wrong: Vec<String>,
}

impl Figures {
    fn add(&mut self, want: &Expected, made: &Decomposition) {
        let work: Vec<_> = made
            .subtasks
            .iter()
            .filter(|s| s.kind != "coordination")
            .collect();
        let holds = |item: &[String], text: &str| {
            item.iter()
                .all(|word| text.to_lowercase().contains(&word.to_lowercase()))
        };
        let mut place = vec![None; want.items.len()];
        let mut used = BTreeSet::new();
        for (k, item) in want.items.iter().enumerate() {
            let fit = work.iter().find(|subtask| {
                !used.contains(&subtask.id)
                    && holds(item, &subtask.description)
                    && !want.items.iter().enumerate().any(|(o, other)| {
                        o != k
                            && !want.after.contains(&(k, o))
                            && holds(other, &subtask.description)
                            && !holds(other, &item.join(" "))
                    })
            });
            if let Some(subtask) = fit {
                place[k] = Some(subtask.id);
                used.insert(subtask.id);
            }
        }
        let found = used.len();
        let low = want.min.unwrap_or(want.items.len());
        let mut fine = found == want.items.len();
        self.hit += found;
        self.wanted += want.items.len();
        self.produced += found + work.len().saturating_sub(want.max);
        let counted = (low..=want.max).contains(&work.len());
        self.counts += usize::from(counted);
        for (&(i, j), together) in want
            .after
            .iter()
            .map(|p| (p, false))
            .chain(want.parallel.iter().map(|p| (p, true)))
        {
            let kept = match (place[i], place[j]) {
                (Some(i), Some(j)) if together => {
                    !ancestors(made, i).contains(&j) && !ancestors(made, j).contains(&i)
                }
                (Some(i), Some(j)) => ancestors(made, i).contains(&j),
                _ => false,
            };
            self.order[0] += usize::from(kept);
            self.order[1] += 1;
            fine &= kept;
        }
        let banded = made.parallelism.band == want.band;
        self.bands += usize::from(banded);
        self.cases += 1;
        if !(fine && counted && banded) {
            self.wrong
                .push(format!("{}\n  {:#?}", want.description, made.subtasks));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / (whole.max(1)) as f64
}

#[test]
fn descriptions_are_taken_apart_as_an_engineer_would() {
    hold_to_the_floor(&DESCRIPTIONS, 200);
}

/// Every form of list, order and reference in many trades, kept apart so that no other file lifts its figures.
#[test]
fn descriptions_of_every_form_are_taken_apart_as_an_engineer_would() {
    hold_to_the_floor(&[include_str!("decompose_wide.jsonl")], 550);
}

fn hold_to_the_floor(files: &[&str], at_least: usize) {
    let rules = rules();
    let mut figures = Figures::default();
    for line in files.iter().flat_map(|file| file.lines()) {
        let want: Expected = serde_json::from_str(line).expect("a line of the file");
        let made = decompose(0.into(), &want.description, rules);
        sound(&made);
        figures.add(&want, &made);
    }
    let (precision, recall) = (
        share(figures.hit, figures.produced),
        share(figures.hit, figures.wanted),
    );
    let f1 = 2.0 * precision * recall / (precision + recall);
    let order = share(figures.order[0], figures.order[1]);
    let counts = share(figures.counts, figures.cases);
    let bands = share(figures.bands, figures.cases);
    assert!(figures.cases >= at_least);
    assert!(
        f1 >= 0.95 && order >= 0.95 && counts >= 0.9 && bands >= 0.9,
        "F1 {f1:.3} order {order:.3} counts {counts:.3} bands {bands:.3}\n{}",
        figures.wrong.join("\n")
    );
}

/// What holds for every decomposition.
fn sound(made: &Decomposition) {
    assert!(!made.subtasks.is_empty(), "{}", made.original);
    for (id, subtask) in made.subtasks.iter().enumerate() {
        assert_eq!(subtask.id, id);
        assert!(
            subtask.description.chars().any(char::is_alphanumeric),
            "{}: {:?}",
            made.original,
            subtask
        );
        assert!(
            subtask
                .dependencies
                .iter()
                .all(|d| *d < made.subtasks.len() && *d != id),
            "{made:?}"
        );
        assert!(!subtask.rule.is_empty());
    }
    let staged: usize = made.stages.iter().map(Vec::len).sum();
    assert_eq!(staged, made.subtasks.len(), "no cycle: {made:?}");
    let waited: BTreeSet<usize> = made
        .subtasks
        .iter()
        .flat_map(|s| s.dependencies.clone())
        .collect();
    let loose = (0..made.subtasks.len()).filter(|id| !waited.contains(id)).count();
    assert_eq!(loose, 1, "loose ends are gathered: {made:#?}");
    let coordinators = made.subtasks.iter().filter(|s| s.kind == "coordination").count();
    assert_eq!(coordinators, usize::from(made.coordination_needed));
}

proptest::proptest! {
    #[test]
    fn any_text_at_all_gives_a_sound_plan(text in "[ -~\n\t—éßあ•]{0,200}") {
        let made = decompose(0.into(), &text, rules());
        proptest::prop_assume!(text.chars().any(char::is_alphanumeric));
        sound(&made);
    }

    #[test]
    fn any_words_at_all_give_a_sound_plan(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "research", "test", "compare", "AWS", "the", "a", "and", ",", "or", "vs", "then", "finally,", "for", "into", "with", "each",
            "them", "three", "pages", ":", ";", ".", "(", ")", "\n-", "\n1.", "after", "before", "testing", "it", "users", "build", "to",
            "that", "respectively", "both", "whether", "is", "followed by", "depends on previous", "results", "\"", "/", "5", "which of",
        ]), 1..30)) {
        let text = words.join(" ");
        proptest::prop_assume!(text.chars().any(char::is_alphanumeric));
        sound(&decompose(0.into(), &text, rules()));
    }
}

#[test]
fn a_deep_and_a_long_description_end_well() {
    let rules = rules();
    for text in [
        "(".repeat(50_000) + "a",
        "and ".repeat(50_000) + "b",
        format!("Test {}", vec!["x1"; 20_000].join(", ")),
        "- a\n".repeat(20_000),
        format!("run x {}", "before testing y ".repeat(20_000)),
        format!("fix a{}", "; once done, fix b".repeat(2_000)),
        format!("fix a{}", "; once b".repeat(20_000)),
        format!("Build a tool that {}", "test, ".repeat(20_000)),
        "x,".repeat(50_000),
    ] {
        assert!(!decompose(0.into(), &text, rules).subtasks.is_empty());
    }
}

#[test]
fn a_workspace_adds_words_of_its_own() {
    let text = "Frobnicate alpha, beta and gamma";
    let user = "verbs:\n  - class: code\n    words: [frobnicate]\nprotected: [alpha and omega]\npriorities:\n  HIGH: [wichtig]\n";
    let rules = Rules::default_with(Some(user)).expect("rules");
    let made = decompose(0.into(), text, &rules);
    assert_eq!(made.subtasks.len(), 4, "{:#?}", made.subtasks);
    assert_eq!(made.subtasks[0].kind, "coding");
    assert_eq!(rules.priority("Wichtig"), Some("HIGH"));
    assert_eq!(
        decompose(0.into(), "Build alpha and omega", &rules)
            .subtasks
            .len(),
        1
    );
    let error = Rules::default_with(Some("verbz: []\n")).expect_err("refused");
    assert!(error.message.contains("line 1"), "{}", error.message);
}

#[test]
fn equal_input_gives_equal_plans() {
    let text = "Research AWS, Azure and GCP pricing, then compare them";
    let (a, b) = (
        decompose(1.into(), text, rules()),
        decompose(1.into(), text, rules()),
    );
    assert_eq!(
        serde_json::to_string(&a).expect("json"),
        serde_json::to_string(&b).expect("json")
    );
}

#[test]
fn the_printed_shape_is_the_contract() {
    let made = decompose("legacy_1".into(), "Test the API and the app", rules());
    let json = serde_json::to_value(&made).expect("json");
    for key in [
        "id",
        "original",
        "subtasks",
        "coordination_needed",
        "parallelism",
        "parallel_efficiency_estimate",
        "stages",
        "metrics",
    ] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["id"], "legacy_1");
    assert_eq!(json["subtasks"][0]["type"], "testing");
    assert_eq!(json["parallelism"]["band"], "medium");
    assert_eq!(json["stages"], serde_json::json!([[0, 1], [2]]));
    assert_eq!(json["metrics"]["parallelization_efficiency"], 0.5);
    assert_eq!(json["metrics"]["speedup_bound"], 1.5);
}

/// Prints decompositions of a file of descriptions (JSON lines), for an outside scorer: set `DECOMPOSE_INPUT` to its path.
#[test]
#[ignore = "a tool: prints what it decomposes"]
fn print_decompositions() {
    let path = std::env::var("DECOMPOSE_INPUT").expect("a path");
    let rules = rules();
    for (i, line) in (0_i64..).zip(std::fs::read_to_string(path).expect("file").lines()) {
        let value: serde_json::Value = serde_json::from_str(line).expect("json");
        let text = value["description"].as_str().expect("description");
        println!(
            "@@{}",
            serde_json::to_string(&decompose(i.into(), text, rules)).expect("json")
        );
    }
}
