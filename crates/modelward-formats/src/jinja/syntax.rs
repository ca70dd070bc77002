//! The syntax tree of a template.
//!
//! Every node knows the byte offset at which it starts in the source, so that a finding can point
//! at it.

pub use super::escape::Literal;

/// A statement, or text between statements.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// Text that is printed as it stands: offset, text.
    Text(usize, String),
    /// `{{ ... }}`, and expressions that are evaluated and not printed.
    Print(Expression),
    /// `for ... in ...`
    For {
        /// What each item is bound to.
        target: Expression,
        /// What is walked over.
        over: Expression,
        /// The condition after `if`.
        only_if: Option<Expression>,
        /// What is done for each item.
        body: Vec<Self>,
        /// What is done where there is none.
        otherwise: Vec<Self>,
    },
    /// `if`, `elif`: conditions with their bodies, and the body of `else`.
    If(Vec<(Expression, Vec<Self>)>, Vec<Self>),
    /// `set target = value`, also each binding of `with`.
    Set {
        /// What is bound.
        target: Expression,
        /// To what.
        value: Expression,
    },
    /// `set target`, whose value is what the body prints, through these filters.
    SetBody {
        /// What is bound.
        target: Expression,
        /// The filters, if any: a chain over [`Kind::Body`].
        filters: Option<Expression>,
        /// What prints the value.
        body: Vec<Self>,
    },
    /// `macro`, and `call` blocks, whose body is a macro called `caller`.
    Macro {
        /// Its name.
        name: String,
        /// Its parameters.
        parameters: Vec<Parameter>,
        /// What it prints.
        body: Vec<Self>,
    },
    /// `filter`: a chain over [`Kind::Body`].
    Filter(Expression, Vec<Self>),
    /// A statement that only groups others: `block`, `generation`, `with`, `autoescape`.
    Group(Vec<Self>),
    /// `extends`, `include`, `import`: the source of another template, and the names it binds.
    Load {
        /// The word that the statement starts with.
        word: &'static str,
        /// Which template.
        source: Expression,
        /// The names that are bound in this template.
        names: Vec<String>,
    },
}

/// A parameter of a macro.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its default, if any.
    pub default: Option<Expression>,
}

/// An expression, and where it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    /// Byte offset in the source.
    pub at: usize,
    /// What it is.
    pub kind: Kind,
    /// The longest way down to a leaf; bounded, so that walking down is safe.
    pub(super) height: usize,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `none`, `true`, `false`, or a number with a fraction.
    Constant,
    /// An integer; beyond 64 bits the nearest one.
    Integer(i64),
    /// A string.
    Text(Literal),
    /// A variable.
    Name(String),
    /// `[...]` or `(...)`
    List(Vec<Expression>),
    /// `{...}`: keys and values.
    Dict(Vec<(Expression, Expression)>),
    /// `not x`, `-x`, `+x`
    Unary(&'static str, Box<Expression>),
    /// `x + y` and the like; also `~`, `and`, `or` and comparisons.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// `x.name`
    Attribute(Box<Expression>, String),
    /// `x[y]`
    Subscript(Box<Expression>, Box<Expression>),
    /// `a:b:c` inside a subscript.
    Slice(Vec<Option<Expression>>),
    /// `x(...)`
    Call(Box<Expression>, Arguments),
    /// `x|name(...)`
    Filter(Box<Expression>, String, Arguments),
    /// `x is name(...)`
    Test(Box<Expression>, String, Arguments),
    /// `x if y else z`: condition, value, other value.
    Conditional(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    /// What the body of a `filter` or `set` block printed.
    Body,
}

/// The arguments of a call, a filter or a test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arguments {
    /// Those without a name, in order; those behind `*` and `**` too.
    pub plain: Vec<Expression>,
    /// Those with a name.
    pub named: Vec<(String, Expression)>,
    /// Whether `*` or `**` was used, so that the order is not known.
    pub spread: bool,
}

impl Expression {
    /// An expression over these children, already bounded by the parser.
    pub(super) fn new(at: usize, kind: Kind) -> Self {
        let mut below = 0;
        kind.children(&mut |child| below = below.max(child.height));
        Self { at, kind, height: below.saturating_add(1) }
    }

    /// Visit every direct child.
    pub fn children<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        self.kind.children(visit);
    }
}

impl Kind {
    fn children<'a>(&'a self, visit: &mut dyn FnMut(&'a Expression)) {
        match self {
            Self::Constant | Self::Integer(_) | Self::Text(_) | Self::Name(_) | Self::Body => {}
            Self::List(items) => items.iter().for_each(visit),
            Self::Dict(pairs) => pairs.iter().for_each(|(key, value)| {
                visit(key);
                visit(value);
            }),
            Self::Unary(_, operand) | Self::Attribute(operand, _) => visit(operand),
            Self::Binary(_, left, right) | Self::Subscript(left, right) => {
                visit(left);
                visit(right);
            }
            Self::Slice(bounds) => bounds.iter().flatten().for_each(visit),
            Self::Call(callee, arguments)
            | Self::Filter(callee, _, arguments)
            | Self::Test(callee, _, arguments) => {
                visit(callee);
                arguments.all().for_each(visit);
            }
            Self::Conditional(condition, value, other) => {
                visit(condition);
                visit(value);
                if let Some(other) = other {
                    visit(other);
                }
            }
        }
    }
}

impl Arguments {
    /// Every argument, named or not.
    pub fn all(&self) -> impl Iterator<Item = &Expression> {
        self.plain.iter().chain(self.named.iter().map(|(_, value)| value))
    }

    /// The argument of this name, or at this position.
    pub fn find(&self, position: usize, name: &str) -> Option<&Expression> {
        let named = self.named.iter().find(|(each, _)| each == name).map(|(_, value)| value);
        named.or_else(|| self.plain.get(position))
    }
}
