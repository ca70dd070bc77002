//! Texts of strangers, made fit for a document.

/// The text on one line: what is no letter that shows, and what turns the direction of writing, is a
/// space, and spaces stand alone; at most `most` characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::new();
    let mut left = most;
    let mut blank = false;
    for letter in text.chars() {
        if letter.is_whitespace() || letter.is_control() || is_invisible(letter) {
            blank = !cleaned.is_empty();
            continue;
        }
        let needed = if blank { 2 } else { 1 };
        if left < needed {
            cleaned.push('…');
            return cleaned;
        }
        if blank {
            cleaned.push(' ');
        }
        blank = false;
        left = left.saturating_sub(needed);
        cleaned.push(letter);
    }
    cleaned
}

/// A text of at most 1024 characters; `None` where nothing of it shows.
pub(super) fn line(text: &str) -> Option<String> {
    Some(clean(text, 1024)).filter(|text| !text.is_empty())
}

/// A name of at most 256 characters; `None` where nothing of it shows.
pub(super) fn name(text: &str) -> Option<String> {
    Some(clean(text, 256)).filter(|text| !text.is_empty())
}

/// An address on the web that RFC 3986 has no doubt about; `None` for all else.
pub(super) fn address(text: &str) -> Option<String> {
    const FREE: &[u8] = b"-._~!$&'()*+,;=:@/?";
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (path, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let plain = |part: &str| {
        let mut bytes = part.bytes();
        let mut whole = true;
        while let Some(byte) = bytes.next() {
            let mut digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
            whole &= match byte {
                b'%' => digit() && digit(),
                byte => byte.is_ascii_alphanumeric() || FREE.contains(&byte),
            };
        }
        whole
    };
    let host = path.split(['/', '?']).next().unwrap_or_default();
    let named = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    (named && text.len() <= 2048 && plain(path) && plain(fragment)).then(|| text.to_owned())
}

/// Bytes that are free in an address as they are; all others as `%XX`.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Marks that do not show: of direction, of joining, of order.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_show_is_a_space() {
        assert_eq!(clean("  a\n\tb\u{202e}c\0 ", 99), "a b c");
        assert_eq!(clean("abc", 2), "ab…");
        assert_eq!(clean("\u{feff}\n", 9), "");
    }

    #[test]
    fn only_plain_addresses_are_addresses() {
        let url = "https://huggingface.co/a/b?c=d%20e#f";
        assert_eq!(address(url).as_deref(), Some(url));
        for text in [
            "javascript:x",
            "https://",
            "https://a b",
            "https://a/%zz",
            "LICENSE",
            "https://a/#b#c",
        ] {
            assert_eq!(address(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_clean_text_is_clean(text in "\\PC*|.*", most in 1_usize..40) {
            let cleaned = clean(&text, most);
            prop_assert!(cleaned.chars().count() <= most.saturating_add(1));
            prop_assert!(!cleaned.chars().any(char::is_control));
            prop_assert_eq!(clean(&cleaned, 99), cleaned.clone());
        }
    }
}
