//! Archives that other people's tools wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{any::Any, ops::ControlFlow, sync::Arc};

use modelward_formats::{Asset, Bytes, listing::Listing, read, zip::Archive};
use proptest::{collection::vec, prelude::*};

const TEXT: &[u8] = include_bytes!("fixtures/compressed/text");

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("fixtures/zip/", $name)))),*]
    };
}

const FIXTURES: &[(&str, &[u8])] = fixtures![
    "stored.zip",
    "deflated.zip",
    "bzip2.zip",
    "lzma.zip",
    "streamed.zip",
    "zip64.zip",
    "nested.zip",
    "infozip.zip",
    "infozip-stream.zip",
    "empty.zip",
];

fn archive(bytes: &[u8]) -> Box<Archive> {
    let readings = read(&Bytes::from(bytes), &Arc::default());
    let reading = readings.into_iter().find(|reading| reading.format.name == "zip").unwrap();
    (reading.asset.unwrap() as Box<dyn Any>).downcast().unwrap()
}

#[test]
fn every_tool_is_read_in_both_views_that_agree() {
    for (name, bytes) in FIXTURES {
        let archive = archive(bytes);
        assert_eq!(archive.refusals(), [], "{name}");
        assert_eq!(archive.directories.len(), 1, "{name}");
        assert_eq!(archive.stray_ends, [0; 0], "{name}");
        let listing = (archive.facet().unwrap() as &dyn Any).downcast_ref::<Listing>().unwrap();
        assert_eq!((listing.leading, listing.trailing), (0, None), "{name}");
        for member in &archive.members {
            assert!(member.central.is_some() && member.local.is_some(), "{name}");
            assert_ne!(archive.has_checksum(member), Some(false), "{name}");
            let views = archive.open(member);
            assert!(views.len() <= 1, "{name}");
            let content = views.into_iter().map(|view| view.bytes.unwrap());
            let content = content.map(|bytes| bytes.head(u64::MAX).unwrap()).next();
            let content = content.unwrap_or_default();
            assert!(content.is_empty() || content == TEXT || *name == "nested.zip", "{name}");
        }
    }
}

#[test]
fn an_archive_without_its_end_is_read_from_the_start() {
    let whole = archive(FIXTURES[1].1);
    let directory = usize::try_from(whole.directories[0].at).unwrap();
    for end in directory..FIXTURES[1].1.len() {
        let cut = archive(&FIXTURES[1].1[..end]);
        assert_ne!(cut.refusals().len(), 0, "cut to {end}");
        let first = cut.open(&cut.members[0]).remove(0).bytes.unwrap();
        assert!(first.head(u64::MAX).unwrap() == TEXT, "cut to {end}");
    }
}

#[test]
fn two_archives_in_a_row_are_both_read() {
    let names = |archive: &Archive| {
        let mut names = archive.members.iter().map(|member| member.shown()).collect::<Vec<_>>();
        names.sort();
        names
    };
    for (first, one) in FIXTURES.iter().filter(|(name, _)| *name != "empty.zip") {
        for (second, two) in FIXTURES.iter().filter(|(name, _)| *name != "empty.zip") {
            let both = archive(&[*one, *two].concat());
            let mut expected = [names(&archive(one)), names(&archive(two))].concat();
            expected.sort();
            assert_eq!(names(&both), expected, "{first} then {second}");
            assert!(both.directories.len() > 1, "{first} then {second}");
            for member in &both.members {
                assert!(member.central.is_some() && member.local.is_some(), "{first} {second}");
            }
        }
    }
}

#[test]
fn bytes_before_and_behind_are_handed_over() {
    let bytes = [b"GIF89a", FIXTURES[0].1, b"tail"].concat();
    let mut parts = Vec::new();
    archive(&bytes).parts(&mut |part| {
        parts.push((part.name, part.bytes.unwrap().len()));
        ControlFlow::Continue(())
    });
    assert!(parts.contains(&("leading bytes".into(), 6)), "{parts:?}");
    assert!(parts.contains(&("trailing bytes".into(), 4)), "{parts:?}");
    assert!(parts.contains(&("model/text".into(), TEXT.len() as u64)), "{parts:?}");
}

#[test]
fn no_single_byte_makes_a_member_disappear() {
    for (name, bytes) in
        FIXTURES.iter().filter(|(name, bytes)| bytes.len() > 2050 && *name != "nested.zip")
    {
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x41;
            let readings = read(&Bytes::from(&*damaged), &Arc::default());
            let mut seen = false;
            for reading in readings {
                let asset = reading.asset.unwrap();
                asset.parts(&mut |part| {
                    let content = part.bytes.and_then(|bytes| bytes.head(1 << 20));
                    let fox = |content: &[u8]| content.windows(9).any(|nine| nine == b"brown fox");
                    seen |= content.map_or(true, |content| fox(&content));
                    ControlFlow::Continue(())
                });
            }
            assert!(seen, "{name} with byte {at} changed");
        }
    }
}

#[test]
fn rare_methods_are_read() {
    let zstd = include_bytes!("fixtures/compressed/tool.zst");
    let xz = include_bytes!("fixtures/compressed/tool.xz");
    // A block that stores its bytes is the same in deflate64 as in deflate.
    let length = u16::try_from(TEXT.len()).unwrap();
    let head = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    let deflate64 = [&head, TEXT].concat();
    for (method, data) in [(9_u16, &*deflate64), (93, zstd), (95, xz)] {
        let size = u32::try_from(data.len()).unwrap().to_le_bytes();
        let mut bytes = b"PK\x03\x04\x14\0\0\0".to_vec();
        bytes.extend(method.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(size);
        bytes.extend([8, 7, 0, 0, 1, 0, 0, 0]);
        bytes.push(b'm');
        bytes.extend(data);
        let archive = archive(&bytes);
        let mut views = archive.open(&archive.members[0]);
        assert_eq!(views.len(), 1, "method {method}");
        let content = views.remove(0).bytes.unwrap().head(u64::MAX).unwrap();
        assert!(content == TEXT, "method {method}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_in_bounds(bytes in vec(any::<u8>(), 0..400), cut in 0_usize..2000) {
        // Hostile bytes in the middle of an ordinary archive.
        let whole = FIXTURES[1].1;
        let cut = cut.min(whole.len());
        let mixed = [&whole[..cut], &*bytes, &whole[cut..]].concat();
        for reading in read(&Bytes::from(mixed), &Arc::default()) {
            let Ok(asset) = reading.asset else { continue };
            asset.parts(&mut |part| {
                let _ = part.bytes.and_then(|bytes| bytes.head(1 << 16));
                ControlFlow::Continue(())
            });
        }
    }

    #[test]
    fn a_prefix_and_a_suffix_hide_nothing(
        before in vec(any::<u8>(), 1..300),
        after in vec(any::<u8>(), 1..300),
    ) {
        let bytes = [&before, FIXTURES[0].1, &after].concat();
        let names = |archive: &Archive| archive.members.iter().map(|m| m.shown()).collect::<Vec<_>>();
        prop_assert_eq!(names(&archive(&bytes)), names(&archive(FIXTURES[0].1)));
    }
}
