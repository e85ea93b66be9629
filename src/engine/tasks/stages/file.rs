//! A graph file, `[{id, dependencies, weight?}]`, as JSON array, object with a list, or JSON lines; and the report over it.
//!
//! Read straight into flat arrays: a million nodes need no tree of values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::hash::{BuildHasherDefault, Hasher};

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq, SerializeStruct, Serializer};

use super::{Graph, Knot, Metrics, StagePlan, critical_path, knots, suggestions};
use crate::engine::error::{Error, Result};
use crate::engine::tasks::model::TaskId;

/// A graph with its ids and weights, its edges checked.
#[derive(Debug, Clone, Default)]
pub struct GraphFile {
    /// The nodes' ids, in the order of the file.
    pub ids: Vec<TaskId>,
    /// Their weights; empty when none is given.
    pub weights: Vec<f64>,
    /// Who waits for whom.
    pub graph: Graph,
}

/// Why a graph is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// The text is no graph.
    #[error("{0}")]
    Syntax(String),
    /// Ids that stand more than once.
    #[error("{} given more than once: {}", if .0.len() == 1 { "one id is" } else { "ids are" }, some(.0))]
    Duplicate(Vec<String>),
    /// Edges to ids that are not there, as (task, missing id).
    #[error("missing dependencies: {}", edges(.0))]
    Missing(Vec<(String, String)>),
    /// Tasks that wait for themselves.
    #[error("{} for itself: {}", if .0.len() == 1 { "a task waits" } else { "tasks wait" }, some(.0))]
    Itself(Vec<String>),
    /// Cycles, the shortest first: (a shortest cycle, all members).
    #[error("{}", cycles(.0))]
    Cycle(Vec<(Vec<String>, Vec<String>)>),
}

const MOST_NAMED: usize = 50;

fn some(names: &[String]) -> String {
    let mut out = names
        .iter()
        .take(MOST_NAMED)
        .map(|name| shown(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MOST_NAMED {
        let _ = write!(out, " and {} more", names.len() - MOST_NAMED);
    }
    out
}

fn shown(name: &str) -> String {
    crate::engine::text::inert_short(name, 80)
}

fn edges(missing: &[(String, String)]) -> String {
    some(
        &missing
            .iter()
            .map(|(task, id)| format!("{task} waits for {id}, which is not there"))
            .collect::<Vec<_>>(),
    )
}

fn cycles(cycles: &[(Vec<String>, Vec<String>)]) -> String {
    let mut out = String::new();
    for (cycle, members) in cycles.iter().take(MOST_NAMED) {
        if !out.is_empty() {
            out.push_str("; ");
        }
        out.push_str(&sentence(
            &cycle.iter().take(MOST_NAMED).cloned().collect::<Vec<_>>(),
            cycle.len(),
        ));
        if members.len() > cycle.len() || cycle.len() > MOST_NAMED {
            let _ = write!(
                out,
                " (all {} members: {})",
                members.len(),
                members.iter().map(|m| shown(m)).collect::<Vec<_>>().join(", ")
            );
        }
    }
    if cycles.len() > MOST_NAMED {
        let _ = write!(out, "; and {} more cycles", cycles.len() - MOST_NAMED);
    }
    out
}

/// "a waits for b, b waits for c, c waits for a"; `length` says how long the cycle is when only its beginning is given.
#[must_use]
pub fn sentence(cycle: &[String], length: usize) -> String {
    let mut out: Vec<String> = cycle
        .iter()
        .enumerate()
        .filter_map(|(i, name)| {
            let next = cycle
                .get(i + 1)
                .or_else(|| (length == cycle.len()).then(|| &cycle[0]))?;
            Some(format!("{} waits for {}", shown(name), shown(next)))
        })
        .collect();
    if length > cycle.len() {
        out.push(format!(
            "and so on over {length} tasks back to {}",
            cycle.first().map_or(String::new(), |name| shown(name))
        ));
    }
    out.join(", ")
}

impl From<GraphError> for Error {
    fn from(error: GraphError) -> Self {
        let hint = match &error {
            GraphError::Syntax(_) => "A graph is a list of {\"id\": …, \"dependencies\": […]}.",
            GraphError::Duplicate(_) => "Give every task an id of its own.",
            GraphError::Missing(_) => "Add these tasks, or take the dependencies out.",
            GraphError::Itself(_) => "Take the dependency on itself out.",
            GraphError::Cycle(_) => "Take one dependency out of every cycle.",
        };
        Self::input(error.to_string()).hint(hint)
    }
}

/// A multiplicative hash: ids are no attack surface here and there may be millions.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0_u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }
}

#[derive(Default)]
struct Loaded {
    ids: Vec<TaskId>,
    starts: Vec<u32>,
    targets: Vec<TaskId>,
    weights: Vec<f64>,
    weighted: bool,
}

struct Nodes<'a>(&'a mut Loaded);
struct Node<'a>(&'a mut Loaded);
struct Ids<'a>(&'a mut Vec<TaskId>);

macro_rules! seed {
    ($name:ident, $method:ident) => {
        impl<'de> serde::de::DeserializeSeed<'de> for $name<'_> {
            type Value = ();
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
                deserializer.$method(self)
            }
        }
    };
}
seed!(Nodes, deserialize_any);
seed!(Node, deserialize_map);
seed!(Ids, deserialize_any);

impl<'de> Visitor<'de> for Nodes<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tasks")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        while seq.next_element_seed(Node(self.0))?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut node = Parts::default();
        let mut found = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if matches!(
                &*key,
                "tasks" | "subtasks" | "nodes" | "jobs" | "sessions" | "graph"
            ) {
                map.next_value_seed(Nodes(self.0))?;
                found = true;
            } else {
                node.field(&key, &mut map, self.0)?;
            }
        }
        // One object a line.
        if found { Ok(()) } else { node.done(self.0) }
    }
}

#[derive(Default)]
struct Parts {
    id: Option<TaskId>,
    weight: Option<f64>,
}

impl Parts {
    fn field<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
        into: &mut Loaded,
    ) -> std::result::Result<(), A::Error> {
        match key {
            "id" | "task_id" => self.id = Some(map.next_value::<OneId>()?.0),
            "dependencies" | "depends_on" | "deps" => map.next_value_seed(Ids(&mut into.targets))?,
            "weight" | "duration" => {
                self.weight = map.next_value::<Option<f64>>()?;
                if self
                    .weight
                    .is_some_and(|weight| !weight.is_finite() || weight < 0.0)
                {
                    return Err(A::Error::custom("a weight is a number of 0 or more"));
                }
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn done<E: serde::de::Error>(self, into: &mut Loaded) -> std::result::Result<(), E> {
        let id = self.id.ok_or_else(|| E::custom("a task without an id"))?;
        into.ids.push(id);
        into.weighted |= self.weight.is_some();
        into.weights.push(self.weight.unwrap_or(1.0));
        into.starts.push(
            u32::try_from(into.targets.len()).map_err(|_| E::custom("more than 4 billion dependencies"))?,
        );
        Ok(())
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a task with an id")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut node = Parts::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            node.field(&key, &mut map, self.0)?;
        }
        node.done(self.0)
    }
}

impl<'de> Visitor<'de> for Ids<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of ids")
    }
    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<(), A::Error> {
        let from = self.0.len();
        while let Some(OneId(id)) = seq.next_element()? {
            // Named twice is waited for once.
            if !self.0[from..].contains(&id) {
                self.0.push(id);
            }
        }
        Ok(())
    }
    fn visit_str<E>(self, text: &str) -> std::result::Result<(), E> {
        self.0.extend(
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(TaskId::from),
        );
        Ok(())
    }
}

struct OneId(TaskId);

impl<'de> Deserialize<'de> for OneId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct V;
        impl Visitor<'_> for V {
            type Value = OneId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a whole number or text")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> std::result::Result<OneId, E> {
                i64::try_from(number)
                    .map(|number| OneId(TaskId::Number(number)))
                    .map_err(|_| E::custom("an id is too large"))
            }
            fn visit_i64<E>(self, number: i64) -> std::result::Result<OneId, E> {
                Ok(OneId(TaskId::Number(number)))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<OneId, E> {
                Ok(OneId(TaskId::from(text)))
            }
        }
        deserializer.deserialize_any(V)
    }
}

/// Reads a graph and checks its edges.
///
/// # Errors
/// [`GraphError`]: syntax, ids given twice, missing and self dependencies, each named.
pub fn read(text: &[u8]) -> std::result::Result<GraphFile, GraphError> {
    let text = text.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(text);
    let mut loaded = Loaded {
        starts: vec![0],
        ..Loaded::default()
    };
    let mut stream = serde_json::Deserializer::from_slice(text);
    let mut rest = text;
    while rest.iter().any(|byte| !byte.is_ascii_whitespace()) {
        serde::de::DeserializeSeed::deserialize(Nodes(&mut loaded), &mut stream)
            .map_err(|error| GraphError::Syntax(format!("not a graph: {error}")))?;
        match stream.end() {
            Ok(()) => break,
            Err(_) => rest = b"more",
        }
    }
    resolve(loaded)
}

fn resolve(loaded: Loaded) -> std::result::Result<GraphFile, GraphError> {
    let Loaded {
        ids,
        starts,
        targets,
        weights,
        weighted,
    } = loaded;
    let number = |id: &TaskId| match id {
        TaskId::Number(number) => usize::try_from(*number).ok(),
        TaskId::Text(_) => None,
    };
    // Numbers that are nearly without gaps are found in a table, all others by hash.
    let limit = ids.len().saturating_mul(4) + 1024;
    let dense = ids
        .iter()
        .all(|id| number(id).is_some_and(|number| number < limit));
    let mut table: Vec<u32> = if dense { vec![u32::MAX; limit] } else { Vec::new() };
    let mut map: HashMap<&TaskId, u32, BuildHasherDefault<Quick>> = HashMap::default();
    let mut twice = Vec::new();
    for (i, id) in ids.iter().enumerate() {
        let i = u32::try_from(i).unwrap_or(u32::MAX);
        let before = match number(id).filter(|_| dense) {
            Some(number) => std::mem::replace(&mut table[number], i) != u32::MAX,
            None => map.insert(id, i).is_some(),
        };
        if before {
            twice.push(id.to_string());
        }
    }
    if !twice.is_empty() {
        twice.sort();
        twice.dedup();
        return Err(GraphError::Duplicate(twice));
    }
    let find = |id: &TaskId| match number(id).filter(|_| dense) {
        Some(number) => table.get(number).copied().filter(|i| *i != u32::MAX),
        None => map.get(id).copied(),
    };
    // "7" and 7 are one id when only one of them is there.
    let find = |id: &TaskId| {
        find(id).or_else(|| match id {
            TaskId::Text(text) => text.parse().ok().and_then(|number| find(&TaskId::Number(number))),
            TaskId::Number(number) => find(&TaskId::Text(number.to_string())),
        })
    };
    let mut edges = Vec::with_capacity(targets.len());
    let (mut missing, mut itself) = (Vec::new(), Vec::new());
    for (i, id) in ids.iter().enumerate() {
        for target in &targets[starts[i] as usize..starts[i + 1] as usize] {
            match find(target) {
                Some(j) if j as usize == i => itself.push(id.to_string()),
                Some(j) => edges.push(j),
                None => missing.push((id.to_string(), target.to_string())),
            }
        }
    }
    if !missing.is_empty() {
        return Err(GraphError::Missing(missing));
    }
    if !itself.is_empty() {
        return Err(GraphError::Itself(itself));
    }
    drop(map);
    Ok(GraphFile {
        weights: if weighted { weights } else { Vec::new() },
        graph: Graph::from_rows(starts, edges),
        ids,
    })
}

/// What `tasks stages --json` prints: `{stages, metrics, suggestions}`, and the weighted critical path.
#[derive(Debug, Clone)]
pub struct StageReport {
    file: GraphFile,
    /// The stages.
    pub plan: StagePlan,
    /// What they measure.
    pub metrics: Metrics,
    /// Hints for a person.
    pub suggestions: Vec<String>,
    /// The weighted critical path: its length and its nodes' indexes.
    pub path: super::CriticalPath,
}

impl StageReport {
    /// Stages a graph.
    ///
    /// # Errors
    /// [`GraphError::Cycle`] with every knot's shortest cycle and all its members.
    pub fn of(file: GraphFile) -> std::result::Result<Self, GraphError> {
        let plan = StagePlan::of(&file.graph);
        if !plan.stuck.is_empty() {
            let name = |nodes: &[u32]| {
                nodes
                    .iter()
                    .map(|i| file.ids[*i as usize].to_string())
                    .collect::<Vec<_>>()
            };
            let found: Vec<Knot> = knots(&file.graph, &plan.stuck);
            return Err(GraphError::Cycle(
                found
                    .iter()
                    .map(|knot| (name(&knot.cycle), name(&knot.members)))
                    .collect(),
            ));
        }
        let path = critical_path(&file.graph, &plan, &file.weights);
        #[expect(clippy::cast_precision_loss, reason = "a count far below 2^53")]
        let work = if file.weights.is_empty() {
            file.graph.len() as f64
        } else {
            file.weights.iter().sum()
        };
        let metrics = Metrics::of(&file.graph, &plan, &path, work);
        let suggestions = suggestions(&file.graph, &plan, &metrics, &|i| shown(&file.ids[i].to_string()));
        Ok(Self {
            file,
            plan,
            metrics,
            suggestions,
            path,
        })
    }

    /// Reads and stages a graph file.
    ///
    /// # Errors
    /// `Input` with the names of what is wrong.
    pub fn read(text: &[u8]) -> Result<Self> {
        Ok(Self::of(read(text)?)?)
    }

    /// The graph with its ids.
    #[must_use]
    pub const fn file(&self) -> &GraphFile {
        &self.file
    }
}

struct Stages<'a>(&'a StageReport);
struct Stage<'a>(&'a StageReport, &'a [u32]);

impl Serialize for Stages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.plan.len()))?;
        for stage in self.0.plan.stages() {
            seq.serialize_element(&Stage(self.0, stage))?;
        }
        seq.end()
    }
}

impl Serialize for Stage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.1.len()))?;
        for &i in self.1 {
            seq.serialize_element(&self.0.file.ids[i as usize])?;
        }
        seq.end()
    }
}

impl Serialize for StageReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Path {
            length: f64,
            tasks: Vec<TaskId>,
        }
        let tasks = self
            .path
            .nodes
            .iter()
            .map(|i| self.file.ids[*i as usize].clone())
            .collect();
        let mut out = serializer.serialize_struct("StageReport", 4)?;
        out.serialize_field("stages", &Stages(self))?;
        out.serialize_field("metrics", &self.metrics)?;
        out.serialize_field("suggestions", &self.suggestions)?;
        out.serialize_field(
            "critical_path",
            &Path {
                length: self.path.length,
                tasks,
            },
        )?;
        out.end()
    }
}
