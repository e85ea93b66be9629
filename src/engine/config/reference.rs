//! References to environment variables inside values: `${NAME}` and `${NAME:-otherwise}`.

/// Whether `text` holds a reference.
#[must_use]
pub fn any(text: &str) -> bool {
    !names(text).is_empty()
}

/// The names that `text` refers to.
#[must_use]
pub fn names(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    walk(text, &mut |part| {
        if let Part::Reference { name, .. } = part {
            out.push(name.to_owned());
        }
    });
    out
}

/// `text` with every reference that `lookup` knows replaced, and the others left as they are.
#[must_use]
pub fn replace(text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    walk(text, &mut |part| match part {
        Part::Text(text) => out.push_str(text),
        Part::Reference { name, otherwise, raw } => match (lookup(name), otherwise) {
            (Some(value), _) if !value.is_empty() => out.push_str(&value),
            (_, Some(otherwise)) => out.push_str(otherwise),
            _ => out.push_str(raw),
        },
    });
    out
}

/// Whether `text` is one reference and nothing else.
#[must_use]
pub fn whole(text: &str) -> bool {
    matches!(pieces(text).as_slice(), [(true, _)])
}

/// `text` in pieces: `true` for a reference as written, `false` for what stands between.
#[must_use]
pub fn pieces(text: &str) -> Vec<(bool, String)> {
    let mut out = Vec::new();
    walk(text, &mut |part| match part {
        Part::Text(text) => out.push((false, text.to_owned())),
        Part::Reference { raw, .. } => out.push((true, raw.to_owned())),
    });
    out
}

enum Part<'a> {
    Text(&'a str),
    Reference {
        name: &'a str,
        otherwise: Option<&'a str>,
        raw: &'a str,
    },
}

fn walk<'a>(text: &'a str, visit: &mut dyn FnMut(Part<'a>)) {
    let mut rest = text;
    let mut from = 0;
    while let Some(start) = rest[from..].find("${").map(|i| i + from) {
        let Some(end) = rest[start..].find('}').map(|i| i + start) else {
            break;
        };
        let inner = &rest[start + 2..end];
        let (name, otherwise) = match inner.split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (inner, None),
        };
        let named = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !named {
            from = start + 2;
            continue;
        }
        if start > 0 {
            visit(Part::Text(&rest[..start]));
        }
        visit(Part::Reference {
            name,
            otherwise,
            raw: &rest[start..=end],
        });
        rest = &rest[end + 1..];
        from = 0;
    }
    if !rest.is_empty() {
        visit(Part::Text(rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced_and_the_rest_stays() {
        let lookup = |name: &str| (name == "A").then(|| "1".to_owned());
        assert_eq!(
            replace("${A}-${B}-${B:-2}-${b c}-$A-${", &lookup),
            "1-${B}-2-${b c}-$A-${"
        );
        assert_eq!(names("x${A}${B:-2}"), ["A", "B"]);
        assert_eq!(
            pieces("u:${A}@h"),
            [(false, "u:".into()), (true, "${A}".into()), (false, "@h".into())]
        );
    }
}
