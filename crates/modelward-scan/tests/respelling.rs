//! The law of templates: however the name of an attribute is spelled, reading it is found.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]

use modelward_core::Place;
use modelward_formats::jinja::Template;
use modelward_scan::{Context, examine};
use proptest::prelude::*;

/// A spelling: statements that come first, and an expression that comes to the text.
#[derive(Clone, Debug)]
struct Spelling {
    before: String,
    expression: String,
}

/// Numbers that choose among spellings, one after the other.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.0.next().map_or(0, |&choice| usize::from(choice) % end.max(1))
    }
}

/// A string literal, each character written in one of the ways that Python knows.
fn literal(text: &str, choices: &mut Choices<'_>) -> Spelling {
    let each = text.chars().map(|c| {
        let code = u32::from(c);
        match choices.below(12) {
            1 => format!(r"\x{code:02x}"),
            2 => format!(r"\u{code:04x}"),
            3 => format!(r"\U{code:08X}"),
            4 => format!(r"\{code:03o}"),
            5 if c == '_' => r"\N{LOW LINE}".to_owned(),
            _ => c.to_string(),
        }
    });
    let text = each.collect::<String>();
    let quote = if choices.below(2) == 0 { '\'' } else { '"' };
    Spelling { before: String::new(), expression: format!("{quote}{text}{quote}") }
}

/// An expression that comes to this text, by up to `depth` operators within one another.
fn spelling(text: &str, depth: u32, choices: &mut Choices<'_>) -> Spelling {
    let Some(less) = depth.checked_sub(1) else { return literal(text, choices) };
    // An operator that changes more than it should would spell another text: then none is used.
    let lower = !text.contains(char::is_uppercase);
    let backwards = || text.chars().rev().collect::<String>();
    let dashed = || text.replace('_', "-");
    let padded = || format!("xx{text}yy");
    let (source, form) = match choices.below(32) {
        0 => (backwards(), "(#)|reverse"),
        1 => (backwards(), "(#)[::-1]"),
        2 if !text.contains('-') => (dashed(), "(#)|replace('-', '_')"),
        3 if !text.contains('-') => (dashed(), "(#).replace('-', '\\x5f')"),
        4 if lower => (text.to_uppercase(), "(#)|lower"),
        5 if lower => (text.to_uppercase(), "(#).lower()"),
        6 => (padded(), "(#)[2:-2]"),
        7 => (padded(), "(#).removeprefix('xx').removesuffix('yy')"),
        8 if text.trim() == text => (format!("  {text} "), "(#)|trim"),
        9 => (text.to_owned(), "['a', #][1]"),
        10 => (text.to_owned(), "[#, 'a']|first"),
        11 => (text.to_owned(), "{'k': #}['k']"),
        12 => (text.to_owned(), "{'k': #}.k"),
        13 => (text.to_owned(), "(#)|list|join"),
        14 => (text.to_owned(), "(# if messages else 'a')"),
        15 => (text.to_owned(), "missing|default(#)"),
        16 if lower => (text.to_owned(), "[#]|map('lower')|first"),
        17 if !text.contains('|') => (text.to_owned(), "(# ~ '|a').split('|')[0]"),
        18 => (text.to_owned(), "(#)|string"),
        19 => (text.to_owned(), "dict([[#, 1]])|first"),
        20..=22 => {
            // A name of its own: a variable that is bound twice is no longer followed exactly,
            // and falls under MW1603.
            let n = choices.0.len().to_string();
            let inner = spelling(text, less, choices);
            let (statement, name) = BOUND[choices.below(BOUND.len())];
            let statement = statement.replace('@', &n).replace('#', &inner.expression);
            return Spelling {
                before: inner.before + &statement,
                expression: name.replace('@', &n),
            };
        }
        23..=30 => {
            let (left, right) = text.split_at(choices.below(text.len()));
            let left = spelling(left, less, choices);
            let right = spelling(right, less, choices);
            let form = TWO[choices.below(TWO.len())];
            let form = form.replace("#1", &left.expression).replace("#2", &right.expression);
            return Spelling { before: left.before + &right.before, expression: form };
        }
        _ => return literal(text, choices),
    };
    let Spelling { before, expression } = spelling(&source, less, choices);
    Spelling { before, expression: form.replace('#', &expression) }
}

/// Ways to put two texts together.
const TWO: &[&str] = &[
    "(#1 ~ #2)",
    "(#1 + #2)",
    "[#1, #2]|join",
    "''.join([#1, #2])",
    "('%s%s'|format(#1, #2))",
    "('%s%s' % (#1, #2))",
    "'{}{}'.format(#1, #2)",
    "'{1}{0}'.format(#2, #1)",
    "'{a}{b}'.format(a=#1, b=#2)",
    "([#1] + [#2])|join('')",
];

/// Ways to keep a text under a name.
const BOUND: &[(&str, &str)] = &[
    ("{% set v@ = # %}", "v@"),
    ("{% set n@ = namespace(a@=#) %}", "n@.a@"),
    ("{% set n@ = namespace() %}{% set n@.a@ = # %}", "n@.a@"),
    ("{% set a@, b@ = 1, # %}", "b@"),
    ("{% with v@ = # %}{% set w@ = v@ %}{% endwith %}", "w@"),
    ("{% for v@ in [#] %}{% set w@ = v@ %}{% endfor %}", "w@"),
];

/// Ways to read the attribute of a name.
const READ: &[&str] = &[
    "{{ ''[#] }}",
    "{{ messages[0][#] }}",
    "{{ ''|attr(#) }}",
    "{{ messages|map(attribute=#)|list }}",
    "{{ messages|map('attr', #)|list }}",
    "{{ messages|selectattr(#)|list }}",
    "{{ messages|sort(attribute=#) }}",
    "{% macro m(k) %}{{ ''[k] }}{% endmacro %}{{ m(#) }}",
    "{% for k in [#] %}{{ ''[k] }}{% endfor %}",
    "{% if x is defined and ''[#] %}{% endif %}",
    "{% set y = [''[#]] %}",
];

/// A template that reads an attribute which leads out of its data.
fn attack() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<u8>(), 8..200).prop_map(|choices| {
        let mut choices = Choices(choices.iter());
        let name = NAMES[choices.below(NAMES.len())];
        let read = READ[choices.below(READ.len())];
        let Spelling { before, expression } = spelling(name, 4, &mut choices);
        before + &read.replace('#', &expression)
    })
}

const NAMES: &[&str] = &["__class__", "__globals__", "__builtins__", "__subclasses__"];

fn rules(bytes: &[u8]) -> Vec<&'static str> {
    let examined = examine(&Place::file("sample"), &bytes.into(), &Context::default());
    examined.findings.iter().map(|finding| finding.rule.id).collect()
}

/// Found by name; or, where so many variables may or may not be defined that their combinations
/// are no longer told apart, as a computed name.
fn is_found(template: &str, bytes: &[u8]) -> bool {
    let rules = rules(bytes);
    let many = template.matches("{% set").count() > 3;
    rules.contains(&"MW1601") || many && rules.contains(&"MW1603")
}

/// A JSON string literal.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_spelling_makes_an_attribute_walk_silent(template in attack()) {
        prop_assert!(Template::parse(&template).is_ok(), "{template}");
        prop_assert!(is_found(&template, template.as_bytes()), "{template}");
    }

    #[test]
    fn no_carrier_makes_an_attribute_walk_silent(template in attack(), carrier in 0..4_usize) {
        let text = quoted(&template);
        let carried = match carrier {
            0 => format!("{{\"any\": [1, {{\"name\": {text}}}]}}"),
            1 => format!("[\n{text}\n]"),
            2 => format!("a: 1\nb:\n  - {text}\n"),
            _ => format!("a:\n  chat_template: |\n    {template}\n"),
        };
        prop_assert!(is_found(&template, carried.as_bytes()), "{carried}");
    }
}
