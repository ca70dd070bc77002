//! The filters and methods by which text can be put together, taken apart and turned round.

use modelward_formats::jinja::syntax::{Arguments, Expression};

use super::value::{Value, joined};

/// `base|name(arguments)`
pub(super) fn filter(base: &Value, name: &str, values: &[Value], written: &Arguments) -> Value {
    // Arguments with names may change what the filter does in ways that are not followed here.
    if !written.named.is_empty() && !NAMED.contains(&name) {
        return Value::BUILT;
    }
    match name {
        "string" | "safe" | "e" | "escape" | "forceescape" => base.map(|value| match value {
            Value::Text(_) => value.clone(),
            Value::Number(Some(number)) => Value::text(number.to_string()),
            _ => Value::BUILT,
        }),
        "lower" | "upper" | "title" | "capitalize" => case(base, name),
        "trim" | "strip" => stripped(base, "strip", values),
        "reverse" => base.slice(&[None, None, Some(Value::Number(Some(-1)))]),
        "replace" => replaced(base, values),
        "join" if values.len() <= 1 => join(values.first().unwrap_or(&Value::text("")), base),
        "format" => base.map(|value| match value {
            Value::Text(pattern) if written.named.is_empty() => percent(pattern, values),
            _ => Value::BUILT,
        }),
        "first" => end(base, 0),
        "last" => end(base, -1),
        "list" => base.map(|value| value.ordered().map_or_else(|| bag(value), Value::List)),
        "random" | "min" | "max" => base.items(),
        "sort" | "unique" | "select" | "reject" | "selectattr" | "rejectattr" => bag(base),
        "batch" | "slice" => Value::Bag(Box::new(bag(base))),
        "map" => mapped(base, values, written),
        "items" => items(base),
        "dictsort" => bag(&items(base)),
        "sum" => base.map(|value| match value {
            Value::Data | Value::Number(_) => Value::Number(None),
            _ => Value::BUILT,
        }),
        "d" | "default" => values.iter().cloned().fold(base.clone(), Value::or),
        "length" | "count" | "int" | "float" | "abs" | "round" | "wordcount" => Value::Number(None),
        "split" => split(base, values),
        "attr" => values.first().map_or(Value::Data, |name| base.at(name)),
        _ => base.map(|value| match value {
            Value::Data if values.is_empty() && written.named.is_empty() => Value::Data,
            _ => Value::BUILT,
        }),
    }
}

/// `between.join(items)` and `items|join(between)`.
fn join(between: &Value, items: &Value) -> Value {
    between.pair(items, |between, items| match (between, items.ordered()) {
        (Value::Text(between), Some(items)) => joined(between, &items),
        _ => Value::BUILT,
    })
}

/// `base.name(arguments)`
pub(super) fn method(
    base: &Value,
    name: &str,
    values: &[Value],
    written: &Arguments,
    evaluate: &dyn Fn(&Expression) -> Value,
) -> Value {
    match name {
        "lower" | "upper" | "title" | "capitalize" | "swapcase" | "casefold" => case(base, name),
        "strip" | "lstrip" | "rstrip" => stripped(base, name, values),
        "removeprefix" | "removesuffix" => base.map(|value| match (value, values.first()) {
            (Value::Text(text), Some(Value::Text(part))) => {
                let rest = if name == "removeprefix" {
                    text.strip_prefix(part.as_str())
                } else {
                    text.strip_suffix(part.as_str())
                };
                Value::text(rest.unwrap_or(text))
            }
            (Value::Data, _) => Value::Data,
            _ => Value::BUILT,
        }),
        "replace" => replaced(base, values),
        "join" => values.first().map_or(Value::BUILT, |items| join(base, items)),
        "format" => {
            let named = written.named.iter();
            let named = named.map(|(name, value)| (name.as_str(), evaluate(value)));
            let named = named.collect::<Vec<_>>();
            base.map(|value| match value {
                Value::Text(pattern) => braces(pattern, values, &named),
                _ => Value::BUILT,
            })
        }
        "split" | "rsplit" | "partition" | "rpartition" | "splitlines" => split(base, values),
        "items" => items(base),
        "keys" | "copy" => base.clone(),
        "values" => base.map(|value| match value {
            Value::Dict(pairs) => Value::List(pairs.iter().map(|(_, v)| v.clone()).collect()),
            other => other.clone(),
        }),
        "get" | "pop" | "setdefault" => {
            let found = values.first().map_or_else(|| base.items(), |key| base.at(key));
            values.iter().skip(1).cloned().fold(found, Value::or)
        }
        "encode" | "decode" => base.map(|value| match (value, values.is_empty()) {
            (Value::Text(_) | Value::Data, true) => value.clone(),
            _ => Value::BUILT,
        }),
        "count" | "find" | "rfind" | "index" | "rindex" => Value::Number(None),
        _ if name.starts_with("is") || name.ends_with("with") => Value::Number(None),
        _ => base.map(|value| match value {
            Value::Data if values.is_empty() => Value::Data,
            _ => Value::BUILT,
        }),
    }
}

/// `pattern % arguments`
pub(super) fn percent(pattern: &str, arguments: &[Value]) -> Value {
    let mut built = Value::text("");
    let mut arguments = arguments.iter();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        let piece = match c {
            '%' => match (characters.next(), arguments.as_slice().is_empty()) {
                (Some('%'), _) => Value::text("%"),
                (Some('s' | 'd' | 'i'), false) => arguments.next().cloned().unwrap_or(Value::BUILT),
                (Some('c'), false) => arguments.next().map_or(Value::BUILT, character),
                _ => Value::BUILT,
            },
            c => Value::text(c),
        };
        built = built.concat(&piece);
    }
    built
}

/// `text * times`
pub(super) fn repeat(text: &str, times: Option<i64>) -> Value {
    let times = times.and_then(|times| usize::try_from(times.max(0)).ok());
    match times.filter(|&times| text.len().saturating_mul(times) <= 4096) {
        Some(times) => Value::text(text.repeat(times)),
        None => Value::Built { safe: text.starts_with(|c| c != '_') && times != Some(0) },
    }
}

/// `pattern.format(arguments)`
fn braces(pattern: &str, arguments: &[Value], named: &[(&str, Value)]) -> Value {
    let mut built = Value::text("");
    let mut automatic: usize = 0;
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        let doubled = rest.starts_with("{{") || rest.starts_with("}}");
        let piece = if doubled {
            length = 2;
            Value::text(c)
        } else if c == '{' {
            let Some(end) = rest.find('}') else { return Value::BUILT };
            let field = rest.get(1..end).unwrap_or_default();
            length = end.saturating_add(1);
            let position = if field.is_empty() { Some(automatic) } else { field.parse().ok() };
            automatic = automatic.saturating_add(1);
            let by_name = || named.iter().find(|(name, _)| *name == field).map(|(_, v)| v);
            position
                .and_then(|at| arguments.get(at))
                .or_else(by_name)
                .cloned()
                .unwrap_or(Value::BUILT)
        } else {
            Value::text(c)
        };
        built = built.concat(&piece);
        rest = rest.get(length..).unwrap_or_default();
    }
    built
}

fn character(value: &Value) -> Value {
    value.map(|value| match value {
        Value::Number(Some(number)) => {
            let c = u32::try_from(*number).ok().and_then(char::from_u32);
            c.map_or(Value::BUILT, Value::text)
        }
        Value::Text(_) => value.clone(),
        _ => Value::BUILT,
    })
}

fn case(base: &Value, name: &str) -> Value {
    base.map(|value| match value {
        // What starts with no underscore still does when its case has changed.
        Value::Built { .. } => value.clone(),
        _ => value.rewrite(|text| match name {
            "upper" => text.to_uppercase(),
            "lower" | "casefold" => text.to_lowercase(),
            "swapcase" => text.chars().map(swapped).collect(),
            "capitalize" => {
                let mut characters = text.chars();
                let first = characters.next().map(|c| c.to_uppercase().to_string());
                first.unwrap_or_default() + &characters.as_str().to_lowercase()
            }
            _ => titled(text),
        }),
    })
}

fn swapped(c: char) -> String {
    if c.is_uppercase() { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() }
}

fn titled(text: &str) -> String {
    let mut inside = false;
    let each = text.chars().map(|c| {
        let changed =
            if inside { c.to_lowercase().to_string() } else { c.to_uppercase().to_string() };
        inside = c.is_alphabetic();
        changed
    });
    each.collect()
}

fn stripped(base: &Value, name: &str, values: &[Value]) -> Value {
    let set = match values.first() {
        None => None,
        Some(Value::Text(set)) => Some(set.as_str()),
        Some(_) => return base.map(|v| if *v == Value::Data { Value::Data } else { Value::BUILT }),
    };
    base.rewrite(|text| {
        let gone = |c: char| set.map_or(c.is_whitespace(), |set| set.contains(c));
        let text = if name == "rstrip" { text } else { text.trim_start_matches(gone) };
        let text = if name == "lstrip" { text } else { text.trim_end_matches(gone) };
        text.to_owned()
    })
}

fn replaced(base: &Value, values: &[Value]) -> Value {
    match values {
        [old, new, ..] => base.map(|text| {
            old.pair(new, |old, new| match (text, old, new) {
                (Value::Text(text), Value::Text(old), Value::Text(new)) if values.len() == 2 => {
                    Value::text(text.replace(old.as_str(), new))
                }
                _ => Value::BUILT,
            })
        }),
        _ => Value::BUILT,
    }
}

fn split(base: &Value, values: &[Value]) -> Value {
    base.map(|value| match (value, values) {
        (Value::Text(text), []) => Value::list(text.split_whitespace().map(Value::text).collect()),
        (Value::Text(text), [Value::Text(by)]) if !by.is_empty() => {
            Value::list(text.split(by.as_str()).map(Value::text).collect())
        }
        (Value::Data, _) => Value::Data,
        _ => Value::Bag(Box::new(Value::BUILT)),
    })
}

fn items(base: &Value) -> Value {
    base.map(|value| match value {
        Value::Dict(pairs) => {
            let pair =
                |(key, value): &(Value, Value)| Value::List(vec![key.clone(), value.clone()]);
            Value::List(pairs.iter().map(pair).collect())
        }
        Value::Data => Value::Data,
        // Only mappings have items.
        _ => Value::Nothing,
    })
}

fn mapped(base: &Value, values: &[Value], written: &Arguments) -> Value {
    base.map(|value| match (value, values.first()) {
        (Value::Data, None) => Value::Data,
        (value, Some(Value::Text(name))) => {
            let rest = values.get(1..).unwrap_or_default();
            let each = |item: &Value| filter(item, name, rest, written);
            match value.ordered() {
                None if each(value) == Value::Data => Value::Data,
                Some(items) => Value::List(items.iter().map(each).collect()),
                None => Value::Bag(Box::new(each(&value.items()))),
            }
        }
        _ => Value::Bag(Box::new(Value::BUILT)),
    })
}

/// The first item (0) or the last (-1).
fn end(base: &Value, index: i64) -> Value {
    base.map(|value| match value.ordered() {
        Some(items) => Value::List(items).at(&Value::Number(Some(index))),
        None => value.items(),
    })
}

fn bag(value: &Value) -> Value {
    value.map(|value| match value {
        Value::Data => Value::Data,
        value => Value::Bag(Box::new(value.items())),
    })
}

/// Filters whose arguments with names are looked at, or do not matter.
const NAMED: &[&str] =
    &["float", "groupby", "int", "length", "map", "max", "min", "round", "sort", "sum", "unique"];
