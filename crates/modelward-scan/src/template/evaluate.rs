//! What expressions come to: constants are folded through every operator, filter and method that
//! could spell a name, and what cannot be folded keeps its origin.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use modelward_formats::jinja::syntax::{Arguments, Expression, Kind};

use super::{spell, value::Value};

/// What the variables of a template may hold, and how much may still be worked out.
pub(super) struct Variables {
    /// By name; by `.attribute` for those of namespaces; and under [`CHANGES`].
    pub(super) values: BTreeMap<String, Value>,
    /// The macros that the template defines: calling one gives the text that it prints.
    pub(super) macros: Vec<String>,
    /// The variables that hold nothing but a namespace.
    pub(super) namespaces: BTreeSet<String>,
    fuel: Cell<usize>,
}

impl Variables {
    /// What working out all names of one template may cost, in expressions.
    const FUEL: usize = 400_000;

    pub(super) fn new(macros: Vec<String>) -> Self {
        Self {
            values: BTreeMap::new(),
            macros,
            namespaces: BTreeSet::new(),
            fuel: Cell::new(Self::FUEL),
        }
    }

    /// Whether working out the names took more than it may.
    pub(super) fn exhausted(&self) -> bool {
        self.fuel.get() == 0
    }

    fn burn(&self, amount: usize) -> bool {
        self.fuel.set(self.fuel.get().saturating_sub(amount));
        !self.exhausted()
    }

    /// What an expression may come to.
    pub(super) fn evaluate(&self, expression: &Expression) -> Value {
        if !self.burn(1) {
            return Value::BUILT;
        }
        let value = self.kind(&expression.kind);
        // Alternatives multiply the work of whoever uses them.
        self.burn(value.alternatives().len().saturating_mul(4));
        value
    }

    fn kind(&self, kind: &Kind) -> Value {
        match kind {
            Kind::Constant => Value::Number(None),
            Kind::Integer(number) => Value::Number(Some(*number)),
            Kind::Text(literal) if literal.exact => Value::text(literal.text.clone()),
            Kind::Text(_) | Kind::Body => Value::BUILT,
            Kind::Name(name) => self.variable(name).unwrap_or(Value::Data),
            Kind::List(items) => Value::list(items.iter().map(|e| self.evaluate(e)).collect()),
            Kind::Dict(pairs) => Value::Dict(
                pairs.iter().map(|(k, v)| (self.evaluate(k), self.evaluate(v))).collect(),
            ),
            Kind::Unary("-", operand) => self.evaluate(operand).map(|value| match value {
                Value::Number(number) => Value::Number(number.and_then(i64::checked_neg)),
                _ => Value::Number(None),
            }),
            Kind::Unary("+", operand) => self.evaluate(operand),
            Kind::Unary(..) | Kind::Test(..) => Value::Number(None),
            Kind::Binary(operator, left, right) => {
                self.binary(operator, &self.evaluate(left), &self.evaluate(right))
            }
            Kind::Attribute(base, name) => self.attribute(base, name),
            Kind::Subscript(base, key) => {
                let base = self.evaluate(base);
                match &key.kind {
                    Kind::Slice(bounds) => {
                        let bounds = bounds.iter().map(|b| b.as_ref().map(|b| self.evaluate(b)));
                        base.slice(&bounds.collect::<Vec<_>>())
                    }
                    _ => {
                        let key = self.evaluate(key);
                        let dictionary =
                            base.alternatives().iter().any(|v| matches!(v, Value::Dict(_)));
                        let held = key.map(|key| match key {
                            Value::Text(name) => self.in_namespace(name),
                            _ if dictionary => self.in_namespaces(),
                            _ => Value::Nothing,
                        });
                        base.at(&key).or(held)
                    }
                }
            }
            Kind::Slice(_) => Value::Number(None),
            Kind::Conditional(_, value, other) => {
                let other = other.as_ref().map_or(Value::text(""), |other| self.evaluate(other));
                self.evaluate(value).or(other)
            }
            Kind::Filter(base, name, arguments) => {
                let values = self.arguments(arguments);
                spell::filter(&self.evaluate(base), name, &values, arguments)
            }
            Kind::Call(callee, arguments) => self.call(callee, arguments),
        }
    }

    /// What a variable of the template's own may hold. Where it is used before it is bound, or
    /// outside the block that binds it, it is undefined, and prints as no text.
    fn variable(&self, name: &str) -> Option<Value> {
        let value = self.values.get(name)?.clone().or(Value::text(""));
        // A list or dictionary may be changed by any name that it goes by.
        let holds = |v: &Value| matches!(v, Value::List(_) | Value::Dict(_) | Value::Bag(_));
        match self.values.get(CHANGES).filter(|_| value.alternatives().iter().any(holds)) {
            Some(changes) => Some(value.or(changes.clone())),
            None => Some(value),
        }
    }

    /// What any namespace holds under this name, whichever variable it goes by.
    fn in_namespace(&self, name: &str) -> Value {
        self.values.get(&format!(".{name}")).cloned().unwrap_or(Value::Nothing)
    }

    /// What any namespace holds under any name.
    fn in_namespaces(&self) -> Value {
        let held = self.values.iter().filter(|(name, _)| name.starts_with('.'));
        held.fold(Value::Nothing, |all, (_, value)| all.or(value.clone()))
    }

    /// The values of the arguments without names.
    pub(super) fn arguments(&self, arguments: &Arguments) -> Vec<Value> {
        let value =
            |argument| if arguments.spread { Value::BUILT } else { self.evaluate(argument) };
        arguments.plain.iter().map(value).collect()
    }

    fn binary(&self, operator: &str, left: &Value, right: &Value) -> Value {
        let pairs = left.alternatives().len().saturating_mul(right.alternatives().len());
        if !self.burn(pairs) {
            return Value::BUILT;
        }
        match operator {
            "~" => left.concat(right),
            "+" => left.add(right),
            "and" | "or" => left.clone().or(right.clone()),
            "%" => left.map(|value| match value {
                Value::Text(pattern) => match right {
                    Value::List(arguments) => spell::percent(pattern, arguments),
                    one => spell::percent(pattern, std::slice::from_ref(one)),
                },
                Value::Built { .. } => Value::BUILT,
                _ => Value::Number(None),
            }),
            "*" => left.pair(right, |left, right| match (left, right) {
                (Value::Number(left), Value::Number(right)) => {
                    Value::Number(left.zip(*right).and_then(|(l, r)| l.checked_mul(r)))
                }
                (Value::Text(text), Value::Number(times))
                | (Value::Number(times), Value::Text(text)) => spell::repeat(text, *times),
                (Value::List(_) | Value::Bag(_), _) => Value::Bag(Box::new(left.items())),
                (_, Value::List(_) | Value::Bag(_)) => Value::Bag(Box::new(right.items())),
                (Value::Built { .. }, _) | (_, Value::Built { .. }) => Value::BUILT,
                _ => Value::Number(None),
            }),
            "**" => left.pair(right, |left, right| match (left, right) {
                (Value::Number(Some(left)), Value::Number(Some(right))) => {
                    let power = u32::try_from(*right).map(|right| left.saturating_pow(right));
                    Value::Number(power.ok())
                }
                _ => Value::Number(None),
            }),
            "-" => left.pair(right, |left, right| match (left, right) {
                (Value::Number(Some(left)), Value::Number(Some(right))) => {
                    Value::Number(left.checked_sub(*right))
                }
                _ => Value::Number(None),
            }),
            "//" => left.pair(right, |left, right| match (left, right) {
                (Value::Number(Some(left)), Value::Number(Some(right))) => {
                    Value::Number(left.checked_div_euclid(*right))
                }
                _ => Value::Number(None),
            }),
            _ => Value::Number(None),
        }
    }

    fn attribute(&self, base: &Expression, name: &str) -> Value {
        if matches!(&base.kind, Kind::Name(word) if word == "loop" && !self.values.contains_key(word))
        {
            let item = matches!(name, "previtem" | "nextitem");
            return if item { Value::Data } else { Value::Number(None) };
        }
        let held = self.in_namespace(name);
        if matches!(&base.kind, Kind::Name(variable) if self.namespaces.contains(variable)) {
            return held.or(Value::text(""));
        }
        held.or(self.evaluate(base).map(|value| match value {
            Value::Dict(_) => value.at(&Value::text(name)),
            Value::Nothing => Value::Nothing,
            Value::Built { .. } => Value::BUILT,
            _ => Value::Data,
        }))
    }

    fn call(&self, callee: &Expression, arguments: &Arguments) -> Value {
        let values = self.arguments(arguments);
        match &callee.kind {
            Kind::Name(name) if self.macros.contains(name) || self.values.contains_key(name) => {
                Value::BUILT
            }
            Kind::Name(name) if name == "dict" || name == "namespace" => {
                let named = arguments.named.iter();
                let named = named.map(|(k, v)| (Value::text(k.as_str()), self.evaluate(v)));
                let given = arguments.plain.first();
                let given = given.map_or(Some(Vec::new()), |given| pairs(&self.evaluate(given)));
                match given {
                    Some(given) => Value::Dict(given.into_iter().chain(named).collect()),
                    None => Value::Bag(Box::new(Value::BUILT)),
                }
            }
            Kind::Name(name) if name == "range" => Value::Bag(Box::new(Value::Number(None))),
            // What a format without a percent sign gives is the format itself.
            Kind::Name(name) if name == "strftime_now" => {
                values.first().map_or(Value::BUILT, |format| match format {
                    Value::Text(text) if !text.contains('%') => format.clone(),
                    _ => Value::BUILT,
                })
            }
            Kind::Attribute(base, method) => {
                spell::method(&self.evaluate(base), method, &values, arguments, &|value| {
                    self.evaluate(value)
                })
            }
            Kind::Subscript(base, key) => match self.evaluate(key) {
                Value::Text(method) => {
                    spell::method(&self.evaluate(base), &method, &values, arguments, &|value| {
                        self.evaluate(value)
                    })
                }
                _ => Value::BUILT,
            },
            Kind::Filter(base, name, method) if name == "attr" => {
                match self.arguments(method).first() {
                    Some(Value::Text(name)) => {
                        spell::method(&self.evaluate(base), name, &values, arguments, &|value| {
                            self.evaluate(value)
                        })
                    }
                    _ => Value::BUILT,
                }
            }
            _ => Value::BUILT,
        }
    }
}

/// What `dict` makes of a mapping, or of a list of pairs, where that is known.
fn pairs(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Dict(pairs) => Some(pairs.clone()),
        Value::List(items) => {
            let pair = |item: &Value| match item.ordered()?.as_slice() {
                [key, value] => Some((key.clone(), value.clone())),
                _ => None,
            };
            items.iter().map(pair).collect()
        }
        _ => None,
    }
}

/// The key of what is put into lists and dictionaries by their methods.
pub(super) const CHANGES: &str = "+";
