//! Archives that other people's tools wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::{any::Any, ops::ControlFlow, sync::Arc};

use modelward_formats::{
    Asset, Bytes,
    listing::{Kind, Listing},
    read,
    tar::Archive,
};

const TEXT: &[u8] = include_bytes!("fixtures/compressed/text");

macro_rules! fixtures {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("fixtures/tar/", $name, ".tar.gz")))),*]
    };
}

const FIXTURES: &[(&str, &[u8])] = fixtures![
    "python-ustar",
    "python-gnu",
    "python-pax",
    "gnutar-gnu",
    "gnutar-oldgnu",
    "gnutar-pax",
    "gnutar-v7",
];

fn unpacked(gz: &[u8]) -> Vec<u8> {
    let mut content = None;
    let readings = read(&Bytes::from(gz), &Arc::default());
    readings[0].asset.as_ref().unwrap().parts(&mut |part| {
        content = Some(part.bytes.unwrap().head(u64::MAX).unwrap());
        ControlFlow::Break(())
    });
    content.unwrap()
}

fn archive(bytes: &[u8]) -> Box<Archive> {
    let readings = read(&Bytes::from(bytes), &Arc::default());
    let reading = readings.into_iter().find(|reading| reading.format.name == "tar").unwrap();
    (reading.asset.unwrap() as Box<dyn Any>).downcast().unwrap()
}

#[test]
fn every_tool_is_read() {
    for (name, gz) in FIXTURES {
        let archive = archive(&unpacked(gz));
        let listing = (archive.facet().unwrap() as &dyn Any).downcast_ref::<Listing>().unwrap();
        assert_eq!((listing.leading, listing.trailing), (0, None), "{name}");
        assert_eq!(listing.forks, [], "{name}");
        let mut files = 0;
        for member in archive.members.iter().filter(|member| member.kind == Kind::File) {
            let shown = String::from_utf8(member.name.clone()).unwrap();
            let content = member.bytes.clone().unwrap().head(u64::MAX).unwrap();
            assert!(shown.starts_with("model/"), "{name}: {shown}");
            let hole = content.len() - TEXT.len();
            assert!(content.ends_with(TEXT), "{name}: {shown}");
            assert!(content[..hole].iter().all(|byte| *byte == 0), "{name}: {shown}");
            assert!(hole == if shown == "model/sparse" { 1 << 20 } else { 0 }, "{name}: {shown}");
            files += 1;
        }
        let expected = match *name {
            "gnutar-v7" => 1,
            name if name.starts_with("gnutar") => 3,
            _ => 2,
        };
        assert_eq!(files, expected, "{name}");
        assert_eq!(archive.gaps(), [], "{name}");
        archive.parts(&mut |part| {
            assert!(part.bytes.is_ok(), "{name}: {}", part.name);
            ControlFlow::Continue(())
        });
    }
}

#[test]
fn members_behind_the_end_marker_and_behind_a_break_are_read() {
    let one = unpacked(FIXTURES[0].1);
    let both = archive(&[&*one, &*one].concat());
    assert_eq!(both.members.len(), 2 * archive(&one).members.len());
    let listing = (both.facet().unwrap() as &dyn Any).downcast_ref::<Listing>().unwrap();
    assert_eq!(listing.forks.len(), 1);

    let mut broken = one.clone();
    broken[512 + 148] ^= 1;
    let broken = archive(&broken);
    assert_eq!(broken.members.len(), archive(&one).members.len() - 1);
    assert_eq!(broken.gaps().len(), 1);
}

#[test]
fn a_zip_inside_is_not_taken_for_the_whole() {
    let zip = include_bytes!("fixtures/zip/stored.zip");
    let mut header = [0_u8; 512];
    header[..5].copy_from_slice(b"m.zip");
    header[124..135].copy_from_slice(format!("{:011o}", zip.len()).as_bytes());
    header[156] = b'0';
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; 1024 + 512 - zip.len() % 512];
    let tar = [&header[..], zip, &padding].concat();
    let formats = read(&Bytes::from(tar), &Arc::default());
    let formats = formats.iter().map(|reading| reading.format.name).collect::<Vec<_>>();
    assert_eq!(formats, ["tar"]);
}
