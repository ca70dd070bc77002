//! Finding credentials by the fixed prefixes that their issuers gave them for this purpose.

use memchr::memmem;
use modelward_formats::Bytes;

/// What tokens of one issuer look like.
#[derive(Debug)]
pub(crate) struct Form {
    /// What it is, with its article.
    pub(crate) what: &'static str,
    /// What it begins with.
    pub(crate) prefix: &'static str,
    /// The letters behind the prefix.
    pub(crate) alphabet: fn(u8) -> bool,
    /// How many of them there are: at least, at most.
    pub(crate) length: (usize, usize),
}

/// A token that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Offset of its first byte.
    pub(crate) at: u64,
    pub(crate) what: &'static str,
    /// Its first letters.
    pub(crate) head: String,
    /// How long it is, in bytes.
    pub(crate) length: usize,
}

/// Every token of these forms, in order. What stands for a token in a manual is none.
pub(crate) fn find(bytes: &Bytes, forms: &[Form]) -> Vec<Found> {
    let mut found = Vec::new();
    for form in forms {
        let finder = memmem::Finder::new(form.prefix);
        let mut at = 0;
        while at < bytes.len() {
            let length = bytes.len().saturating_sub(at).min(WINDOW as u64);
            // Bytes that cannot be read are a gap of the file, noted where it was read.
            let Ok(window) = bytes.take(at, length) else { break };
            for start in finder.find_iter(&window) {
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
            at = at.saturating_add(WINDOW.saturating_sub(OVERLAP) as u64);
        }
    }
    found.sort_by_key(|found| found.at);
    found.dedup();
    found
}

/// The token of this form at the start of some bytes.
fn token<'a>(form: &Form, bytes: &'a [u8]) -> Option<&'a str> {
    let body = bytes.get(form.prefix.len()..)?;
    let length = body.iter().take_while(|&&byte| (form.alphabet)(byte)).count();
    let (least, most) = form.length;
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
}
