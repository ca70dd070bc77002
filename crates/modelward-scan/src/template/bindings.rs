//! What the variables of a template may hold, over everything that binds them anywhere.
//!
//! Scopes, branches and order are not told apart: a variable may hold whatever any statement gives
//! it. That can only make a template look worse than it is.

use std::collections::BTreeMap;

use modelward_formats::jinja::syntax::{Arguments, Expression, Kind, Parameter, Statement};

use super::{evaluate::Variables, value::Value, visit};

/// Work out what every variable may hold.
pub(super) fn variables(body: &[Statement]) -> Variables {
    let mut found = Found::default();
    found.statements(body);
    let mut variables = Variables::new(found.macros.keys().cloned().collect());
    for round in 0..ROUNDS {
        let mut values = BTreeMap::new();
        for (target, source) in &found.bindings {
            bind(target, source.value(&variables), &mut values);
        }
        if values == variables.values {
            break;
        }
        // What still changes is text that grows from round to round.
        for (name, value) in &mut values {
            let settled = variables.values.get(name) == Some(value);
            if round >= ROUNDS - 2 && !settled && !matches!(value, Value::Number(_)) {
                *value = Value::BUILT;
            }
        }
        variables.values = values;
    }
    variables
}

/// Bindings that refer to each other settle after a few rounds, or never.
const ROUNDS: usize = 6;

/// Every binding, and every macro with its parameters.
#[derive(Default)]
struct Found<'a> {
    bindings: Vec<(Target<'a>, Source<'a>)>,
    macros: BTreeMap<String, Vec<&'a Parameter>>,
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
                self.bindings.push((Target::Written(target), Source::ItemOf(over)));
            }
            Statement::Set { target, value } => {
                self.bindings.push((Target::Written(target), Source::Value(value)));
                self.namespace(target, value);
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

    /// `set ns = namespace(name=value)` binds `ns.name`.
    fn namespace(&mut self, target: &Expression, value: &'a Expression) {
        if let (Kind::Name(variable), Kind::Call(callee, arguments)) = (&target.kind, &value.kind)
            && matches!(&callee.kind, Kind::Name(name) if name == "namespace")
        {
            for (name, value) in &arguments.named {
                let target = Target::Name(format!("{variable}.{name}"));
                self.bindings.push((target, Source::Value(value)));
            }
        }
    }

    /// Calls of macros bind their parameters; methods that change a list or dictionary change the
    /// variable that holds it.
    fn expression(&mut self, expression: &'a Expression) {
        let Kind::Call(callee, arguments) = &expression.kind else { return };
        match &callee.kind {
            Kind::Name(name) => self.call(name, arguments),
            Kind::Attribute(base, method) if CHANGING.contains(&method.as_str()) => {
                if let Some(variable) = root(base) {
                    let items = Source::ListOf(arguments.all().collect());
                    self.bindings.push((Target::Name(variable), items));
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
        Kind::Attribute(base, attribute) => {
            if let Kind::Name(variable) = &base.kind {
                add(format!("{variable}.{attribute}"), value, into);
            }
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

/// The variable that an expression starts from.
fn root(expression: &Expression) -> Option<String> {
    match &expression.kind {
        Kind::Name(name) => Some(name.clone()),
        Kind::Attribute(base, attribute) => match &base.kind {
            Kind::Name(variable) => Some(format!("{variable}.{attribute}")),
            _ => root(base),
        },
        Kind::Subscript(base, _) => root(base),
        _ => None,
    }
}

/// Methods that put something into what they are called on.
const CHANGING: &[&str] = &["append", "extend", "insert", "setdefault", "update"];
