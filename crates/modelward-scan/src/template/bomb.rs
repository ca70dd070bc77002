//! Templates that are made to run on and on, or to fill the memory.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::jinja::{
    Template,
    syntax::{Expression, Kind, Statement},
};

use super::{bindings, evaluate::Variables, value::Value, visit};
use crate::Check;
#[cfg(test)]
use crate::Samples;

pub(crate) struct Bomb;

impl Check for Bomb {
    type Asset = Template;

    const RULE: Rule = Rule {
        id: "MW1604",
        name: "template-bomb",
        severity: Severity::Medium,
        title: "this template is made to exhaust whoever applies it",
        why: "A template is applied to every request. Loops over huge ranges within one another, \
              text that is repeated millions of times, and text that doubles in a loop keep a \
              server busy or fill its memory with one short message.",
        advice: "Do not serve the model with this template; use the one of the original authors.",
        class: Class::Denial,
        cwe: &[400, 834],
    };

    fn check(template: &Template, out: &mut Findings<'_>) {
        let variables = bindings::variables(&template.body);
        let mut search = Search { variables, template, out };
        search.statements(&template.body, 1);
        visit::expressions(&template.body, &mut |expression| search.expression(expression));
    }

    #[cfg(test)]
    fn samples() -> Samples {
        let fires = [
            "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}",
            "{% set n = 99999 %}{% for i in range(n) %}{% for j in range(1, n) %}x{% endfor %}{% endfor %}",
            "{{ 'a' * 1000000000 }}",
            "{{ 1000000000 * 'a' }}",
            "{{ [0] * 1000000000 }}",
            "{{ 9 ** 999999999 }}",
            "{{ 9 ** (9 ** 9) }}",
            "{% set x = 'a' * 1000 %}{% set y = x * 100000 * 1000 %}",
            "{{ range(2000000000)|list|length }}",
            "{{ 'a'.ljust(1000000000) }}",
            "{{ 'a'|center(1000000000) }}",
            "{{ '%1000000000d' % 1 }}",
            "{{ '{:>1000000000}'.format(1) }}",
            "{% set n = namespace(s='a') %}{% for i in range(64) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
            "{% set n = namespace(s='a') %}{% for i in messages %}{% set n.s = n.s * 2 %}{% endfor %}",
            "{{ lipsum(n=1000000000) }}",
        ];
        let mut silent = super::ordinary();
        silent.extend(
            [
                "{% for i in range(100) %}{% for j in range(100) %}x{% endfor %}{% endfor %}",
                "{{ '-' * 80 }}",
                "{% set n = namespace(s='', i=1) %}{% for m in messages %}{% set n.s = n.s ~ m.content %}{% set n.i = n.i * 2 %}{% endfor %}",
            ]
            .map(Vec::from),
        );
        Samples { fires: fires.map(Vec::from).to_vec(), silent }
    }
}

/// More rounds than any conversation takes.
const MOST_ROUNDS: u64 = 10_000_000;
/// Longer text than any context takes.
const MOST_TEXT: i64 = 10_000_000;

struct Search<'a, 'f> {
    variables: Variables,
    template: &'a Template,
    out: &'a mut Findings<'f>,
}

impl Search<'_, '_> {
    fn report(&mut self, at: usize, message: &str) {
        let shown = super::around(&self.template.source, at);
        self.out.report(message, Evidence::bytes(at as u64, shown));
    }

    /// Loops over known ranges within one another: `rounds` is what the outer ones come to.
    fn statements(&mut self, body: &[Statement], rounds: u64) {
        for statement in body {
            let mut inner = rounds;
            if let Statement::For { over, body, .. } = statement {
                inner = rounds.saturating_mul(self.rounds(over));
                // One range that is too long by itself is told as an expression.
                let together = self.rounds(over) <= MOST_ROUNDS && rounds <= MOST_ROUNDS;
                if inner > MOST_ROUNDS && together {
                    self.report(over.at, &format!("loops {inner} times"));
                }
                self.doubling(body);
            }
            for body in visit::bodies(statement) {
                self.statements(body, inner);
            }
        }
    }

    /// How often a loop over this runs, as far as it is known; once where it is not.
    fn rounds(&self, over: &Expression) -> u64 {
        let Kind::Call(callee, arguments) = &over.kind else { return 1 };
        if !matches!(&callee.kind, Kind::Name(name) if name == "range") {
            return 1;
        }
        let bound = |argument: &Expression| self.largest(argument);
        let bounds = arguments.plain.iter().map(bound).collect::<Vec<_>>();
        let (start, end, step) = match *bounds.as_slice() {
            [end] => (0, end, 1),
            [start, end] => (start, end, 1),
            [start, end, step, ..] => (start, end, step),
            [] => return 1,
        };
        end.abs_diff(start).checked_div(step.unsigned_abs()).unwrap_or(1).max(1)
    }

    /// The largest number that an expression is known to come to.
    fn largest(&self, expression: &Expression) -> i64 {
        let value = self.variables.evaluate(expression);
        let numbers = value.alternatives().iter().map(|value| match value {
            Value::Number(Some(number)) => *number,
            _ => 0,
        });
        numbers.max().unwrap_or(0)
    }

    /// Text that is put together of itself twice, each time round.
    fn doubling(&mut self, body: &[Statement]) {
        visit::statements(body, &mut |statement| {
            let Statement::Set { target, value } = statement else { return };
            let grows = match &value.kind {
                Kind::Binary("~" | "+", left, right) => same(left, target) && same(right, target),
                Kind::Binary("*", left, right) => {
                    let text = |side: &Expression| {
                        let value = self.variables.evaluate(side);
                        let text = |value: &Value| match value {
                            Value::Text(text) => !text.is_empty(),
                            other => matches!(other, Value::Built { .. }),
                        };
                        value.alternatives().iter().any(text)
                    };
                    same(left, target) && text(left) || same(right, target) && text(right)
                }
                _ => false,
            };
            if grows {
                self.report(target.at, "doubles a text in a loop");
            }
        });
    }

    fn expression(&mut self, expression: &Expression) {
        let at = expression.at;
        match &expression.kind {
            Kind::Binary("*", left, right) => {
                let number =
                    |side: &Expression| matches!(self.variables.evaluate(side), Value::Number(_));
                let times = self.factor(left).saturating_mul(self.factor(right));
                if times > MOST_TEXT && number(left) != number(right) {
                    self.report(at, &format!("repeats something {times} times"));
                }
            }
            Kind::Binary("**", _, exponent) if self.largest(exponent) > 10_000 => {
                self.report(at, "raises a number to a huge power");
            }
            Kind::Binary("%", pattern, _) => self.pattern(pattern),
            Kind::Call(..) if self.rounds(expression) > MOST_ROUNDS => {
                self.report(at, &format!("counts to {}", self.rounds(expression)));
            }
            Kind::Call(callee, arguments) => {
                let (base, name) = match &callee.kind {
                    Kind::Attribute(base, name) => (Some(base), name.as_str()),
                    Kind::Name(name) => (None, name.as_str()),
                    _ => return,
                };
                let widest = arguments.all().map(|a| self.largest(a)).max().unwrap_or(0);
                if WIDE.contains(&name) && widest > MOST_TEXT {
                    self.report(at, &format!("makes a text of {widest} characters"));
                }
                if let Some(base) = base.filter(|_| name == "format") {
                    self.pattern(base);
                }
            }
            Kind::Filter(base, name, arguments) => {
                let widest = arguments.all().map(|a| self.largest(a)).max().unwrap_or(0);
                if WIDE.contains(&name.as_str()) && widest > MOST_TEXT {
                    self.report(at, &format!("makes a text of {widest} characters"));
                }
                if name == "format" {
                    self.pattern(base);
                }
            }
            _ => {}
        }
    }

    /// How often an expression repeats what is in it: the product of the numbers in a product.
    fn factor(&self, expression: &Expression) -> i64 {
        match &expression.kind {
            Kind::Binary("*", left, right) => self.factor(left).saturating_mul(self.factor(right)),
            _ => self.largest(expression).max(1),
        }
    }

    /// A width in a format pattern.
    fn pattern(&mut self, pattern: &Expression) {
        let value = self.variables.evaluate(pattern);
        for alternative in value.alternatives() {
            let Value::Text(text) = alternative else { continue };
            let mut numbers = text.split(|c: char| !c.is_ascii_digit());
            let wide = numbers.any(|n| n.len() > 18 || n.parse().is_ok_and(|n: i64| n > MOST_TEXT));
            if wide && text.contains(['%', '{']) {
                self.report(pattern.at, "formats with a huge width");
            }
        }
    }
}

/// Whether an expression is the variable that is bound.
fn same(expression: &Expression, target: &Expression) -> bool {
    match (&expression.kind, &target.kind) {
        (Kind::Name(left), Kind::Name(right)) => left == right,
        (Kind::Attribute(left, a), Kind::Attribute(right, b)) => a == b && same(left, right),
        _ => false,
    }
}

/// Functions, methods and filters that make text as long as an argument says.
const WIDE: &[&str] =
    &["center", "indent", "expandtabs", "ljust", "lipsum", "rjust", "zfill", "batch", "slice"];
