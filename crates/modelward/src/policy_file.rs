//! The policy file, `modelward.toml`: read strictly, since a misspelt key that is ignored lets
//! through what the user meant to stop.
//!
//! ```toml
//! deny = "medium"
//!
//! [[allow]]
//! rule = "automatic-repository-code"
//! path = "config.json"
//! reason = "the code was read, commit 1a2b3c"
//!
//! [[pickle]]
//! entry = "my.package Settings : class"
//! reason = "our own class; it holds numbers"
//!
//! [[attack]]
//! model = "classifier.onnx"
//! data = "test.npz"
//! eps = "8/255"
//! fail-under = 0.4
//!
//! [[data]]
//! path = "train.parquet"
//! label = "y"
//! test = "test.parquet"
//! only = ["label-error", "trigger"]
//!
//! [provenance]
//! public-keys = ["keys/publisher.pem"]
//! cert-roots = ["keys/root.pem"]
//! expect-subject = "release bot"
//! trusted-root = "keys/trusted_root.json"
//! expect-identity = "release@example.org"
//! expect-issuer = "https://accounts.example.org"
//! require = true
//! ```

use std::{fmt, ops::Range, path::PathBuf};

use modelward_core::{AllowedName, AllowedRule, Experiment, Keyless, Policy, Severity, Signers};
use toml_edit::{Document, Item, TableLike, Value};

use crate::rules::{nearest, rule, rules};

/// The name under which a policy is looked for in the working directory.
pub(crate) const NAME: &str = "modelward.toml";

/// What is wrong with a policy file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What was expected, what came.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at line {}, column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for PolicyError {}

/// Read the text of a policy file.
pub fn parse_policy(text: &str) -> Result<Policy, PolicyError> {
    let reader = Reader { text };
    let document = Document::parse(text).map_err(|error| {
        let message = error.message().replace('\n', ", ");
        reader.error(error.span(), format!("cannot read this as TOML: {message}"), None)
    })?;
    let top = document.as_table();
    reader.keys(
        top,
        None,
        &["deny", "allow", "pickle", "attack", "certify", "data", "provenance"],
    )?;
    let mut policy = Policy::default();
    if let Some(item) = top.get("deny") {
        policy.deny = reader.level(item)?;
    }
    for (entry, span) in reader.entries(top, "allow")? {
        reader.keys(entry, span.clone(), &["rule", "path", "reason"])?;
        policy.rules.push(AllowedRule {
            rule: reader.rule(entry, span.clone())?,
            path: entry.get("path").map(|path| reader.text(path, "path")).transpose()?,
            reason: reader.required(entry, span, "reason")?,
        });
    }
    for (entry, span) in reader.entries(top, "pickle")? {
        reader.keys(entry, span.clone(), &["entry", "reason"])?;
        let name = AllowedName {
            entry: reader.required(entry, span.clone(), "entry")?,
            reason: reader.required(entry, span, "reason")?,
        };
        modelward_scan::check_name(&name.entry).map_err(|why| {
            let help = "for example `package.module Class : class`".to_owned();
            reader.error(entry.get("entry").and_then(Item::span), why, Some(help))
        })?;
        policy.names.push(name);
    }
    for (verb, of) in [("attack", "model"), ("certify", "model"), ("data", "path")] {
        for (entry, span) in reader.entries(top, verb)? {
            policy.experiments.push(Experiment {
                verb,
                model: reader.required(entry, span, of)?,
                options: reader.options(entry, of)?,
            });
        }
    }
    if let Some(item) = top.get("provenance") {
        policy.signers = reader.signers(item)?;
    }
    Ok(policy)
}

/// Reads items, and says where what is wrong with them stands.
struct Reader<'a> {
    text: &'a str,
}

type Span = Option<Range<usize>>;

impl Reader<'_> {
    fn keys(&self, table: &dyn TableLike, span: Span, known: &[&str]) -> Result<(), PolicyError> {
        for (key, _) in table.iter() {
            if !known.contains(&key) {
                let span = table.key(key).and_then(|key| key.span()).or(span);
                let help = nearest(key, known.iter().copied()).map_or_else(
                    || format!("the keys here are {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                return Err(self.error(span, format!("unknown key `{key}`"), Some(help)));
            }
        }
        Ok(())
    }

    /// The options of an experiment, as the command line takes them.
    fn options(
        &self,
        entry: &dyn TableLike,
        of: &str,
    ) -> Result<Vec<(String, Option<String>)>, PolicyError> {
        let mut options = Vec::new();
        for (key, item) in entry.iter().filter(|(key, _)| *key != of) {
            let value = match item.as_value() {
                Some(Value::Boolean(flag)) if *flag.value() => None,
                Some(Value::Boolean(_)) => continue,
                Some(Value::String(text)) => Some(text.value().clone()),
                Some(Value::Integer(number)) => Some(number.value().to_string()),
                Some(Value::Float(number)) => Some(number.value().to_string()),
                // What the command line takes with commas.
                Some(Value::Array(list)) if list.iter().all(|item| item.as_str().is_some()) => {
                    Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
                }
                _ => {
                    let message =
                        format!("expected a text, a number, true or a list of texts under `{key}`");
                    return Err(self.error(item.span(), message, None));
                }
            };
            options.push((key.to_owned(), value));
        }
        Ok(options)
    }

    /// Who may have signed, by paths as they are written.
    fn signers(&self, item: &Item) -> Result<Signers, PolicyError> {
        let Some(table) = item.as_table_like() else {
            let message = "expected a table under `provenance`".to_owned();
            let help = "write `[provenance]` above its keys".to_owned();
            return Err(self.error(item.span(), message, Some(help)));
        };
        let keys =
            [&["public-keys", "cert-roots", "expect-subject"][..], &KEYLESS[..], &["require"][..]];
        self.keys(table, item.span(), &keys.concat())?;
        let text = |key| table.get(key).map(|item| self.text(item, key)).transpose();
        let signers = Signers {
            keyless: self.keyless(table)?,
            public_keys: self.paths(table, "public-keys")?,
            cert_roots: self.paths(table, "cert-roots")?,
            expect_subject: text("expect-subject")?,
            require: match table.get("require") {
                None => false,
                Some(item) => item.as_bool().ok_or_else(|| {
                    let found = item.type_name();
                    let message = format!("expected true or false for `require`, found {found}");
                    self.error(item.span(), message, None)
                })?,
            },
        };
        if signers.expect_subject.is_some() && signers.cert_roots.is_empty() {
            let message = "`expect-subject` is of certificates under `cert-roots`".to_owned();
            let span = table.get("expect-subject").and_then(Item::span);
            return Err(self.error(span, message, Some("name the authority too".into())));
        }
        let Signers { public_keys, cert_roots, keyless, .. } = &signers;
        let nobody = public_keys.is_empty() && cert_roots.is_empty() && keyless.is_none();
        if signers.require && nobody {
            let message = "`require` asks for a signer, and none is named".to_owned();
            let help = "name `public-keys`, `cert-roots` or `trusted-root`".to_owned();
            return Err(self.error(table.get("require").and_then(Item::span), message, Some(help)));
        }
        if signers.require && !signers.cert_roots.is_empty() && signers.expect_subject.is_none() {
            let message =
                "`require` with `cert-roots` lets whoever has a certificate sign".to_owned();
            let help = "say who may: `expect-subject = \"...\"`".to_owned();
            return Err(self.error(table.get("require").and_then(Item::span), message, Some(help)));
        }
        Ok(signers)
    }

    /// Who may have signed without a key: whoever has an account somewhere gets a certificate, so that all
    /// three have to be said.
    fn keyless(&self, table: &dyn TableLike) -> Result<Option<Keyless>, PolicyError> {
        let mut texts = Vec::new();
        for key in KEYLESS {
            texts.extend(table.get(key).map(|item| self.text(item, key)).transpose()?);
        }
        match <[String; 3]>::try_from(texts) {
            Ok([trusted_root, identity, issuer]) => {
                Ok(Some(Keyless { trusted_root: trusted_root.into(), identity, issuer }))
            }
            Err(texts) if texts.is_empty() => Ok(None),
            Err(_) => {
                let missing = KEYLESS.into_iter().find(|key| table.get(key).is_none());
                let message = format!("expected `{}` too", missing.unwrap_or_default());
                let help = format!(
                    "a keyless signer is {}",
                    KEYLESS.map(|key| format!("`{key}`")).join(", ")
                );
                let there = KEYLESS.into_iter().find_map(|key| table.get(key));
                Err(self.error(there.and_then(Item::span), message, Some(help)))
            }
        }
    }

    fn paths(&self, table: &dyn TableLike, key: &str) -> Result<Vec<PathBuf>, PolicyError> {
        let Some(item) = table.get(key) else { return Ok(Vec::new()) };
        let paths = item.as_array().and_then(|list| {
            list.iter().map(|path| path.as_str().map(PathBuf::from)).collect::<Option<Vec<_>>>()
        });
        paths.ok_or_else(|| {
            let help = format!("for example `{key} = [\"publisher.pem\"]`");
            self.error(item.span(), format!("expected a list of paths for `{key}`"), Some(help))
        })
    }

    fn level(&self, item: &Item) -> Result<Severity, PolicyError> {
        let word = self.text(item, "deny")?;
        word.parse().map_err(|message| {
            let near = nearest(&word, Severity::ALL.map(Severity::name));
            self.error(item.span(), message, near.map(|near| format!("did you mean `{near}`?")))
        })
    }

    fn rule(&self, entry: &dyn TableLike, span: Span) -> Result<String, PolicyError> {
        let word = self.required(entry, span, "rule")?;
        if let Some(rule) = rule(&word) {
            return Ok(rule.name.to_owned());
        }
        let span = entry.get("rule").and_then(Item::span);
        let names = rules().iter().flat_map(|rule| [rule.name, rule.id]);
        let help = nearest(&word, names).map_or_else(
            || "`modelward rules` lists them".into(),
            |near| format!("did you mean `{near}`?"),
        );
        Err(self.error(span, format!("unknown rule `{word}`"), Some(help)))
    }

    fn entries<'t>(
        &self,
        top: &'t dyn TableLike,
        key: &str,
    ) -> Result<Vec<(&'t dyn TableLike, Span)>, PolicyError> {
        match top.get(key) {
            None => Ok(Vec::new()),
            Some(Item::ArrayOfTables(tables)) => {
                Ok(tables.iter().map(|table| (table as &dyn TableLike, table.span())).collect())
            }
            Some(item) => {
                let message = format!("expected a list of tables under `{key}`");
                let help = format!("write `[[{key}]]` above each entry");
                Err(self.error(item.span(), message, Some(help)))
            }
        }
    }

    fn required(
        &self,
        entry: &dyn TableLike,
        span: Span,
        key: &str,
    ) -> Result<String, PolicyError> {
        let Some(item) = entry.get(key) else {
            let help = match key {
                "reason" => "say why this is let through: whoever reads the report will ask",
                "path" => "name the data set: `path = \"train.parquet\"`",
                "model" => "name the model: `model = \"classifier.onnx\"`",
                "entry" => "name what the pickle may import: `entry = \"module Name : class\"`",
                _ => "name the rule that is let through: `rule = \"pickle-unlisted-call\"`",
            };
            let message = format!("expected the key `{key}`, found none");
            return Err(self.error(span, message, Some(help.into())));
        };
        let text = self.text(item, key)?;
        if text.trim().is_empty() {
            let message = format!("expected some words for `{key}`, found none");
            return Err(self.error(item.span(), message, None));
        }
        Ok(text)
    }

    fn text(&self, item: &Item, key: &str) -> Result<String, PolicyError> {
        item.as_str().map(Into::into).ok_or_else(|| {
            let found = item.type_name();
            self.error(item.span(), format!("expected a text for `{key}`, found {found}"), None)
        })
    }

    fn error(&self, span: Span, message: String, help: Option<String>) -> PolicyError {
        let start = span.map_or(0, |span| span.start);
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        PolicyError { line, column: column.saturating_add(1), message, help }
    }
}

/// The keys that name a keyless signer.
const KEYLESS: [&str; 3] = ["trusted-root", "expect-identity", "expect-issuer"];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, usize, String, String) {
        let PolicyError { line, column, message, help } = parse_policy(text).unwrap_err();
        (line, column, message, help.unwrap_or_default())
    }

    #[test]
    fn a_policy_is_read() {
        let policy = parse_policy(
            "deny = \"high\"\n[[allow]]\nrule = \"MW1009\"\npath = \"a.toml\"\nreason = \"ours\"\n\
             [[pickle]]\nentry = \"a B : class\"\nreason = \"ours\"\n",
        );
        let policy = policy.unwrap();
        assert_eq!(policy.deny, Severity::High);
        assert_eq!(policy.rules[0].rule, "policy-inside-target");
        assert_eq!(policy.names[0].entry, "a B : class");
    }

    #[test]
    fn signers_are_read() {
        let signers = |text: &str| parse_policy(&format!("[provenance]\n{text}"));
        let read = signers(
            "public-keys = [\"a.pem\"]\ncert-roots = [\"b.pem\"]\nrequire = true\nexpect-subject = \"c\"",
        );
        let read = read.unwrap().signers;
        assert_eq!(
            (read.public_keys, read.cert_roots),
            (vec!["a.pem".into()], vec!["b.pem".into()])
        );
        assert!(read.require && read.expect_subject.as_deref() == Some("c"));
        let (line, _, message, help) = refused("[provenance]\npublic-key = []");
        assert_eq!((line, &*message), (2, "unknown key `public-key`"));
        assert_eq!(help, "did you mean `public-keys`?");
        assert!(signers("public-keys = \"a.pem\"").is_err() && signers("require = 1").is_err());
        assert!(signers("require = true").is_err() && signers("expect-subject = \"c\"").is_err());
        let keyless = "trusted-root = \"r.json\"\nexpect-identity = \"a@b.c\"\nrequire = true\n";
        let whole = signers(&format!("{keyless}expect-issuer = \"https://d\"")).unwrap().signers;
        let keyless_signer = whole.keyless.unwrap();
        assert_eq!(keyless_signer.trusted_root, PathBuf::from("r.json"));
        assert_eq!((&*keyless_signer.identity, &*keyless_signer.issuer), ("a@b.c", "https://d"));
        let (line, _, message, _) = refused(&format!("[provenance]\n{keyless}"));
        assert_eq!((line, &*message), (2, "expected `expect-issuer` too"));
        assert!(parse_policy("provenance = 1").is_err());
    }

    #[test]
    fn each_mistake_has_its_place_and_its_advice() {
        let (line, column, message, help) = refused("deny = \"high\"\nalow = 1\n");
        assert_eq!((line, column, &*message), (2, 1, "unknown key `alow`"));
        assert_eq!(help, "did you mean `allow`?");
        let (line, column, message, help) = refused("deny = \"hihg\"");
        assert_eq!((line, column), (1, 8));
        assert!(message.starts_with("unknown level `hihg`") && help == "did you mean `high`?");
        let (line, _, message, help) =
            refused("[[allow]]\nrule = \"policy-inside-targt\"\nreason = \"x\"");
        assert_eq!((line, &*message), (2, "unknown rule `policy-inside-targt`"));
        assert_eq!(help, "did you mean `policy-inside-target`?");
        let (.., message, _) = refused("[[allow]]\nrule = \"MW1009\"");
        assert_eq!(message, "expected the key `reason`, found none");
        let (.., message, _) = refused("[[allow]]\nrule = \"MW1009\"\nreason = \" \"");
        assert_eq!(message, "expected some words for `reason`, found none");
        assert!(refused("deny = [").2.starts_with("cannot read this as TOML"));
        assert!(refused("[allow]\nrule = \"MW1009\"").2.starts_with("expected a list of tables"));
    }
}
