//! Files inside images: what stands behind the end of one or in its notes, and cells that are programs.
//!
//! An image is followed from its first byte to its last by its own form (PNG: ISO/IEC 15948; JPEG: ITU-T T.81
//! annex B; GIF89a; WebP: RFC 9649). What viewers show ends there; whatever else looks into the file may go on.
//! Phones append pictures and films to their JPEGs, and writers pad with zeros: these are no alarm, and are followed
//! to their own ends.

#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation
)]

use memchr::{memchr_iter, memmem, memrchr};

use crate::foreign::{binary, pickle, program};

mod behind;
mod extent;

use self::{
    behind::{Appended, padding},
    extent::{Extent, Form},
};

/// What an image or a cell of bytes hides.
pub(super) struct Hidden {
    pub(super) why: String,
    /// Whether it is something that runs or unpacks, and not only more bytes than are shown.
    pub(super) grave: bool,
}

/// What the bytes of an image hide, or `None`.
pub(super) fn in_image(bytes: &[u8]) -> Option<Hidden> {
    let extent = Extent::of(bytes)?;
    if extent.form == Form::Gif && bytes.get(6..8) == Some(b"/*") {
        return Some(grave("an image that is a script too: `GIF89a/*`".to_owned()));
    }
    let appended = match extent.form {
        Form::Jpeg => Appended::of(bytes, extent.end),
        _ => Appended { end: extent.end, notes: Vec::new() },
    };
    let behind = bytes.get(appended.end..).unwrap_or_default();
    let behind = behind.get(padding(behind)..).unwrap_or_default();
    let all = bytes.len().saturating_sub(extent.end);
    if let Some(what) = file(behind).or_else(|| archive_at_end(bytes)) {
        return Some(grave(format!("{what} behind the end of the image, {all} bytes")));
    }
    for note in extent.notes.iter().chain(&appended.notes) {
        let note = bytes.get(note.clone()).unwrap_or_default();
        if let Some(what) = program(note).or_else(|| within(note)) {
            return Some(grave(format!("{what} in the notes of the image")));
        }
    }
    // Profiles, palettes and pixels too: what a server or an archive's reader looks for is found anywhere.
    if let Some(what) = within(bytes) {
        return Some(grave(format!("{what} inside of the image")));
    }
    if behind.len() >= LEAST_BEHIND {
        let why = format!("{all} bytes behind the end of the image, which no viewer shows");
        return Some(Hidden { why, grave: false });
    }
    let notes = extent.notes.iter().map(std::ops::Range::len).fold(0, usize::saturating_add);
    if notes > MOST_NOTES && notes > bytes.len() / 2 {
        let why = format!("{notes} bytes of notes, more than of the image itself");
        return Some(Hidden { why, grave: false });
    }
    None
}

/// What a cell of bytes is that is no image, or `None`.
pub(super) fn in_bytes(bytes: &[u8]) -> Option<Hidden> {
    binary(bytes).map(|what| grave(format!("the cell is {what}")))
}

fn grave(why: String) -> Hidden {
    Hidden { why, grave: true }
}

/// What file begins here, of those that run or unpack.
fn file(bytes: &[u8]) -> Option<&'static str> {
    let begun = [
        (&b"PK\x03\x04"[..], "a ZIP archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"%PDF-", "a PDF"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"BZh91AY&SY", "a bzip2 file"),
        (b"\xfd7zXZ\0", "an xz file"),
        (b"\x28\xb5\x2f\xfd", "a zstd file"),
        (b"MSCF\0\0\0\0", "a cabinet archive"),
    ];
    let known = begun.iter().find(|(magic, _)| bytes.starts_with(magic));
    let tar = bytes.get(257..262) == Some(b"ustar");
    known
        .map(|(_, what)| *what)
        .or_else(|| tar.then_some("a tar archive"))
        .or_else(|| program(bytes))
        .or_else(|| page(bytes))
        // A reader of pickles stops at its end, whatever stands behind.
        .or_else(|| pickle(bytes, memrchr(b'.', bytes).map(|_| b'.')))
}

/// A page that a server or a browser runs.
fn page(bytes: &[u8]) -> Option<&'static str> {
    let head = bytes.get(..bytes.len().min(512))?.trim_ascii_start().to_ascii_lowercase();
    let begun = [
        (&b"<?php"[..], "a PHP script"),
        (b"<script", "a script"),
        (b"<html", "a page"),
        (b"<!doctype html", "a page"),
    ];
    begun.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

/// A ZIP archive whose directory stands at the end of the file, wherever its members lie (APPNOTE.TXT, 4.3.16).
fn archive_at_end(bytes: &[u8]) -> Option<&'static str> {
    let from = bytes.len().saturating_sub(22 + 65_535);
    let tail = bytes.get(from..)?;
    let at = memmem::rfind(tail, b"PK\x05\x06")?;
    let record = tail.get(at..at.checked_add(22)?)?;
    let comment = usize::from(u16::from_le_bytes(*record.last_chunk::<2>()?));
    let size = u32::from_le_bytes(*record.get(12..16)?.first_chunk::<4>()?);
    let ends = at.checked_add(22)?.checked_add(comment)? == tail.len();
    let begins = from.checked_add(at)?.checked_sub(usize::try_from(size).ok()?)?;
    let directory = bytes.get(begins..)?.starts_with(b"PK\x01\x02");
    (ends && (directory || size == 0)).then_some("a ZIP archive")
}

/// What stands anywhere in bytes and is found there by what runs or unpacks it.
fn within(bytes: &[u8]) -> Option<&'static str> {
    let zip = memmem::find_iter(bytes, b"PK\x03\x04").any(|at| {
        let version = at.checked_add(4).and_then(|at| bytes.get(at..));
        // A version that there is, and stored or deflated.
        matches!(version, Some([10..=63, 0, _, _, 0 | 8, 0, ..]))
    });
    if zip {
        return Some("a ZIP archive");
    }
    memchr_iter(b'<', bytes).find_map(|at| {
        let begins = |word: &[u8]| {
            let here = bytes.get(at..at.saturating_add(word.len()));
            here.is_some_and(|here| here.eq_ignore_ascii_case(word))
        };
        let script = begins(b"<script").then_some("a script");
        script.or_else(|| begins(b"<?php").then_some("a PHP script"))
    })
}

/// Fewer bytes behind an image are a slip of its writer.
const LEAST_BEHIND: usize = 16;
/// Notes of images are shorter: EXIF has 64 KiB at most, a thumbnail included.
const MOST_NOTES: usize = 256 << 10;

#[cfg(test)]
mod tests;
