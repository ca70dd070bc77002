//! What reading one file may cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use crate::{Gap, Refusal};

/// How much reading one file may cost, everything inside it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Containers inside containers.
    pub depth: u64,
    /// Expanded bytes for each compressed byte.
    pub ratio: u64,
    /// Expanded bytes in all.
    pub expanded: u64,
    /// Archive members in all.
    pub members: u64,
    /// Pickle opcodes in all.
    pub opcodes: u64,
    /// Bytes of memory beyond the windows on the file.
    pub memory: u64,
    /// Time.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 16,
            ratio: 200,
            expanded: 64 << 30,
            members: 1_000_000,
            opcodes: 1_000_000_000,
            memory: 1 << 30,
            time: Duration::from_secs(60),
        }
    }
}

/// What has been spent of the [`Limits`] of one file. Shared by all that is read inside it.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    start: Instant,
    expanded: AtomicU64,
    members: AtomicU64,
    opcodes: AtomicU64,
}

impl Budget {
    /// A fresh budget.
    pub fn new(limits: Limits) -> Arc<Self> {
        let (expanded, members, opcodes) = Default::default();
        Arc::new(Self { limits, start: Instant::now(), expanded, members, opcodes })
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Spend expanded bytes: what came out of a decompressor.
    pub fn expand(&self, at: u64, bytes: u64) -> Result<(), Refusal> {
        spend(&self.expanded, bytes, self.limits.expanded)
            .map_err(|limit| over(at, Gap::LargeExpansion, limit, "expanded bytes"))?;
        self.tick(at)
    }

    /// Spend archive members.
    pub fn member(&self, at: u64) -> Result<(), Refusal> {
        spend(&self.members, 1, self.limits.members)
            .map_err(|limit| over(at, Gap::ManyMembers, limit, "archive members"))
    }

    /// Spend pickle opcodes.
    pub fn opcodes(&self, at: u64, opcodes: u64) -> Result<(), Refusal> {
        spend(&self.opcodes, opcodes, self.limits.opcodes)
            .map_err(|limit| over(at, Gap::LongProgram, limit, "opcodes"))?;
        self.tick(at)
    }

    /// Refuse to go on once the time is over. For long loops that spend nothing else.
    pub fn tick(&self, at: u64) -> Result<(), Refusal> {
        if self.start.elapsed() > self.limits.time {
            return Err(over(at, Gap::LongReading, self.limits.time.as_secs_f64(), "seconds"));
        }
        Ok(())
    }
}

impl Default for Budget {
    fn default() -> Self {
        let (expanded, members, opcodes) = Default::default();
        Self { limits: Limits::default(), start: Instant::now(), expanded, members, opcodes }
    }
}

fn spend(spent: &AtomicU64, amount: u64, limit: u64) -> Result<(), u64> {
    let total = spent.fetch_add(amount, Relaxed).saturating_add(amount);
    if total > limit { Err(limit) } else { Ok(()) }
}

fn over(at: u64, gap: Gap, limit: impl std::fmt::Display, unit: &str) -> Refusal {
    Refusal::new(at, gap, format!("more than the limit of {limit} {unit}"))
}
