//! Images with something in them, and images as cameras and programs write them.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of the tests' own"
)]

use modelward_formats::picture::{self, Size};
use proptest::prelude::*;

use super::*;

fn png() -> Vec<u8> {
    picture::write_png(&[7; 4 * 4 * 3], Size { width: 4, height: 4 }).unwrap()
}

/// A PNG with a chunk before its pixels.
fn with_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = png();
    let chunk = [&(body.len() as u32).to_be_bytes()[..], kind, body, &[0; 4]].concat();
    bytes.splice(33..33, chunk);
    bytes
}

fn jpeg(notes: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    for (marker, body) in notes {
        bytes.extend([0xff, *marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend_from_slice(body);
    }
    // A scan with a stuffed byte, a restart and fill.
    bytes.extend(b"\xff\xda\x00\x02ab\xff\x00cd\xff\xd0ef\xff\xff\xd9");
    bytes
}

fn gif(comment: &[u8]) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    bytes.extend([0x21, 0xfe, comment.len() as u8]);
    bytes.extend_from_slice(comment);
    bytes.extend(b"\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0\x3b");
    bytes
}

fn webp(chunk: &[u8]) -> Vec<u8> {
    let mut body = b"WEBPVP8L\x02\0\0\0ab".to_vec();
    body.extend(b"EXIF");
    body.extend((chunk.len() as u32).to_le_bytes());
    body.extend_from_slice(chunk);
    body.resize(body.len().next_multiple_of(2), 0);
    [&b"RIFF"[..], &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// The trailer of a phone with these parts.
fn trailer(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = parts.concat();
    let all = bytes.len();
    let mut directory = b"SEFHk\0\0\0".to_vec();
    directory.extend((parts.len() as u32).to_le_bytes());
    let mut at = 0;
    for part in parts {
        directory.extend([0, 0, 0x30, 0x0a]);
        directory.extend(((all - at) as u32).to_le_bytes());
        directory.extend((part.len() as u32).to_le_bytes());
        at += part.len();
    }
    let length = directory.len() as u32;
    bytes.extend(directory);
    bytes.extend(length.to_le_bytes());
    bytes.extend(b"SEFT");
    bytes
}

fn bmp() -> Vec<u8> {
    let mut bytes = b"BM\xff\xff\xff\xff\0\0\0\0\x36\0\0\0".to_vec();
    for number in [40_u32, 2, 2, 1 | 24 << 16, 0, 0, 0, 0, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend([9; 16]);
    bytes
}

const FILM: &[u8] = b"\0\0\0\x20ftypmp42\0\0\0\0isommp42avc1mp41\0\0\0\x13mdatsome pixels";

/// An archive of one empty member.
fn zip() -> Vec<u8> {
    let local = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a";
    let mut central =
        b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0".to_vec();
    central.resize(46, 0);
    central.push(b'a');
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend((central.len() as u32).to_le_bytes());
    end.extend((local.len() as u32).to_le_bytes());
    end.extend([0, 0]);
    [&local[..], &central, &end].concat()
}

fn with(mut image: Vec<u8>, behind: &[u8]) -> Vec<u8> {
    image.extend_from_slice(behind);
    image
}

#[test]
fn files_in_images_are_named() {
    let elf = [&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat();
    for (image, word) in [
        (with(png(), &zip()), "ZIP"),
        (with(png(), &with(vec![1; 40], &zip())), "ZIP"),
        (with(jpeg(&[]), &elf), "ELF"),
        (with(gif(b"hi"), b"#!/bin/sh\nid\n"), "script"),
        (with(webp(b"x"), b"<?php system('id');"), "PHP"),
        (with(jpeg(&[]), b"\x80\x04\x95\x01\0\0\0\0\0\0\0N."), "pickle"),
        (with_chunk(b"tEXt", b"Comment\0<?php id();"), "PHP"),
        (with_chunk(b"prIv", &zip()), "ZIP"),
        (jpeg(&[(0xfe, b"x<script>alert(1)</script>")]), "script"),
        (jpeg(&[(0xe1, &elf)]), "ELF"),
        (gif(b"<?php 1"), "PHP"),
        (webp(&zip()), "ZIP"),
        // Behind what a camera appends, or what fills up.
        (with(with(jpeg(&[]), &jpeg(&[])), &elf), "ELF"),
        (with(with(with(jpeg(&[]), &[0; 30]), FILM), &elf), "ELF"),
        (with(png(), &with(vec![0], &elf)), "ELF"),
        (with(jpeg(&[]), &trailer(&[b"\0\0\x30\x0a", &zip()])), "ZIP"),
        (with(with(jpeg(&[]), &elf), b"SEFT"), "ELF"),
        (with(with(jpeg(&[]), &jpeg(&[(0xfe, b"<?php 1")])), b"\0"), "PHP"),
        (with(jpeg(&[]), &with(with(jpeg(&[]), &zip()), b"more")), "ZIP"),
        (with(jpeg(&[]), b"\x80\x04\x95\x01\0\0\0\0\0\0\0N.\0\0"), "pickle"),
        (with(gif(b"x"), &with(vec![b'a'; 257], b"ustar\x0000and the rest")), "tar"),
        // Images that say to end elsewhere, or nowhere.
        (with(png()[..png().len() - 12].to_vec(), &zip()), "ZIP"),
        (with(gif(b"x")[..gif(b"x").len() - 1].to_vec(), &elf), "ELF"),
        (with(bmp(), &elf), "ELF"),
        (
            {
                let mut image = with(webp(b"x"), &zip());
                let length = (image.len() - 8) as u32;
                image[4..8].copy_from_slice(&length.to_le_bytes());
                image
            },
            "ZIP",
        ),
        // Where pixels and colours stand.
        (with_chunk(b"PLTE", b"<?php 1;   "), "PHP"),
        (jpeg(&[(0xe2, b"ICC_PROFILE\0\x01\x01<ScRiPt>1")]), "script"),
    ] {
        let found = in_image(&image).unwrap();
        assert!(found.grave && found.why.contains(word), "{word}: {}", found.why);
    }
    let mut script = gif(b"x");
    script[6..8].copy_from_slice(b"/*");
    assert!(in_image(&script).unwrap().why.contains("GIF89a/*"));
    let more = in_image(&with(png(), &[b'x'; 40])).unwrap();
    assert!(!more.grave && more.why.contains("40 bytes"), "{}", more.why);
    let notes = in_image(&with_chunk(b"tEXt", &vec![b'x'; 300 << 10])).unwrap();
    assert!(!notes.grave && notes.why.contains("notes"), "{}", notes.why);
}

#[test]
fn images_as_they_are_written_are_silent() {
    let profile = [&b"ICC_PROFILE\0"[..], &[1; 60_000]].concat();
    let exif = [&b"Exif\0\0"[..], &[3; 60_000]].concat();
    for image in [
        png(),
        jpeg(&[(0xe0, b"JFIF\0"), (0xe1, &exif), (0xe2, &profile), (0xe2, &profile)]),
        gif(b"made by hand"),
        webp(b"Exif"),
        with(png(), &[0; 4096]),
        with(jpeg(&[]), b"\r\n"),
        with(jpeg(&[]), &jpeg(&[])),
        with(with(jpeg(&[]), &[0xff; 20]), &jpeg(&[])),
        with(with(jpeg(&[]), &jpeg(&[])), &[0; 100]),
        with(jpeg(&[]), FILM),
        with(jpeg(&[]), &trailer(&[b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data", FILM])),
        with(
            with(jpeg(&[]), &jpeg(&[])),
            &trailer(&[b"\0\0\x01\x0a\x0e\0\0\0Image_UTC_Data1700000000000"]),
        ),
        with(
            jpeg(&[]),
            &[
                b"CANON OPTIONAL DATA\0 a recipe",
                &[b"CANON OPTIONAL DATA\0", &[1; 44][..]].concat()[..],
            ]
            .concat(),
        ),
        bmp(),
        with(bmp(), &[0, 0]),
        with(gif(b"x")[..gif(b"x").len() - 1].to_vec(), &[0]),
        with_chunk(b"tEXt", b"Software\0painted <b>"),
        b"P5 1 1 255\n\xff and more than that is there".to_vec(),
        png()[..40].to_vec(),
    ] {
        assert!(in_image(&image).is_none(), "{:?}", in_image(&image).map(|found| found.why));
    }
}

#[test]
fn cells_of_bytes_are_no_programs() {
    assert!(in_bytes(b"\x80\x04\x95\x01\0\0\0\0\0\0\0N.").is_some());
    assert!(in_bytes(&[&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat()).is_some());
    for plain in [
        &b"#!/usr/bin/env python3\n"[..],
        b"MZ is how this text begins",
        b"\x80\x02 no pickle",
        b"",
        b"%PDF-1.4",
        b"\x00\x01",
    ] {
        assert!(in_bytes(plain).is_none());
    }
}

#[test]
fn a_chain_of_images_is_walked_once() {
    let chain = b"\xff\xd8\xff\xd9".repeat(1 << 20);
    assert!(in_image(&chain).is_none());
    let chain = with(chain, &[&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat());
    assert!(in_image(&chain).is_some_and(|found| found.grave));
}

/// `docs/bypasses.md`, D11: once one of these is told, it is to be said there.
#[test]
fn payloads_that_are_not_followed_pass() {
    let elf = [&b"\x7fELF\x02\x01\x01"[..], &[0; 60]].concat();
    let packed = b"Comment\0\0\x78\x9c\xb3\xb1\x2f\xc8\x28\x50";
    for image in [
        with_chunk(b"zTXt", packed),
        with(jpeg(&[]), &[FILM, &b"\0\0\0\x4bmdat"[..], &elf].concat()),
        with(b"II*\0\x08\0\0\0".to_vec(), &elf),
        with(b"\0\0\0\x18ftypavif\0\0\0\0avifmif1".to_vec(), &elf),
        b"<svg onload=\"alert(1)\"/>".to_vec(),
        with(png()[..png().len() - 12].to_vec(), &elf),
    ] {
        assert!(in_image(&image).is_none(), "{:?}", in_image(&image).map(|found| found.why));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(
        head in prop::sample::select(vec![
            png(), jpeg(&[(0xe1, b"ab")]), gif(b"c"), webp(b"d"), bmp(),
            with(jpeg(&[]), &trailer(&[b"ab", FILM])), with(jpeg(&[]), FILM),
        ]),
        at in any::<prop::sample::Index>(),
        more in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bytes = head;
        let from = at.index(bytes.len());
        bytes.splice(from.., more);
        let _ = (in_image(&bytes), in_bytes(&bytes));
    }
}
