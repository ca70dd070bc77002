//! What credentials look like: the fixed prefixes that their issuers gave them so that they can be found.
//!
//! The forms are here and not with a rule, since whatever reads text asks for them: the files of a model,
//! the cells of a data set, the reports that must not repeat them.

use std::{borrow::Cow, ops::Range};

use memchr::memmem;

use crate::Bytes;

mod forms;

pub use self::forms::{CLOUD_KEYS, FAMILIES, HUB_TOKENS, PRIVATE_KEYS, SERVICE_TOKENS};

/// What tokens of one issuer look like.
#[derive(Debug)]
pub struct Form {
    /// What it is, with its article.
    pub what: &'static str,
    /// What it begins with.
    pub prefix: &'static str,
    /// The letters behind the prefix.
    pub alphabet: fn(u8) -> bool,
    /// How many of them there are: at least, at most.
    pub length: (usize, usize),
}

/// A token that was found.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Offset of its first byte.
    pub at: u64,
    /// What it is, with its article.
    pub what: &'static str,
    /// Its first letters.
    pub head: String,
    /// How long it is, in bytes.
    pub length: usize,
}

/// The first token in a text that has any of the forms of [`FAMILIES`]: where it stands, and what it is.
pub fn in_text(text: &str, from: usize) -> Option<(Range<usize>, &'static Form)> {
    let bytes = text.as_bytes();
    // No form is shorter than this, and most cells are.
    if bytes.len().saturating_sub(from) < SHORTEST {
        return None;
    }
    let mut before = from.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    for (at, &byte) in bytes.iter().enumerate().skip(from) {
        let fresh = !before.is_ascii_alphanumeric();
        before = byte;
        if !fresh || !BEGINNINGS.contains(&byte) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let forms = FAMILIES.iter().copied().flatten();
        let found = forms
            .filter(|form| rest.starts_with(form.prefix.as_bytes()))
            .find_map(|form| Some((token(form, rest)?, form)));
        if let Some((token, form)) = found {
            return Some((at..at.saturating_add(token.len()), form));
        }
    }
    None
}

/// A text without the credentials in it: of each the beginning is left, that tells its owner which it is.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let Some(mut found) = in_text(text, 0) else { return Cow::Borrowed(text) };
    let (mut safe, mut done) = (String::new(), 0);
    loop {
        let (range, form) = found;
        safe.push_str(text.get(done..range.start).unwrap_or_default());
        safe.push_str(form.prefix);
        safe.push_str("...");
        done = range.end;
        match in_text(text, done) {
            Some(next) => found = next,
            None => break,
        }
    }
    safe.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(safe)
}

/// Every token of these forms, in order. What stands for a token in a manual is none.
pub fn find(bytes: &Bytes, forms: &[Form]) -> Vec<Found> {
    let mut found = Vec::new();
    for form in forms {
        let finder = memmem::Finder::new(form.prefix);
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes.len().saturating_sub(at).min(WINDOW as u64);
            // Bytes that cannot be read are a gap of the file, noted where it was read.
            let Ok(window) = bytes.take(at, length) else { break };
            let is_last = at.saturating_add(length) >= bytes.len();
            for start in finder.find_iter(&window) {
                // What begins near either end is whole in the window beside.
                if (at > 0 && start == 0) || (!is_last && start >= WINDOW - OVERLAP) {
                    continue;
                }
                let absolute = at.saturating_add(start as u64);
                let before = start.checked_sub(1).and_then(|before| window.get(before));
                let fresh = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
                let rest = window.get(start..).unwrap_or_default();
                if let Some(token) = token(form, rest).filter(|_| fresh) {
                    found.push(Found {
                        at: absolute,
                        what: form.what,
                        head: token.chars().take(SHOWN.max(form.prefix.len())).collect(),
                        length: token.len(),
                    });
                }
            }
            if is_last {
                break;
            }
            // One byte more, that tells whether a token begins a word.
            at = at.saturating_add((WINDOW - OVERLAP - 1) as u64);
        }
    }
    found.sort_by_key(|found| found.at);
    found.dedup();
    found
}

/// The token of this form at the start of some bytes.
fn token<'a>(form: &Form, bytes: &'a [u8]) -> Option<&'a str> {
    let body = bytes.get(form.prefix.len()..)?;
    let (least, most) = form.length;
    // One letter too many is enough to know: a text of prefixes alone would else be walked from each of them.
    let letters = body.iter().take(most.saturating_add(1));
    let length = letters.take_while(|&&byte| (form.alphabet)(byte)).count();
    if length < least || length > most {
        return None;
    }
    let token = std::str::from_utf8(bytes.get(..form.prefix.len().checked_add(length)?)?).ok()?;
    let body = token.get(form.prefix.len()..)?;
    (!is_placeholder(body)).then_some(token)
}

/// Whether letters stand for a secret: an example of a manual, one letter over and over, the
/// alphabet in order.
fn is_placeholder(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    let mut letters = lower.bytes().collect::<Vec<_>>();
    let runs = letters.windows(2).filter(|pair| matches!(pair, [a, b] if a == b)).count();
    let repeats = runs.saturating_mul(2) > letters.len();
    letters.sort_unstable();
    letters.dedup();
    let few = letters.len() < 6.min(body.len());
    let words = ["example", "xxxx", "your", "token", "placeholder", "abcdefgh", "12345678"];
    few || repeats || words.iter().any(|word| lower.contains(word))
}

/// What the prefixes of [`FAMILIES`] begin with.
const BEGINNINGS: &[u8] = b"-ASaghnprsx";
/// The least bytes of a token of [`FAMILIES`].
const SHORTEST: usize = 20;
const WINDOW: usize = 1 << 20;
const OVERLAP: usize = 512;
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form {
        what: "a token",
        prefix: "tk_",
        alphabet: |b| b.is_ascii_alphanumeric(),
        length: (8, 12),
    };

    #[test]
    fn a_token_is_found_wherever_it_lies_and_only_whole() {
        let bytes = |text: &[u8]| Bytes::from(text);
        let at = |text: &[u8]| find(&bytes(text), &[FORM]).iter().map(|f| f.at).collect::<Vec<_>>();
        assert_eq!(at(b"key = tk_aB3dE6gH9."), [6]);
        assert!(at(b"xtk_aB3dE6gH9").is_empty(), "part of a longer word");
        assert!(at(b"tk_aB3dE6gH9aB3dE6gH9").is_empty(), "too long");
        assert!(at(b"tk_xxxxxxxxxx tk_yourtoken1").is_empty(), "examples");
        let far = [vec![b' '; WINDOW - OVERLAP - 3], b"tk_aB3dE6gH9 ".to_vec(), vec![b' '; WINDOW]];
        assert_eq!(at(&far.concat()), [(WINDOW - OVERLAP - 3) as u64], "found once");
    }

    #[test]
    fn a_text_of_prefixes_is_walked_once() {
        // Without a bound on the body this is a walk to the end from each prefix: 10^12 steps.
        for prefix in ["sk-ant-", "pypi-", "xoxb-", "-----BEGIN PRIVATE KEY-----A"] {
            let text = prefix.repeat((8 << 20) / prefix.len());
            // What is left at the end is short enough for a token.
            let end = text.len() - 1000;
            assert!(in_text(&text, 0).is_none_or(|(at, _)| at.start > end), "{prefix}");
            let found = find(&Bytes::from(text.as_bytes()), SERVICE_TOKENS);
            let first = found.first().map(|found| found.at);
            assert!(
                first.is_none_or(|at| at > end as u64),
                "{prefix}: {first:?} of {}",
                text.len()
            );
        }
    }

    #[test]
    fn every_form_is_known_by_its_first_byte_and_its_length() {
        for form in FAMILIES.iter().copied().flatten() {
            let first = form.prefix.as_bytes()[0];
            assert!(BEGINNINGS.contains(&first), "{}", form.prefix);
            assert!(form.prefix.len() + form.length.0 >= SHORTEST, "{}", form.prefix);
        }
    }

    #[test]
    fn what_is_shown_holds_no_credential() {
        // Put together here, so that no scanner takes this file for a leak.
        let (key, token) = (
            ["AKIA", "Q3EGR7UXWP2MZK5D"].concat(),
            ["ghp", "_a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ"].concat(),
        );
        let text = format!("é {key}, {token} and the rest");
        assert_eq!(redacted(&text), "é AKIA..., ghp_... and the rest");
        assert!(matches!(redacted("nothing to hide here at all"), Cow::Borrowed(_)));
        let found = find(&Bytes::from(text.as_bytes()), SERVICE_TOKENS);
        assert_eq!(found.len(), 1);
    }
}
