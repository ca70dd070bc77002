//! What running a model may cost, and what it has cost so far.

#![warn(clippy::arithmetic_side_effects)]

use std::cell::Cell;

use crate::{Result, Trouble, Type};

/// What loading and running a model may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all values that live at once.
    pub memory: u64,
    /// Floating-point operations of one run.
    pub flop: u64,
    /// Nodes, those of functions and of repeated bodies included.
    pub nodes: u64,
    /// Bytes of all files of the model.
    pub file: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, flop: 10_000_000_000_000, nodes: 1_000_000, file: 64 << 30 }
    }
}

/// What has been spent of the [`Limits`].
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    live: Cell<u64>,
    peak: Cell<u64>,
    flop: Cell<u64>,
    nodes: Cell<u64>,
}

impl Meter {
    /// Nothing is spent yet.
    pub fn new(limits: Limits) -> Self {
        let (live, peak, flop, nodes) = Default::default();
        Self { limits, live, peak, flop, nodes }
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Refuse a value that alone is over the limit.
    ///
    /// # Errors
    /// Where it is.
    pub fn admit(&self, kind: &Type) -> Result<u64> {
        let bytes = kind.bytes()?;
        if bytes > self.limits.memory {
            return Err(self.over(format!("{} for a value {kind}", size(bytes))));
        }
        Ok(bytes)
    }

    /// Take memory for as long as something lives.
    ///
    /// # Errors
    /// Where that is more than the limit leaves.
    pub fn take(&self, bytes: u64) -> Result<()> {
        let live = self.live.get().saturating_add(bytes);
        if live > self.limits.memory {
            return Err(self.over(format!("{} at once", size(live))));
        }
        self.live.set(live);
        self.peak.set(self.peak.get().max(live));
        Ok(())
    }

    /// Give memory back.
    pub fn give(&self, bytes: u64) {
        self.live.set(self.live.get().saturating_sub(bytes));
    }

    /// How much lives now.
    pub(crate) fn live(&self) -> u64 {
        self.live.get()
    }

    /// As much lives again as before a graph inside a node ran.
    pub(crate) fn restore(&self, live: u64) {
        self.live.set(live);
    }

    /// Count floating-point operations.
    ///
    /// # Errors
    /// Where there are more than the limit.
    pub fn work(&self, flop: u64) -> Result<()> {
        let flop = self.flop.get().saturating_add(flop);
        self.flop.set(flop);
        if flop > self.limits.flop {
            let limit = self.limits.flop;
            return Err(Trouble::limit(format!(
                "expected at most {limit:.1e} floating-point operations, got {flop:.1e} and more",
                limit = limit as f64,
                flop = flop as f64
            )));
        }
        Ok(())
    }

    /// Count a node that runs.
    ///
    /// # Errors
    /// Where there are more than the limit allows loops to run.
    pub fn step(&self) -> Result<()> {
        let nodes = self.nodes.get().saturating_add(1);
        self.nodes.set(nodes);
        if nodes > self.limits.nodes.saturating_mul(4) {
            let limit = self.limits.nodes.saturating_mul(4);
            return Err(Trouble::limit(format!("more than the limit of {limit} nodes that run")));
        }
        Ok(())
    }

    /// The most memory that lived at once.
    pub fn peak(&self) -> u64 {
        self.peak.get()
    }

    fn over(&self, need: String) -> Trouble {
        let limit = size(self.limits.memory);
        Trouble::limit(format!("it needs {need}, over the limit of {limit}"))
            .help("no real model of this kind needs such a size; raise the limit with `--max-memory` if you mean it")
    }
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut amount = bytes as f64;
    let mut unit = 0;
    while amount >= 1024.0 && unit < 5 {
        amount /= 1024.0;
        unit = usize::saturating_add(unit, 1);
    }
    let unit = UNITS.get(unit).copied().unwrap_or("B");
    if amount >= 100.0 || unit == "B" {
        format!("{amount:.0} {unit}")
    } else {
        format!("{amount:.1} {unit}")
    }
}
