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
    // How many tags follow a flag, and how many that are not seen stand in a row.
    let (mut tags, mut row) = (None::<usize>, 0_usize);
    for (at, &character) in all.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| all.get(at)).copied();
        let behind = all.get(at + 1).copied();
        let latin = |one: Option<char>| one.is_some_and(is_latin);
        row = if is_blank(character) { row + 1 } else { 0 };
        tags = match character {
            '\u{1f3f4}' => Some(0),
            '\u{e0020}'..='\u{e007f}' => tags.map(|tags| tags + 1),
            _ => None,
        };
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
            '\u{200e}' | '\u{200f}' | '\u{61c}' if !right_to_left && within_word(&all, at) => {
                "within a word the mark of direction"
            }
            // The flag of a region is named by six letters at most and an end (UTS #51, ED-14a).
            '\u{e0000}'..='\u{e007f}' if tags.is_none_or(|tags| tags > MOST_TAGS) => {
                "the tag character"
            }
            '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{206a}'..='\u{206f}' => {
                "the invisible character"
            }
            // Formulas are full of these, one by one and not within words (UTR #25, 2.14).
            '\u{2061}'..='\u{2064}' if row > 1 || within_word(&all, at) => "the invisible operator",
            '\u{200b}' | '\u{2060}' | '\u{180e}' | '\u{115f}' | '\u{1160}' | '\u{3164}'
            | '\u{ffa0}'
                if (latin(before) || latin(behind))
                    && !before.is_some_and(breaks_unseen)
                    && !behind.is_some_and(breaks_unseen) =>
            {
                "the invisible character"
            }
            // Joiners that scripts and emoji need stand by neither two letters of Latin nor two digits.
            '\u{200c}' | '\u{200d}'
                if latin(seen(all.iter().take(at).rev())) && latin(seen(all.iter().skip(at))) =>
            {
                "the invisible character"
            }
            // No script and no emoji needs so many: they carry bits.
            _ if row >= MOST_IN_A_ROW => "in a row with others the invisible character",
            // A row of selectors carries bytes; one picks the look of what stands before it, and is often doubled.
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
                if before.is_some_and(|before| is_selector(before) && before != character) =>
            {
                "in a row with others the variation selector"
            }
            // No letter of Latin has a second look: one behind each carries a byte (digits do, as keys).
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}'
                if latin(before) && before.is_some_and(char::is_alphabetic) =>
            {
                "behind a letter the variation selector"
            }
            _ => continue,
        };
        return Some(format!("{what} U+{:04X}", u32::from(character)));
    }
    None
}

/// Whether a character takes no room: joiners, spaces without width, operators, selectors.
fn is_blank(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{180e}' | '\u{34f}' | '\u{61c}')
        || is_selector(character)
}

fn is_selector(character: char) -> bool {
    matches!(character, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// The next character that takes room.
fn seen<'a>(mut next: impl Iterator<Item = &'a char>) -> Option<char> {
    next.find(|character| !is_blank(**character)).copied()
}

/// Whether two letters of Latin stand on either side of a place.
fn within_word(all: &[char], at: usize) -> bool {
    let letter = |at: Option<usize>| {
        let letter = at.and_then(|at| all.get(at)).copied();
        letter.is_some_and(|letter| is_latin(letter) && letter.is_alphabetic())
    };
    letter(at.checked_sub(1))
        && letter(at.checked_sub(2))
        && letter(at.checked_add(1))
        && letter(at.checked_add(2))
}

/// Whether a character is of a script that sets no spaces between words, and may break lines where one of no width
/// stands.
fn breaks_unseen(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Tags of a flag, with the one that ends them.
const MOST_TAGS: usize = 7;
/// Characters that take no room, one behind the other.
const MOST_IN_A_ROW: usize = 4;

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
            "🏴\u{e0069}\u{e0067}\u{e006e}\u{e006f}\u{e0072}\u{e0065}\u{e0020}\u{e0061}\u{e007f}",
            "a\u{200c}\u{200d}\u{200c}\u{200d}b",
            "x \u{200b}\u{200b}\u{200c}\u{200b} y",
            "a\u{200c}\u{200d}b",
            "H\u{fe01}e\u{fe02}y",
            "pass\u{200e}word",
            "pass\u{2062}word",
            "a\u{2062}\u{2064}\u{2062}b",
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
            "sin\u{2061}(x) = 2\u{2062}x",
            "❤\u{fe0f}\u{fe0f} 1\u{fe0f}\u{20e3} ©\u{fe0e}",
            "ไทย\u{200b}ABC\u{200b}ไทย",
            "(\u{200e}+1)\u{200e}",
            "שלום\u{200e}ab",
            "👩\u{1f3fd}\u{200d}❤\u{fe0f}\u{200d}💋\u{200d}👨",
        ] {
            assert!(why(plain).is_none(), "{plain:?}");
        }
    }
}
