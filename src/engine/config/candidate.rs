//! Which legacy keys could set a target, in the order of precedence, and what each of them says.

use serde_json::Value as Json;

use super::address::{Address, Server};
use super::map::{Map, PARTS, Target};
use super::model::Decisions;
use super::reference;
use super::tree::{Document, Value, normal};
use super::value::{self, Kind, Trouble};
use crate::engine::text;

/// What a source says.
#[derive(Clone, PartialEq)]
pub enum Got {
    /// A value that may stand in the file.
    Plain(Json),
    /// A secret.
    Secret(String),
    /// An address, with its password.
    Address(Box<Address>),
}

/// One source of a target: a key, or the keys of an address together.
#[derive(Clone)]
pub struct Candidate {
    /// The legacy keys, as indices.
    pub leaves: Vec<usize>,
    /// What they say.
    pub got: Got,
    /// What was changed beyond the spelling.
    pub note: Option<String>,
    /// Its place in the order of precedence.
    pub order: usize,
}

impl Candidate {
    /// The names of its keys: `redis_host + redis_port`.
    #[must_use]
    pub fn label(&self, document: &Document) -> String {
        let names: Vec<&str> = self
            .leaves
            .iter()
            .map(|leaf| document.leaves[*leaf].key.as_str())
            .collect();
        names.join(" + ")
    }
}

/// Keys whose value cannot be used.
pub struct Refusal {
    /// The legacy keys, as indices.
    pub leaves: Vec<usize>,
    /// Why.
    pub trouble: Trouble,
}

/// All sources of a target.
pub struct Gathered {
    /// Usable ones, the first takes precedence.
    pub candidates: Vec<Candidate>,
    /// Unusable ones.
    pub refused: Vec<Refusal>,
}

/// Finds the sources of `target` in `document`.
pub fn gather(document: &Document, target: &Target, map: &Map, decisions: &Decisions) -> Gathered {
    let index = document.index();
    let mut out = Gathered {
        candidates: Vec::new(),
        refused: Vec::new(),
    };
    let mut parts_order = None;
    for (order, name) in target.from.iter().enumerate() {
        if name == PARTS {
            parts_order = Some(order);
            continue;
        }
        for leaf in index.get(normal(name).as_str()).into_iter().flatten() {
            let value = &document.leaves[*leaf].value;
            if is_empty(value) {
                continue;
            }
            match read_open(value, target, decisions) {
                Ok((got, note)) => out.candidates.push(Candidate {
                    leaves: vec![*leaf],
                    got,
                    note,
                    order,
                }),
                Err(trouble) => out.refused.push(Refusal {
                    leaves: vec![*leaf],
                    trouble,
                }),
            }
        }
    }
    if let (Some(order), Some(server)) = (parts_order, server_of(target.kind)) {
        Assembly {
            document,
            target,
            decisions,
            server,
            order,
        }
        .join(&mut out);
    }
    // Only now: a default must not contradict what another key says.
    let mut settled = Vec::new();
    for mut candidate in std::mem::take(&mut out.candidates) {
        match settle(&mut candidate.got, map, decisions) {
            Ok(note) => {
                candidate.note = candidate.note.or(note);
                settled.push(candidate);
            }
            Err(trouble) => out.refused.push(Refusal {
                leaves: candidate.leaves,
                trouble,
            }),
        }
    }
    out.candidates = settled;
    out.candidates.sort_by_key(|candidate| candidate.order);
    out
}

const fn server_of(kind: Kind) -> Option<Server> {
    match kind {
        Kind::Postgres => Some(Server::Postgres),
        Kind::Redis => Some(Server::Redis),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null) || matches!(value, Value::Text(text) if text.trim().is_empty())
}

/// Reads one value for `target`; the note says what was changed.
///
/// # Errors
/// The trouble with it.
pub fn read(
    value: &Value,
    target: &Target,
    map: &Map,
    decisions: &Decisions,
) -> Result<(Got, Option<String>), Trouble> {
    let (mut got, note) = read_open(value, target, decisions)?;
    let settled = settle(&mut got, map, decisions)?;
    Ok((got, note.or(settled)))
}

/// As [`read`], without the defaults of an address.
fn read_open(
    value: &Value,
    target: &Target,
    decisions: &Decisions,
) -> Result<(Got, Option<String>), Trouble> {
    if let Some(server) = server_of(target.kind) {
        let Value::Text(text) = value else {
            return Err(Trouble::new(
                "wrong_type",
                format!("an address is wanted, this is {}", value.kind()),
            ));
        };
        let address = Address::parse(text, server)?;
        return Ok((Got::Address(Box::new(address)), None));
    }
    if target.kind == Kind::Secret {
        return match value {
            Value::Text(text) => Ok((Got::Secret(text.clone()), None)),
            Value::Int(number) => Ok((Got::Secret(number.to_string()), None)),
            other => Err(Trouble::new(
                "wrong_type",
                format!("a secret is wanted, this is {}", other.kind()),
            )),
        };
    }
    let resolved = resolve(value, decisions)?;
    let converted = value::convert(&resolved, target.kind)?;
    check_range(&converted.value, target)?;
    Ok((Got::Plain(converted.value), converted.note))
}

fn resolve(value: &Value, decisions: &Decisions) -> Result<Value, Trouble> {
    let Value::Text(text) = value else {
        return Ok(value.clone());
    };
    let resolved = reference::replace(text, &|name| decisions.lookup(name));
    match reference::names(&resolved).first() {
        None => Ok(Value::Text(resolved)),
        Some(name) => Err(unset(name)),
    }
}

fn unset(name: &str) -> Trouble {
    Trouble::new(
        "unset_reference",
        format!("the environment variable {name} is not set"),
    )
}

/// Fills in what holds by default, and resolves references for a reader that would take them literally.
fn settle(got: &mut Got, map: &Map, decisions: &Decisions) -> Result<Option<String>, Trouble> {
    let Got::Address(address) = got else {
        return Ok(None);
    };
    if !map.expands {
        address.resolve(&|name| decisions.lookup(name));
        if let Some(name) = address.references().first() {
            return Err(unset(name));
        }
    }
    address.check()?;
    let defaulted = address.fill_defaults();
    Ok(defaulted.then(|| format!("port {} by default", address.port.as_deref().unwrap_or_default())))
}

fn check_range(value: &Json, target: &Target) -> Result<(), Trouble> {
    let out = |wanted: String| {
        let shown = text::inert_short(value.to_string().trim_matches('"'), 40);
        Err(Trouble::new("out_of_range", format!("{shown} is not {wanted}")))
    };
    if let Some(number) = value.as_i64() {
        if target.min.is_some_and(|min| number < min) {
            return out(format!("at least {}", target.min.unwrap_or_default()));
        }
        if target.max.is_some_and(|max| number > max) {
            return out(format!("at most {}", target.max.unwrap_or_default()));
        }
    }
    if let (Some(above), Some(number)) = (target.above, value.as_f64())
        && number <= above
    {
        return out(format!("more than {above}"));
    }
    if let Some(word) = value.as_str()
        && !target.one_of.is_empty()
        && !target.one_of.iter().any(|allowed| allowed == word)
    {
        return out(format!("one of {}", target.one_of.join(", ")));
    }
    Ok(())
}

/// The address that single keys make together, and how it meets addresses given whole.
struct Assembly<'a> {
    document: &'a Document,
    target: &'a Target,
    decisions: &'a Decisions,
    server: Server,
    order: usize,
}

/// One part of an address: its value and the key that says it.
type Said = Vec<(usize, String)>;

impl Assembly<'_> {
    fn join(&self, out: &mut Gathered) {
        for (mut address, leaves) in self.addresses(&mut out.refused) {
            let whole = out
                .candidates
                .iter_mut()
                .find_map(|candidate| match &mut candidate.got {
                    Got::Address(whole) => Some((whole, &mut candidate.leaves)),
                    _ => None,
                });
            if let Some((whole, whole_leaves)) = whole
                && (address.host.is_none() || address.host == whole.host)
            {
                // Both mean the same server: what one leaves open the other may say.
                if address.agrees_with(whole) && (!whole.tls || address.tls || self.tls_unsaid(&leaves)) {
                    whole.fill_from(&address);
                    whole_leaves.extend(leaves);
                    continue;
                }
                address.fill_from(whole);
            }
            out.candidates.push(Candidate {
                leaves,
                got: Got::Address(Box::new(address)),
                note: None,
                order: self.order,
            });
        }
    }

    fn tls_unsaid(&self, leaves: &[usize]) -> bool {
        let said = self.said(&self.target.parts.tls, &mut Vec::new());
        !said.iter().any(|(leaf, _)| leaves.contains(leaf))
    }

    /// The values of one part in the order of precedence, each different one once.
    fn said(&self, names: &[String], refused: &mut Vec<Refusal>) -> Said {
        let index = self.document.index();
        let mut said = Said::new();
        for leaf in names
            .iter()
            .filter_map(|name| index.get(normal(name).as_str()))
            .flatten()
        {
            let value = &self.document.leaves[*leaf].value;
            if is_empty(value) {
                continue;
            }
            if let Value::List(_) | Value::Map(_) = value {
                let trouble = Trouble::new("wrong_type", format!("text is wanted, this is {}", value.kind()));
                refused.push(Refusal {
                    leaves: vec![*leaf],
                    trouble,
                });
            } else {
                said.push((*leaf, value.text()));
            }
        }
        said
    }

    /// Usually none or one; more when a part is said twice in different ways.
    fn addresses(&self, refused: &mut Vec<Refusal>) -> Vec<(Address, Vec<usize>)> {
        let names = &self.target.parts;
        let all = [
            &names.host,
            &names.port,
            &names.name,
            &names.user,
            &names.password,
            &names.sslmode,
            &names.tls,
        ];
        let said: Vec<Said> = all.iter().map(|names| self.said(names, refused)).collect();
        let count = said.iter().map(distinct).max().unwrap_or(0);
        let mut made = Vec::new();
        for nth in 0..count {
            let mut leaves = Vec::new();
            let mut values: Vec<Option<String>> = Vec::new();
            for part in &said {
                let mut seen: Vec<&str> = Vec::new();
                for (_, value) in part {
                    if !seen.contains(&value.as_str()) {
                        seen.push(value);
                    }
                }
                let chosen = seen
                    .get(nth)
                    .or_else(|| seen.first())
                    .map(|value| (*value).to_owned());
                leaves.extend(
                    part.iter()
                        .filter(|(_, value)| Some(value) == chosen.as_ref())
                        .map(|(leaf, _)| *leaf),
                );
                values.push(chosen);
            }
            match self.address(values) {
                Ok(address) => made.push((address, leaves)),
                Err((part, trouble)) => {
                    let leaf = said[part].first().map(|(leaf, _)| *leaf);
                    let mut leaves = leaves;
                    leaves.sort_by_key(|own| Some(*own) != leaf);
                    refused.push(Refusal { leaves, trouble });
                }
            }
        }
        made
    }

    fn address(&self, values: Vec<Option<String>>) -> Result<Address, (usize, Trouble)> {
        let mut address = Address::empty(self.server);
        let mut values = values.into_iter();
        let mut next = || values.next().flatten();
        address.host = next();
        address.port = next();
        address.name = next();
        address.user = next();
        address.password = next();
        if let Some(mode) = next() {
            let mode = match mode.to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => "require".to_owned(),
                "false" | "no" | "off" | "0" => "disable".to_owned(),
                _ => mode,
            };
            address.options.push(("sslmode".to_owned(), mode));
        }
        if let Some(tls) = next() {
            let tls = Value::Text(tls);
            let converted = resolve(&tls, self.decisions)
                .and_then(|tls| value::convert(&tls, Kind::Boolean))
                .map_err(|trouble| (6, trouble))?;
            address.tls = converted.value.as_bool().unwrap_or_default();
        }
        Ok(address)
    }
}

fn distinct(said: &Said) -> usize {
    let mut seen: Vec<&str> = said.iter().map(|(_, value)| value.as_str()).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len()
}
