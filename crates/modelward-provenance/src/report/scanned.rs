//! What the JSON report of a scan says (schema 1).

use std::collections::BTreeMap;

use crate::{
    digest::{Digest, Function},
    oms::json::{self, Number, Object, Value},
};

/// What a scan came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The version of the tool.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How many findings there are.
    pub findings: usize,
    /// How many of them the policy denied.
    pub denied: usize,
    /// How many of them the policy let through.
    pub allowed: usize,
    /// How many pieces were not read.
    pub unread: usize,
    /// SHA-256 of the rules.
    pub rules: Digest,
    /// SHA-256 of the policy.
    pub policy: Digest,
    /// The limits, by their names.
    pub limits: BTreeMap<String, u64>,
    /// SHA-256 of the files by their paths from the target down, where the scan computed it.
    pub(super) files: BTreeMap<String, Option<Digest>>,
}

/// The verdict of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was denied, and all was read.
    Clean,
    /// Something was denied.
    Denied,
    /// Something was not read.
    Unread,
}

impl Verdict {
    /// Its name, as reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Denied => "denied",
            Self::Unread => "unread",
        }
    }
}

impl Scanned {
    /// Read the bytes of a report.
    pub(super) fn of_report(bytes: &[u8]) -> Result<Self, String> {
        Self::read(json::read(bytes)?)
    }

    /// Read a report, of which fields that are not known here may be part.
    pub(super) fn read(report: Value<'_>) -> Result<Self, String> {
        let mut report = report.object("the report")?;
        match report.take("schema")? {
            Value::Number(Number::Whole(1)) => {}
            _ => return Err("expected a report of schema 1".into()),
        }
        let mut tool = report.take("tool")?.object("`tool`")?;
        let name = tool.take("name")?.text("the name of the tool")?.into_owned();
        if name != "modelward" {
            let name = json::brief(&name);
            return Err(format!("expected a report of `modelward`, found one of `{name}`"));
        }
        let version = tool.take("version")?.text("the version of the tool")?.into_owned();
        let targets = report.take("target")?.list("`target`")?.len();
        if targets != 1 {
            return Err(format!("expected a report about one target, found {targets}"));
        }
        let mut basis = report.take("basis")?.object("`basis`")?;
        let mut digest = |key: &str| sha256(&basis.take(key)?.text(key)?, key);
        let (rules, policy) = (digest("rules")?, digest("policy")?);
        let limits = basis.take("limits")?.object("`limits`")?.entries();
        let limits = limits.map(|(name, limit)| Ok((name.into_owned(), whole(limit)?)));
        let limits = limits.collect::<Result<_, String>>()?;
        let files = files(report.take("files")?)?;
        let verdicts = verdicts(report.take("findings")?)?;
        let count = |name: &str| verdicts.iter().filter(|verdict| *verdict == name).count();
        let (denied, allowed) = (count("deny"), count("allow"));
        let unread = report.take("unread")?.list("`unread`")?.len();
        let said = report.take("verdict")?.text("the verdict")?.into_owned();
        let verdict = match (denied, unread) {
            (0, 0) => Verdict::Clean,
            (0, _) => Verdict::Unread,
            _ => Verdict::Denied,
        };
        if said != verdict.name() {
            let (said, verdict) = (json::brief(&said), verdict.name());
            return Err(format!(
                "the verdict is said to be `{said}`, but what is in it gives `{verdict}`"
            ));
        }
        let findings = verdicts.len();
        Ok(Self {
            version,
            verdict,
            findings,
            denied,
            allowed,
            unread,
            rules,
            policy,
            limits,
            files,
        })
    }

    /// What the report says of the digest of a file, if it says anything of the file.
    pub(super) fn digest(&self, name: &str) -> Option<Option<&Digest>> {
        // A model of one file has the name that the user wrote, with folders before it.
        let only = self
            .files
            .iter()
            .next()
            .filter(|(path, _)| self.is_of_one_file() && path.rsplit('/').next() == Some(name));
        let found = self.files.get(name).or_else(|| only.map(|(_, digest)| digest));
        found.map(Option::as_ref)
    }

    pub(super) fn is_of_one_file(&self) -> bool {
        self.files.len() == 1
    }
}

fn files(list: Value<'_>) -> Result<BTreeMap<String, Option<Digest>>, String> {
    let mut files = BTreeMap::new();
    for file in list.list("`files`")? {
        let mut file = file.object("a file")?;
        let path = file.take("path")?.text("the path of a file")?.into_owned();
        let digest = match file.take("sha256")? {
            Value::Null => None,
            digest => Some(sha256(&digest.text("the digest of a file")?, &path)?),
        };
        if files.insert(path.clone(), digest).is_some() {
            return Err(format!("`{}` is there twice", json::brief(&path)));
        }
    }
    Ok(files)
}

/// What became of each finding.
fn verdicts(list: Value<'_>) -> Result<Vec<String>, String> {
    let verdict = |finding: Value<'_>| {
        let mut finding: Object<'_> = finding.object("a finding")?;
        Ok(finding.take("verdict")?.text("the verdict of a finding")?.into_owned())
    };
    list.list("`findings`")?.into_iter().map(verdict).collect()
}

fn whole(value: Value<'_>) -> Result<u64, String> {
    match value {
        Value::Number(Number::Whole(number)) => Ok(number),
        other => Err(format!("expected a whole number for a limit, found {}", other.kind())),
    }
}

/// A SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(text: &str, of: &str) -> Result<Digest, String> {
    Digest::parse(text, Function::Sha256).ok_or_else(|| {
        let (of, text) = (json::brief(of), json::brief(text));
        format!("expected 64 lower-case digits of sha256 for `{of}`, found `{text}`")
    })
}
