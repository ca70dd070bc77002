//! What stands behind an opcode: numbers, lines, constants.

use super::{DIGITS, INNER, LINE, Machine, Step, op};
use crate::{
    Gap, Refusal,
    pickle::{
        constant,
        program::{Inner, Observer, Oddity},
        value::{Kind, Value},
    },
};

impl<O: Observer> Machine<'_, '_, O> {
    /// A constant whose length stands before it.
    #[inline]
    pub(super) fn counted(&mut self, code: u8, at: u64, width: u64, len: u64) -> Step {
        let start = at.saturating_add(1).saturating_add(width);
        self.cursor.advance(usize::try_from(width).unwrap_or(8).saturating_add(1));
        if len > self.cursor.left() {
            let left = self.cursor.left();
            let why = format!("expected a constant of {len} bytes, but only {left} are left");
            return Err(Refusal::new(at, Gap::OversizedLength, why));
        }
        let text = matches!(
            code,
            op::SHORT_BINUNICODE
                | op::BINUNICODE
                | op::BINUNICODE8
                | op::SHORT_BINSTRING
                | op::BINSTRING
        );
        let head = self.cursor.peek(16)?;
        let head =
            head.get(..head.len().min(usize::try_from(len).unwrap_or(16))).unwrap_or_default();
        let dunder = text && head.starts_with(b"__");
        if let Some(encoding) = constant::sniff(head, len) {
            if self.program.inner.len() < INNER {
                self.program.inner.push(Inner { at: start, len, encoding });
            } else {
                self.program.crowded.get_or_insert(at);
            }
        }
        self.cursor.skip(len)?;
        self.stack.push(if text { Value::text(at, dunder) } else { Value::bytes(at) });
        Ok(())
    }

    /// A number written in decimal digits.
    pub(super) fn decimal(&mut self, code: u8, at: u64) -> Step {
        let start = self.cursor.position();
        let line = self.line_or_longer(at)?;
        let digits = self.cursor.position().saturating_sub(start);
        if digits > DIGITS && code != op::FLOAT {
            self.observer.oddity(self.program, at, Oddity::LongNumber(digits));
        }
        // The C reader takes a number up to the first NUL.
        let text = line.as_deref().map(|line| line.split(|&byte| byte == 0).next());
        let text = text.map(|line| String::from_utf8_lossy(line.unwrap_or_default()));
        let text = text.as_deref().map(|text| text.trim().trim_end_matches('L').trim_end());
        let value = match (code, text) {
            (op::INT, Some("00")) => Value::bool(false),
            (op::INT, Some("01")) => Value::bool(true),
            (op::FLOAT, Some(text)) if text.replace('_', "").parse::<f64>().is_err() => {
                return Err(Refusal::truncated(at, "expected a decimal number"));
            }
            (op::INT | op::LONG, Some(text)) => match text.parse() {
                // C takes a number that begins with a zero for octal, Python for none at all.
                Ok(_) if is_octal(text) => Value::number(at),
                Ok(number) => Value::int(number, at),
                Err(_) if is_whole(text) => Value::number(at),
                Err(_) => return Err(Refusal::truncated(at, "expected a whole number")),
            },
            _ => Value::number(at),
        };
        self.stack.push(value);
        Ok(())
    }

    /// A number of any length in two's complement.
    pub(super) fn long(&mut self, code: u8, at: u64) -> Step {
        let len = if code == op::LONG1 {
            u64::from(self.cursor.array::<1>()?[0])
        } else {
            u64::from(u32::from_le_bytes(self.cursor.array()?))
        };
        if len > 8 {
            self.cursor.skip(len)?;
            self.stack.push(Value::number(at));
            return Ok(());
        }
        let bytes = self.cursor.take(usize::try_from(len).unwrap_or(8))?;
        let unsigned = little_endian(bytes);
        let unused = 64_u32.saturating_sub(u32::try_from(len).unwrap_or(8).saturating_mul(8));
        let value =
            unsigned.checked_shl(unused).map_or(0, |top| top.cast_signed() >> unused.min(63));
        self.stack.push(Value::int(if len == 0 { 0 } else { value }, at));
        Ok(())
    }

    /// A line of text, without its newline.
    pub(super) fn line(&mut self, at: u64, most: usize) -> Result<Vec<u8>, Refusal> {
        let window = self.cursor.peek(most)?;
        let end = window.iter().take(most).position(|&byte| byte == b'\n');
        let end = end.ok_or_else(|| {
            Refusal::truncated(at, format!("expected a line of at most {most} bytes"))
        })?;
        let line = window.get(..end).unwrap_or_default().to_vec();
        self.cursor.advance(end.saturating_add(1));
        Ok(line)
    }

    /// A line of text, or `None` for one that is too long to be kept.
    pub(super) fn line_or_longer(&mut self, at: u64) -> Result<Option<Vec<u8>>, Refusal> {
        let window = self.cursor.peek(LINE)?;
        if window.iter().take(LINE).any(|&byte| byte == b'\n') {
            return self.line(at, LINE).map(Some);
        }
        loop {
            let window = self.cursor.peek(LINE)?;
            if window.is_empty() {
                return Err(Refusal::truncated(at, "expected a line, the file ends"));
            }
            match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    self.cursor.advance(end.saturating_add(1));
                    return Ok(None);
                }
                None => {
                    let all = window.len();
                    self.cursor.advance(all);
                }
            }
        }
    }

    /// A whole number in a line, which Python takes with blanks around it however many, and the C
    /// reader up to the first NUL.
    pub(super) fn numeral(&mut self, at: u64) -> Result<String, Refusal> {
        let window = self.cursor.peek(LINE)?;
        let head = window.get(..window.len().min(LINE)).unwrap_or_default();
        let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b);
        let plain = |byte: &u8| blank(byte) || matches!(byte, b'0'..=b'9' | b'_' | b'+' | b'-');
        if head.len() == LINE && !head.contains(&b'\n') && head.iter().all(plain) {
            let why = "a memo index written in more than 65536 bytes";
            return Err(Refusal::new(at, Gap::LongReading, why));
        }
        let line = self.line(at, LINE)?;
        let text = line.split(|&byte| byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(text).trim().to_owned())
    }

    /// The first and the last bytes of a line that began at `start` and has just been read.
    pub(super) fn ends_of_line(&self, start: u64) -> Result<Vec<u8>, Refusal> {
        let end = self.cursor.position().saturating_sub(1);
        let mut ends = self.program.bytes.take(start, 64)?;
        ends.extend(self.program.bytes.take(end.saturating_sub(64), 64)?);
        Ok(ends)
    }

    pub(super) fn name_line(&mut self, at: u64) -> Result<Option<String>, Refusal> {
        let line = self.line_or_longer(at)?;
        Ok(line.map(|line| String::from_utf8_lossy(&line).into_owned()))
    }

    pub(super) fn constant_name(&self, value: Value) -> Option<String> {
        match value.kind() {
            Kind::Text(at) => constant::text(self.program.bytes, at, LINE as u64),
            _ => None,
        }
    }
}

/// Whether digits stand behind a zero.
fn is_octal(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    digits.len() > 1 && digits.starts_with('0')
}

/// Whether Python's `int(text, 0)` would take it, as far as its letters go.
pub(super) fn is_whole(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    !digits.is_empty()
        && digits.chars().all(|c| c.is_ascii_hexdigit() || matches!(c, '_' | 'x' | 'X' | 'o' | 'O'))
}

pub(super) fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}
