//! The licence that the card of a model declares, which is what its publisher says and nothing more.

use std::path::Path;

use crate::tree::open;

/// The value of `license` in the front matter of `README.md`; several are joined by ` OR `.
pub fn licence(model: &Path) -> Option<String> {
    use std::io::Read;
    let card = std::fs::canonicalize(model.join("README.md")).ok()?;
    let file = open::regular(&card).ok()?;
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).ok()?;
    of(&String::from_utf8_lossy(&text))
}

fn of(card: &str) -> Option<String> {
    let mut lines = card.trim_start_matches('\u{feff}').lines().map(str::trim_end);
    (lines.next() == Some("---")).then_some(())?;
    let mut lines = lines.take_while(|line| *line != "---");
    let value = lines.by_ref().find_map(|line| line.strip_prefix("license:"))?.trim();
    let listed = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
    let names = match (value, listed) {
        ("", _) => lines
            .map_while(|line| line.trim_start().strip_prefix("- "))
            .map(name)
            .collect::<Option<Vec<_>>>()?,
        (_, Some(listed)) => listed.split(',').map(name).collect::<Option<Vec<_>>>()?,
        _ => vec![name(value)?],
    };
    (!names.is_empty()).then(|| names.join(" OR "))
}

/// A name as licences have them.
fn name(text: &str) -> Option<String> {
    let text = text.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+ ".contains(c));
    (plain && !text.is_empty() && text.len() <= 100).then(|| text.to_owned())
}

/// How much of a card is looked at, in bytes.
const MOST: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_front_matter_declares_a_licence() {
        let card = |line: &str| of(&format!("---\ntags:\n- x\n{line}\n---\n# Model\n"));
        assert_eq!(card("license: apache-2.0").as_deref(), Some("apache-2.0"));
        assert_eq!(card("license: \"mit\" # as is").as_deref(), Some("mit"));
        assert_eq!(card("license:\n- mit\n- gpl-3.0").as_deref(), Some("mit OR gpl-3.0"));
        assert_eq!(card("license: [mit, bsd]").as_deref(), Some("mit OR bsd"));
        assert_eq!(card("license: <b>x</b>"), None);
        assert_eq!(card("other: x"), None);
        assert_eq!(of("license: mit"), None);
    }
}
