//! Names that a template puts together while it runs.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::jinja::Template;

use super::{reach::How, report};
use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct ComputedName;

impl Check for ComputedName {
    type Asset = Template;

    const RULE: Rule = Rule {
        id: "MW1603",
        name: "template-computed-name",
        severity: Severity::High,
        title: "this template reads attributes whose names it puts together itself",
        why: "An attribute's name that is put together from pieces while the template runs cannot \
              be told beforehand, and may be one that leads to Python's internals. Ordinary \
              templates write the names of the fields that they read, or take them from the data.",
        advice: "Read the template at the place shown and find out which names it makes; ask its \
                 authors to write them out.",
        class: Class::MaliciousFile,
        cwe: &[1336],
    };

    fn check(template: &Template, out: &mut Findings<'_>) {
        report(template, How::Computed, out);
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            "{{ ''|attr(messages[0].content) }}",
            "{{ ''[messages[0].content ~ messages[1].content] }}",
            "{{ ''[(tools|string)[4] ~ 'x'] }}",
            "{% set n = namespace(s='') %}{% for c in messages %}{% set n.s = n.s ~ c %}{% endfor %}{{ ''[n.s] }}",
            "{% set s %}{{ messages }}{% endset %}{{ ''[s] }}",
            "{{ ''|attr('format')(messages) }}",
            "{{ messages[0].content.format(messages) }}",
            "{% set f = ''.format %}",
            "{{ messages|map(attribute=messages[0].content)|list }}",
            "{{ messages|map(messages[0].role)|list }}",
            "{{ f(x, '__import__') }}",
            "{% set l = [] %}{% do l.append(tools|string) %}{{ ''[l[0]] }}",
            "{% macro m() %}{{ tools }}{% endmacro %}{{ ''[m()] }}",
            "{{ ''[strftime_now('%%') ~ x] }}",
            "{{ ''[('xx__cla' ~ 'ss__')|trim(chars='x')] }}",
            "{{ ''[missing|default(*['__cla' ~ 'ss__'])] }}",
            "{% macro dict() %}{{ '__cla' }}ss__{% endmacro %}{{ ''[dict()] }}",
            "{% set v = 'ass__' %}{% set v = '__cl' ~ v %}{{ ''[v] }}",
        ];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: super::ordinary() }
    }
}
