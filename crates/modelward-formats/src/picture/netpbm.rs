//! Binary PGM (`P5`) and PPM (`P6`), after the Netpbm specification of 2016.

use super::Values;

/// What stands before the pixels.
pub(super) struct Header {
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 or 3.
    pub(super) channels: usize,
    /// The value that is white: 1 to 65535.
    largest: u16,
    /// Where the pixels begin.
    start: usize,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let channels = match bytes.get(..2)? {
            b"P5" => 1,
            b"P6" => 3,
            _ => return None,
        };
        let mut at = 2;
        let width = number(bytes, &mut at)?;
        let height = number(bytes, &mut at)?;
        let largest = u16::try_from(number(bytes, &mut at)?).ok().filter(|&most| most > 0)?;
        // One blank, and then the pixels.
        bytes.get(at).filter(|byte| byte.is_ascii_whitespace())?;
        Some(Self { width, height, channels, largest, start: at.checked_add(1)? })
    }

    /// The pixels, interleaved; `None` where there are too few.
    pub(super) fn values(&self, bytes: &[u8]) -> Option<Values> {
        let count = self.width.checked_mul(self.height)?.checked_mul(self.channels)?;
        let pixels = bytes.get(self.start..)?;
        Some(match self.largest {
            255 => Values::Bytes(pixels.get(..count)?.to_vec()),
            largest @ ..256 => {
                let values = pixels.get(..count)?.iter().map(|&value| value.into());
                Values::Words(values.collect(), largest)
            }
            largest => {
                let pairs = pixels.get(..count.checked_mul(2)?)?.as_chunks::<2>().0.iter();
                Values::Words(pairs.map(|pair| u16::from_be_bytes(*pair)).collect(), largest)
            }
        })
    }
}

/// The next number, after blanks and comments.
fn number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    loop {
        match bytes.get(*at)? {
            b'#' => {
                let rest = bytes.get(*at..)?;
                let line = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
                *at = at.checked_add(line)?;
            }
            byte if byte.is_ascii_whitespace() => *at = at.checked_add(1)?,
            _ => break,
        }
    }
    let rest = bytes.get(*at..)?;
    let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let text = std::str::from_utf8(rest.get(..digits)?).ok()?;
    *at = at.checked_add(digits)?;
    text.parse().ok()
}
