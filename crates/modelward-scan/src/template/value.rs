//! What an expression of a template may come to, as far as that can be told without running it.
//!
//! The question behind it is always the same: can this string name an attribute that starts with
//! an underscore? So a string is known in full, or its origin is: data that the caller gave, which
//! the template's author does not choose, or text that the template itself puts together.

/// What an expression may come to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing: what is not defined, which prints as no text at all.
    Nothing,
    /// This text.
    Text(String),
    /// A number, perhaps a known one.
    Number(Option<i64>),
    /// These items in this order.
    List(Vec<Self>),
    /// These keys and values.
    Dict(Vec<(Self, Self)>),
    /// Any number of items like this, in an order that is not known.
    Bag(Box<Self>),
    /// What the caller gave, or a part of it.
    Data,
    /// Text that the template puts together.
    Built {
        /// Whether its first character is known, and no underscore.
        safe: bool,
    },
    /// One of these.
    OneOf(Vec<Self>),
}

/// More alternatives than this are no longer told apart.
const MOST_ALTERNATIVES: usize = 32;
/// Longer text is no longer followed: no attribute's name is as long.
const LONGEST: usize = 512;

impl Value {
    pub(super) const BUILT: Self = Self::Built { safe: false };

    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.len() <= LONGEST { Self::Text(text) } else { Self::Built { safe: is_safe(&text) } }
    }

    /// Every alternative.
    pub(super) fn alternatives(&self) -> &[Self] {
        match self {
            Self::OneOf(values) => values,
            one => std::slice::from_ref(one),
        }
    }

    /// Either of two values.
    pub(super) fn or(self, other: Self) -> Self {
        let mut all = match self {
            Self::Nothing => return other,
            Self::OneOf(values) => values,
            one => vec![one],
        };
        for each in other.alternatives() {
            if *each == Self::Nothing || all.contains(each) {
                continue;
            }
            let number = all.iter().position(|value| matches!(value, Self::Number(_)));
            match number.filter(|_| matches!(each, Self::Number(_))).and_then(|at| all.get_mut(at))
            {
                Some(number) => *number = Self::Number(None),
                None => all.push(each.clone()),
            }
        }
        if all.len() > MOST_ALTERNATIVES {
            let safe = all.iter().all(Self::is_safe_head);
            return Self::Built { safe };
        }
        match (all.pop(), all.is_empty()) {
            (Some(only), true) => only,
            (last, _) => {
                all.extend(last);
                Self::OneOf(all)
            }
        }
    }

    /// The same for every alternative.
    pub(super) fn map(&self, each: impl FnMut(&Self) -> Self) -> Self {
        self.alternatives().iter().map(each).fold(Self::Nothing, Self::or)
    }

    /// The same for every pair of alternatives.
    pub(super) fn pair(&self, other: &Self, mut each: impl FnMut(&Self, &Self) -> Self) -> Self {
        self.map(|left| other.map(|right| each(left, right)))
    }

    /// Whether text that starts with this starts with a known character other than `_`.
    fn is_safe_head(&self) -> bool {
        match self {
            Self::Text(text) => is_safe(text),
            Self::Number(_) | Self::List(_) | Self::Dict(_) | Self::Bag(_) => true,
            Self::Built { safe } => *safe,
            Self::OneOf(values) => values.iter().all(Self::is_safe_head),
            Self::Nothing | Self::Data => false,
        }
    }

    /// The text that printing this gives, where it is known.
    pub(super) fn printed(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(Some(number)) => Some(number.to_string()),
            Self::Nothing => Some(String::new()),
            _ => None,
        }
    }

    /// `self ~ other`
    pub(super) fn concat(&self, other: &Self) -> Self {
        self.pair(other, |left, right| match (left.printed(), right.printed()) {
            (Some(left), Some(right)) => Self::text(left + &right),
            (Some(left), None) if left.is_empty() => match right {
                Self::Data => Self::BUILT,
                right => Self::Built { safe: right.is_safe_head() },
            },
            _ => Self::Built { safe: left.is_safe_head() },
        })
    }

    /// `self + other`: text, numbers or lists.
    pub(super) fn add(&self, other: &Self) -> Self {
        self.pair(other, |left, right| match (left, right) {
            (Self::Number(left), Self::Number(right)) => {
                Self::Number(left.zip(*right).and_then(|(left, right)| left.checked_add(right)))
            }
            // Only numbers are added to numbers.
            (Self::Number(_), _) | (_, Self::Number(_)) => Self::Number(None),
            (Self::List(left), Self::List(right)) => {
                Self::list(left.iter().chain(right).cloned().collect())
            }
            (Self::List(_) | Self::Bag(_), _) | (_, Self::List(_) | Self::Bag(_)) => {
                Self::Bag(Box::new(left.items().or(right.items())))
            }
            _ => left.concat(right),
        })
    }

    /// A list, of which no more is told apart than of alternatives.
    pub(super) fn list(items: Vec<Self>) -> Self {
        if items.len() <= LONGEST {
            return Self::List(items);
        }
        Self::Bag(Box::new(items.into_iter().fold(Self::Nothing, Self::or)))
    }

    /// What walking over this gives, one item at a time.
    pub(super) fn items(&self) -> Self {
        self.map(|value| match value {
            Self::Text(text) => {
                let characters = text.chars().map(|c| Self::Text(c.to_string()));
                characters.fold(Self::Nothing, Self::or)
            }
            Self::List(items) => items.iter().cloned().fold(Self::Nothing, Self::or),
            Self::Dict(pairs) => {
                pairs.iter().map(|(key, _)| key.clone()).fold(Self::Nothing, Self::or)
            }
            Self::Bag(item) => (**item).clone(),
            Self::Built { .. } => Self::BUILT,
            Self::Data | Self::Number(_) => Self::Data,
            Self::Nothing | Self::OneOf(_) => Self::Nothing,
        })
    }

    /// The items in their order, where that is known.
    pub(super) fn ordered(&self) -> Option<Vec<Self>> {
        match self {
            Self::Text(text) => Some(text.chars().map(|c| Self::Text(c.to_string())).collect()),
            Self::List(items) => Some(items.clone()),
            Self::Dict(pairs) => Some(pairs.iter().map(|(key, _)| key.clone()).collect()),
            _ => None,
        }
    }

    /// `self[key]`
    pub(super) fn at(&self, key: &Self) -> Self {
        self.pair(key, |value, key| match (value, key) {
            (Self::Dict(pairs), key) => {
                let found = pairs.iter().find(|(each, _)| each == key && key.printed().is_some());
                let any = || pairs.iter().map(|(_, v)| v.clone()).fold(Self::Nothing, Self::or);
                found.map_or_else(|| any().or(Self::text("")), |(_, value)| value.clone())
            }
            (Self::Text(_) | Self::List(_), Self::Number(Some(index))) => {
                let items = value.ordered().unwrap_or_default();
                let from_end = index.checked_add_unsigned(items.len() as u64);
                let index = if *index < 0 { from_end } else { Some(*index) };
                let index = index.and_then(|index| usize::try_from(index).ok());
                index.and_then(|index| items.get(index).cloned()).unwrap_or(Self::text(""))
            }
            (Self::Text(_) | Self::List(_) | Self::Bag(_) | Self::Built { .. }, _) => value.items(),
            (Self::Nothing, _) | (_, Self::Nothing) => Self::Nothing,
            _ => Self::Data,
        })
    }

    /// `self[from:to:step]`, where the bounds are known.
    pub(super) fn slice(&self, bounds: &[Option<Self>]) -> Self {
        let known = bounds.iter().map(|bound| match bound {
            None => Some(None),
            Some(Self::Number(Some(number))) => Some(Some(*number)),
            Some(_) => None,
        });
        let known = known.collect::<Option<Vec<_>>>();
        self.map(|value| match (value, &known) {
            (Self::Text(_) | Self::List(_), Some(bounds)) => {
                let items = value.ordered().unwrap_or_default();
                let items = sliced(&items, bounds);
                if matches!(value, Self::List(_)) { Self::List(items) } else { joined("", &items) }
            }
            (Self::Text(text), None) => Self::Built { safe: !text.contains('_') },
            (Self::List(_), None) | (Self::Dict(_), _) => Self::Bag(Box::new(value.items())),
            (Self::Built { .. }, _) => Self::BUILT,
            (other, _) => other.clone(),
        })
    }

    /// Known text changed by a function that only looks at the text; text from elsewhere stays
    /// what it is.
    pub(super) fn rewrite(&self, change: impl Fn(&str) -> String) -> Self {
        self.map(|value| match value {
            Self::Text(text) => Self::text(change(text)),
            Self::Built { .. } => Self::BUILT,
            other => other.clone(),
        })
    }
}

/// The items with this text between them, as one text.
pub(super) fn joined(between: &str, items: &[Value]) -> Value {
    let between = Value::text(between);
    let mut items = items.iter();
    let first = items.next().map_or(Value::text(""), |first| Value::text("").concat(first));
    items.fold(first, |joined, item| joined.concat(&between).concat(item))
}

/// Python's slice, for bounds that are known.
fn sliced(items: &[Value], bounds: &[Option<i64>]) -> Vec<Value> {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let step = bounds.get(2).copied().flatten().unwrap_or(1);
    let (low, high) = if step < 0 { (-1, length.saturating_sub(1)) } else { (0, length) };
    let bound = |at: usize, otherwise: i64| match bounds.get(at).copied().flatten() {
        None => otherwise,
        Some(bound) if bound < 0 => bound.saturating_add(length).clamp(low, high),
        Some(bound) => bound.clamp(low, high),
    };
    let (start, end) =
        if step < 0 { (bound(0, high), bound(1, low)) } else { (bound(0, low), bound(1, high)) };
    let mut found = Vec::new();
    let mut at = start;
    while step != 0 && (if step < 0 { at > end } else { at < end }) {
        found.extend(usize::try_from(at).ok().and_then(|at| items.get(at).cloned()));
        at = at.saturating_add(step);
    }
    found
}

fn is_safe(text: &str) -> bool {
    text.chars().next().is_some_and(|first| first != '_')
}
