//! What a bill of materials is about.

use modelward_core::{Finding, Report, Rule, Unread, Verdict};

use super::{Facts, FileEntry, text::line};

/// A model with all that a bill of materials says of it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is known of the model.
    pub facts: &'a Facts,
    /// Its files, in the order of their paths.
    pub files: &'a [FileEntry],
    /// Files that could not be read, and why.
    pub missing: &'a [(String, String)],
    /// What a scan found.
    pub scan: Option<Scan<'a>>,
    /// When the document is made (RFC 3339, UTC, whole seconds), where that is to be told.
    pub created: Option<&'a str>,
    /// Version of modelward.
    pub version: &'a str,
}

/// A scan of the model.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// Its report, of this model alone.
    pub report: &'a Report,
    /// The weaknesses that a rule is about.
    pub cwes: Cwes,
}

/// Gives the weaknesses (CWE numbers) of a rule.
pub type Cwes = fn(&Rule) -> Vec<u16>;

impl<'a> Subject<'a> {
    /// The findings of the scan with their verdicts.
    pub(super) fn findings(&self) -> impl Iterator<Item = &'a (Finding, Verdict)> {
        self.scan.into_iter().flat_map(|scan| &scan.report.judged)
    }

    /// The file that a path of the report is about; `None` where it is about the whole.
    pub(super) fn file(&self, path: &str) -> Option<&'a FileEntry> {
        self.files.get(self.place(path)?)
    }

    /// Which of the files that is.
    pub(super) fn place(&self, path: &str) -> Option<usize> {
        let relative = self.relative(path);
        self.files.binary_search_by(|file| file.path.as_str().cmp(relative)).ok()
    }

    /// A path of the report from the model down: where the model lies is no part of the document.
    fn relative<'p>(&self, path: &'p str) -> &'p str {
        let target = self.scan.and_then(|scan| scan.report.target.first());
        let target = target.map(|target| target.trim_end_matches('/')).unwrap_or_default();
        let below = path.strip_prefix(target).and_then(|rest| rest.strip_prefix('/'));
        match below {
            Some(relative) => relative,
            None if path == target => path.rsplit('/').next().unwrap_or_default(),
            None => path,
        }
    }

    /// Whatever of the model was not read: where, and why.
    pub(super) fn gaps(&self) -> Vec<String> {
        let own = self.missing.iter().chain(&self.facts.gaps);
        let own = own.map(|(path, why)| format!("{path}: {why}"));
        let scan = self.scan.into_iter().flat_map(|scan| &scan.report.unread);
        let scan = scan.map(|Unread { place, why, .. }| {
            let steps = place.steps().iter().map(|step| format!("!{step}"));
            format!("{}{}: {why}", self.relative(place.path()), steps.collect::<String>())
        });
        let mut gaps = own.chain(scan).filter_map(|gap| line(&gap)).collect::<Vec<_>>();
        gaps.sort();
        gaps.dedup();
        let more = gaps.len().saturating_sub(MOST_GAPS);
        gaps.truncate(MOST_GAPS);
        if more > 0 {
            gaps.push(format!("and {more} more"));
        }
        gaps
    }

    /// Whether something of the model was not read.
    pub fn is_incomplete(&self) -> bool {
        !self.gaps().is_empty()
    }

    /// The one file, where the model is a file.
    pub(super) fn only_file(&self) -> Option<&'a FileEntry> {
        if let [file] = self.files { Some(file) } else { None }
    }
}

/// How many gaps a document names.
const MOST_GAPS: usize = 1000;
