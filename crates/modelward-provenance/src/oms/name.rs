//! Names of files in a statement: relative, in one spelling (OpenSSF Model Signing v1.0, sections 6.1
//! and 6.2).

/// What is wrong with the name of a file, if anything.
pub(crate) fn flaw(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("an empty name");
    }
    if name.contains('\0') {
        return Some("a name with a NUL");
    }
    if name.starts_with('/') {
        return Some("an absolute name");
    }
    name.split('/').find_map(|step| match step {
        "" => Some("a name with an empty component"),
        "." => Some("a name with the component `.`"),
        ".." => Some("a name with the component `..`"),
        _ => None,
    })
}

/// What is wrong with a path that is left out, if anything.
pub(crate) fn exclusion_flaw(path: &str) -> Option<&'static str> {
    if path.contains(['*', '?', '[']) {
        return Some("a pattern, where an exact path is expected");
    }
    if path.contains('\\') {
        return Some("a backslash, where `/` divides components");
    }
    flaw(path)
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn lies_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_and_plain() {
        for good in ["a", "a/b", ".git", "a\\b", "co:lon", "..a", "ä ö", "a*"] {
            assert_eq!(flaw(good), None, "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", ".", "./a", "..", "a/../b", "a/.", "a\0"] {
            assert!(flaw(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn exclusions_are_exact_paths() {
        for bad in ["*.bin", "a?", "[a]", "/a", "a/", ".", "./", "..", "", "a\\b"] {
            assert!(exclusion_flaw(bad).is_some(), "{bad}");
        }
        assert_eq!(exclusion_flaw("sub/a.txt"), None);
        assert!(lies_in("a/b", "a") && lies_in("a", "a") && !lies_in("ab", "a"));
    }
}
