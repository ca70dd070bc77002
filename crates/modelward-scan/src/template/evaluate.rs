//! What expressions come to: constants are folded through every operator, filter and method that
//! could spell a name, and what cannot be folded keeps its origin.

use std::{cell::Cell, collections::BTreeMap};

use modelward_formats::jinja::syntax::{Arguments, Expression, Kind};

use super::{
    spell,
    value::{Value, joined},
};

/// What the variables of a template may hold, and how much may still be worked out.
pub(super) struct Variables {
    /// By name, and by `namespace.attribute`.
    pub(super) values: BTreeMap<String, Value>,
    /// The macros that the template defines: calling one gives the text that it prints.
    pub(super) macros: Vec<String>,
    fuel: Cell<usize>,
}

impl Variables {
    /// What working out all names of one template may cost, in expressions.
    const FUEL: usize = 2_000_000;

    pub(super) fn new(macros: Vec<String>) -> Self {
        Self { values: BTreeMap::new(), macros, fuel: Cell::new(Self::FUEL) }
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
                    _ => base.at(&self.evaluate(key)),
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
        Some(self.values.get(name)?.clone().or(Value::text("")))
    }

    /// The values of the arguments without names.
    pub(super) fn arguments(&self, arguments: &Arguments) -> Vec<Value> {
        arguments.plain.iter().map(|argument| self.evaluate(argument)).collect()
    }

    fn binary(&self, operator: &str, left: &Value, right: &Value) -> Value {
        match operator {
            "~" => left.concat(right),
            "+" => left.add(right),
            "and" | "or" => left.clone().or(right.clone()),
            "%" => left.map(|value| match value {
                Value::Text(pattern) => {
                    spell::percent(pattern, &right.ordered().unwrap_or(vec![right.clone()]))
                }
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
        if let Kind::Name(variable) = &base.kind
            && let Some(value) = self.variable(&format!("{variable}.{name}"))
        {
            return value;
        }
        if matches!(&base.kind, Kind::Name(loop_) if loop_ == "loop") {
            let item = matches!(name, "previtem" | "nextitem");
            return if item { Value::Data } else { Value::Number(None) };
        }
        self.evaluate(base).map(|value| match value {
            Value::Dict(_) => value.at(&Value::text(name)),
            Value::Nothing => Value::Nothing,
            Value::Built { .. } => Value::BUILT,
            _ => Value::Data,
        })
    }

    fn call(&self, callee: &Expression, arguments: &Arguments) -> Value {
        let values = self.arguments(arguments);
        match &callee.kind {
            Kind::Name(name) if name == "dict" => {
                let named = arguments.named.iter();
                let named = named.map(|(k, v)| (Value::text(k.as_str()), self.evaluate(v)));
                match values.first() {
                    None => Value::Dict(named.collect()),
                    Some(first) => {
                        let keys = named.map(|(key, _)| key).fold(first.items(), Value::or);
                        Value::Bag(Box::new(keys.items().or(keys)))
                    }
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
            Kind::Name(name) if name == "namespace" => Value::Data,
            Kind::Name(name) if self.macros.contains(name) || name == "caller" => Value::BUILT,
            Kind::Attribute(base, method) => {
                spell::method(&self.evaluate(base), method, &values, arguments, self)
            }
            Kind::Subscript(base, key) => match self.evaluate(key) {
                Value::Text(method) => {
                    spell::method(&self.evaluate(base), &method, &values, arguments, self)
                }
                _ => Value::BUILT,
            },
            Kind::Filter(base, name, method) if name == "attr" => {
                match self.arguments(method).first() {
                    Some(Value::Text(name)) => {
                        spell::method(&self.evaluate(base), name, &values, arguments, self)
                    }
                    _ => Value::BUILT,
                }
            }
            _ => Value::BUILT,
        }
    }

    /// `between.join(items)` and `items|join(between)`.
    pub(super) fn join(between: &Value, items: &Value) -> Value {
        between.pair(items, |between, items| match (between, items.ordered()) {
            (Value::Text(between), Some(items)) => joined(between, &items),
            _ => Value::BUILT,
        })
    }
}
