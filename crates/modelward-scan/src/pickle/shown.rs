//! A value as a person would write it: the decompiled line that a finding shows.

use modelward_formats::pickle::{
    Program,
    value::{Kind, Shape, Value},
};

/// The value in Python's notation, at most `LONGEST` characters, at most a few levels deep.
pub(crate) fn shown(program: &Program<'_>, value: Value) -> String {
    let mut out = String::new();
    write(program, value, 0, &mut out);
    shorten(out)
}

/// A call in Python's notation.
pub(crate) fn call(program: &Program<'_>, callee: Value, arguments: Value) -> String {
    let mut out = String::new();
    write_call(program, callee, arguments, 0, &mut out);
    shorten(out)
}

const LONGEST: usize = 300;
const DEEPEST: u32 = 5;
const ITEMS: usize = 12;
const TEXT: u64 = 4096;

fn shorten(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}

fn write(program: &Program<'_>, value: Value, depth: u32, out: &mut String) {
    if out.len() > LONGEST.saturating_mul(4) || depth > DEEPEST {
        out.push_str("...");
        return;
    }
    match value.kind() {
        Kind::None => out.push_str("None"),
        Kind::Bool(true) => out.push_str("True"),
        Kind::Bool(false) => out.push_str("False"),
        Kind::Int(number) => out.push_str(&number.to_string()),
        Kind::Number(_) => out.push_str("<number>"),
        Kind::Unknown => out.push_str("<unknown>"),
        Kind::Text(_) | Kind::Bytes(_) => {
            let text = program.text(value, TEXT).filter(|text| !is_binary(text));
            match text {
                Some(text) => {
                    if matches!(value.kind(), Kind::Bytes(_)) {
                        out.push('b');
                    }
                    out.push_str(&quoted(&text));
                }
                None => {
                    let length = program.range(value).map_or(0, |(_, length)| length);
                    out.push_str(&format!("<{length} bytes>"));
                }
            }
        }
        Kind::Import(index) => match program.import(index) {
            Some(import) => {
                out.push_str(import.module.as_deref().unwrap_or("<computed>"));
                out.push('.');
                out.push_str(import.name.as_deref().unwrap_or("<computed>"));
            }
            None => out.push_str("<unknown>"),
        },
        Kind::Node(_) => write_node(program, value, depth.saturating_add(1), out),
    }
}

fn write_node(program: &Program<'_>, value: Value, depth: u32, out: &mut String) {
    let Some(node) = program.heap().of(value) else { return };
    let items = program.heap().items(node);
    let (open, close) = match node.shape {
        Shape::Tuple => ("(", if items.len() == 1 { ",)" } else { ")" }),
        Shape::List => ("[", "]"),
        Shape::Dict => ("{", "}"),
        Shape::Set => ("{*", "}"),
        Shape::Persistent => ("persistent_load(", ")"),
        Shape::Object => {
            if let [callee, arguments] = *items {
                write_call(program, callee, arguments, depth, out);
            }
            return;
        }
    };
    out.push_str(open);
    let pair = if node.shape == Shape::Dict { 2 } else { 1 };
    for (i, item) in items.chunks(pair).enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        if i >= ITEMS {
            out.push_str("...");
            break;
        }
        for (j, &value) in item.iter().enumerate() {
            if j > 0 {
                out.push_str(": ");
            }
            write(program, value, depth, out);
        }
    }
    if node.more && items.len() <= ITEMS.saturating_mul(pair) {
        out.push_str(if items.is_empty() { "..." } else { ", ..." });
    }
    out.push_str(close);
}

fn write_call(
    program: &Program<'_>,
    callee: Value,
    arguments: Value,
    depth: u32,
    out: &mut String,
) {
    write(program, callee, depth, out);
    match program.heap().items_of(arguments, Shape::Tuple) {
        Some(items) => {
            out.push('(');
            for (i, &item) in items.iter().take(ITEMS).enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write(program, item, depth, out);
            }
            out.push_str(if items.len() > ITEMS { ", ...)" } else { ")" });
        }
        None => {
            out.push_str("(*");
            write(program, arguments, depth, out);
            out.push(')');
        }
    }
}

/// Whether a constant is numbers rather than text: showing it would tell nothing.
fn is_binary(text: &str) -> bool {
    let odd =
        |c: &char| *c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace());
    text.chars().filter(odd).count() > 2
}

/// Text in double quotes, with what would break a line escaped; the renderer does the rest.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars().take(LONGEST) {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
