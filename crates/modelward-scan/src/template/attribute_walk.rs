//! Attributes that lead from data to Python's internals.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::jinja::Template;

use super::{reach::How, report};
use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct AttributeWalk;

impl Check for AttributeWalk {
    type Asset = Template;

    const RULE: Rule = Rule {
        id: "MW1601",
        name: "template-attribute-walk",
        severity: Severity::Critical,
        title: "this template walks from data to Python's internals",
        why: "A chat template is a program. Attributes such as `__class__` and `__globals__` lead \
              from any value to every module that is loaded, and from there to shell commands. \
              Whoever applies the template to a conversation without a sandbox runs them; \
              sandboxes have been left this way before (CVE-2024-34359, CVE-2025-27516).",
        advice: "Do not load the tokenizer or serve the model; compare the template with the one \
                 that the original authors publish.",
        class: Class::MaliciousFile,
        cwe: &[1336, 94],
    };

    fn check(template: &Template, out: &mut Findings<'_>) {
        report(template, How::Walk, out);
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            "{{ ''.__class__.__mro__[1].__subclasses__() }}",
            "{{ ''['__class__'] }}",
            r"{{ ''['\x5f\x5fclass\x5f\x5f'] }}",
            r"{{ ''['\N{LOW LINE}\137class\u005f_'] }}",
            "{{ ''|attr('__class__') }}",
            "{{ ''|attr('_' * 2 ~ 'class' ~ '__') }}",
            "{{ ''[['__', 'class', '__']|join] }}",
            "{{ ''['__ssalc__'|reverse] }}",
            "{{ ''['__ssalc__'[::-1]] }}",
            "{{ ''['--class--'.replace('-', '_')] }}",
            "{{ ''['%s%s%s'|format('__', 'class', '__')] }}",
            "{{ ''['{}class{}'.format('__', '__')] }}",
            "{{ ''['%c%cclass__' % (95, 95)] }}",
            "{{ ''['__CLASS__'|lower] }}",
            "{{ ''[dict(__class__=1)|join] }}",
            "{{ ''[dict(__class__=1)|list|first] }}",
            "{% set a = '__' %}{% set b = a ~ 'class' ~ a %}{{ ''[b] }}",
            "{% set b = a ~ '__class__' %}{{ ''[b] }}{% set a = 'x' %}",
            "{% set n = namespace(a='__cla') %}{% set n.b = 'ss__' %}{{ ''[n.a ~ n.b] }}",
            "{% macro m(k) %}{{ ''[k] }}{% endmacro %}{{ m('__class__') }}",
            "{% for k in ['a', '__class__'] %}{{ messages[k] }}{% endfor %}",
            "{{ messages|map(attribute='__class__')|list }}",
            "{{ messages|map('attr', '__class__')|list }}",
            "{{ messages|selectattr('x.__class__')|list }}",
            "{{ messages|sort(attribute='role,__class__') }}",
            "{{ '{0.__class__}'.format(messages) }}",
            "{{ '{x[0].__class__}'.format(x=messages) }}",
            "{{ ''[dict([['__cla' ~ 'ss__', 1]])|first] }}",
            "{{ ''[{'b': 1, '__cla' ~ 'ss__': 2}|dictsort|first|first] }}",
            "{{ ''[{'b': 1, '__cla' ~ 'ss__': 2}|reverse|first] }}",
            "{{ ''[namespace(a='__cla' ~ 'ss__').a] }}",
            "{% set n = namespace() %}{% set m = n %}{% set m.a = '__cla' ~ 'ss__' %}{{ ''[n['a']] }}",
            "{% set n = namespace(user='__cla' ~ 'ss__') %}{{ ''[n[messages[0].role]] }}",
            "{% set a = [] %}{% set b = a %}{% do b.append('__cla' ~ 'ss__') %}{{ ''[a[0]] }}",
            "{% set d = {} %}{% do d.update({'k': '__cla' ~ 'ss__'}) %}{{ ''[d['k']] }}",
            "{% for k in ['a'] recursive %}{{ ''[k] }}{{ loop(['__cla' ~ 'ss__']) }}{% endfor %}",
            "{% set loop = {'index': '__cla' ~ 'ss__'} %}{{ ''[loop.index] }}",
            "{{ ''['%s' % ('gi_' ~ 'frame')] }}",
            "{{ lipsum.__globals__['os'].popen('id').read() }}",
            "{{ __builtins__ }}",
            "{{ (messages|map('upper')).gi_frame.f_globals }}",
            r#"{"any_name": ["{{ ''.__class__ }}"]}"#,
            "a: 1\nb:\n  - \"{{ ''['\\\\x5f_class__'] }}\"\n",
            "a: 1\n# {{ ''.__class__ }}\n",
        ];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: super::ordinary() }
    }
}
