//! Resources: the files of a statement, or pieces of them (OpenSSF Model Signing v1.0, sections 5.2
//! and 6.3).

use std::{borrow::Cow, collections::BTreeMap, num::NonZeroU64};

use crate::{
    digest::{Digest, Function},
    oms::{json, method::Method, name},
};

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The file, and for a piece the range, `path:start:end`.
    pub(crate) name: String,
    /// The digest of its bytes.
    pub(crate) digest: Digest,
}

/// The digests of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Of all its bytes.
    Whole(Digest),
    /// Of its pieces in order.
    Shards {
        /// Bytes of the file.
        bytes: u64,
        /// One for each piece; none for an empty file, which a statement leaves out.
        digests: Vec<Digest>,
    },
}

/// The files that resources stand for: each once, and whole.
pub(crate) fn files(
    listed: Vec<Resource>,
    method: Method,
) -> Result<BTreeMap<String, Parts>, String> {
    let alone = listed.len();
    match method {
        Method::Files => {
            let mut files = BTreeMap::new();
            for Resource { name, digest } in listed {
                check(&name, alone == 1)?;
                if files.contains_key(&name) {
                    return Err(format!("the resource `{}` is listed twice", json::brief(&name)));
                }
                files.insert(name, Parts::Whole(digest));
            }
            Ok(files)
        }
        Method::Shards(size) => shards(listed, size),
    }
}

/// The files of pieces, which have to follow one another without a gap, each of `size` bytes but
/// the last, wherever they stand in the list.
fn shards(listed: Vec<Resource>, size: NonZeroU64) -> Result<BTreeMap<String, Parts>, String> {
    let mut ranges: BTreeMap<String, BTreeMap<u64, (u64, Digest)>> = BTreeMap::new();
    for Resource { name, digest } in listed {
        let (path, start, end) = range(&name).ok_or_else(|| {
            format!("expected a piece `path:start:end`, found `{}`", json::brief(&name))
        })?;
        let pieces = ranges.entry(path.to_owned()).or_default();
        if pieces.insert(start, (end, digest)).is_some() {
            return Err(format!("`{}` begins where another piece does", json::brief(&name)));
        }
    }
    let alone = ranges.len() == 1;
    let mut files = BTreeMap::new();
    for (path, pieces) in ranges {
        check(&path, alone)?;
        let shown = json::brief(&path);
        let (mut bytes, mut digests) = (0_u64, Vec::with_capacity(pieces.len()));
        for (start, (end, digest)) in pieces {
            if start != bytes {
                let what = if start < bytes { "overlap" } else { "leave a gap" };
                return Err(format!("the pieces of `{shown}` {what} at byte {start}"));
            }
            // What comes before the last piece is whole, so every piece begins at a multiple.
            if !start.is_multiple_of(size.get()) {
                return Err(format!("the pieces of `{shown}` are not of {size} bytes each"));
            }
            let long = end.checked_sub(start).filter(|long| *long > 0 && *long <= size.get());
            if long.is_none() {
                return Err(format!("`{shown}:{start}:{end}` is no piece of 1 to {size} bytes"));
            }
            bytes = end;
            digests.push(digest);
        }
        files.insert(path, Parts::Shards { bytes, digests });
    }
    Ok(files)
}

/// The path and the range of a piece. A path may hold colons: the last two divide.
fn range(name: &str) -> Option<(&str, u64, u64)> {
    let (rest, end) = name.rsplit_once(':')?;
    let (path, start) = rest.rsplit_once(':')?;
    Some((path, offset(start)?, offset(end)?))
}

/// An offset in its only spelling: digits, with no sign and no zero in front.
fn offset(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    (plain && !leading).then(|| text.parse().ok()).flatten()
}

/// Whether a name may stand for a file. The reference tool writes `.` for a model of one file.
fn check(name: &str, alone: bool) -> Result<(), String> {
    match name::flaw(name) {
        Some(_) if alone && name == "." => Ok(()),
        Some(flaw) => Err(format!("the resource `{}` is {flaw}", json::brief(name))),
        None => Ok(()),
    }
}

/// The resources of files, in the order of their names by code point.
pub(crate) fn write(
    files: &BTreeMap<String, Parts>,
    method: Method,
) -> Vec<(Cow<'_, str>, &Digest)> {
    let mut listed = Vec::with_capacity(files.len());
    for (name, parts) in files {
        match (parts, method) {
            (Parts::Whole(digest), _) => listed.push((Cow::Borrowed(name.as_str()), digest)),
            (Parts::Shards { bytes, digests }, Method::Shards(size)) => {
                let mut start = 0_u64;
                for digest in digests {
                    let end = start.saturating_add(size.get()).min(*bytes);
                    listed.push((Cow::Owned(format!("{name}:{start}:{end}")), digest));
                    start = end;
                }
            }
            (Parts::Shards { .. }, Method::Files) => {}
        }
    }
    listed.sort_by(|(a, _), (b, _)| a.cmp(b));
    listed
}

/// A digest of a function, in lower-case hexadecimal.
pub(super) fn digest(text: &str, function: Function, of: &str) -> Result<Digest, String> {
    Digest::parse(text, function).ok_or_else(|| {
        let digits = function.size().saturating_mul(2);
        let (name, of, text) = (function.name(), json::brief(of), json::brief(text));
        format!("expected {digits} lower-case digits of {name} for `{of}`, found `{text}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;

    fn shards_of(names: &[&str], size: u64) -> Result<BTreeMap<String, Parts>, String> {
        let digest = digest::of(Function::Sha256, b"");
        let listed =
            names.iter().map(|name| Resource { name: (*name).into(), digest: digest.clone() });
        files(listed.collect(), Method::Shards(NonZeroU64::new(size).unwrap()))
    }

    #[test]
    fn pieces_make_whole_files() {
        let files = shards_of(&["b:10:13", "a:b:0:10", "b:0:10"], 10).unwrap();
        let bytes = |name: &str| match &files[name] {
            Parts::Shards { bytes, digests } => (*bytes, digests.len()),
            Parts::Whole(_) => unreachable!(),
        };
        assert_eq!((bytes("b"), bytes("a:b")), ((13, 2), (10, 1)));
        let size = NonZeroU64::new(10).unwrap();
        let written = write(&files, Method::Shards(size));
        let names = written.iter().map(|(name, _)| name.as_ref()).collect::<Vec<_>>();
        assert_eq!(names, ["a:b:0:10", "b:0:10", "b:10:13"]);
    }

    #[test]
    fn pieces_that_make_no_file_are_refused() {
        let cases: &[&[&str]] = &[
            &["a"],
            &["a:0"],
            &["a:0:0"],
            &["a:10:0"],
            &["a:0:11"],
            &["a:10:20"],
            &["a:0:10", "a:20:30"],
            &["a:0:10", "a:5:15"],
            &["a:0:10", "a:0:10"],
            &["a:0:5", "a:5:10"],
            &["a:00:10"],
            &["a:+0:10"],
            &["a:-0:10"],
            &["a: 0:10"],
            &["a:0:010"],
            &["a:0:18446744073709551616"],
            &[":0:10"],
            &["../a:0:10"],
            &["a::10"],
            &[".:0:10", "a:0:10"],
        ];
        for names in cases {
            assert!(shards_of(names, 10).is_err(), "{names:?}");
        }
        assert!(shards_of(&[".:0:10"], 10).is_ok());
        assert!(shards_of(&["a:0:1"], u64::MAX).is_ok());
    }
}
