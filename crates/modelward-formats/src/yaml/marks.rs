//! Tags of Python in text that the YAML parser does not read: too long, not YAML to it, or broken.
//!
//! PyYAML reads more than YAML 1.2 allows, and runs a document before it looks at the next one. So
//! every place where a tag may stand is looked at, in windows: the text may be of any length.

use crate::{Budget, Bytes, Refusal, text::is_control};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The tags, at most [`Marks::MOST`] of them.
    pub(super) tags: Vec<Mark>,
    /// Whether the text speaks of a chat template.
    pub(super) chat_template: bool,
    /// The handles of `%TAG` that may lead to Python, with what they stand for.
    handles: Vec<(Vec<u8>, Vec<u8>)>,
    /// How many places were looked at where a tag of Python is written.
    looked: u32,
}

/// A tag of Python.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) at: u64,
    pub(super) tag: String,
    /// Whether quotes or backticks stand around it on its line, as in a program that holds YAML.
    pub(super) quoted: bool,
}

impl Marks {
    const MOST: usize = 100;
    /// Places beyond which no text speaks of such tags without having them.
    const MANY: u32 = 5000;
    /// Handles that lead to Python: nobody writes more than one.
    const HANDLES: usize = 8;

    /// Look through text, up to the first byte that no text has.
    pub(super) fn find(bytes: &Bytes, budget: &Budget) -> Result<Self, Refusal> {
        let mut marks = Self::default();
        let mut cursor = bytes.cursor();
        let mut before = Vec::new();
        while cursor.left() > 0 && marks.tags.len() < Self::MOST {
            let base = cursor.position();
            budget.tick(base)?;
            let last = cursor.left() <= WINDOW as u64;
            let window = cursor.peek(WINDOW)?;
            let window = window.get(..WINDOW).unwrap_or(window);
            let text = window.iter().position(|&byte| is_control(byte));
            let window = window.get(..text.unwrap_or(window.len())).unwrap_or_default();
            // What stands in the last bytes is looked at with the next window.
            let ends = last || text.is_some();
            let done = window.len().saturating_sub(if ends { 0 } else { AHEAD });
            let whole = [before.as_slice(), window].concat();
            marks.window(&whole, before.len(), before.len().saturating_add(done), base);
            let start = before.len().saturating_add(done);
            before = whole.get(start.saturating_sub(AHEAD)..start).unwrap_or_default().to_vec();
            cursor.skip(done as u64)?;
            if ends {
                break;
            }
        }
        Ok(marks)
    }

    /// Look at the places from `from` to `to`; `base` is the offset of the first.
    fn window(&mut self, text: &[u8], from: usize, to: usize, base: u64) {
        let near = text.get(from..).unwrap_or_default();
        self.chat_template |= near.windows(NAME.len()).any(|here| here == NAME);
        for at in from..to {
            let Some((before, here)) = text.split_at_checked(at) else { return };
            let here = here.get(..AHEAD).unwrap_or(here);
            let tag = match here.first() {
                Some(b'!') if may_end_before_tag(before) => self.tag(here),
                Some(b'%') if starts_line(before) => self.directive(here),
                _ => None,
            };
            let Some(tag) = tag else { continue };
            self.looked = self.looked.saturating_add(1);
            let many = self.looked > Self::MANY;
            let line = if many { None } else { line(before) };
            let stands = many || may_stand_behind(line.unwrap_or(before));
            if self.tags.len() < Self::MOST && stands {
                let at = base.saturating_add(at.saturating_sub(from) as u64);
                let quoted = is_quoted(line.unwrap_or_default(), here);
                let tag = String::from_utf8_lossy(&tag).into_owned();
                self.tags.push(Mark { at, tag, quoted });
            }
        }
    }

    /// The tag that starts here, in full, if it is one of Python.
    fn tag(&self, here: &[u8]) -> Option<Vec<u8>> {
        let own = [(&b"!!"[..], &b"tag:yaml.org,2002:"[..]), (b"!<", b"")];
        let handles = self.handles.iter().map(|(handle, prefix)| (&handle[..], &prefix[..]));
        own.into_iter().chain(handles).find_map(|(handle, prefix)| {
            let rest = here.strip_prefix(handle)?;
            let rest = rest.get(..SHOWN).unwrap_or(rest);
            let suffix = rest.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            let full = [prefix, &percent_decoded(suffix)].concat();
            full.starts_with(PYTHON).then_some(full)
        })
    }

    /// Note a directive; give it where it is none that can be noted.
    fn directive(&mut self, here: &[u8]) -> Option<Vec<u8>> {
        let rest = here.strip_prefix(b"%TAG")?;
        if !rest.first().is_some_and(|byte| b" \t".contains(byte)) {
            return None;
        }
        let line = rest.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
        let mut words = line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
        let (handle, prefix) = (words.next(), words.next().map(percent_decoded));
        // Nobody writes such a line.
        let cut = line.len() > AHEAD / 2;
        match (handle, prefix) {
            _ if cut => Some(b"%TAG".to_vec()),
            (Some(handle), Some(prefix)) => {
                let leads = prefix.starts_with(PYTHON) || PYTHON.starts_with(&prefix);
                let known =
                    self.handles.iter().any(|(known, old)| known == handle && *old == prefix);
                match leads && !known {
                    true if self.handles.len() >= Self::HANDLES => Some(prefix),
                    true => {
                        self.handles.push((handle.to_vec(), prefix));
                        None
                    }
                    false => None,
                }
            }
            _ => None,
        }
    }
}

/// The line up to here; `None` where it starts too far away.
fn line(before: &[u8]) -> Option<&[u8]> {
    let start = (1..=before.len()).rev().find(|&at| before.get(..at).is_some_and(ends_line));
    match start {
        None if before.len() >= AHEAD => None,
        start => before.get(start.unwrap_or_default()..),
    }
}

fn starts_line(before: &[u8]) -> bool {
    before.is_empty() || ends_line(before)
}

/// PyYAML ends a line at U+0085, U+2028 and U+2029 too, and passes over a byte order mark.
fn ends_line(before: &[u8]) -> bool {
    match before.last() {
        Some(b'\n' | b'\r') => true,
        Some(0x85) => before.ends_with("\u{85}".as_bytes()),
        Some(0xa8) => before.ends_with("\u{2028}".as_bytes()),
        Some(0xa9) => before.ends_with("\u{2029}".as_bytes()),
        Some(0xbf) => before.ends_with("\u{feff}".as_bytes()),
        _ => false,
    }
}

/// A first, quick look at what stands right before a tag.
fn may_end_before_tag(before: &[u8]) -> bool {
    before.last().is_none_or(|last| b" \t-:?[{,".contains(last)) || ends_line(before)
}

/// Whether YAML may have a tag behind this on its line: at the start, behind an indicator, behind
/// an anchor.
fn may_stand_behind(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let word = line.rsplit(|byte| b" \t,:[]{}".contains(byte)).next().unwrap_or_default();
    line.last().is_none_or(|last| b"-:?[{,".contains(last))
        || word.starts_with(b"&")
        || line == b"..."
}

/// Whether a quote or a backtick is open before this, and ends on the same line.
fn is_quoted(line: &[u8], here: &[u8]) -> bool {
    let mut open = None;
    for &byte in line {
        match open {
            None if b"'\"`".contains(&byte) => open = Some(byte),
            Some(quote) if quote == byte => open = None,
            _ => {}
        }
    }
    let rest = here.split(|byte| b"\r\n".contains(byte)).next().unwrap_or_default();
    open.is_some_and(|quote| rest.contains(&quote))
}

/// A tag with its `%XX` escapes undone (YAML 1.2, section 5.6).
pub(super) fn percent_decoded(tag: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tag.len());
    let mut rest = tag;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    bytes
}

/// What one look takes in.
const WINDOW: usize = 64 << 10;
/// How far the text around a place is looked at.
const AHEAD: usize = 1 << 10;
const NAME: &[u8] = b"chat_template";
const PYTHON: &[u8] = b"tag:yaml.org,2002:python/";
/// How much of a tag is looked at: its start may be escaped, three bytes for one.
const SHOWN: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &[u8]) -> Vec<(u64, bool)> {
        let found = Marks::find(&text.into(), &Budget::default()).unwrap();
        found.tags.iter().map(|mark| (mark.at, mark.quoted)).collect()
    }

    #[test]
    fn tags_are_found_where_tags_may_stand() {
        let text: [&[u8]; 12] = [
            b"!!python/name:os.system",
            b"\xef\xbb\xbf!!python/name:os.system",
            b"f(x): !!python/x",
            b"&x\n&a !!python/x",
            b"a: 1 #\xc2\x85!!pyth%6fn/x",
            b"a: 1 #\xe2\x80\xa8- !!python%2fx",
            b"\xe4: !<tag:yaml.org%2c2002:python/x>",
            b"%TAG !e! tag:yaml.org,2002:pyth\n---\n- !e!on/x",
            b"%TAG ! t\n---\n- !ag:yaml.org,2002:python/x",
            b"{a:!!python/x}",
            b"... !!python/x",
            b"# x\r!!python/x\r",
        ];
        for text in text {
            assert_eq!(tags(text).len(), 1, "{}", text.escape_ascii());
        }
        let none: [&[u8]; 5] = [
            b"the tag !!python/object is dangerous",
            b"`!!python/object`",
            b"%TAG !e! tag:other\n---\n- !e!python/x",
            b"a: !!str python/x",
            b"\0!!python/x",
        ];
        for text in none {
            assert_eq!(tags(text), [], "{}", text.escape_ascii());
        }
        assert_eq!(tags(b"yaml.load('a: !!python/x')"), [(14, true)]);
    }

    #[test]
    fn no_place_falls_between_windows() {
        for shift in 0..40 {
            let mut text = vec![b'x'; WINDOW - AHEAD - 20 + shift];
            text.extend(b"\nchat_template: !!python/x\n");
            text.extend(vec![b'y'; WINDOW * 2]);
            let found = Marks::find(&text.as_slice().into(), &Budget::default()).unwrap();
            let at = (WINDOW - AHEAD - 20 + shift + 16) as u64;
            assert_eq!(found.tags.iter().map(|mark| mark.at).collect::<Vec<_>>(), [at]);
            assert!(found.chat_template);
        }
    }
}
