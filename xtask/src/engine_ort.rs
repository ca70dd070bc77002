//! The command with `--engine ort` against the corpus of models: ONNX Runtime runs each of them and its
//! gradient, in a process of its own, and is held to the known answers and to the own engine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use modelward_engine::{Limits, Tensor, npz};

use crate::engine::{apart, table};

/// Run every model; false where an answer is wrong.
pub(crate) fn run(corpus: &Path, library: &Path, only: Option<&str>) -> Result<bool, String> {
    let text = |error: std::io::Error| error.to_string();
    let own = std::env::current_exe().map_err(text)?;
    let work = std::env::temp_dir().join(format!("engine-ort-{}", std::process::id()));
    fs::create_dir_all(&work).map_err(text)?;
    let bench = Bench {
        program: own.with_file_name("modelward"),
        library: library.to_owned(),
        output: work.join("out.npz"),
    };
    let mut counts: BTreeMap<&str, [u32; 3]> = BTreeMap::new();
    for row in table(&corpus.join("models.tsv"))? {
        let name = &row["name"];
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let folder = corpus.join("models").join(name);
        let mut tell = |what: &'static str, found: Found| {
            let counts = counts.entry(what).or_default();
            let [right, findings, all] = counts;
            *all = all.saturating_add(1);
            *right = right.saturating_add(u32::from(found.wrong.is_empty()));
            *findings = findings.saturating_add(u32::from(found.finding));
            for why in found.wrong {
                println!("  {name} {what}: {}", why.chars().take(300).collect::<String>());
            }
        };
        // Quantised models: one quantisation step.
        let most = if name.starts_with("ort-") { 2e-2 } else { 1e-4 };
        tell("forward", bench.run(&folder, &["run"], "out.npz", most)?);
        if row["objective"] == "-" {
            continue;
        }
        let expected = npz::read_file(&folder.join("grad.npz"), &Limits::default());
        let expected = expected.map_err(|trouble| trouble.to_string())?;
        let by = expected.keys().filter_map(|key| key.strip_prefix("grad_"));
        let by = by.collect::<Vec<_>>().join(",");
        let mut arguments = vec!["grad".to_owned(), "--wrt".to_owned(), by];
        if row["objective"] != "ce" {
            let given = npz::read_file(&folder.join("in.npz"), &Limits::default());
            let given = given.map_err(|trouble| trouble.to_string())?;
            for output in given.keys().filter_map(|key| key.strip_prefix("seed_")) {
                arguments.extend(["--seed-output".to_owned(), output.to_owned()]);
            }
        }
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        tell("gradients", bench.run(&folder, &arguments, "grad.npz", 1e-3)?);
    }
    fs::remove_dir_all(&work).map_err(text)?;
    for (what, [right, findings, all]) in &counts {
        println!(
            "ONNX Runtime, {what}: {right} of {all} right, {findings} away from the own engine"
        );
    }
    Ok(counts.values().all(|[right, _, all]| right == all))
}

fn largest(tensor: &Tensor) -> f64 {
    let values = tensor.floats().unwrap_or_default();
    values.iter().fold(0.0_f64, |most, value| most.max(value.abs()))
}

/// What came of one run.
#[derive(Default)]
struct Found {
    wrong: Vec<String>,
    finding: bool,
}

struct Bench {
    program: PathBuf,
    library: PathBuf,
    output: PathBuf,
}

impl Bench {
    fn run(
        &self,
        folder: &Path,
        arguments: &[&str],
        expected: &str,
        most: f64,
    ) -> Result<Found, String> {
        let (verb, rest) = arguments.split_first().ok_or("no verb")?;
        let done = Command::new(&self.program)
            .args(["model", verb])
            .arg(folder.join("model.onnx"))
            .arg("--input")
            .arg(folder.join("in.npz"))
            .arg("-o")
            .arg(&self.output)
            .args(rest)
            .args(["--threads", "1", "--engine", "ort", "--ort-library"])
            .arg(&self.library)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        let mut found = Found { finding: done.status.code() == Some(1), ..Found::default() };
        if !matches!(done.status.code(), Some(0 | 1)) {
            found.wrong.push(String::from_utf8_lossy(&done.stderr).replace('\n', " "));
            return Ok(found);
        }
        if found.finding {
            let error = String::from_utf8_lossy(&done.stderr);
            let said = error.lines().filter(|line| line.starts_with("finding: "));
            said.for_each(|line| println!("    {}: {line}", folder.display()));
        }
        let text = |trouble: modelward_engine::Trouble| trouble.to_string();
        let expected = npz::read_file(&folder.join(expected), &Limits::default()).map_err(text)?;
        let got = npz::read_file(&self.output, &Limits::default()).map_err(text)?;
        let gradients = expected.iter().filter(|(name, _)| name.starts_with("grad_"));
        let largest_of_all = gradients.map(|(_, tensor)| largest(tensor)).fold(0.0, f64::max);
        for (name, expected) in &expected {
            // Of seeds there is no loss.
            if name == "loss" && arguments.contains(&"--seed-output") {
                continue;
            }
            // A gradient that is 0 but for rounding has no digits of its own.
            if name.starts_with("grad_") && largest(expected) < 1e-5 * largest_of_all {
                continue;
            }
            let Some(got) = got.get(name) else {
                found.wrong.push(format!("no `{name}`"));
                continue;
            };
            match apart(expected, got) {
                Ok(off) if off <= most => {}
                Ok(off) => found.wrong.push(format!("`{name}` is off by {off:.1e}")),
                Err(why) => found.wrong.push(format!("`{name}`: {why}")),
            }
        }
        Ok(found)
    }
}
