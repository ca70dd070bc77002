//! Why a model is not read, not run, or not differentiated.

use std::{borrow::Cow, fmt};

use modelward_formats::{Gap, Refusal};

/// What stood in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Of what kind it is.
    pub kind: Kind,
    /// What was expected and what came.
    pub why: Cow<'static, str>,
    /// The node it is about: its operator and its name or place.
    pub node: Option<String>,
    /// What helps.
    pub help: Option<Cow<'static, str>>,
}

/// The kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The bytes break the wire format.
    Malformed,
    /// The graph breaks the rules of ONNX.
    Graph,
    /// It is over a limit.
    Limit,
    /// It reaches outside the model's folder.
    Outside,
    /// It is well formed, and this version does not do it.
    Unsupported,
    /// A shape depends on data that is not known yet.
    DataDependent,
    /// What the user gave does not fit the model.
    Input,
    /// The operating system gave an error.
    System,
}

impl Trouble {
    /// Trouble of a kind.
    pub fn new(kind: Kind, why: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, why: why.into(), node: None, help: None }
    }

    /// A graph that breaks the rules.
    pub fn graph(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Graph, why)
    }

    /// Something over a limit.
    pub fn limit(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Limit, why)
    }

    /// Something that this version does not do.
    pub fn unsupported(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unsupported, why)
    }

    /// A shape that depends on data.
    pub fn data_dependent(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::DataDependent, why)
    }

    /// Say which node it is about, where nothing below has said so.
    #[must_use]
    pub fn at(mut self, node: impl FnOnce() -> String) -> Self {
        self.node.get_or_insert_with(node);
        self
    }

    /// Say what helps.
    #[must_use]
    pub fn help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match &self.node {
            Some(node) => write!(f, " ({node})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.gap {
            Gap::Unreadable | Gap::SpecialFile | Gap::MissingPart => Kind::System,
            Gap::ManyMembers | Gap::DeepNesting | Gap::LargeMemory | Gap::LongReading => {
                Kind::Limit
            }
            Gap::Unsupported => Kind::Unsupported,
            _ => Kind::Malformed,
        };
        Self::new(kind, refusal.to_string())
    }
}
