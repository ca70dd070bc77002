//! What a template reaches beyond the data that it is given.

use std::collections::BTreeSet;

use modelward_formats::jinja::{
    Template,
    syntax::{Arguments, Expression, Kind, Statement},
};

use super::{
    bindings,
    evaluate::Variables,
    names::{BY_ATTRIBUTE, FILTERS, FOREIGN, FUNCTIONS, METHODS, TESTS, is_dunder, leads_out},
    value::Value,
    visit,
};

/// Something that a template reaches.
pub(super) struct Reached {
    /// Byte offset in the source.
    pub(super) at: usize,
    /// How.
    pub(super) how: How,
    /// What, in words.
    pub(super) what: String,
}

/// How a template reaches beyond its data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// By an attribute that leads from data to code.
    Walk,
    /// By a function, filter, method or object that templates do not need.
    Foreign,
    /// By a name that is put together while the template runs.
    Computed,
}

/// Everything that a template reaches.
pub(super) fn reached(template: &Template) -> Vec<Reached> {
    let variables = bindings::variables(&template.body);
    let mut bound = variables.values.keys().cloned().collect::<BTreeSet<_>>();
    bound.extend(variables.macros.iter().cloned());
    let mut search = Search { variables, bound, found: Vec::new(), callees: BTreeSet::new() };
    visit::statements(&template.body, &mut |statement| {
        if let Statement::Load { word, source, .. } = statement {
            let what = format!("loads another template with `{word}`");
            search.report(source.at, How::Foreign, what);
        }
    });
    visit::expressions(&template.body, &mut |expression| search.expression(expression));
    if search.variables.exhausted() {
        let what = "takes too many steps to tell which names it uses".to_owned();
        search.report(0, How::Computed, what);
    }
    search.found
}

struct Search {
    variables: Variables,
    /// The names that the template binds itself.
    bound: BTreeSet<String>,
    found: Vec<Reached>,
    /// Where methods and functions stand that are called, so that they are not judged twice.
    callees: BTreeSet<usize>,
}

impl Search {
    fn report(&mut self, at: usize, how: How, what: String) {
        self.found.push(Reached { at, how, what });
    }

    /// Expressions come outer before inner, so a call is met before what it calls.
    fn expression(&mut self, expression: &Expression) {
        let at = expression.at;
        match &expression.kind {
            Kind::Name(name) => self.name(at, name),
            Kind::Attribute(_, name) => {
                self.attribute(at, name);
                if is_format(name) && !self.callees.contains(&at) {
                    let what = format!("keeps the method `{name}`, which reads attributes");
                    self.report(at, How::Computed, what);
                }
            }
            Kind::Subscript(_, key) => self.subscript(key),
            Kind::Filter(_, name, arguments) => self.filter(at, name, arguments),
            Kind::Test(_, name, _) if !TESTS.contains(&name.as_str()) => {
                self.report(at, How::Foreign, format!("uses the unknown test `{name}`"));
            }
            Kind::Call(callee, arguments) => {
                self.callees.insert(callee.at);
                self.call(at, callee, arguments);
            }
            // Whatever it is used for: no text that a model is to read is exactly such a name.
            Kind::Text(literal) if is_dunder(&literal.text) => {
                let what = format!("holds the name `{}` as text", literal.text);
                self.report(at, How::Computed, what);
            }
            _ => {}
        }
    }

    fn name(&mut self, at: usize, name: &str) {
        if self.bound.contains(name) {
            return;
        }
        if FOREIGN.contains(&name) {
            self.report(at, How::Foreign, format!("uses the object `{name}`"));
        } else if is_dunder(name) {
            self.report(at, How::Walk, format!("uses the name `{name}`"));
        }
    }

    fn attribute(&mut self, at: usize, name: &str) {
        if leads_out(name) {
            self.report(at, How::Walk, format!("reads the attribute `{name}`"));
        }
    }

    /// A subscript reads an item, or where there is none an attribute of that name.
    fn subscript(&mut self, key: &Expression) {
        let value = self.variables.evaluate(key);
        for alternative in value.alternatives() {
            match alternative {
                Value::Text(name) => self.attribute(key.at, name),
                Value::Built { safe: false } => {
                    let what = "reads an item or attribute whose name is computed".to_owned();
                    self.report(key.at, How::Computed, what);
                }
                _ => {}
            }
        }
    }

    fn filter(&mut self, at: usize, name: &str, arguments: &Arguments) {
        if !FILTERS.contains(&name) {
            self.report(at, How::Foreign, format!("uses the unknown filter `{name}`"));
        }
        let reads = BY_ATTRIBUTE.iter().find(|(filter, ..)| *filter == name);
        if let Some(argument) = reads.and_then(|(_, at, name)| arguments.find(*at, name)) {
            self.path(argument, name == "attr");
        }
        if arguments.spread && (reads.is_some() || name == "map") {
            let what = format!("hands arguments that are not written out to the filter `{name}`");
            self.report(at, How::Computed, what);
        }
        match name {
            "map" | "select" | "reject" => self.named_filter(name, arguments, 0),
            "selectattr" | "rejectattr" => self.named_filter(name, arguments, 1),
            _ => {}
        }
    }

    /// An argument that names an attribute, perhaps by a path of several.
    fn path(&mut self, argument: &Expression, whole: bool) {
        let value = self.variables.evaluate(argument);
        for alternative in value.alternatives() {
            match alternative {
                Value::Text(path) => {
                    path.split(['.', ',']).for_each(|name| self.attribute(argument.at, name));
                    if whole && is_format(path) {
                        let what = format!("keeps the method `{path}`, which reads attributes");
                        self.report(argument.at, How::Computed, what);
                    }
                }
                Value::Number(_) => {}
                _ => {
                    let what = "reads an attribute whose name is computed".to_owned();
                    self.report(argument.at, How::Computed, what);
                }
            }
        }
    }

    /// The filter or test that `map`, `select` and the like apply to each item.
    fn named_filter(&mut self, by: &str, arguments: &Arguments, position: usize) {
        let Some(argument) = arguments.plain.get(position) else { return };
        let known = if by == "map" { FILTERS } else { TESTS };
        let value = self.variables.evaluate(argument);
        for alternative in value.alternatives() {
            match alternative {
                Value::Text(name) => {
                    let symbol = name.chars().all(|c| "=!<>".contains(c));
                    if !known.contains(&name.as_str()) && !symbol {
                        let what = format!("applies the unknown `{name}` by `{by}`");
                        self.report(argument.at, How::Foreign, what);
                    }
                    if let Some((_, at, _)) = BY_ATTRIBUTE.iter().find(|(f, ..)| f == name)
                        && let Some(path) = arguments.plain.get(at.saturating_add(1))
                    {
                        self.path(path, name == "attr");
                    }
                }
                _ => {
                    let what = format!("applies something computed by `{by}`");
                    self.report(argument.at, How::Computed, what);
                }
            }
        }
    }

    fn call(&mut self, at: usize, callee: &Expression, arguments: &Arguments) {
        match &callee.kind {
            Kind::Name(name) => {
                let own = self.variables.macros.contains(name);
                let known = FUNCTIONS.contains(&name.as_str()) && !self.bound.contains(name);
                if !own && !known {
                    self.report(callee.at, How::Foreign, format!("calls `{name}`"));
                }
            }
            Kind::Attribute(base, method) => self.method(callee.at, base, method, arguments),
            Kind::Subscript(base, key) => {
                let value = self.variables.evaluate(key);
                self.methods(key.at, base, &value, arguments);
            }
            Kind::Filter(base, name, given) if name == "attr" && given.plain.len() == 1 => {
                let value = self.variables.arguments(given);
                let value = value.into_iter().next().unwrap_or(Value::Nothing);
                self.methods(callee.at, base, &value, arguments);
            }
            _ => self.report(at, How::Foreign, "calls what an expression gives".to_owned()),
        }
    }

    fn methods(&mut self, at: usize, base: &Expression, name: &Value, arguments: &Arguments) {
        for alternative in name.alternatives() {
            match alternative {
                Value::Text(method) => self.method(at, base, method, arguments),
                _ => {
                    self.report(at, How::Foreign, "calls an item of something".to_owned());
                }
            }
        }
    }

    fn method(&mut self, at: usize, base: &Expression, name: &str, arguments: &Arguments) {
        if is_format(name) {
            self.format(at, base, arguments);
        } else if !METHODS.contains(&name) && !leads_out(name) {
            self.report(at, How::Foreign, format!("calls the method `{name}`"));
        }
    }

    /// `"{0.name}".format(x)` reads the attribute `name` of `x`.
    fn format(&mut self, at: usize, base: &Expression, arguments: &Arguments) {
        let value = self.variables.evaluate(base);
        for alternative in value.alternatives() {
            let Value::Text(pattern) = alternative else {
                let what = "formats with a pattern that is computed".to_owned();
                self.report(at, How::Computed, what);
                continue;
            };
            for field in pattern.split('{').skip(1) {
                let path = field.split(['}', '!', ':']).next().unwrap_or_default();
                let names = path.split(['.', '[', ']']).skip(1);
                names.filter(|name| !name.is_empty()).for_each(|name| self.attribute(at, name));
            }
            if pattern.contains('{') && arguments.spread {
                let what = "formats with arguments that are not written out".to_owned();
                self.report(at, How::Computed, what);
            }
        }
    }
}

fn is_format(name: &str) -> bool {
    matches!(name, "format" | "format_map")
}
