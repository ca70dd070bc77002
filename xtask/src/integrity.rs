//! The built command against a corpus of models and signatures, legal and hostile.
//!
//! The corpus holds its models as recipes, for no repository can hold a `.git`, names that differ in case
//! alone, or links out of it. Each row of its table names a signature, a model, whom to trust, and what
//! has to come of it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::command;

/// Hold the command to the corpus; false where an answer is wrong.
pub(crate) fn run(corpus: &Path, misses: bool) -> Result<bool, String> {
    // The command runs elsewhere.
    let corpus =
        &fs::canonicalize(corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let work = tempfile::tempdir().map_err(|error| error.to_string())?;
    unpack(&corpus.join("models.json"), work.path())?;
    let command = command::built()?;
    let table = corpus.join("expected.tsv");
    let table =
        fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let rows = table.lines().filter(|line| !line.starts_with('#')).map(Row::read);
    for row in rows {
        let row = row?;
        let (came, why) = row.judge(&command, corpus, work.path())?;
        let (right, all) = counts.entry(row.expected).or_default();
        *all = all.saturating_add(1);
        if came == row.expected {
            *right = right.saturating_add(1);
        }
        if came != row.expected || misses {
            let Row { bundle, model, flags, expected, .. } = row;
            println!("  {bundle} {model} {flags}: expected {expected}, came {came}: {why}");
        }
    }
    for (verdict, (right, all)) in &counts {
        println!("{verdict:<8} {right:>3} of {all}");
    }
    Ok(!counts.is_empty() && counts.values().all(|(right, all)| right == all))
}

/// A row of the table.
struct Row<'a> {
    bundle: &'a str,
    model: &'a str,
    trust: &'a str,
    flags: &'a str,
    expected: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Result<Self, String> {
        match line.split('\t').collect::<Vec<_>>()[..] {
            [bundle, model, trust, flags, expected, ..] => {
                Ok(Self { bundle, model, trust, flags, expected })
            }
            _ => Err(format!("expected five columns or more in `{line}`")),
        }
    }

    /// What came of it, and why.
    fn judge(
        &self,
        command: &Path,
        corpus: &Path,
        models: &Path,
    ) -> Result<(&'static str, String), String> {
        let keys = corpus.join("test-keys");
        let mut verify = Command::new(command);
        verify.arg("verify").arg(models.join(self.model)).arg("--signature");
        verify.arg(corpus.join("bundles").join(self.bundle));
        match self.trust.split_once(':') {
            Some(("key", name)) => {
                verify.arg("--public-key").arg(keys.join(format!("{name}.pub.pem")))
            }
            Some(("cert", name)) => verify.arg("--cert-root").arg(keys.join(format!("{name}.pem"))),
            _ => return Err(format!("expected `key:` or `cert:`, found `{}`", self.trust)),
        };
        let flags = self.flags.split_whitespace().filter(|flag| *flag != "-");
        verify.args(flags.map(|flag| match flag.starts_with("--") {
            true => flag.to_owned(),
            false => flag.replace('_', " "),
        }));
        // A policy of whoever runs this has no say.
        verify.args(["--format", "json"]).current_dir(models);
        let output = verify.output().map_err(|error| format!("{}: {error}", command.display()))?;
        let report = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        let findings =
            report.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |finding: &Value, key: &str| {
            finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let why =
            findings.iter().map(|each| format!("{} {}", text(each, "rule"), text(each, "message")));
        let mut why = why.collect::<Vec<_>>().join("; ");
        if findings.is_empty() {
            why.push_str(String::from_utf8_lossy(&output.stderr).trim());
        }
        let denied = findings.iter().any(|each| text(each, "verdict") == "deny");
        let of_family = findings.iter().any(|each| text(each, "rule").starts_with("MW2"));
        let notes = findings.iter().any(|each| text(each, "severity") == "low");
        let came = match output.status.code() {
            // What is not covered by any signature is told of in models that are accepted too.
            Some(0) if self.expected == "accept" && !denied => "accept",
            Some(0) if notes => "warn",
            Some(0) => "accept",
            Some(1) if of_family && denied => "reject",
            Some(2) if self.trust.starts_with("key") != self.bundle.contains("cert") => "failed",
            Some(2) => "reject",
            _ => "failed",
        };
        Ok((came, why))
    }
}

/// Write the models of the recipes.
fn unpack(recipes: &Path, into: &Path) -> Result<(), String> {
    let broken = |why: String| format!("{}: {why}", recipes.display());
    let text = fs::read(recipes).map_err(|error| broken(error.to_string()))?;
    let recipes =
        serde_json::from_slice::<Value>(&text).map_err(|error| broken(error.to_string()))?;
    let object =
        |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let contents = object(recipes.get("contents"));
    for (model, spec) in object(recipes.get("models")) {
        let folder = into.join(&model);
        for (name, ident) in object(spec.get("files")) {
            let content = ident.as_str().and_then(|ident| contents.get(ident)?.as_str());
            let content = content.and_then(|content| STANDARD.decode(content).ok());
            let content =
                content.ok_or_else(|| broken(format!("no content for `{model}/{name}`")))?;
            let path = place(&folder, &name)?;
            fs::write(&path, content)
                .map_err(|error| broken(format!("{}: {error}", path.display())))?;
        }
        for (name, target) in object(spec.get("links")) {
            let path = place(&folder, &name)?;
            let target = target.as_str().unwrap_or_default();
            link(target, &path).map_err(|error| broken(format!("{}: {error}", path.display())))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &str, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("the corpus needs links"))
}

/// Where a file of a recipe goes, with its folder made.
fn place(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let path = folder.join(name);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    Ok(path)
}
