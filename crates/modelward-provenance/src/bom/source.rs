//! Where a model was had from: a repository of the Hugging Face Hub, and which state of it.

use super::text::percent_encoded;

/// A repository of models, `org/name` or `name`, at a revision where that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// User or organisation; the oldest repositories have none.
    pub owner: Option<String>,
    /// Name of the repository.
    pub name: String,
    /// Commit, 40 hexadecimal digits in lower case.
    pub revision: Option<String>,
}

impl Source {
    /// A repository as it is named on the Hub: `org/name`, `name`.
    pub fn repository(text: &str) -> Option<Self> {
        let (owner, name) = match text.split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (None, text),
        };
        let fits = is_repository_name(name) && owner.is_none_or(is_repository_name);
        fits.then(|| Self { owner: owner.map(Into::into), name: name.into(), revision: None })
    }

    /// A source as users write it: `hf:org/name@revision`; the revision may be left out.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected `hf:OWNER/NAME@COMMIT`, found `{text}`");
        let rest = text.strip_prefix("hf:").ok_or_else(expected)?;
        let (name, revision) = match rest.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (rest, None),
        };
        let source = Self::repository(name).ok_or_else(expected)?;
        let Some(revision) = revision else { return Ok(source) };
        let revision = commit(revision).ok_or_else(|| {
            format!("expected a commit of 40 hexadecimal digits behind `@`, found `{revision}`")
        })?;
        Ok(Self { revision: Some(revision), ..source })
    }

    /// The repository whose place in a Hugging Face cache a path lies in:
    /// `models--org--name/snapshots/COMMIT`.
    pub fn of_cache(path: &str) -> Option<Self> {
        let steps = path.split(['/', '\\']).collect::<Vec<_>>();
        let at = steps.iter().rposition(|step| step.starts_with(CACHED))?;
        let name = steps.get(at)?.strip_prefix(CACHED)?.replace("--", "/");
        let source = Self::repository(&name)?;
        let revision = match steps.get(at.checked_add(1)?..) {
            Some(["snapshots", revision, ..]) => commit(revision),
            _ => None,
        };
        Some(Self { revision, ..source })
    }

    /// The repository that an address of the Hub names: `https://huggingface.co/org/name`.
    pub fn of_address(address: &str) -> Option<Self> {
        let rest = address.trim().strip_prefix("https://huggingface.co/")?.trim_end_matches('/');
        let mut steps = rest.split('/');
        let (owner, name) = (steps.next()?, steps.next());
        let known = !["datasets", "spaces", "models", "docs", "papers"].contains(&owner);
        let text = name.map_or_else(|| owner.to_owned(), |name| format!("{owner}/{name}"));
        Self::repository(&text).filter(|_| known)
    }

    /// Its package URL, of the type `huggingface`: the revision is the version, in lower case.
    pub fn purl(&self) -> String {
        let mut purl = "pkg:huggingface/".to_owned();
        if let Some(owner) = &self.owner {
            purl.push_str(&percent_encoded(owner));
            purl.push('/');
        }
        purl.push_str(&percent_encoded(&self.name));
        if let Some(revision) = &self.revision {
            purl.push('@');
            purl.push_str(revision);
        }
        purl
    }

    /// Its address on the Hub.
    pub fn address(&self) -> String {
        let owner = self.owner.as_ref().map(|owner| format!("{owner}/")).unwrap_or_default();
        let tree = self.revision.as_ref().map(|revision| format!("/tree/{revision}"));
        format!("https://huggingface.co/{owner}{}{}", self.name, tree.unwrap_or_default())
    }
}

/// A commit of git in full, in lower case.
fn commit(text: &str) -> Option<String> {
    let whole = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then(|| text.to_ascii_lowercase())
}

/// Whether the Hub allows the name: letters, digits, `-`, `_` and `.`, at most 96, no `--` or `..`.
fn is_repository_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=96).contains(&name.len())
        && name.bytes().all(letters)
        && !name.contains("--")
        && !name.contains("..")
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.'])
}

const CACHED: &str = "models--";

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "559062ad13d311b87b2c455e67dcd5f1c8f65111";

    #[test]
    fn package_urls_are_those_of_the_specification() {
        // purl-spec, type `huggingface`: its examples.
        for (source, purl) in [
            ("hf:microsoft/deberta-v3-base", "pkg:huggingface/microsoft/deberta-v3-base"),
            ("hf:distilbert-base-uncased", "pkg:huggingface/distilbert-base-uncased"),
        ] {
            assert_eq!(Source::parse(source).unwrap().purl(), purl);
            let at = Source::parse(&format!("{source}@{}", COMMIT.to_uppercase())).unwrap();
            assert_eq!(at.purl(), format!("{purl}@{COMMIT}"));
        }
    }

    #[test]
    fn what_is_no_source_is_refused() {
        for text in
            ["microsoft/x", "hf:", "hf:a/b/c", "hf:a/b@main", "hf:../b", "hf:a b", "hf:a/--b"]
        {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_place_in_a_cache_names_its_repository() {
        let path = format!("/c/hub/models--org--tiny/snapshots/{COMMIT}/sub/config.json");
        assert_eq!(
            Source::of_cache(&path).unwrap().purl(),
            format!("pkg:huggingface/org/tiny@{COMMIT}")
        );
        assert_eq!(Source::of_cache("hub/models--gpt2").unwrap().purl(), "pkg:huggingface/gpt2");
        assert!(Source::of_cache("hub/datasets--a--b/snapshots/x").is_none());
        let address = |text| Source::of_address(text).map(|source| source.address());
        assert_eq!(
            address("https://huggingface.co/a/b/"),
            Some("https://huggingface.co/a/b".into())
        );
        assert!(
            address("https://huggingface.co/datasets/b").is_none()
                && address("https://x.y/a/b").is_none()
        );
    }
}
