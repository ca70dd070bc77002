//! Text as HTML.

use crate::report::escape;

/// Text out of a file: nothing in it is markup, and every character is visible.
pub(super) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in escape(text).chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

/// The same, with what stands in backticks set as code.
pub(super) fn prose(text: &str) -> String {
    let mut prose = String::new();
    let parts = text.split('`').collect::<Vec<_>>();
    // An odd number of backticks is text, not a pair and a half.
    if parts.len().checked_rem(2) == Some(0) {
        return html(text);
    }
    for (i, part) in parts.iter().enumerate() {
        match i.checked_rem(2) {
            Some(1) => prose.push_str(&format!("<code>{}</code>", html(part))),
            _ => prose.push_str(&html(part)),
        }
    }
    prose
}

/// A size for people: `1.2 KiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = bytes as f64;
    let mut shown = format!("{bytes} B");
    for unit in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        shown = format!("{size:.1} {unit}");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(html("<a b='c' d=\"&\">"), "&lt;a b=&#39;c&#39; d=&quot;&amp;&quot;&gt;");
        assert_eq!(prose("calls `<b>` now"), "calls <code>&lt;b&gt;</code> now");
        assert_eq!(prose("one ` tick"), "one ` tick");
        assert_eq!(
            (size(12), size(1536), size(3 << 30)),
            ("12 B".into(), "1.5 KiB".into(), "3.0 GiB".into())
        );
    }
}
