//! The policy of a run: where it is read from, and what of it was of no use.

use std::{fs, io, path::Path};

use modelward_core::{AllowedRule, Policy, Report, Signers, Verdict};

use crate::{
    LetThrough,
    cli::{Failure, Screen, output},
    content::cause,
    let_through,
    listing::shown,
    parse_policy,
    policy_file::NAME,
};

/// The policy that the user named, or the one in the working directory, unless that lies in a
/// target: there it may be the model's own.
pub(in crate::cli) fn of(
    named: Option<&Path>,
    targets: &[impl AsRef<Path>],
    quiet: bool,
    screen: Screen,
) -> Result<Policy, Failure> {
    let here = Path::new(NAME);
    match named {
        Some(path) => read(path),
        None if here.symlink_metadata().is_err() => Ok(Policy::default()),
        None if !targets.iter().any(|target| holds(target.as_ref(), here)) => read(here),
        None => {
            if !quiet {
                let message = "the policy in the working directory lies inside the target, so it is not obeyed";
                let help = "if it is your own, name it: `--policy modelward.toml`";
                output::warn(&Failure::new(message).at(NAME).help(help), screen);
            }
            Ok(Policy::default())
        }
    }
}

/// Name the entries that let nothing through in this run.
pub(super) fn note_unused(
    rules: &[AllowedRule],
    named: Option<&Path>,
    report: &Report,
    screen: Screen,
) {
    let file = named.unwrap_or(Path::new(NAME));
    for rule in rules.iter().filter(|rule| !matches_something(rule, report)) {
        output::note(&unmatched(rule, file), screen);
    }
}

/// Read a policy file.
pub(in crate::cli) fn read(path: &Path) -> Result<Policy, Failure> {
    let shown = shown(path);
    let text = read_text(path)?;
    let policy = parse_policy(&text).map_err(|error| {
        let failure =
            Failure::new(error.message).at(format!("{shown}:{}:{}", error.line, error.column));
        let example = "`modelward policy add --help` shows an entry of each kind";
        failure.help(error.help.unwrap_or_else(|| example.into()))
    });
    let mut policy = policy?;
    // What a policy names lies where it does.
    let folder = path.parent().unwrap_or(Path::new(""));
    let Signers { public_keys, cert_roots, keyless, .. } = &mut policy.signers;
    let trusted_root = keyless.as_mut().map(|keyless| &mut keyless.trusted_root);
    for named in public_keys.iter_mut().chain(cert_roots).chain(trusted_root) {
        *named = folder.join(&*named);
    }
    Ok(policy)
}

/// The text of a policy file, which a person wrote and which is therefore short.
pub(in crate::cli) fn read_text(path: &Path) -> Result<String, Failure> {
    let refused = |why: String| {
        let message = format!("cannot read the policy `{}`: {why}", shown(path));
        Failure::new(message)
            .at(shown(path))
            .help("name another with `--policy`, or write one with `modelward policy add`")
    };
    let real = fs::canonicalize(path).map_err(|error| refused(cause(&error)))?;
    let (file, _) =
        crate::content::open(&real).map_err(|refusal| refused(refusal.why.into_owned()))?;
    let mut text = String::new();
    let read = io::Read::read_to_string(&mut io::Read::take(file, LONGEST_POLICY), &mut text);
    read.map_err(|error| refused(cause(&error)))?;
    if text.len() as u64 == LONGEST_POLICY {
        return Err(refused(format!("expected at most {LONGEST_POLICY} bytes")));
    }
    Ok(text)
}

/// Whether a file lies in a target.
pub(in crate::cli) fn holds(target: &Path, file: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    match (real(target), real(file)) {
        (Some(target), Some(file)) => target.is_dir() && file.starts_with(target),
        _ => false,
    }
}

/// Whether an entry of the policy lets any finding through, be it that others do so too.
fn matches_something(rule: &AllowedRule, report: &Report) -> bool {
    let alone = Policy { rules: vec![rule.clone()], ..Policy::default() };
    report.judged.iter().any(|(finding, _)| matches!(alone.judge(finding), Verdict::Allow(_)))
}

fn unmatched(rule: &AllowedRule, file: &Path) -> Failure {
    let place = rule.path.as_ref().map(|path| format!(" in `{path}`")).unwrap_or_default();
    let message = format!("the policy lets `{}`{place} through, which was not found", rule.rule);
    let help = match (crate::rule(&rule.rule).map(let_through), &rule.path) {
        (Some(LetThrough::No), _) => "it is a gap, which no policy lets through; remove the entry",
        (_, Some(_)) => {
            "a path is matched by its last whole components; remove what is needed no more"
        }
        (_, None) => "remove the entry if it is needed no more",
    };
    Failure::new(message).at(shown(file)).help(help)
}

const LONGEST_POLICY: u64 = 1 << 20;
