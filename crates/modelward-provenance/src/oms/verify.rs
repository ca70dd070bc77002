//! Verifying a model against its signature.

use std::path::Path;

use crate::{
    Defect, Kind, Trouble,
    digest::Digest,
    oms::{
        compare::{self, Counts, State, Verified},
        outside,
        request::{Exclusions, Request, exclusions},
        statement::{Serialization, Statement},
        trust::{self, SignedBy},
    },
    tree::{self, Tree},
};

/// What verifying came to.
#[derive(Debug, Default)]
pub struct Verification {
    /// Who signed, where the signature holds.
    pub signed_by: Option<SignedBy>,
    /// The name that the signer gave the model.
    pub subject: String,
    /// The root that was signed; statements of model-signing 0.2.0 have none.
    pub root: Option<Digest>,
    /// How the files were hashed.
    pub serialization: Option<Serialization>,
    /// How many files came out how.
    pub counts: Counts,
    /// The files, in the order of their names.
    pub files: Vec<Verified>,
    /// What is wrong, the worst first.
    pub defects: Vec<Defect>,
    /// What was not verified, and why.
    pub unread: Vec<(String, String)>,
    /// Paths that the signer left out, and that are there.
    pub excluded: Vec<String>,
    /// Paths that the user left out, and that are there.
    pub ignored: Vec<String>,
}

/// Verify a model: its signature first, and the files only where that holds.
///
/// # Errors
/// Where the model is not there or cannot be listed, or where a path to leave out is none.
pub fn verify(
    target: &Path,
    bundle: &[u8],
    request: &Request<'_>,
) -> Result<Verification, Trouble> {
    let ignore = exclusions(request.ignore)?;
    let (opened, defects) = trust::open_any(bundle, &request.trust);
    let mut verification = Verification { defects, ..Verification::default() };
    let Some(opened) = opened else { return Ok(verification) };
    let statement = match Statement::read(&opened.payload) {
        Ok(statement) if opened.old && !statement.old => {
            verification.defects.push(trust::old_encoding());
            return Ok(verification);
        }
        Ok(statement) => statement,
        Err(why) => {
            verification.defects.push(Defect::of_signature(Kind::StatementUnsound, why));
            return Ok(verification);
        }
    };
    verification.signed_by = Some(opened.signed_by);
    let exclusions = match of_statement(&statement) {
        Ok(exclusions) => exclusions,
        Err(why) => {
            verification.defects.push(Defect::of_signature(Kind::StatementUnsound, why));
            return Ok(verification);
        }
    };
    // What is signed as part of the model is no signature of it, wherever the user has it from.
    let is_part = |path: &Path| {
        tree::below(target, path).is_some_and(|name| statement.files.contains_key(&name))
    };
    let without = request.signatures.iter().filter(|path| !is_part(path));
    let without = without.filter_map(|path| tree::identity(path)).collect::<Vec<_>>();
    let options = tree::Options {
        exclusions: exclusions.union(&ignore).cloned().collect(),
        follow: statement.serialization.allow_symlinks,
        without: without.clone(),
    };
    let tree = Tree::list(target, &options)?;
    if tree.files.is_empty() && tree.odd.is_empty() && tree.excluded.is_empty() {
        return Err(Trouble::new(format!(
            "expected a model in `{}`, found nothing",
            target.display()
        )));
    }
    let compared = compare::compare(&statement, &tree, request);
    verification.defects.extend(compared.defects);
    let excluded = tree.excluded.iter().filter(|path| !ignore.contains(*path));
    let excluded = excluded.cloned().collect::<Vec<_>>();
    verification.defects.extend(outside::of(&tree, &excluded, &without));
    verification.ignored = tree.excluded.into_iter().filter(|path| ignore.contains(path)).collect();
    verification.excluded = excluded;
    verification.files = compared.files;
    verification.counts = compared.counts;
    verification.unread = compared.unread;
    verification.subject = statement.subject;
    verification.root = statement.root;
    verification.serialization = Some(statement.serialization);
    Ok(verification)
}

/// What a statement leaves out: its own paths, and what always is unless it is signed all the same.
fn of_statement(statement: &Statement) -> Result<Exclusions, String> {
    let own = &statement.serialization.ignore_paths;
    let signed_below = |path: &str| {
        let below = format!("{path}/");
        let first = statement.files.range(below.clone()..).next();
        let below = first.filter(|(file, _)| file.starts_with(&below));
        statement.files.get_key_value(path).or(below).map(|(file, _)| file.as_str())
    };
    if let Some((path, file)) = own.iter().find_map(|path| Some((path, signed_below(path)?))) {
        let file = crate::oms::json::brief(file);
        return Err(format!("`{file}` is signed, and `{path}` of `ignore_paths` leaves it out"));
    }
    let defaults = tree::DEFAULT_EXCLUSIONS.iter().filter(|path| signed_below(path).is_none());
    Ok(own.iter().cloned().chain(defaults.map(|path| (*path).to_owned())).collect())
}

impl Verification {
    /// The files that are what was signed.
    pub fn matching(&self) -> impl Iterator<Item = &Verified> {
        self.files.iter().filter(|file| file.state == State::Match)
    }
}

#[cfg(test)]
mod tests;
