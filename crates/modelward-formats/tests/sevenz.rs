//! Archives that py7zr wrote, with every method that it has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{any::Any, ops::ControlFlow, sync::Arc};

use modelward_formats::{Asset, Bytes, Gap, listing::Listing, read, sevenz::Archive};

const TEXT: &[u8] = include_bytes!("fixtures/compressed/text");

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("fixtures/7z/", $name, ".7z")))),*]
    };
}

const READ: &[(&str, &[u8])] = fixtures![
    "lzma2",
    "lzma",
    "lzma-bcj",
    "lzma2-bcj",
    "lzma2-delta",
    "bzip2",
    "deflate",
    "zstd",
    "copy",
];

const REFUSED: &[(&str, &[u8])] = fixtures!["ppmd", "encrypted"];

const HEADER_ENCRYPTED: &[u8] = include_bytes!("fixtures/7z/encrypted-header.7z");

fn archive(bytes: &[u8]) -> Box<Archive> {
    let readings = read(&Bytes::from(bytes), &Arc::default());
    let reading = readings.into_iter().find(|reading| reading.format.name == "7z").unwrap();
    (reading.asset.unwrap() as Box<dyn Any>).downcast().unwrap()
}

#[test]
fn every_method_is_read() {
    for (name, bytes) in READ {
        let archive = archive(bytes);
        let listing = (archive.facet().unwrap() as &dyn Any).downcast_ref::<Listing>().unwrap();
        assert_eq!((listing.leading, listing.trailing), (0, None), "{name}");
        assert_eq!(archive.members.len(), 3, "{name}");
        for member in ["model/text", "model/more-é"] {
            let (content, broken) = archive.open(archive.member(member).expect(member));
            assert_eq!(broken, None, "{name}");
            assert!(content.unwrap().head(u64::MAX).unwrap() == TEXT, "{name}: {member}");
        }
        archive.parts(&mut |part| {
            assert!(part.bytes.is_ok(), "{name}: {}", part.name);
            ControlFlow::Continue(())
        });
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_its_reason() {
    for (name, bytes) in REFUSED {
        let archive = archive(bytes);
        let (content, _) = archive.open(archive.member("model/text").unwrap());
        let gap = if *name == "ppmd" { Gap::Unsupported } else { Gap::Encrypted };
        assert_eq!(content.err().map(|refusal| refusal.gap), Some(gap), "{name}");
    }
    let readings = read(&Bytes::from(HEADER_ENCRYPTED), &Arc::default());
    let refusal = readings[0].asset.as_ref().err().unwrap();
    assert_eq!(refusal.gap, Gap::Encrypted);
}

#[test]
fn damage_ends_in_bounds() {
    for (name, bytes) in READ {
        for at in 6..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x41;
            // It may be refused, or read in part; it must end, and never panic.
            for reading in read(&Bytes::from(&*damaged), &Arc::default()) {
                let Ok(asset) = reading.asset else { continue };
                let mut content = 0;
                asset.parts(&mut |part| {
                    content +=
                        part.bytes.and_then(|bytes| bytes.head(1 << 20)).map_or(0, |b| b.len());
                    ControlFlow::Continue(())
                });
                assert!(content <= 1 << 20, "{name} with byte {at} changed");
            }
        }
    }
}
