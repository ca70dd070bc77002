//! The checks, and what each came to.
//!
//! A check is a line of [`CHECKS`]: its name, its rule, and a function over what all of them share. What
//! streams over the rows does so in one pass for all ([`first::First`]); what learns takes the sample.

use std::collections::BTreeMap;

use modelward_core::{Rule, Severity, Value};

use crate::{
    Asked, Limits, Matrix, Note, Roles, Set, Trouble, Unread, Watch, accumulate, rules, sample,
};

mod beside;
mod binomial;
mod cells;
mod drift;
mod duplicate;
mod first;
mod group;
mod label_error;
mod labels;
mod leak;
mod masked;
pub(crate) mod near;
mod outlier;
mod profile;
pub mod schema;
mod spelling;
mod trigger;

pub(crate) use self::label_error::{ENOUGH, is_continuous};
pub use self::{
    cells::{bad_address, hidden_file},
    labels::Labels,
    profile::{Column, PARTS, QUANTILES},
};

/// A check.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// The rule that it watches, where it judges anything.
    pub rule: Option<&'static Rule>,
    /// Whether it needs rows in memory.
    pub learns: bool,
    run: fn(&Context<'_>) -> Result<Done, Unread>,
}

/// Every check, in the order of the report.
pub static CHECKS: &[Check] = &[
    Check { name: "profile", rule: None, learns: false, run: profile::run },
    Check { name: "schema", rule: Some(&rules::SCHEMA_CHANGED), learns: false, run: schema::run },
    Check { name: "drift", rule: Some(&rules::DRIFT), learns: true, run: drift::run },
    Check { name: "group-summary", rule: Some(&rules::GROUP_GAP), learns: false, run: group::run },
    Check {
        name: "label-spelling",
        rule: Some(&rules::LABEL_SPELLING),
        learns: false,
        run: spelling::run,
    },
    Check {
        name: "label-error",
        rule: Some(&rules::LABEL_ERROR),
        learns: true,
        run: label_error::run,
    },
    Check { name: "trigger", rule: Some(&rules::TRIGGER_PATCH), learns: true, run: trigger::run },
    Check { name: "outlier", rule: Some(&rules::OUTLIER), learns: true, run: outlier::run },
    Check { name: "duplicate", rule: Some(&rules::DUPLICATE), learns: false, run: duplicate::run },
    Check {
        name: "near-duplicate",
        rule: Some(&rules::NEAR_DUPLICATE),
        learns: true,
        run: near::run,
    },
    Check { name: "leak", rule: Some(&rules::LEAK_TRAIN_TEST), learns: true, run: leak::run },
    Check { name: "formula", rule: Some(&rules::FORMULA_CELL), learns: false, run: cells::formula },
    Check {
        name: "hidden-character",
        rule: Some(&rules::HIDDEN_CHARACTER),
        learns: false,
        run: cells::hidden,
    },
    Check {
        name: "prompt-injection",
        rule: Some(&rules::PROMPT_INJECTION),
        learns: false,
        run: cells::injection,
    },
    Check { name: "secret", rule: Some(&rules::SECRET_IN_DATA), learns: false, run: cells::secret },
    Check {
        name: "bad-address",
        rule: Some(&rules::BAD_ADDRESS),
        learns: false,
        run: cells::address,
    },
    Check { name: "hidden-file", rule: Some(&rules::HIDDEN_FILE), learns: false, run: cells::file },
];

/// What is to be checked, and how.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The roles that the user names.
    pub asked: Asked,
    /// The checks that are run; all where it is empty.
    pub only: Vec<String>,
    /// Where random numbers begin.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// What it may cost.
    pub limits: Limits,
    /// Probabilities of the classes for each row, `[rows, classes]`, by a model that never saw the row.
    pub probabilities: Option<Matrix>,
    /// What a layer of the user's model says of each row, `[rows, width]`.
    pub activations: Option<Matrix>,
    /// What is declared of the columns.
    pub schema: Option<schema::Declared>,
    /// Who is told how far the check has come.
    pub watch: Watch,
}

/// What all checks share.
pub struct Context<'a> {
    /// The set.
    pub set: &'a Set,
    /// The set that the model is tested on.
    pub test: Option<&'a Set>,
    /// What was asked for.
    pub request: &'a Request,
    /// What the columns are.
    pub roles: Roles,
    /// How many rows there are.
    pub rows: u64,
    /// What is in the columns.
    pub profile: Vec<Column>,
    /// Rows whose hashes meet, where the check for duplicates is run.
    repeated: Option<std::io::Result<duplicate::Repeated>>,
    /// What lies in cells, where a check of these is run.
    cells: Option<cells::Cells>,
    /// Rows that are not as declared, where something is.
    declared: Option<schema::Kept>,
    /// The first row of each file that has any, and which piece it is.
    starts: Vec<(u64, usize)>,
    /// How many rows have which label.
    pub classes: BTreeMap<String, u64>,
    /// Rows in memory; none where no check asked for them.
    pub sample: sample::Rows,
    /// The labels of these rows.
    pub labels: Option<Labels>,
}

impl Context<'_> {
    /// Whether a check of this name is run.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.request.only.is_empty() || self.request.only.iter().any(|only| only == name)
    }

    /// A score for each row of the set, none of them known; empty where they would take too much of the
    /// memory.
    pub(crate) fn unscored(&self) -> Vec<f32> {
        let kept = self.rows <= self.request.limits.memory / 32;
        vec![f32::NAN; if kept { usize::try_from(self.rows).unwrap_or(0) } else { 0 }]
    }
}

/// What one check came to.
#[derive(Debug, Default)]
pub struct Done {
    /// How many rows it looked at, where those are not all.
    pub looked_at: Option<u64>,
    /// What it found, as programs read it.
    pub fields: Vec<(&'static str, Value)>,
    /// The same for people: one line for each thing that was found, or none.
    pub lines: Vec<String>,
    /// What is wrong.
    pub found: Vec<Found>,
    /// What was found, or was not looked at, beyond the rows that the fields list.
    pub beyond: Option<String>,
    /// A score for each row of the set, higher for what is more suspect.
    pub scores: Option<Vec<f32>>,
    /// Why it was not run.
    pub skipped: Option<String>,
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Found {
    /// The rule that it breaks.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// What was found, in one line.
    pub message: String,
    /// The first rows that it is about.
    pub rows: Vec<u64>,
    /// What was measured, what it came to, and the limit that it crossed.
    pub measured: (&'static str, f64, f64),
}

/// What all checks came to.
pub struct Checked {
    /// How many rows there are.
    pub rows: u64,
    /// How many columns: of an array of the row, as many as it has numbers.
    pub columns: usize,
    /// The label's name.
    pub label: Option<String>,
    /// Whether it was guessed.
    pub guessed: bool,
    /// What the columns are.
    pub roles: Roles,
    /// What is in the columns.
    pub profile: Vec<Column>,
    /// How many rows have which label.
    pub classes: BTreeMap<String, u64>,
    /// The checks that were run.
    pub checks: Vec<(&'static Check, Done)>,
    /// What was seen while reading.
    pub notes: Vec<Note>,
}

/// Why a set was not checked.
#[derive(Debug)]
pub enum Failed {
    /// Something of it could not be read.
    Unread(Unread),
    /// What the user asked for cannot be had.
    Trouble(Trouble),
}

impl From<Unread> for Failed {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Done {
    /// A check that was not run.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::default() }
    }
}

/// A count with its words, which begin with a noun and a verb.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The checks of these names; all where there are none.
///
/// # Errors
/// Where there is no check of a name.
pub fn chosen(only: &[String]) -> Result<Vec<&'static Check>, Trouble> {
    if only.is_empty() {
        return Ok(CHECKS.iter().collect());
    }
    let known = |name: &str| CHECKS.iter().any(|check| check.name == name);
    if let Some(name) = only.iter().find(|name| !known(name)) {
        let names = CHECKS.iter().map(|check| check.name).collect::<Vec<_>>().join(", ");
        let trouble = Trouble::new(format!("expected the name of a check, got `{name}`"));
        return Err(trouble.help(format!("the checks are {names}")));
    }
    Ok(CHECKS.iter().filter(|check| only.iter().any(|name| name == check.name)).collect())
}

/// Check a set, and where there is one the set that a model is tested on beside it.
///
/// # Errors
/// Where something cannot be read, or the user asked for what is not there.
pub fn check(set: &Set, test: Option<&Set>, request: &Request) -> Result<Checked, Failed> {
    let checks = chosen(&request.only)?;
    let roles = Roles::of(&request.asked, &set.schema)?;
    let mut first = first::First::new(set, &roles, request, &checks);
    let (rows, notes) = accumulate::drive(set, &mut first, request.threads)?;
    let first::Evidence { profile, sample, classes, repeated, cells, declared, starts } =
        accumulate::Accumulate::finish(first);
    let labels = roles.label.map(|label| Labels::of(&sample.rows, label));
    let context = Context {
        set,
        test,
        request,
        roles,
        rows,
        profile,
        repeated,
        cells,
        declared,
        starts,
        classes,
        sample,
        labels,
    };
    let mut done = Vec::new();
    for check in checks {
        request.watch.step(&format!("checking: {}", check.name));
        let mut one = (check.run)(&context)?;
        let seen = context.sample.numbers.len() as u64;
        if one.skipped.is_none() && context.sample.is_part() && one.looked_at == Some(seen) {
            let why = format!("{seen} of {rows} rows were looked at, as memory allows");
            one.beyond.get_or_insert(why);
        }
        done.push((check, one.masked()));
    }
    let roles = &context.roles;
    let named = roles.label.iter().chain(&roles.labels);
    let names = named.map(|label| set.schema.field(*label).name().as_str()).collect::<Vec<_>>();
    let label = (!names.is_empty()).then(|| names.join(","));
    let columns = set.schema.fields().iter().enumerate().filter(|(at, _)| !roles.is_label(*at));
    let columns = columns.map(|(_, field)| match crate::kind(field) {
        crate::Kind::Numbers(width) => width,
        _ => 1,
    });
    Ok(Checked {
        rows,
        columns: columns.sum(),
        label,
        guessed: roles.guessed,
        roles: context.roles,
        profile: context.profile,
        classes: context.classes,
        checks: done,
        notes: set.notes.iter().cloned().chain(notes).collect(),
    })
}
