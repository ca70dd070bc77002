//! Where unpacking a name leads, on the systems that models are unpacked on.

/// Why a member of this name would be written outside of the folder it is unpacked into.
pub(super) fn escape(name: &[u8]) -> Option<&'static str> {
    if name.first().is_some_and(is_separator) {
        return Some("an absolute path");
    }
    if let [drive, b':', ..] = name
        && drive.is_ascii_alphabetic()
    {
        return Some("a path with a drive letter");
    }
    if name.contains(&0) {
        return Some("a path with a zero byte, behind which some readers see nothing");
    }
    if steps(name).any(|step| step == b"..") {
        return Some("a path that climbs with `..`");
    }
    None
}

/// Why a link of this name to this target leads out of the folder it is unpacked into.
pub(super) fn link_escape(name: &[u8], target: &[u8]) -> Option<&'static str> {
    match escape(target) {
        Some("a path that climbs with `..`") => {}
        other => return other,
    }
    let mut depth: i64 = -1;
    for _ in steps(name) {
        depth = depth.saturating_add(1);
    }
    for step in steps(target) {
        depth = depth.saturating_add(if step == b".." { -1 } else { 1 });
        if depth < 0 {
            return Some("a path that climbs out with `..`");
        }
    }
    None
}

/// The steps of a path under either separator, without those that mean nothing.
pub(super) fn steps(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    name.split(is_separator).filter(|step| !step.is_empty() && *step != b".")
}

fn is_separator(byte: &u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_inside_passes() {
        for name in ["a", "a/b", "./a", "a/..b", "..a", "a..", "é/ü"] {
            assert_eq!(escape(name.as_bytes()), None, "{name}");
        }
        for name in ["/a", "\\a", "C:a", "c:\\a", "../a", "a/../../b", "a\\..\\b", "a/..", "a\0b"] {
            assert!(escape(name.as_bytes()).is_some(), "{name}");
        }
    }

    #[test]
    fn a_link_may_climb_no_farther_than_it_lies_deep() {
        for (name, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/e"), ("a/b", "..")] {
            assert_eq!(link_escape(name.as_bytes(), target.as_bytes()), None, "{name}");
        }
        for (name, target) in
            [("a", "../b"), ("a", ".."), ("a/b", "../../c"), ("a", "/etc"), ("a/b", "c/../../../d")]
        {
            assert!(link_escape(name.as_bytes(), target.as_bytes()).is_some(), "{name}");
        }
    }
}
