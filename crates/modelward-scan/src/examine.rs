//! From bytes to findings: read under every format, check every asset, go down into every part.

use std::{ops::ControlFlow, sync::Arc};

use modelward_core::{Evidence, Finding, Findings, Outcome, Place, Unread};
use modelward_formats::{Asset, Budget, Bytes, Expects, Gap, Limits, Part, Refusal};

use crate::{scan, unread};

/// What the user says about scanning, the same for every file.
#[derive(Debug, Default)]
pub struct Context {
    /// What reading one file may cost.
    pub limits: Limits,
}

/// What came of one file.
#[derive(Debug)]
pub struct Examined {
    /// What the file is, as users would call it.
    pub format: &'static str,
    /// What is wrong with it, or with something inside it.
    pub findings: Vec<Finding>,
    /// What of it was not read.
    pub unread: Vec<Unread>,
}

impl Examined {
    /// The verdict on the file, before any policy.
    pub fn outcome(&self) -> Outcome {
        let worst = self.findings.iter().map(|finding| Outcome::of(finding.severity)).max();
        let gap = if self.unread.is_empty() { Outcome::Clean } else { Outcome::Unread };
        worst.unwrap_or(Outcome::Clean).max(gap)
    }
}

/// Examine one file: everything in it, and everything inside that.
pub fn examine(place: &Place, bytes: &Bytes, context: &Context) -> Examined {
    let budget = Budget::new(fair(context.limits, bytes.len()));
    let examined = Examined { format: "unknown", findings: Vec::new(), unread: Vec::new() };
    let mut examination = Examination { context, budget, examined, exhausted: false };
    if let Some(format) = examination.piece(place, bytes, Expects::Anything, 0) {
        examination.examined.format = format;
    }
    examination.examined
}

/// The limits for a file of this length: archives within archives must not multiply what each
/// may grow by.
fn fair(limits: Limits, len: u64) -> Limits {
    let share = len.saturating_mul(limits.ratio).saturating_add(FREE);
    Limits { expanded: limits.expanded.min(share), ..limits }
}

/// What any file may grow to, all layers and all that is decoded again included.
const FREE: u64 = 512 << 20;

/// One file under examination.
struct Examination<'a> {
    context: &'a Context,
    budget: Arc<Budget>,
    examined: Examined,
    /// Whether a limit was hit that holds for the whole file: what is left would only hit it
    /// again, a million times over in a bomb.
    exhausted: bool,
}

impl Examination<'_> {
    /// Examine a piece and what lies inside it. Gives the name of what it is.
    fn piece(
        &mut self,
        place: &Place,
        bytes: &Bytes,
        expects: Expects,
        depth: u64,
    ) -> Option<&'static str> {
        if depth > self.context.limits.depth {
            let limit = self.context.limits.depth;
            let why = format!("containers nested more than {limit} deep");
            self.refuse(place, Refusal::new(0, Gap::DeepNesting, why));
            return None;
        }
        let readings = modelward_formats::read(bytes, &self.budget);
        if readings.is_empty() && expects == Expects::Anything && !bytes.is_empty() {
            let why = "expected a known model format";
            self.refuse(place, Refusal::new(0, Gap::UnknownFormat, why));
        }
        let mut format = None;
        for reading in readings {
            let name = match reading.asset {
                Ok(asset) => {
                    self.asset(place, &*asset, depth);
                    asset.format()
                }
                Err(refusal) => {
                    self.refuse(place, refusal);
                    reading.format.name
                }
            };
            format = format.or(Some(name));
        }
        format
    }

    fn asset(&mut self, place: &Place, asset: &dyn Asset, depth: u64) {
        scan(asset, place, &mut self.examined.findings);
        if let Some(facet) = asset.facet() {
            scan(facet, place, &mut self.examined.findings);
        }
        asset.parts(&mut |part| {
            let Part { name, bytes, expects } = part;
            let inside = place.inside(name);
            match bytes {
                Ok(bytes) => {
                    self.piece(&inside, &bytes, expects, depth.saturating_add(1));
                }
                Err(refusal) => self.refuse(&inside, refusal),
            }
            if self.exhausted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
    }

    /// Note a gap; a limit that was hit is a finding too.
    fn refuse(&mut self, place: &Place, refusal: Refusal) {
        let rule = unread::rule(refusal.gap);
        self.exhausted |= matches!(refusal.gap, Gap::LargeExpansion | Gap::LongReading);
        let (at, why) = (refusal.at, refusal.why.into_owned());
        if unread::is_limit(refusal.gap) {
            Findings::new(rule, place, &mut self.examined.findings)
                .report(why.clone(), Evidence::bytes(at, why.clone()));
        }
        self.examined.unread.push(Unread {
            place: place.clone(),
            at: Some(at),
            rule: rule.id,
            why,
        });
    }
}
