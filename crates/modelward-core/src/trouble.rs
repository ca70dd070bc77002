//! Why a command cannot do its work.

use std::{borrow::Cow, fmt, io, path::Path};

/// What stood in the way: not a flaw of what was judged, but something that the user gave or that the
/// system refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was expected and what came, in one sentence.
    pub why: Cow<'static, str>,
    /// What helps.
    pub help: Option<Cow<'static, str>>,
}

impl Trouble {
    /// Trouble, in one sentence: lower case, no full stop, the user's words in backticks.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self { why: why.into(), help: None }
    }

    /// What the operating system said of a file.
    pub fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("cannot {doing} `{}`: {error}", path.display()))
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
        f.write_str(&self.why)
    }
}

impl std::error::Error for Trouble {}
