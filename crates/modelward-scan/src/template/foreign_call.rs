//! Functions, filters and objects that no chat template needs.

use modelward_core::{Class, Findings, Rule, Severity};
use modelward_formats::jinja::Template;

use super::{reach::How, report};
use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct ForeignCall;

impl Check for ForeignCall {
    type Asset = Template;

    const RULE: Rule = Rule {
        id: "MW1602",
        name: "template-foreign-call",
        severity: Severity::High,
        title: "this template uses something that chat templates do not need",
        why: "Chat templates put text together from messages. The functions, methods, filters and \
              tests that this takes are few and known. Objects such as `lipsum`, `cycler`, `self` \
              or `request` are first steps of every known way out of a template, and other \
              templates that are loaded by name were not judged here.",
        advice: "Read the template at the place shown; if the name belongs to your own serving \
                 environment and is harmless there, allow this rule for this file.",
        class: Class::MaliciousFile,
        cwe: &[1336],
    };

    fn check(template: &Template, out: &mut Findings<'_>) {
        report(template, How::Foreign, out);
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            "{{ lipsum(5) }}",
            "{{ cycler }}",
            "{{ self }}",
            "{{ request.application }}",
            "{{ config.items() }}",
            "{{ getattr('', 'x') }}",
            "{{ open('/etc/passwd').read() }}",
            "{{ messages.os.popen('id') }}",
            "{{ messages|unknown_filter }}",
            "{{ messages is unknown_test }}",
            "{{ messages|map('unknown')|list }}",
            "{{ messages[0]('id') }}",
            "{{ messages['popen']('id') }}",
            "{% include 'other.jinja' %}",
            "{% extends 'other.jinja' %}",
            "{% import 'other.jinja' as other %}",
            "{% from 'other.jinja' import x %}",
            "{% set f = raise_exception %}{{ f('x') }}",
        ];
        Samples { fires: fires.map(Vec::from).to_vec(), silent: super::ordinary() }
    }
}
