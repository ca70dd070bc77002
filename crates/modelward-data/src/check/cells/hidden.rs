//! Characters that nobody sees, where no script needs them.

/// What is hidden in a text, or `None`.
pub(super) fn why(text: &str) -> Option<String> {
    if text.is_ascii() {
        let control = text.bytes().find(|byte| matches!(byte, 0..=8 | 0xb | 0xe..=0x1f | 0x7f))?;
        return Some(format!("the control character U+{control:04X}"));
    }
    let all = text.chars().collect::<Vec<_>>();
    let right_to_left = all.iter().any(|character| {
        matches!(character, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    });
    let mut in_flag = false;
    for (at, &character) in all.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| all.get(at)).copied();
        let behind = all.get(at + 1).copied();
        let latin = |one: Option<char>| one.is_some_and(is_latin);
        let tag = matches!(character, '\u{e0000}'..='\u{e007f}');
        in_flag = tag && (before == Some('\u{1f3f4}') || in_flag);
        let what = match character {
            '\0'..='\u{8}'
            | '\u{b}'
            | '\u{e}'..='\u{1f}'
            | '\u{7f}'..='\u{84}'
            | '\u{86}'..='\u{9f}' => "the control character",
            // Overrides change the order of letters that have one; embeddings and isolates are for texts with both.
            '\u{202d}' | '\u{202e}' => "the control of direction",
            '\u{202a}'..='\u{202c}' | '\u{2066}'..='\u{2069}' if !right_to_left => {
                "the control of direction"
            }
            '\u{e0000}'..='\u{e007f}' if !in_flag => "the tag character",
            '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{2061}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}' => "the invisible character",
            '\u{200b}' | '\u{2060}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{3164}'
            | '\u{ffa0}'
                if latin(before) || latin(behind) =>
            {
                "the invisible character"
            }
            // Joiners that scripts and emoji need stand by neither two letters of Latin nor two digits.
            '\u{200c}' | '\u{200d}' if latin(before) && latin(behind) => "the invisible character",
            // A row of selectors carries bytes; one picks the look of what stands before it.
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
                if before.is_some_and(
                    |before| matches!(before, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'),
                ) =>
            {
                "in a row with others the variation selector"
            }
            _ => continue,
        };
        return Some(format!("{what} U+{:04X}", u32::from(character)));
    }
    None
}

/// Whether a character is a digit, or a letter of a script that is written without joiners.
fn is_latin(character: char) -> bool {
    matches!(character, '0'..='9' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{52f}')
}

#[cfg(test)]
mod tests {
    use super::why;

    #[test]
    fn what_scripts_need_is_no_secret() {
        for hidden in [
            "pay\u{202e}gpj",
            "ad\u{200b}min",
            "x\u{e0068}\u{e0069}",
            "a\0b",
            "bell\u{7}",
            "\u{feff}a",
            "\u{1b}[31m",
            "é\u{200b}",
            "a\u{200d}b",
            "x\u{fe01}\u{fe02}",
            "\u{2066}a\u{2069}",
            "a\u{9b}",
        ] {
            assert!(why(hidden).is_some(), "{hidden:?}");
        }
        for plain in [
            "soft\u{ad}hyphen",
            "👨\u{200d}👩\u{200d}👧",
            "می\u{200c}خواهم",
            "❤\u{fe0f}",
            "a\tb\r\nc",
            "กา\u{200b}รเข",
            "🏴\u{e0067}\u{e0062}\u{e007f}",
            "\u{202b}שלום\u{202c}",
            "plain",
            "क\u{94d}\u{200d}ष",
            "page\u{c}two",
        ] {
            assert!(why(plain).is_none(), "{plain:?}");
        }
    }
}
