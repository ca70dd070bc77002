//! The street from a target to a report: list, read, check, judge.
//!
//! Threads live here alone. Files are read side by side, and their results are put together in
//! the order of their paths, so the report does not depend on how many threads there were.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use modelward_core::{Evidence, Finding, Findings, Place, Policy, Report, ScannedFile, Unread};
use modelward_formats::{Bytes, Limits, Tree};
use modelward_scan::{Context, Examined};
use rayon::prelude::*;

use crate::{
    basis, beside, digest,
    listing::{Listed, Listing, below},
    progress::Progress,
    rules::POLICY_INSIDE_TARGET,
    target,
};

/// How to scan.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What the user let through, and what fails the run.
    pub policy: Policy,
    /// Where the policy came from, if the user named a file: that one may lie in the target.
    pub policy_file: Option<PathBuf>,
    /// What reading one file may cost.
    pub limits: Limits,
    /// Threads to read with; 0 for as many as the processor has.
    pub threads: usize,
    /// Whether the report is to carry the SHA-256 of each file, which reads every byte.
    pub digests: bool,
    /// Where to count what is done.
    pub progress: Option<Arc<Progress>>,
}

/// Scan files and folders; `-` is standard input. What cannot be read stands in the report.
pub fn scan<P: AsRef<Path>>(targets: &[P], options: &Options) -> Report {
    let start = Instant::now();
    report(target::all(targets, &options.limits), options, start)
}

/// Scan files that are at hand, by name: one file where a name is the target's own, otherwise
/// the folder of that name with these files in it.
pub fn scan_memory(target: &str, files: Vec<(String, Bytes)>, options: &Options) -> Report {
    report(vec![Listing::memory(target, files)], options, Instant::now())
}

fn report(listings: Vec<Listing>, options: &Options, start: Instant) -> Report {
    let context = context(options);
    let files = listings.iter().flat_map(|listing| &listing.files).filter(|file| !file.again);
    let files = files.collect::<Vec<_>>();
    if let Some(progress) = &options.progress {
        progress.files.store(files.len() as u64, Relaxed);
    }
    let mut report = Report {
        checks: modelward_scan::checks(),
        basis: Some(basis::of(&options.policy, &options.limits)),
        ..Report::default()
    };
    let mut findings = Vec::new();
    let mut results = side_by_side(&files, &context, options);
    beside::settle(&listings, &mut results, &context);
    for (file, examined) in results {
        report.files.push(file);
        findings.extend(examined.findings);
        report.unread.extend(examined.unread);
    }
    for listing in listings {
        for examined in whole(&listing, &context) {
            findings.extend(examined.findings);
            report.unread.extend(examined.unread);
        }
        findings.extend(policies_inside(&listing, options));
        report.skipped.extend(listing.skipped);
        report.target.push(listing.shown);
    }
    findings.sort_by(|a, b| order(a).cmp(&order(b)));
    report.unread.sort_by(|a, b| a.place.cmp(&b.place).then(a.at.cmp(&b.at)));
    if report.target.len() > 1 {
        findings.dedup_by(|a, b| is_same(a, b));
        // A missing part has no bytes, and is told of in words that depend on the target.
        let is_told = |a: &Unread, b: &Unread| a == b || (a.at, &a.place) == (None, &b.place);
        report.unread.dedup_by(|a, b| is_told(a, b));
    }
    report.judge(findings, &options.policy);
    report.seconds = start.elapsed().as_secs_f64();
    report
}

/// The order of findings, the same in every form: where they are, then what they are.
fn order(finding: &Finding) -> impl Ord + '_ {
    let Finding { rule, severity, place, message, evidence, .. } = finding;
    let at = match evidence {
        Evidence::Bytes { at, .. } => Some(*at),
        Evidence::Measured { .. } | Evidence::Absent { .. } => None,
    };
    (place, at, rule.id, *severity, message.as_str())
}

/// Findings that two targets share, where one lies in the other and each is looked at as a whole.
fn is_same(a: &Finding, b: &Finding) -> bool {
    order(a) == order(b) && a.evidence == b.evidence && a.allow == b.allow
}

/// What the checks are told of the user's decisions.
fn context(options: &Options) -> Context {
    Context::new(options.limits, &options.policy.names)
}

/// Examine the files, on several threads where there are several files.
fn side_by_side(
    files: &[&Listed],
    context: &Context,
    options: &Options,
) -> Vec<(ScannedFile, Examined)> {
    let one = |file: &&Listed| examine(file, context, options);
    let several = files.len() > 1 && options.threads != 1;
    let pool =
        several.then(|| rayon::ThreadPoolBuilder::new().num_threads(options.threads).build());
    match pool {
        Some(Ok(pool)) => pool.install(|| files.par_iter().map(one).collect()),
        // Where the system gives no threads, this one does the work.
        _ => files.iter().map(one).collect(),
    }
}

fn examine(file: &Listed, context: &Context, options: &Options) -> (ScannedFile, Examined) {
    let Listed { place, content, .. } = file;
    let (examined, bytes, sha256) = match content.open() {
        Err(refusal) => (modelward_scan::refused(place, refusal), 0, None),
        Ok(opened) => {
            let bytes = match &options.progress {
                Some(progress) => &progress.watch(&opened.bytes),
                None => &opened.bytes,
            };
            let mut examined = modelward_scan::examine(place, bytes, context);
            let digest = options.digests.then(|| digest::sha256(bytes)).transpose();
            let mut refused = |refusal| {
                examined.unread.extend(modelward_scan::refused(place, refusal).unread);
                None
            };
            let sha256 = digest.unwrap_or_else(&mut refused);
            // What was judged and what was hashed are the same only where this holds.
            let sha256 = opened.unchanged().map_or_else(&mut refused, |()| sha256);
            (examined, bytes.len(), sha256)
        }
    };
    if let Some(progress) = &options.progress {
        progress.step(bytes);
    }
    let (path, outcome, format) = (place.path().to_owned(), examined.outcome(), examined.format);
    (ScannedFile { path, format, outcome, bytes, sha256 }, examined)
}

/// What can be told of a target as a whole.
fn whole(listing: &Listing, context: &Context) -> Vec<Examined> {
    let refused = listing.refused.iter();
    let mut examined = refused
        .map(|(place, refusal)| modelward_scan::refused(place, refusal.clone()))
        .collect::<Vec<_>>();
    if listing.folder {
        let bytes = |file: &Listed| (file.relative.clone(), file.content.on_demand());
        let tree = Tree::new(listing.files.iter().map(bytes).collect());
        let place = Place::file(&listing.shown);
        let mut of_tree = modelward_scan::examine_tree(&place, &tree, context);
        for gap in &mut of_tree.unread {
            // A part of a folder is a file, not something inside one; what is missing has no bytes.
            if let [file] = gap.place.steps() {
                (gap.place, gap.at) = (Place::file(below(&listing.shown, file)), None);
            }
        }
        examined.push(of_tree);
    }
    examined
}

/// Policies that come with a target, except the one that the user named.
fn policies_inside(listing: &Listing, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own = options.policy_file.as_ref().and_then(|path| path.canonicalize().ok());
    for file in listing.files.iter().filter(|_| listing.folder) {
        let named = file.content.path().is_some_and(|path| own.as_deref() == Some(path));
        if file.relative.rsplit('/').next() == Some(crate::policy_file::NAME) && !named {
            Findings::new(&POLICY_INSIDE_TARGET, &file.place, &mut findings).report(
                "a policy that is not the user's own is not obeyed",
                Evidence::bytes(0, crate::policy_file::NAME),
            );
        }
    }
    findings
}
