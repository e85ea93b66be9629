//! Mapped values, made beforehand: the conversion of one field for adapters that convert rows themselves instead of in SQL.

use crate::engine::ports::store::{CaseMap, Fate};
use crate::engine::schema::canon;
use crate::engine::schema::quick::Values;

/// What a value becomes, and the original as JSON where it is kept; `None` when rows with it are set aside.
type Arm = Option<(String, Option<String>)>;

/// The mapping of one field.
pub struct Mapped {
    arms: Values<Arm>,
    null: Arm,
    otherwise: Option<(String, bool)>,
}

impl Mapped {
    /// Prepares a mapping.
    pub fn new(map: &CaseMap) -> Self {
        let arm = |value: Option<&str>, fate: &Fate| match fate {
            Fate::Quarantine(_) => None,
            Fate::Becomes(to, keep) => Some((to.clone(), value.filter(|_| *keep).map(quoted))),
        };
        Self {
            arms: map
                .arms
                .iter()
                .map(|(value, fate)| (value.clone(), arm(Some(value), fate)))
                .collect(),
            null: arm(None, &map.null),
            otherwise: match &map.otherwise {
                Fate::Quarantine(_) => None,
                Fate::Becomes(to, keep) => Some((to.clone(), *keep)),
            },
        }
    }

    /// What a value becomes; `None` when its row is set aside. Where the original is kept, `name` and the original as JSON are appended to
    /// `originals`.
    pub fn find(&self, value: Option<&str>, name: &str, originals: &mut String) -> Option<&str> {
        let arm = match value.map(|value| (value, self.arms.get(value))) {
            None => self.null.as_ref(),
            Some((_, Some(arm))) => arm.as_ref(),
            Some((value, None)) => {
                let (to, keep) = self.otherwise.as_ref()?;
                if *keep {
                    originals.push_str(name);
                    canon::quoted(originals, value);
                }
                return Some(to);
            }
        };
        let (to, original) = arm?;
        if let Some(json) = original {
            originals.push_str(name);
            originals.push_str(json);
        }
        Some(to)
    }
}

/// Text as a JSON string.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    canon::quoted(&mut out, text);
    out
}
