//! From bytes to findings: read under every format, check every asset, go down into every part.

use std::{
    any::Any,
    cmp::Reverse,
    ops::{ControlFlow, Range},
    sync::Arc,
};

use modelward_core::{AllowedName, Evidence, Finding, Findings, Outcome, Place, Severity, Unread};
use modelward_formats::{
    Asset, Budget, Bytes, Expects, Gap, Limits, Part, Refusal, Tree, onnx, pickle::Pickle,
};

use crate::{
    Check,
    container::Container,
    file::File,
    needs::{Beside, Need, untaken},
    onnx::{external_path::ExternalPath, operators},
    pickle::{
        facts::Allowed,
        judge, known,
        nested_payload::{Payload, Payloads},
    },
    scan, unread,
    weights::operations::Operations,
};

/// What the user says about scanning, the same for every file.
#[derive(Debug, Default)]
pub struct Context {
    /// What reading one file may cost.
    pub limits: Limits,
    names: Allowed,
}

impl Context {
    /// A context in which pickles may also use these names of the user's policy. An entry that
    /// [`check_name`] refuses allows nothing.
    pub fn new(limits: Limits, names: &[AllowedName]) -> Self {
        let parsed = names.iter().filter_map(|allowed| parse_name(&allowed.entry).ok());
        let own = |(module, name, kinds): (&str, &str, &str)| {
            ((module.to_owned(), name.to_owned()), kinds.to_owned())
        };
        Self { limits, names: parsed.map(own).collect() }
    }
}

/// Whether a policy's entry for a name is of the form `MODULE QUALNAME : KIND, ...`.
///
/// # Errors
/// Says what was expected, and what stands there.
pub fn check_name(entry: &str) -> Result<(), String> {
    parse_name(entry).map(|_| ())
}

fn parse_name(entry: &str) -> Result<(&str, &str, &str), String> {
    let (module, name, kinds) = known::split(entry)
        .ok_or_else(|| format!("expected `MODULE QUALNAME : KIND`, got `{entry}`"))?;
    known::Entry::parse(kinds).map_err(|why| format!("in `{entry}`: {why}"))?;
    Ok((module, name, kinds))
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
    /// Data that it takes from other files: [`Examined::settle`] looks at where they are.
    pub needs: Vec<Need>,
}

impl Examined {
    /// The verdict on the file, before any policy.
    pub fn outcome(&self) -> Outcome {
        let worst = self.findings.iter().map(|finding| Outcome::of(finding.severity)).max();
        let whole = self.unread.is_empty() && self.needs.is_empty();
        let gap = if whole { Outcome::Clean } else { Outcome::Unread };
        worst.unwrap_or(Outcome::Clean).max(gap)
    }

    /// Nothing yet of what users would call this.
    pub(crate) fn new(format: &'static str) -> Self {
        Self { format, findings: Vec::new(), unread: Vec::new(), needs: Vec::new() }
    }

    /// Settle what it takes from other files: `beside` tells what lies there. Until that is done, it
    /// is not clean.
    pub fn settle(&mut self, beside: &dyn Fn(&Need) -> Beside) {
        for need in std::mem::take(&mut self.needs) {
            let (found, external) = (beside(&need), &need.external);
            let (of, location) = (&external.of, &external.location);
            let outside = match found {
                Beside::File(length) if need.range(length).is_some() => continue,
                Beside::File(length) => format!(
                    "{of} lies in `{location}` from {} on, and that file has {length} bytes",
                    external.offset
                ),
                Beside::Outside => {
                    format!("{of} lies in `{location}`, which leads out of the folder")
                }
                Beside::Nothing => {
                    let why =
                        format!("{of} lies in `{location}`, which is not part of what is scanned");
                    self.refuse(&need.place, Refusal::new(external.at, Gap::MissingPart, why));
                    continue;
                }
            };
            let evidence = Evidence::bytes(external.at, location.as_str());
            Findings::new(&ExternalPath::RULE, &need.place, &mut self.findings)
                .report(outside, evidence);
        }
        self.bound();
    }

    /// Note a gap; a limit that was hit is a finding too.
    pub(crate) fn refuse(&mut self, place: &Place, refusal: Refusal) {
        let rule = unread::rule(refusal.gap);
        let (at, why) = (refusal.at, refusal.why.into_owned());
        if unread::is_limit(refusal.gap) {
            Findings::new(rule, place, &mut self.findings)
                .report(why.clone(), Evidence::bytes(at, why.clone()));
        }
        let place = place.clone();
        match self.unread.len() {
            listed if listed < MOST => {
                self.unread.push(Unread { place, at: Some(at), rule: rule.id, why });
            }
            MOST => {
                let why = "this gap and what else is not read of the file is not listed".into();
                self.unread.push(Unread { place, at: Some(at), rule: rule.id, why });
            }
            _ => {}
        }
    }

    /// Keep the worst findings of a file that is made of nothing else.
    fn bound(&mut self) {
        if self.findings.len() > MOST.saturating_mul(2) {
            self.findings.sort_by_key(|finding| Reverse(finding.severity));
            self.findings.truncate(MOST);
        }
    }
}

/// Examine one file: everything in it, and everything inside that.
pub fn examine(place: &Place, bytes: &Bytes, context: &Context) -> Examined {
    let budget = Budget::new(fair(context.limits, bytes.len()));
    let examined = Examined::new("unknown");
    let mut examination = Examination { context, budget, examined, exhausted: false };
    if let Some(format) = examination.piece(place, bytes, expected(place), &Container::default(), 0)
    {
        examination.examined.format = format;
    }
    if bytes.is_empty() && is_of_model(place) {
        examination.refuse(place, Refusal::truncated(0, "expected a model, the file is empty"));
    }
    examination.examined
}

/// Examine the listing of a whole folder: what no single file can tell. The files themselves are
/// examined one by one with [`examine`].
pub fn examine_tree(place: &Place, tree: &Tree, context: &Context) -> Examined {
    let budget = Budget::new(context.limits);
    let examined = Examined::new(tree.format());
    let mut examination = Examination { context, budget, examined, exhausted: false };
    examination.asset(place, tree, &Container::default(), 0);
    examination.examined
}

/// Examine a file of which models take these ranges as tensors, and which is of no format by itself.
pub fn examine_data(
    place: &Place,
    bytes: &Bytes,
    taken: &[Range<u64>],
    context: &Context,
) -> Examined {
    let budget = Budget::new(fair(context.limits, bytes.len()));
    let examined = Examined::new("tensors");
    let mut examination = Examination { context, budget, examined, exhausted: false };
    let mut part = |range: &Range<u64>, expects| {
        let length = range.end.saturating_sub(range.start);
        let inside = place.inside(format!("bytes {:#x} to {:#x}", range.start, range.end));
        match bytes.slice(range.start, length) {
            Ok(bytes) => {
                examination.piece(&inside, &bytes, expects, &Container::default(), 1);
            }
            Err(refusal) => examination.refuse(&inside, refusal),
        }
    };
    for range in taken {
        part(range, Expects::Numbers);
    }
    for range in &untaken(bytes, taken) {
        part(range, Expects::Anything);
    }
    examination.examined
}

/// What is said of a piece whose bytes could not be had at all.
pub fn refused(place: &Place, refusal: Refusal) -> Examined {
    let mut examined = Examined::new("unknown");
    examined.refuse(place, refusal);
    examined
}

/// The limits for a file of this length: archives within archives must not multiply what each
/// may grow by.
fn fair(limits: Limits, len: u64) -> Limits {
    let share = len.saturating_mul(limits.ratio).saturating_add(FREE);
    Limits { expanded: limits.expanded.min(share), ..limits }
}

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
    /// Examine a piece and what lies inside it; `within` is what it lies in. Gives the name of
    /// what it is.
    fn piece(
        &mut self,
        place: &Place,
        bytes: &Bytes,
        expects: Expects,
        within: &Container<'_>,
        depth: u64,
    ) -> Option<&'static str> {
        if depth > self.context.limits.depth {
            let limit = self.context.limits.depth;
            let why = format!("containers nested more than {limit} deep");
            self.refuse(place, Refusal::new(0, Gap::DeepNesting, why));
            return None;
        }
        let numbers =
            expects == Expects::Numbers && !modelward_formats::is_file_among_numbers(bytes);
        let readings =
            if numbers { Vec::new() } else { modelward_formats::read(bytes, &self.budget) };
        if readings.is_empty() && expects == Expects::Anything && !bytes.is_empty() {
            let why = "expected a known model format";
            self.refuse(place, Refusal::new(0, Gap::UnknownFormat, why));
        }
        if expects == Expects::Template
            && let Some(refusal) = modelward_formats::jinja::refusal_of_template(bytes)
        {
            self.refuse(place, refusal);
        }
        let mut file = File::new(place, bytes, expects, depth);
        for reading in readings {
            let name = match reading.asset {
                Ok(asset) => {
                    self.asset(place, &*asset, within, depth);
                    asset.format()
                }
                Err(refusal) => {
                    self.refuse(place, refusal);
                    reading.format.name
                }
            };
            file.formats.push(name);
        }
        scan(&file, place, &mut self.examined.findings);
        self.examined.bound();
        file.formats.first().copied()
    }

    fn asset(&mut self, place: &Place, asset: &dyn Asset, within: &Container<'_>, depth: u64) {
        let pickle = (asset as &dyn Any).downcast_ref::<Pickle>();
        match pickle {
            Some(pickle) => {
                let name = place.steps().last().map_or("", String::as_str);
                let judged = judge::judge(pickle, &self.context.names, within.around(name));
                scan(&judged, place, &mut self.examined.findings);
                // What would exhaust a loader has not exhausted us: the parts are read all the same.
                for gap in judged.gaps {
                    self.examined.refuse(place, gap);
                }
            }
            None => scan(asset, place, &mut self.examined.findings),
        }
        if let Some(model) = (asset as &dyn Any).downcast_ref::<onnx::File>() {
            scan(&operators::operations(model), place, &mut self.examined.findings);
            let needs = model.externals.iter();
            let needs = needs.map(|external| Need::new(place, external.clone()));
            self.examined.needs.extend(needs);
        }
        if let Some(facet) = asset.facet() {
            scan(facet, place, &mut self.examined.findings);
        }
        for gap in asset.gaps() {
            self.refuse(place, gap);
        }
        let (container, deeper) = (Container::of(asset), depth.saturating_add(1));
        self.code(place, &container);
        let mut payloads = Payloads::default();
        asset.parts(&mut |part| {
            let Part { name, bytes, expects } = part;
            let (inside, before) = (place.inside(&name), self.examined.findings.len());
            match bytes {
                Ok(bytes) => {
                    self.piece(&inside, &bytes, expects, &container, deeper);
                }
                Err(refusal) => self.refuse(&inside, refusal),
            }
            if pickle.is_some() {
                let found = self.examined.findings.get(before..).unwrap_or_default();
                payloads.found.extend(payload(&name, found));
            }
            if self.exhausted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        scan(&payloads, place, &mut self.examined.findings);
    }

    /// The code of a TorchScript archive, each member at its own place.
    fn code(&mut self, place: &Place, container: &Container<'_>) {
        let Some(code) = &container.code else { return };
        for source in &code.members {
            let operations = Operations::of_source(source, code);
            scan(&operations, &place.inside(&source.member), &mut self.examined.findings);
        }
        for gap in &code.gaps {
            self.refuse(place, gap.clone());
        }
    }

    fn refuse(&mut self, place: &Place, refusal: Refusal) {
        self.exhausted |= matches!(refusal.gap, Gap::LargeExpansion | Gap::LongReading);
        self.examined.refuse(place, refusal);
    }
}

/// What a file must be by its name alone: what loaders take a template from is one, however long.
fn expected(place: &Place) -> Expects {
    let name = place.path().to_ascii_lowercase();
    let template = [".jinja", ".jinja2", ".j2"].iter().any(|extension| name.ends_with(extension));
    if template { Expects::Template } else { Expects::Anything }
}

/// Whether a file is called as weights are, which are never empty.
fn is_of_model(place: &Place) -> bool {
    let extension = place.path().rsplit_once('.').map_or("", |(_, extension)| extension);
    WEIGHTS.contains(&extension.to_ascii_lowercase().as_str())
}

/// What was found inside a constant of a pickle, if it is worth a finding of the pickle itself.
fn payload(name: &str, found: &[Finding]) -> Option<Payload> {
    let at = u64::from_str_radix(name.strip_prefix("constant@0x")?, 16).ok()?;
    let worst = found.iter().max_by_key(|finding| finding.severity)?;
    let Finding { severity, message, .. } = worst;
    (*severity >= Severity::Medium).then(|| Payload {
        at,
        severity: *severity,
        message: message.clone(),
    })
}

/// Extensions of weights.
const WEIGHTS: &[&str] = &[
    "bin",
    "ckpt",
    "gguf",
    "h5",
    "joblib",
    "keras",
    "npy",
    "npz",
    "onnx",
    "pickle",
    "pkl",
    "pt",
    "pth",
    "safetensors",
];
/// How many findings and how many gaps of one file are kept.
const MOST: usize = 5000;
/// What any file may grow to, all layers and all that is decoded again included.
const FREE: u64 = 512 << 20;
