//! Bech32 (BIP 173), as age writes keys in it.

use zeroize::Zeroizing;

/// 32 bytes under a prefix, in lower case.
pub(super) fn encode(prefix: &str, bytes: &[u8; 32]) -> Zeroizing<String> {
    let values = groups(bytes, 8, 5).unwrap_or_default();
    let sum = checksum(prefix, &[&values[..], &[0; 6]].concat()) ^ 1;
    let mut text = Zeroizing::new(String::with_capacity(LONGEST));
    text.push_str(prefix);
    text.push('1');
    let sum = (0..6_u32).rev().map(|at| {
        let shifted = sum.checked_shr(at.saturating_mul(5)).unwrap_or(0);
        u8::try_from(shifted & 31).unwrap_or(0)
    });
    let letters = values.iter().copied().chain(sum);
    text.extend(
        letters.filter_map(|value| LETTERS.get(usize::from(value)).map(|&b| char::from(b))),
    );
    text
}

/// The 32 bytes that a text holds under a prefix. The text may be all lower or all upper case;
/// the prefix is in lower case.
pub(super) fn decode(prefix: &str, text: &str) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it is no Bech32 text");
    }
    if text.bytes().any(|byte| byte.is_ascii_lowercase())
        && text.bytes().any(|byte| byte.is_ascii_uppercase())
    {
        return Err("it mixes upper and lower case");
    }
    let text = Zeroizing::new(text.to_ascii_lowercase());
    let data = text.strip_prefix(prefix).and_then(|text| text.strip_prefix('1'));
    let data = data.ok_or("it begins otherwise")?;
    let value = |byte| {
        let at = LETTERS.iter().position(|&letter| letter == byte)?;
        u8::try_from(at).ok()
    };
    let values = data.bytes().map(value).collect::<Option<Vec<u8>>>().map(Zeroizing::new);
    let values = values.ok_or("a character is none of Bech32")?;
    if checksum(prefix, &values) != 1 {
        return Err("its checksum does not fit; a character is wrong or missing");
    }
    let payload = values.len().checked_sub(6).and_then(|end| values.get(..end));
    let bytes = payload.and_then(|values| groups(values, 5, 8));
    let bytes = bytes.filter(|bytes| bytes.len() == 32).ok_or("it does not hold 32 bytes")?;
    let mut array = Zeroizing::new([0; 32]);
    array.copy_from_slice(&bytes);
    Ok(array)
}

/// Numbers of `from` bits as numbers of `to` bits. What is left over at the end is zero: written
/// where the numbers become smaller, demanded where they become larger.
fn groups(values: &[u8], from: u32, to: u32) -> Option<Zeroizing<Vec<u8>>> {
    let mask = 1_u32.checked_shl(to)?.checked_sub(1)?;
    let mut out = Zeroizing::new(Vec::with_capacity(64));
    let (mut held, mut bits) = (0_u32, 0_u32);
    for &value in values {
        held = (held.checked_shl(from)? | u32::from(value)) & 0xfff;
        bits = bits.checked_add(from)?;
        while bits >= to {
            bits = bits.checked_sub(to)?;
            out.push(u8::try_from(held.checked_shr(bits)? & mask).ok()?);
        }
    }
    let rest = held & 1_u32.checked_shl(bits)?.checked_sub(1)?;
    if to < from && bits > 0 {
        out.push(u8::try_from(rest.checked_shl(to.checked_sub(bits)?)? & mask).ok()?);
    } else if bits >= from || rest != 0 {
        return None;
    }
    Some(out)
}

/// The checksum over prefix and values; 1 where the last six values are the right ones.
fn checksum(prefix: &str, values: &[u8]) -> u32 {
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let all = high.chain([0]).chain(low).chain(values.iter().copied());
    all.fold(1, |sum, value| {
        let top = sum >> 25;
        let next = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        GENERATOR.iter().enumerate().fold(next, |next, (bit, constant)| {
            if (top >> bit) & 1 == 1 { next ^ constant } else { next }
        })
    })
}

const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// What BIP 173 allows.
const LONGEST: usize = 90;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_and_no_changed_letter_is(
            bytes in any::<[u8; 32]>(), at in 0_usize..62, other in 0_usize..32,
        ) {
            let text = encode("age", &bytes);
            prop_assert_eq!(text.len(), 62);
            prop_assert_eq!(decode("age", &text).map(|read| *read), Ok(bytes));
            prop_assert!(decode("age", &text.to_uppercase()).is_ok());
            let mut changed = text.as_bytes().to_vec();
            changed[at] = LETTERS[other];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(decode("age", &changed).is_ok(), changed == *text);
        }
    }
}
