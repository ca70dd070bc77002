//! The scanner against a corpus of labelled files.
//!
//! The corpus is a folder of zips that are read in memory: nothing malicious is ever unpacked to
//! disk, let alone loaded. Each zip holds `labels.tsv` with the columns path, label, class, why
//! and effect. A sample of the classes `repo` and `tf_savedmodel` is the folder it lies in.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

use modelward::{Bytes, Options, Report, scan_memory};
use zip::ZipArchive;

mod imports;

/// Scan the corpus and print the table; false where an answer is wrong.
pub(crate) fn run(corpus: &Path, misses: bool) -> Result<bool, String> {
    let mut zips = fs::read_dir(corpus)
        .map_err(|error| format!("{}: {error}", corpus.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "zip"))
        .collect::<Vec<_>>();
    zips.sort();
    if zips.is_empty() {
        return Err(format!("{}: expected zips, found none", corpus.display()));
    }
    println!("{:<12} {:>9} {:>9} {:>9} {:>9}", "suite", "label", "detected", "clean", "unread");
    let mut right = true;
    for path in &zips {
        let suite = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        right &= judge(&suite, &samples(path)?, misses);
    }
    Ok(right & imports::run(&corpus.join("import-sets.csv"), misses)?)
}

/// One labelled sample: a file or a folder.
struct Sample {
    path: String,
    label: String,
    effect: String,
    files: Vec<(String, Bytes)>,
}

/// Judge the samples of one suite; false where an answer is wrong.
fn judge(suite: &str, samples: &[Sample], misses: bool) -> bool {
    let mut table: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for sample in samples {
        let report = scan_memory(&sample.path, sample.files.clone(), &Options::default());
        let verdict = report.verdict();
        let count = table.entry(&sample.label).or_default().entry(verdict).or_default();
        *count = count.saturating_add(1);
        let (label, effect) = (sample.label.as_str(), sample.effect.as_str());
        let failure = match (label, verdict) {
            ("malicious", "clean") => true,
            ("benign", "denied") => true,
            ("dos", "clean") => true,
            ("malicious", "unread") => misses && effect != "corrupts",
            _ => false,
        };
        if failure {
            wrong.push((label, verdict, &sample.path, effect, shown(&report)));
        }
    }
    for (label, verdicts) in &table {
        let count = |verdict| verdicts.get(verdict).copied().unwrap_or(0);
        let [denied, clean, unread] = ["denied", "clean", "unread"].map(count);
        println!("{suite:<12} {label:>9} {denied:>9} {clean:>9} {unread:>9}");
    }
    for (label, verdict, path, effect, shown) in &wrong {
        println!("  {label} {verdict}: {path} ({effect}) {shown}");
    }
    wrong.iter().all(|(label, verdict, ..)| (*label, *verdict) == ("malicious", "unread"))
}

/// What a report says, in a line.
fn shown(report: &Report) -> String {
    let findings = report
        .judged
        .iter()
        .take(3)
        .map(|(finding, _)| format!("{}: {}", finding.rule.id, finding.message));
    let unread = report.unread.iter().take(2).map(|gap| format!("{}: {}", gap.rule, gap.why));
    let line = findings.chain(unread).collect::<Vec<_>>().join("; ");
    line.escape_debug().take(300).collect()
}

/// The samples of one zip.
fn samples(path: &Path) -> Result<Vec<Sample>, String> {
    let broken = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(|error| broken(&error))?;
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    let mut members = BTreeMap::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(|error| broken(&error))?;
        let name = member.name().map_err(|error| broken(&error))?.into_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).map_err(|error| broken(&error))?;
        members.insert(name, bytes);
    }
    let labels = members.get("labels.tsv").ok_or_else(|| broken(&"expected a `labels.tsv`"))?;
    let labels = String::from_utf8_lossy(labels);
    let mut samples: BTreeMap<String, Sample> = BTreeMap::new();
    for line in labels.lines().skip(1) {
        let [path, label, class, _, effect] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(broken(&format!("expected five columns in `{line}`")));
        };
        let bytes = members.get(path).ok_or_else(|| broken(&format!("no member `{path}`")))?;
        let folder = path.rsplit_once('/').filter(|_| FOLDERS.contains(&class));
        let (unit, name) = folder.unwrap_or((path, path));
        let fresh = || Sample {
            path: unit.into(),
            label: label.into(),
            effect: effect.into(),
            files: Vec::new(),
        };
        let sample = samples.entry(unit.into()).or_insert_with(fresh);
        sample.files.push((name.into(), bytes.as_slice().into()));
    }
    Ok(samples.into_values().collect())
}

/// Classes whose sample is a folder.
const FOLDERS: [&str; 2] = ["repo", "tf_savedmodel"];
