//! Images, walked to their end: what lies behind it is a part of its own.

use std::{ops::ControlFlow, sync::Arc};

use crate::{Asset, Budget, Bytes, Cursor, Expects, Format, Part, Refusal};

/// PNG, JPEG, GIF and WebP.
pub const FORMAT: Format = Format { name: "image", read };

/// An image.
#[derive(Debug)]
pub struct Image {
    format: &'static str,
    /// What lies behind its end.
    rest: Option<Bytes>,
}

impl Asset for Image {
    fn format(&self) -> &'static str {
        self.format
    }

    fn parts(&self, visit: &mut dyn FnMut(Part) -> ControlFlow<()>) {
        if let Some(rest) = &self.rest {
            let (name, bytes) = ("after the image".to_owned(), Ok(rest.clone()));
            let _ = visit(Part { name, bytes, expects: Expects::Anything });
        }
    }
}

type Walk = fn(&mut Cursor<'_>) -> Result<(), Refusal>;

fn read(bytes: &Bytes, budget: &Arc<Budget>) -> Option<Result<Box<dyn Asset>, Refusal>> {
    let head = bytes.head(12).ok()?;
    let (format, walk): (_, Walk) = match head.as_slice() {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => ("png", png),
        [0xff, 0xd8, 0xff, ..] => ("jpeg", jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => ("gif", gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => ("webp", webp),
        _ => return None,
    };
    let mut cursor = bytes.cursor();
    let end = walk(&mut cursor).and_then(|()| budget.tick(cursor.position()));
    Some(end.map(|()| {
        let rest = bytes.tail(cursor.position());
        let rest = (!rest.is_empty()).then_some(rest);
        Box::new(Image { format, rest }) as Box<dyn Asset>
    }))
}

/// PNG (third edition), section 5: chunks up to `IEND`.
fn png(cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
    cursor.skip(8)?;
    loop {
        let length = u64::from(u32::from_be_bytes(cursor.array()?));
        let kind = cursor.array::<4>()?;
        cursor.skip(length.saturating_add(4))?;
        if kind == *b"IEND" {
            return Ok(());
        }
    }
}

/// JPEG (ITU-T T.81), annex B: marker segments and coded data up to the end of the image.
fn jpeg(cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
    cursor.skip(2)?;
    loop {
        let window = cursor.peek(2)?;
        match window {
            [0xff, 0xd9, ..] => return cursor.skip(2),
            // Fill bytes, stuffed zeros, restarts: inside coded data.
            [0xff, 0xff, ..] => cursor.skip(1)?,
            [0xff, 0x00 | 0x01 | 0xd0..=0xd8, ..] => cursor.skip(2)?,
            [0xff, _, ..] => {
                cursor.skip(2)?;
                let length = u64::from(u16::from_be_bytes(cursor.array()?));
                cursor.skip(length.saturating_sub(2))?;
            }
            [_, _, ..] => {
                let coded = window.iter().position(|&byte| byte == 0xff);
                let coded = coded.unwrap_or(window.len()) as u64;
                cursor.skip(coded)?;
            }
            _ => return Err(Refusal::truncated(cursor.position(), "an image without its end")),
        }
    }
}

/// GIF89a: blocks up to the trailer.
fn gif(cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
    cursor.skip(10)?;
    let [flags, _, _] = cursor.array()?;
    cursor.skip(color_table(flags))?;
    loop {
        match cursor.array()? {
            [0x3b] => return Ok(()),
            [0x21] => cursor.skip(1)?,
            [0x2c] => {
                cursor.skip(8)?;
                let [flags] = cursor.array()?;
                cursor.skip(color_table(flags).saturating_add(1))?;
            }
            [_] => {
                let at = cursor.position();
                return Err(Refusal::truncated(at, "an image with an unknown block"));
            }
        }
        loop {
            match cursor.array()? {
                [0] => break,
                [length] => cursor.skip(u64::from(length))?,
            }
        }
    }
}

fn color_table(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 6_u64 << (flags & 7) }
}

/// WebP: one RIFF chunk, padded to an even length.
fn webp(cursor: &mut Cursor<'_>) -> Result<(), Refusal> {
    cursor.skip(4)?;
    let length = u64::from(u32::from_le_bytes(cursor.array()?));
    cursor.skip(length)?;
    let padding = (length & 1).min(cursor.left());
    cursor.skip(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(bytes: &[u8]) -> Result<Option<u64>, Refusal> {
        let bytes = Bytes::from(bytes);
        let asset = read(&bytes, &Arc::default()).unwrap()?;
        let mut rest = None;
        asset.parts(&mut |part| {
            rest = Some(part.bytes.unwrap().len());
            ControlFlow::Continue(())
        });
        Ok(rest)
    }

    #[test]
    fn what_lies_behind_an_image_is_a_part() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x01abcdx\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82";
        let gif =
            b"GIF89a\x01\0\x01\0\x80\0\0abcdef\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x02coded\xff\0more\xff\xd9";
        let webp = b"RIFF\x05\0\0\0WEBPx\0";
        for image in [&png[..], gif, jpeg, webp] {
            assert_eq!(rest(image), Ok(None));
            assert_eq!(rest(&[image, b"tail"].concat()), Ok(Some(4)));
            assert!(rest(&image[..image.len() - 2]).is_err());
        }
    }
}
