#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "small numbers of the tests' own"
)]

use proptest::prelude::*;

use super::*;
use crate::Limits;

/// A column chunk: its dictionary page, first data page, and length.
fn chunk(dictionary: Option<u8>, data: u8, length: u8) -> Vec<u8> {
    let mut metadata = vec![0x15, 2, 0x19, 0x15, 0, 0x19, 0x18, 1, b'c', 0x15, 0];
    metadata.extend([0x16, 6, 0x16, length * 2, 0x16, length * 2, 0x26, data * 2]);
    if let Some(dictionary) = dictionary {
        metadata.extend([0x26, dictionary * 2]);
    }
    metadata.push(0);
    [&[0x26, 8, 0x1c][..], &metadata, &[0]].concat()
}

fn group(rows: u8, chunks: &[Vec<u8>]) -> Vec<u8> {
    let head = [0x19, (chunks.len() as u8) << 4 | 0xc];
    [&head[..], &chunks.concat(), &[0x16, 128, 1, 0x16, rows * 2, 0]].concat()
}

fn file(rows: u8, groups: &[Vec<u8>]) -> Vec<u8> {
    let schema = [0x15, 2, 0x19, 0x1c, 0x48, 1, b's', 0];
    let list = [0x16, rows * 2, 0x19, (groups.len() as u8) << 4 | 0xc];
    let footer = [&schema[..], &list, &groups.concat(), &[0]].concat();
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", &[7; 60][..], &footer, &length, b"PAR1"].concat()
}

fn footer_of(bytes: &[u8]) -> Result<Footer, Refusal> {
    read(&Bytes::from(bytes), &Budget::default()).unwrap()
}

#[test]
fn row_groups_are_the_ranges_of_their_columns() {
    let bytes = file(
        5,
        &[
            group(3, &[chunk(None, 4, 10), chunk(Some(14), 20, 12)]),
            group(2, &[chunk(Some(0), 26, 30)]),
        ],
    );
    let footer = footer_of(&bytes).unwrap();
    assert_eq!(footer.rows, 5);
    let groups = footer.row_groups.iter().map(|group| (group.rows, group.chunks.clone().unwrap()));
    assert_eq!(groups.collect::<Vec<_>>(), [(3, vec![4..14, 14..26]), (2, vec![26..56])]);
}

#[test]
fn footers_that_lie_are_refused() {
    let good = file(3, &[group(3, &[chunk(None, 4, 10)])]);
    assert!(footer_of(&good).is_ok());
    assert_eq!(footer_of(&file(4, &[group(3, &[])])).unwrap_err().gap, Gap::Malformed);
    let beyond = footer_of(&file(3, &[group(3, &[chunk(None, 60, 60)])])).unwrap();
    assert_eq!(beyond.row_groups[0].chunks.as_ref().unwrap_err().gap, Gap::OversizedLength);
    let mut long = good.clone();
    let at = long.len() - 8;
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(footer_of(&long).unwrap_err().gap, Gap::OversizedLength);
    let mut sealed = good.clone();
    let at = sealed.len() - 1;
    sealed[at] = b'E';
    assert_eq!(footer_of(&sealed).unwrap_err().gap, Gap::Encrypted);
    assert!(read(&Bytes::from(&good[1..]), &Budget::default()).is_none());
    // Lists in lists, deeper than any footer.
    let deep = [&[0x19; 200][..], &[0]].concat();
    let length = (deep.len() as u32).to_le_bytes();
    let deep = [b"PAR1", &deep[..], &length, b"PAR1"].concat();
    assert!(footer_of(&deep).is_err());
}

proptest! {
    #[test]
    fn no_footer_panics(footer in prop::collection::vec(any::<u8>(), 0..200)) {
        let length = (footer.len() as u32).to_le_bytes();
        let bytes = [b"PAR1", &footer[..], &length, b"PAR1"].concat();
        let budget = Budget::new(Limits::default());
        let _ = read(&Bytes::from(bytes), &budget);
    }
}
