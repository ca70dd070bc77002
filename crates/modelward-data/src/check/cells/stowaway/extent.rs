//! From where to where an image goes, and its notes, by its own form.

use std::ops::Range;

use memchr::memchr;

/// The form of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Png,
    Jpeg,
    Gif,
    WebP,
    Bmp,
}

/// How far an image goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) form: Form,
    /// The first byte behind it; of one that does not end, where all bytes end.
    pub(super) end: usize,
    /// What it says beside its pixels, but for colour profiles: texts, EXIF, parts that no standard knows.
    pub(super) notes: Vec<Range<usize>>,
}

impl Extent {
    /// The extent of an image; `None` where it is of a form that has no notes and no end.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut notes = Vec::new();
        let (form, end) = match bytes {
            [0x89, b'P', b'N', b'G', ..] => (Form::Png, png(bytes, &mut notes)),
            [0xff, 0xd8, 0xff, ..] => (Form::Jpeg, jpeg(bytes, &mut notes)),
            [b'G', b'I', b'F', b'8', ..] => (Form::Gif, gif(bytes, &mut notes)),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => {
                (Form::WebP, webp(bytes, &mut notes))
            }
            [b'B', b'M', ..] => (Form::Bmp, bmp(bytes)),
            _ => return None,
        };
        // A viewer shows what there is of an image that is cut, or that says to be longer than it is.
        let end = end.unwrap_or(bytes.len()).min(bytes.len());
        Some(Self { form, end, notes })
    }
}

fn png(bytes: &[u8], notes: &mut Vec<Range<usize>>) -> Option<usize> {
    let mut at = 8_usize;
    loop {
        let length = u32::from_be_bytes(*bytes.get(at..)?.first_chunk::<4>()?);
        let from = at.checked_add(8)?;
        let kind = bytes.get(at.checked_add(4)?..from)?;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        let next = to.checked_add(4)?;
        if next > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(next);
        }
        if !PIXELS.contains(&kind) {
            notes.push(from..to);
        }
        at = next;
    }
}

/// Chunks of a PNG that say what is shown and how (PNG third edition, 11.2 to 11.3; APNG).
const PIXELS: [&[u8]; 19] = [
    b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT",
];

fn jpeg(bytes: &[u8], notes: &mut Vec<Range<usize>>) -> Option<usize> {
    let mut at = 2_usize;
    loop {
        // A marker, before which any number of 0xff may stand.
        at = at.checked_add(memchr(0xff, bytes.get(at..)?)?)?;
        while bytes.get(at) == Some(&0xff) {
            at = at.checked_add(1)?;
        }
        let marker = *bytes.get(at)?;
        at = at.checked_add(1)?;
        match marker {
            0xd9 => return Some(at),
            // Within the pixels: a byte of 0xff, a restart.
            0 | 1 | 0xd0..=0xd8 => {}
            _ => {
                let length = u16::from_be_bytes(*bytes.get(at..)?.first_chunk::<2>()?);
                let end = at.checked_add(usize::from(length).max(2))?;
                let body = at.checked_add(2)?..end;
                let profile = bytes.get(body.clone())?.starts_with(b"ICC_PROFILE\0");
                if matches!(marker, 0xe0..=0xef | 0xfe) && !profile {
                    notes.push(body);
                }
                at = end;
            }
        }
    }
}

fn gif(bytes: &[u8], notes: &mut Vec<Range<usize>>) -> Option<usize> {
    let table = |packed: u8| match packed & 0x80 {
        0 => 0,
        _ => 3_usize << (usize::from(packed & 7).saturating_add(1)),
    };
    let mut at = 13_usize.checked_add(table(*bytes.get(10)?))?;
    loop {
        match *bytes.get(at)? {
            0x3b => return at.checked_add(1),
            0x21 => {
                let label = *bytes.get(at.checked_add(1)?)?;
                let from = at.checked_add(2)?;
                at = blocks(bytes, from)?;
                if matches!(label, 0x01 | 0xfe | 0xff) {
                    notes.push(from..at);
                }
            }
            // Writers leave an empty block too many, and leave the last byte out: what is none ends it.
            0 => at = at.checked_add(1)?,
            0x2c => {
                let packed = *bytes.get(at.checked_add(9)?)?;
                at = blocks(bytes, at.checked_add(11)?.checked_add(table(packed))?)?;
            }
            _ => return Some(at),
        }
    }
}

/// The end of blocks that each begin with their length, up to the empty one.
fn blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at = at.checked_add(1)?.checked_add(length)?;
        if length == 0 {
            return Some(at);
        }
    }
}

fn webp(bytes: &[u8], notes: &mut Vec<Range<usize>>) -> Option<usize> {
    let end = usize::try_from(little(bytes, 4)?).ok()?.checked_add(8)?.min(bytes.len());
    let mut at = 12_usize;
    while at.checked_add(8)? <= end {
        let kind = bytes.get(at..at.checked_add(4)?)?;
        let from = at.checked_add(8)?;
        let length = usize::try_from(little(bytes, at.checked_add(4)?)?).ok()?;
        let to = from.checked_add(length)?;
        if to > end {
            // What is no chunk lies in the file all the same.
            notes.push(at..end);
            break;
        }
        let pixels: [&[u8]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
        if !pixels.contains(&kind) {
            notes.push(from..to);
        }
        // Chunks have an even length.
        at = to.checked_add(length % 2)?;
    }
    Some(end)
}

/// By its rows of pixels: what its header says of the size of the file is read by nobody, and often wrong.
fn bmp(bytes: &[u8]) -> Option<usize> {
    let number = |at: usize| usize::try_from(little(bytes, at)?).ok();
    let short = |at: usize| {
        let two = bytes.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_le_bytes(*two)))
    };
    let header = number(14)?;
    let (width, height, depth, packed) = match header {
        12 => (short(18)?, short(20)?, short(24)?, None),
        40.. => {
            let height = usize::try_from(little(bytes, 22)?.cast_signed().unsigned_abs()).ok()?;
            let packed = matches!(number(30)?, 1 | 2 | 4 | 5).then(|| number(34)).flatten();
            (number(18)?, height, short(28)?, packed)
        }
        _ => return None,
    };
    let row = width.checked_mul(depth)?.div_ceil(32).checked_mul(4)?;
    let pixels = number(10)?.checked_add(packed.unwrap_or(row.checked_mul(height)?))?;
    let profile = match header {
        124.. => number(126)?.checked_add(number(130)?)?.checked_add(14)?,
        _ => 0,
    };
    Some(pixels.max(profile))
}

/// A number of 32 bits, the low byte first.
fn little(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))
}
