//! What the variables of a template may hold, over everything that binds them anywhere.
//!
//! Scopes, branches and order are not told apart: a variable may hold whatever any statement gives
//! it. That can only make a template look worse than it is.

use std::collections::BTreeMap;

use modelward_formats::jinja::syntax::{Arguments, Expression, Kind, Parameter, Statement};

use super::{
    evaluate::{CHANGES, Variables},
    value::Value,
    visit,
};

/// Work out what every variable may hold.
pub(super) fn variables(body: &[Statement]) -> Variables {
    let mut found = Found::default();
    found.statements(body);
    let mut variables = Variables::new(found.macros.keys().cloned().collect());
    let only = found.namespaces.iter().filter(|(_, only)| **only).map(|(name, _)| name.clone());
    variables.namespaces = only.collect();
    // Every name that is bound is known from the start: it is the template's own, not data.
    for (target, _) in &found.bindings {
        bind(target, Value::Nothing, &mut variables.values);
    }
    for round in 0..ROUNDS {
        let before = variables.values.clone();
        for (target, source) in &found.bindings {
            // What is bound further down sees what was bound here, and in a loop the reverse.
            let value = source.value(&variables);
            bind(target, value, &mut variables.values);
        }
        if variables.values == before {
            break;
        }
        // What still changes is text that grows from round to round.
        for (name, value) in &mut variables.values {
            let settled = before.get(name) == Some(value);
            if round >= ROUNDS - 2 && !settled && !matches!(value, Value::Number(_)) {
                *value = Value::BUILT;
            }
        }
    }
    variables
}

/// Bindings that refer to each other settle after a few rounds, or never.
const ROUNDS: usize = 8;

/// Every binding, and every macro with its parameters.
#[derive(Default)]
struct Found<'a> {
    bindings: Vec<(Target<'a>, Source<'a>)>,
    macros: BTreeMap<String, Vec<&'a Parameter>>,
    /// What loops bind: a recursive one may be given other items.
    loops: Vec<&'a Expression>,
    /// The variables that are bound, and whether only to namespaces.
    namespaces: BTreeMap<String, bool>,
}

/// What is bound.
enum Target<'a> {
    Written(&'a Expression),
    Name(String),
}

/// What it is bound to.
enum Source<'a> {
    Value(&'a Expression),
    /// Each item of this, in turn.
    ItemOf(&'a Expression),
    /// A list that anything of this may be in.
    ListOf(Vec<&'a Expression>),
    Known(Value),
}

impl Source<'_> {
    fn value(&self, variables: &Variables) -> Value {
        match self {
            Self::Value(expression) => variables.evaluate(expression),
            Self::ItemOf(expression) => variables.evaluate(expression).items(),
            Self::ListOf(items) => {
                let items = items.iter().map(|item| variables.evaluate(item));
                Value::Bag(Box::new(items.fold(Value::Nothing, Value::or)))
            }
            Self::Known(value) => value.clone(),
        }
    }
}

impl<'a> Found<'a> {
    fn statements(&mut self, body: &'a [Statement]) {
        // Macros first: a call may stand before the macro it calls.
        visit::statements(body, &mut |statement| {
            if let Statement::Macro { name, parameters, .. } = statement {
                self.macros.entry(name.clone()).or_default().extend(parameters);
            }
        });
        visit::statements(body, &mut |statement| self.statement(statement));
        visit::expressions(body, &mut |expression| self.expression(expression));
    }

    fn statement(&mut self, statement: &'a Statement) {
        match statement {
            Statement::For { target, over, .. } => {
                self.loops.push(target);
                self.bindings.push((Target::Written(target), Source::ItemOf(over)));
            }
            Statement::Set { target, value } => {
                self.bindings.push((Target::Written(target), Source::Value(value)));
                if let Kind::Name(variable) = &target.kind {
                    let is =
                        matches!(&value.kind, Kind::Call(callee, _) if names(callee, "namespace"));
                    let all = self.namespaces.entry(variable.clone()).or_insert(true);
                    *all &= is;
                }
            }
            Statement::SetBody { target, filters, body } => {
                let text = match body.as_slice() {
                    [] => Value::text(""),
                    [Statement::Text(_, text)] => Value::text(text.as_str()),
                    _ => Value::BUILT,
                };
                let value = if filters.is_some() { Value::BUILT } else { text };
                self.bindings.push((Target::Written(target), Source::Known(value)));
            }
            Statement::Macro { parameters, .. } => {
                for parameter in parameters {
                    let source = parameter.default.as_ref();
                    let source = source.map_or(Source::Known(Value::Nothing), Source::Value);
                    self.bindings.push((Target::Name(parameter.name.clone()), source));
                }
            }
            Statement::Load { names, .. } => {
                for name in names {
                    let built = Source::Known(Value::BUILT);
                    self.bindings.push((Target::Name(name.clone()), built));
                }
            }
            _ => {}
        }
    }

    /// Calls of macros bind their parameters; methods that change a list or dictionary change the
    /// variable that holds it.
    fn expression(&mut self, expression: &'a Expression) {
        let Kind::Call(callee, arguments) = &expression.kind else { return };
        match &callee.kind {
            Kind::Name(name) if name == "namespace" => {
                for (name, value) in &arguments.named {
                    self.bindings.push((Target::Name(format!(".{name}")), Source::Value(value)));
                }
            }
            Kind::Name(name) if name == "loop" => {
                for target in self.loops.clone() {
                    let items =
                        arguments.all().map(|e| (Target::Written(target), Source::ItemOf(e)));
                    self.bindings.extend(items);
                }
            }
            Kind::Name(name) => self.call(name, arguments),
            Kind::Attribute(_, method) if CHANGING.contains(&method.as_str()) => {
                let items = Source::ListOf(arguments.all().collect());
                self.bindings.push((Target::Name(CHANGES.to_owned()), items));
                for argument in arguments.all() {
                    let target = Target::Name(CHANGES.to_owned());
                    self.bindings.push((target, Source::Value(argument)));
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, name: &str, arguments: &'a Arguments) {
        let Some(parameters) = self.macros.get(name).cloned() else { return };
        for (position, parameter) in parameters.iter().enumerate() {
            let argument = arguments.find(position, &parameter.name);
            if let Some(argument) = argument.filter(|_| !arguments.spread) {
                let target = Target::Name(parameter.name.clone());
                self.bindings.push((target, Source::Value(argument)));
            }
            if arguments.spread {
                let target = Target::Name(parameter.name.clone());
                self.bindings.push((target, Source::Known(Value::BUILT)));
            }
        }
        for every in ["varargs", "kwargs"] {
            let items = Source::ListOf(arguments.all().collect());
            self.bindings.push((Target::Name(every.to_owned()), items));
            let names = arguments.named.iter().map(|(name, _)| Value::text(name.as_str()));
            let names = Value::Bag(Box::new(names.fold(Value::Nothing, Value::or)));
            self.bindings.push((Target::Name(every.to_owned()), Source::Known(names)));
        }
    }
}

/// Bind a value to a name, an attribute of a namespace, or a tuple of those.
fn bind(target: &Target<'_>, value: Value, into: &mut BTreeMap<String, Value>) {
    match target {
        Target::Name(name) => add(name.clone(), value, into),
        Target::Written(target) => bind_written(target, value, into),
    }
}

fn bind_written(target: &Expression, value: Value, into: &mut BTreeMap<String, Value>) {
    match &target.kind {
        Kind::Name(name) => add(name.clone(), value, into),
        Kind::Attribute(_, attribute) => {
            // A namespace may go by several names, so its attributes are everybody's.
            add(format!(".{attribute}"), value, into);
        }
        Kind::List(targets) => {
            for alternative in value.alternatives() {
                let ordered = alternative.ordered().filter(|items| items.len() == targets.len());
                for (position, target) in targets.iter().enumerate() {
                    let item = ordered.as_ref().and_then(|items| items.get(position).cloned());
                    bind_written(target, item.unwrap_or_else(|| alternative.items()), into);
                }
            }
        }
        _ => {}
    }
}

fn add(name: String, value: Value, into: &mut BTreeMap<String, Value>) {
    let slot = into.entry(name).or_insert(Value::Nothing);
    *slot = std::mem::replace(slot, Value::Nothing).or(value);
}

fn names(expression: &Expression, word: &str) -> bool {
    matches!(&expression.kind, Kind::Name(name) if name == word)
}

/// Methods that put something into what they are called on.
const CHANGING: &[&str] = &["append", "extend", "insert", "setdefault", "update"];
