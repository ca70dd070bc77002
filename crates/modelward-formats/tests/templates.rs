//! The templates of popular models are read as what they are.

use std::{fs, path::Path};

use modelward_formats::jinja::Template;

#[test]
fn the_chat_templates_in_use_are_templates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/templates");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.collect::<Vec<_>>();
    assert!(files.len() >= 10);
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        assert!(Template::parse(&source).is_ok(), "{file:?}: {:?}", Template::parse(&source));
    }
}

#[test]
fn what_jinja2_refuses_is_no_template() {
    for source in [
        "{{ unclosed",
        "{% if x %}",
        "{{ .Values.image }}",
        "{% unknown %}",
        "{{ a b }}",
        "{{ }}",
        "{% endfor %}",
        "{{ 'a }}",
        "{{ a['b }}",
        "{{ (a] }}",
        "{{ '\\x5' }}",
        "{# open",
        "{% raw %}{{",
        "{% set %}",
        "{{ a | }}",
        "{{ a.}}",
        "{{ f(a b) }}",
        "{{ ${x} }}",
    ] {
        assert!(Template::parse(source).is_err(), "{source}");
    }
}

#[test]
fn what_jinja2_compiles_is_a_template() {
    for source in [
        "{{ a.b['c'][1:2, ::-1](*d, e=f, **g)|h(1)|i is not j(2) }}",
        "{{ {'a': {}} }}",
        "{{ ((1, 2), [3, ], (4, )) }}",
        "{{ a.0.1 }}",
        "{{ 1_000.5e-3 }}",
        "{% for a, (b, c) in d if e recursive %}{{ loop(a) }}{% else %}{% endfor %}",
        "{% set a, b = 1, 2 %}{% set ns.x %}text{% endset %}{% set y | upper %}z{% endset %}",
        "{% call(x) m(1) %}{{ x }}{% endcall %}{% filter upper | trim %}x{% endfilter %}",
        "{% raw %}{{ not parsed {% %}{% endraw %}",
        "{%+ if a -%} {%- endif +%}",
        "{% from 'a' import b as c, d with context %}{% include ['a', 'b'] ignore missing %}",
        "{% with a = 1, b = 2 %}{% endwith %}{% block x scoped %}{% endblock x %}",
        "{{ a if b }}{{ a if b else c if d else e }}{{ not a not in b }}{{ -a ** -2|abs }}",
        "{{ 'a' 'b' }}{{ a is divisibleby 3 }}{{ a is in [1] and b }}{{ x is eq 'y' or z }}",
        "{% do a.append(1) %}{% break %}{% continue %}{% autoescape false %}{% endautoescape %}",
    ] {
        assert!(Template::parse(source).is_ok(), "{source}: {:?}", Template::parse(source));
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for source in [
        format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000)),
        format!("{{{{ {}1 }}}}", "not ".repeat(5000)),
        format!("{{{{ {}1 }}}}", "-".repeat(5000)),
        format!("{{{{ a{} }}}}", ".b".repeat(100_000)),
        format!("{{{{ a{} }}}}", "+ b".repeat(100_000)),
        "{% if a %}".repeat(5000) + &"{% endif %}".repeat(5000),
        format!("{{{{ {}1 }}}}", "a if b else ".repeat(5000)),
    ] {
        assert!(Template::parse(&source).is_err());
    }
}
