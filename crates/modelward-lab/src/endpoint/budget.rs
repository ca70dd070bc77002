//! What asking costs, and the record of it.

use std::{fmt, io::Write};

use modelward_engine::{Kind, Result, Trouble};
use serde_json::json;

/// Why an endpoint gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The budget does not suffice; nothing was sent.
    Spent {
        /// Samples that may still be sent.
        left: u64,
        /// Samples that were to be.
        wanted: u64,
    },
    /// Anything else.
    Trouble(Trouble),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Trouble(trouble) => trouble,
            spent @ Failure::Spent { .. } => Self::limit(spent.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spent { left, wanted } => {
                write!(f, "the budget of queries is spent: {wanted} more wanted, {left} left")
            }
            Self::Trouble(trouble) => trouble.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

/// Samples sent, and how many may be.
#[derive(Debug)]
pub(super) struct Budget {
    sent: u64,
    queries: u64,
    most: Option<u64>,
    /// Samples that are not spent on asking again.
    kept: u64,
}

impl Budget {
    pub(super) fn new(most: Option<u64>) -> Self {
        Self { sent: 0, queries: 0, most, kept: 0 }
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn left(&self) -> Option<u64> {
        self.most.map(|most| most.saturating_sub(self.sent))
    }

    pub(super) fn keep(&mut self, samples: u64) {
        self.kept = samples;
    }

    /// Refuse what there is no budget for.
    pub(super) fn admit(&self, samples: usize) -> std::result::Result<(), Failure> {
        let wanted = samples as u64;
        match self.left() {
            Some(left) if left < wanted => Err(Failure::Spent { left, wanted }),
            _ => Ok(()),
        }
    }

    /// The same for what was sent before and not answered: that is paid for by what is not kept.
    pub(super) fn admit_again(&self, samples: usize) -> std::result::Result<(), Failure> {
        let wanted = samples as u64;
        match self.left().map(|left| left.saturating_sub(self.kept)) {
            Some(left) if left < wanted => Err(Failure::Spent { left, wanted }),
            _ => Ok(()),
        }
    }

    /// Count what is sent; gives the number of the query, from 1.
    pub(super) fn send(&mut self, samples: usize) -> u64 {
        self.sent = self.sent.saturating_add(samples as u64);
        self.queries = self.queries.saturating_add(1);
        self.queries
    }
}

/// A line of the log.
pub(super) struct Record {
    pub(super) query: u64,
    pub(super) samples: usize,
    pub(super) inputs: String,
    pub(super) answer: Option<String>,
    pub(super) status: Option<u16>,
}

impl Record {
    pub(super) fn write(&self, log: &mut dyn Write) -> Result<()> {
        let line = json!({
            "query": self.query,
            "samples": self.samples,
            "inputs": self.inputs,
            "answer": self.answer,
            "status": self.status,
        });
        writeln!(log, "{line}").and_then(|()| log.flush()).map_err(|error| {
            // Not the server's doing: nothing is sent again for it.
            Trouble::new(Kind::Input, format!("cannot write the log of queries: {error}"))
        })
    }
}
