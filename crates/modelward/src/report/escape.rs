//! Text out of hostile files, made harmless for a terminal.
//!
//! A name or a string in a model file may carry escape sequences that rewrite the screen, or
//! marks that turn the direction of the text. Whatever a reader could not see as itself is
//! written as its code point, `\u{202e}`.

use std::fmt::Write;

/// The text, in one line, with every character shown as itself or as its code point.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            letter if is_visible(letter) => escaped.push(letter),
            letter => {
                // Writing to a text cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(letter));
            }
        }
    }
    escaped
}

/// Whether a character shows as itself: neither a control nor a mark of format, which include
/// those that turn the direction of text (Unicode 16, general categories Cc, Cf, Zl, Zp, Co).
fn is_visible(letter: char) -> bool {
    let hidden = letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}');
    !hidden
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_could_rewrite_the_screen_is_spelt_out() {
        assert_eq!(escape("\x1b[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(escape("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(escape("two\nlines\u{85}"), "two\\nlines\\u{85}");
        assert_eq!(escape("naïve 模型"), "naïve 模型");
    }

    #[test]
    fn no_character_that_moves_the_cursor_gets_through() {
        let every = (0..=u32::from(char::MAX)).filter_map(char::from_u32);
        let text = escape(&every.collect::<String>());
        assert!(!text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
    }
}
