//! The troubles of the crates below, as users of the command line read them.

use std::path::Path;

use modelward_engine::{Kind, Trouble};

use crate::cli::Failure;

/// What an engine's trouble says to a user of the command line.
pub(super) fn failure(path: &Path, trouble: Trouble) -> Failure {
    let name = path.display();
    let message = match trouble.kind {
        Kind::Malformed => format!("cannot read `{name}`: {}", trouble.why),
        Kind::Graph => format!("`{name}` is no valid model: {}", trouble.why),
        Kind::Outside => format!("`{name}` reaches outside its folder: {}", trouble.why),
        Kind::Limit => format!("`{name}` is over a limit: {}", trouble.why),
        Kind::Unsupported | Kind::DataDependent => format!("cannot run `{name}`: {}", trouble.why),
        Kind::Input | Kind::System => trouble.why.into_owned(),
    };
    let mut failure = Failure::new(message);
    if let Some(node) = trouble.node {
        failure = failure.at(format!("{name}, {node}"));
    }
    match trouble.help {
        Some(help) => failure.help(help),
        None => failure,
    }
}

impl From<modelward_core::Trouble> for Failure {
    fn from(trouble: modelward_core::Trouble) -> Self {
        let failure = Self::new(trouble.why);
        match trouble.help {
            Some(help) => failure.help(help),
            None => failure,
        }
    }
}
