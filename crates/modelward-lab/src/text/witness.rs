//! A success, judged once more by itself: from its final text through tokenizer and model, with its
//! edits counted and held against their family.

use modelward_engine::Result;
use serde_json::json;

use crate::{
    text::{
        arena::Case,
        classifier::Classifier,
        edit::{self, Edit, Family},
        words::Substitutions,
    },
    victim::NO_CLASS,
};

/// A text that the model gets wrong, within the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The place of its original in the data.
    pub index: usize,
    /// The original.
    pub original: String,
    /// The text.
    pub text: String,
    /// The class of the original.
    pub label: usize,
    /// The class that the text is given, or [`NO_CLASS`].
    pub predicted: i64,
    /// The families that were allowed: one, or all in a mixed attack.
    pub attack: &'static str,
    /// What was done, by its place.
    pub edits: Vec<Edit>,
    /// What each edit took away.
    pub taken: Vec<String>,
    /// Texts that the attack sent to the model.
    pub queries: usize,
}

/// Judge edits of a text: the witness where they are admitted, no more than the budget, undo to the
/// original, and the text that they make is answered wrongly by a clear margin when it is asked alone.
///
/// # Errors
/// Where the model cannot be run.
pub fn judged(
    classifier: &mut Classifier,
    case: &Case,
    list: &Substitutions,
    edits: &[Edit],
    most: usize,
) -> Result<Option<Witness>> {
    let Some(sorted) = edit::in_order(edits) else { return Ok(None) };
    let edits = sorted.into_iter().cloned().collect::<Vec<_>>();
    let original = case.text.iter().collect::<String>();
    let admitted = |edit: &Edit| edit.family.admits(&case.text, &case.words, edit, list);
    let Some(text) = edit::apply(&case.text, &edits) else { return Ok(None) };
    let taken = edits.iter().map(|edit| case.text[edit.at..edit.end()].iter().collect::<String>());
    let taken = taken.collect::<Vec<_>>();
    let undone = edit::undo(&text, &edits, &taken);
    let is_plain = edits.iter().all(|edit| edit.family == Family::Typo);
    let near = || {
        let text = text.chars().collect::<Vec<_>>();
        // Each slip is one step, so they lead no farther than there are of them.
        edit::distance(&case.text, &text, edits.len()).is_some()
    };
    let counted = edits.len() <= most
        && edits.iter().all(admitted)
        && undone.as_ref() == Some(&original)
        && text != original
        && (!is_plain || near());
    if !counted {
        return Ok(None);
    }
    let tokens = classifier.tokenizer().tokens(&text)?;
    let answers = classifier.ask_alone(&tokens)?;
    let predicted = answers.labels.first().copied().unwrap_or(case.label as i64);
    let wrong = match case.target {
        Some(target) => predicted == target as i64,
        None => predicted != case.label as i64,
    };
    let clear = predicted == NO_CLASS || case.margin_of(&answers.scores) < 0.0;
    Ok((wrong && clear).then_some(Witness {
        index: case.index,
        original,
        text,
        label: case.label,
        predicted,
        attack: "",
        edits,
        taken,
        queries: 0,
    }))
}

impl Witness {
    /// The text with its changes visible: what is taken away in brackets with what stands instead,
    /// characters that are not seen as escapes.
    pub fn shown(&self, around: usize) -> String {
        let all = self.original.chars().collect::<Vec<_>>();
        let mut shown = String::new();
        let mut from = 0_usize;
        for (edit, taken) in self.edits.iter().zip(&self.taken) {
            let gap = all.get(from..edit.at).unwrap_or_default();
            shown.push_str(&shortened(gap, around, from > 0));
            let with = escaped(&edit.with);
            match edit.len {
                0 => shown.push_str(&with),
                _ => shown.push_str(&format!("[{}->{with}]", escaped(taken))),
            }
            from = edit.end();
        }
        let rest = all.get(from..).unwrap_or_default();
        let end = rest.iter().take(around).copied().collect::<String>();
        shown.push_str(&escaped(&end));
        if rest.len() > around {
            shown.push_str("...");
        }
        shown
    }

    /// One object on one line: the texts as they are, in ASCII, and what was done.
    pub fn line(&self) -> String {
        let edits = self.edits.iter().zip(&self.taken).map(|(edit, taken)| {
            json!({"at": edit.at, "family": edit.family.name(), "was": taken, "is": edit.with})
        });
        let object = json!({
            "index": self.index,
            "original": self.original,
            "adversarial": self.text,
            "shown": self.shown(usize::MAX),
            "label": self.label,
            "predicted": self.predicted,
            "attack": self.attack,
            "edits": edits.collect::<Vec<_>>(),
            "queries": self.queries,
        });
        ascii(&object.to_string())
    }
}

/// Characters between two edits, the middle left out where there are many.
fn shortened(gap: &[char], around: usize, between: bool) -> String {
    let text = |chars: &[char]| escaped(&chars.iter().collect::<String>());
    let kept = if between { around.saturating_mul(2) } else { around };
    if gap.len() <= kept {
        return text(gap);
    }
    let head = if between { text(&gap[..around]) } else { String::new() };
    format!("{head}...{}", text(&gap[gap.len() - around..]))
}

/// A text in which all that is not plain ASCII is an escape.
pub fn escaped(text: &str) -> String {
    let escape = |char: char| {
        let plain = char == ' ' || char.is_ascii_graphic();
        if plain { char.to_string() } else { char.escape_unicode().to_string() }
    };
    text.chars().map(escape).collect()
}

/// JSON whose strings have escapes for all but ASCII.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for char in json.chars() {
        if char.is_ascii() && char != '\u{7f}' {
            out.push(char);
        } else {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn witness() -> Witness {
        let edit = |at, len, with: &str, family| Edit { at, len, with: with.into(), family };
        Witness {
            index: 3,
            original: "please pay the bill of this month now".into(),
            text: "please p\u{430}y the bi\u{200b}ll of this month now".into(),
            label: 1,
            predicted: 0,
            attack: "mixed",
            edits: vec![
                edit(8, 1, "\u{430}", Family::Homoglyph),
                edit(17, 0, "\u{200b}", Family::Invisible),
            ],
            taken: vec!["a".into(), String::new()],
            queries: 7,
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(witness().shown(4), "...se p[a->\\u{430}]y the bi\\u{200b}ll o...");
        let line = witness().line();
        assert!(line.is_ascii() && !line.contains('\n'));
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["adversarial"], witness().text);
        assert_eq!(object["edits"][1]["is"], "\u{200b}");
        assert_eq!(object["queries"], 7);
    }
}
