//! Texts as a reader sees them: what only a machine tells apart is made equal before texts are compared.

use unicode_normalization::UnicodeNormalization;

/// Whether a character is not seen: default-ignorable (Unicode, DerivedCoreProperties), a control of
/// direction, or a control character that is no space.
pub(crate) fn is_hidden(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}'
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Write a text as its words, small, with one space between: HTML entities undone, compatibility forms
/// replaced (UAX #15, NFKC), hidden characters gone, case folded, letters that look like others replaced
/// by these (UTS #39, section 4, for all that is not ASCII), punctuation and spaces as one space.
pub(crate) fn words(text: &str, out: &mut String) {
    out.clear();
    let unescaped;
    let text = if text.contains('&') {
        unescaped = html_escape::decode_html_entities(text);
        &*unescaped
    } else {
        text
    };
    if text.is_ascii() {
        text.bytes().for_each(|byte| push(char::from(byte.to_ascii_lowercase()), out));
        return;
    }
    let mut strange = String::new();
    let seen = text.nfkc().filter(|character| !is_hidden(*character));
    for character in seen.flat_map(char::to_lowercase) {
        if character.is_ascii() {
            settle(&mut strange, out);
            push(character, out);
        } else {
            strange.push(character);
        }
    }
    settle(&mut strange, out);
}

/// Write characters beyond ASCII by what they look like.
fn settle(strange: &mut String, out: &mut String) {
    if strange.is_empty() {
        return;
    }
    let alike = unicode_security::skeleton(strange);
    for character in alike.flat_map(char::to_lowercase) {
        match character {
            'ß' => out.push_str("ss"),
            'ς' => out.push('σ'),
            // Marks say what letter it is, but are often left out.
            character if unicode_normalization::char::is_combining_mark(character) => {}
            character => push(character, out),
        }
    }
    strange.clear();
}

fn push(character: char, out: &mut String) {
    if character.is_alphanumeric() || character == '_' {
        out.push(character);
    } else if character != '\'' && !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// Whether a text is mostly of a script that sets no spaces between words.
pub(crate) fn has_no_spaces(words: &str) -> bool {
    let dense = |character: &char| {
        matches!(character,
            '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
            | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{20000}'..='\u{3ffff}')
    };
    !words.is_ascii() && words.chars().filter(dense).count() * 2 > words.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let mut out = String::new();
        words(text, &mut out);
        out.trim_end().to_owned()
    }

    #[test]
    fn what_looks_alike_becomes_equal() {
        let plain = of("Please pay the copper, now.");
        assert_eq!(plain, "please pay the copper now");
        for disguised in [
            "PLEASE PAY THE COPPER , NOW .",
            "Ple\u{200b}ase pay the cop\u{2060}per, now.",
            "Рlеаsе рау thе соррer, now.",
            "Ｐlease ｐay the copper，now．",
            "Please &#112;ay the&nbsp;copper&comma; now.",
            "\u{202a}Please pay\u{202c} the copper, n\u{ad}ow.",
        ] {
            assert_eq!(of(disguised), plain, "{disguised}");
        }
        assert_ne!(of("Please pay the copper, not."), plain);
    }

    #[test]
    fn scripts_without_spaces_are_known() {
        assert!(has_no_spaces("今日は良い天気です"));
        assert!(!has_no_spaces("heute ist schönes wetter"));
    }
}
