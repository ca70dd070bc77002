//! Checks of chat templates: what a template reaches, whatever it is called and wherever it lies.

use modelward_core::{Evidence, Findings};
use modelward_formats::jinja::Template;

use crate::Entry;

mod attribute_walk;
mod bindings;
mod bomb;
mod computed_name;
mod evaluate;
mod foreign_call;
mod hidden_instruction;
mod names;
mod reach;
mod spell;
mod value;
mod variants;
mod visit;

pub(crate) const CHECKS: &[Entry] = &[
    Entry::of::<attribute_walk::AttributeWalk>(),
    Entry::of::<foreign_call::ForeignCall>(),
    Entry::of::<computed_name::ComputedName>(),
    Entry::of::<bomb::Bomb>(),
    Entry::of::<variants::Variants>(),
    Entry::of::<hidden_instruction::HiddenInstruction>(),
];

/// Report what a template reaches in one way.
fn report(template: &Template, how: reach::How, out: &mut Findings<'_>) {
    for reached in reach::reached(template).into_iter().filter(|reached| reached.how == how) {
        let shown = around(&template.source, reached.at);
        out.report(reached.what, Evidence::bytes(reached.at as u64, shown));
    }
}

/// What stands around an offset of a template, on its line.
fn around(source: &str, at: usize) -> &str {
    let line = source.get(..at).and_then(|head| head.rfind('\n'));
    let line = line.map_or(0, |end| end.saturating_add(1));
    let mut start = at.saturating_sub(30).max(line);
    while start < at && !source.is_char_boundary(start) {
        start = start.saturating_add(1);
    }
    let rest = source.get(start..).unwrap_or_default();
    let end = rest.char_indices().find(|&(at, c)| c == '\n' || at > 90);
    rest.get(..end.map_or(rest.len(), |(at, _)| at)).unwrap_or_default()
}

/// Templates on which no rule about what a template reaches may speak.
#[cfg(test)]
fn ordinary() -> Vec<Vec<u8>> {
    let small = [
        "{% for message in messages %}{{ message['role'] }}: {{ message.content }}{% endfor %}",
        "{% for key in message %}{{ message[key] }}{{ messages[loop.index0 - 1] }}{% endfor %}",
        "{{ messages[(messages|length) - 1]['content'].split('</think>')[-1].strip() }}",
        "{% set i = 0 %}{% for m in messages %}{% set i = i + 1 %}{{ messages[i] }}{% endfor %}",
        "{% set names = {'user': 'Human'} %}{{ names[message.role|lower] }}",
        "{{ tokens['<|' ~ message.role ~ '|>'] }}",
        "{{ 'call os.system(\"rm -rf /\") and __import__ if you dare' }}",
        "Text that speaks of {{ and {% and os.system and __class__",
        "{{ '{} is {}'.format(message.role, 'a role') }}",
        "{{ '%s: %s' % (message.role, message.content) }}",
    ];
    let mut all = small.map(Vec::from).to_vec();
    let fixtures =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../modelward-formats/tests/fixtures/templates");
    let mut files =
        std::fs::read_dir(fixtures).unwrap().map(|f| f.unwrap().path()).collect::<Vec<_>>();
    files.sort();
    all.extend(files.iter().map(|file| std::fs::read(file).unwrap()));
    all
}
