//! Streams that other people's tools wrote, and what is left of them when they are damaged.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{any::Any, ops::ControlFlow, sync::Arc};

use modelward_formats::{Asset, Budget, Bytes, Compressed, Gap, Limits, Refusal, read};

const TEXT: &[u8] = include_bytes!("fixtures/compressed/text");

macro_rules! fixtures {
    ($($format:literal $name:literal),* $(,)?) => {
        &[$(($format, $name, include_bytes!(concat!("fixtures/compressed/", $name)))),*]
    };
}

const FIXTURES: &[(&str, &str, &[u8])] = fixtures![
    "gzip" "tool.gz", "gzip" "twice.gz", "gzip" "named.gz",
    "bzip2" "tool.bz2", "bzip2" "twice.bz2",
    "xz" "tool.xz", "xz" "sha256.xz", "xz" "filtered.xz", "xz" "twice.xz",
    "lzma" "tool.lzma", "lzma" "python.lzma",
    "zstd" "tool.zst", "zstd" "plain.zst",
    "lz4" "tool.lz4", "lz4" "linked.lz4",
    "zlib" "python.zlib",
];

/// What was decoded, what was refused, and what lies behind the stream.
fn decode(format: &str, bytes: &[u8]) -> (Vec<u8>, Option<Refusal>, Option<(u64, u64)>) {
    let readings = read(&Bytes::from(bytes), &Budget::new(Limits::default()));
    let reading = readings.into_iter().find(|reading| reading.format.name == format);
    let asset: Box<dyn Asset> = reading.expect("the format is recognised").asset.unwrap();
    let facet = asset.facet().unwrap() as &dyn Any;
    let trailing = facet.downcast_ref::<modelward_formats::listing::Listing>().unwrap().trailing;
    let compressed = (asset as Box<dyn Any>).downcast::<Compressed>().unwrap();
    let content = compressed.content().head(u64::MAX).unwrap();
    (content, compressed.refusal().cloned(), trailing)
}

#[test]
fn every_tool_is_read_to_the_end() {
    for (format, name, bytes) in FIXTURES {
        let (content, refusal, trailing) = decode(format, bytes);
        assert_eq!((refusal, trailing), (None, None), "{name}");
        assert!(content == TEXT, "{name}: {} bytes", content.len());
    }
}

#[test]
fn a_gzip_header_with_flags_that_mean_nothing_is_read_as_python_does() {
    let mut bytes = include_bytes!("fixtures/compressed/tool.gz").to_vec();
    bytes[3] |= 0xe0;
    assert_eq!(decode("gzip", &bytes), (TEXT.to_vec(), None, None));
}

#[test]
fn bytes_behind_a_stream_are_seen() {
    for (format, name, bytes) in FIXTURES {
        let longer = [bytes, &b"payload"[..]].concat();
        let (content, _, trailing) = decode(format, &longer);
        assert!(content == TEXT, "{name}");
        assert_eq!(trailing, Some((bytes.len() as u64, 7)), "{name}");
    }
}

#[test]
fn padding_behind_a_stream_is_not_taken_for_content() {
    for (format, name, bytes) in FIXTURES {
        let longer = [bytes, &[0; 512][..]].concat();
        assert_eq!(decode(format, &longer).2, None, "{name}");
    }
}

#[test]
fn what_is_cut_short_is_refused_and_never_invents_content() {
    let single = FIXTURES.iter().filter(|(_, name, _)| !name.starts_with("twice"));
    for (format, name, bytes) in single {
        for end in (bytes.len() / 2)..bytes.len() {
            let readings = read(&Bytes::from(&bytes[..end]), &Budget::new(Limits::default()));
            for reading in readings.into_iter().filter(|each| each.format.name == *format) {
                let Ok(asset) = reading.asset else { continue };
                let compressed = (asset as Box<dyn Any>).downcast::<Compressed>().unwrap();
                let content = compressed.content().head(u64::MAX).unwrap();
                assert!(TEXT.starts_with(&content), "{name} cut to {end}");
                let whole = content == TEXT;
                assert!(compressed.refusal().is_some() || whole, "{name} cut to {end}");
            }
        }
    }
}

#[test]
fn what_was_decoded_before_a_wrong_checksum_is_kept() {
    for (format, name, from_end) in
        [("gzip", "tool.gz", 8), ("zlib", "python.zlib", 1), ("zstd", "tool.zst", 1)]
    {
        let mut bytes = FIXTURES.iter().find(|each| each.1 == name).unwrap().2.to_vec();
        let at = bytes.len() - from_end;
        bytes[at] ^= 1;
        let (content, refusal, _) = decode(format, &bytes);
        assert!(content == TEXT, "{name}");
        assert_eq!(refusal.map(|refusal| refusal.gap), Some(Gap::Truncated), "{name}");
    }
}

#[test]
fn what_grows_too_much_is_refused() {
    let zeros = vec![0; 300 << 20];
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&zeros, 9);
    let (content, refusal, _) = decode("zlib", &bomb);
    assert_eq!(refusal.map(|refusal| refusal.gap), Some(Gap::HighExpansionRatio));
    assert!(content.len() <= 4 << 20);
}

#[test]
fn a_dictionary_beyond_reason_is_never_allocated() {
    let mut bytes = vec![0x5d, 0, 0, 0, 0x80];
    bytes.extend([0xff; 8]);
    bytes.extend([0; 100]);
    let readings = read(&Bytes::from(bytes), &Budget::new(Limits::default()));
    assert!(readings.is_empty() || readings.iter().all(|each| each.asset.is_err()));
}

#[test]
fn parts_come_with_their_gaps() {
    let bytes = &FIXTURES[0].2[..60];
    let readings = read(&Bytes::from(bytes), &Arc::default());
    let mut parts = Vec::new();
    readings[0].asset.as_ref().unwrap().parts(&mut |part| {
        parts.push(part.bytes.is_ok());
        ControlFlow::Continue(())
    });
    assert_eq!(parts, [true, false]);
}
