//! What the pickles of popular models import, rebuilt as pickles that import just that.
//!
//! The share of files whose set of names is clean says how often an ordinary model would be
//! questioned. It is an estimate: a rebuilt pickle imports and does not call, so the rules for
//! arguments are not put to the test.

use std::{fs, path::Path};

use modelward::{Options, scan_memory};

/// Judge the sets, and print the share of files that is clean; false where it is too small.
pub(super) fn run(sets: &Path, misses: bool) -> Result<bool, String> {
    let Ok(text) = fs::read_to_string(sets) else { return Ok(true) };
    let (mut clean, mut all) = (0_u32, 0_u32);
    let mut questioned = Vec::new();
    for line in text.lines().skip(1) {
        let mut columns = line.splitn(3, ',').skip(1);
        let files = columns.next().and_then(|files| files.parse::<u32>().ok());
        let files = files.ok_or_else(|| format!("expected a number of files in `{line}`"))?;
        let names = columns.next().unwrap_or_default();
        all = all.saturating_add(files);
        let pickle = pickle(names)?;
        let report =
            scan_memory("set.pkl", vec![("set.pkl".into(), pickle.into())], &Options::default());
        match report.verdict() {
            "clean" => clean = clean.saturating_add(files),
            verdict => questioned.push((files, verdict, report)),
        }
    }
    for (files, verdict, report) in questioned.iter().filter(|_| misses) {
        println!("  {files} files {verdict}: {}", super::shown(report));
    }
    let share = f64::from(clean) / f64::from(all.max(1));
    println!("import sets: {clean} of {all} files clean, {:.2} %", share * 100.0);
    Ok(share >= LEAST)
}

/// A pickle of protocol 2 that imports the names `module:qualname` and drops them.
fn pickle(names: &str) -> Result<Vec<u8>, String> {
    let mut pickle = b"\x80\x02".to_vec();
    for name in names.split_whitespace() {
        let (module, name) = name
            .split_once(':')
            .ok_or_else(|| format!("expected `module:name`, found `{name}`"))?;
        pickle.extend(format!("c{module}\n{name}\n0").into_bytes());
    }
    pickle.extend(b"}.");
    Ok(pickle)
}

/// The share of files below which the allow-list is too short.
const LEAST: f64 = 0.985;
