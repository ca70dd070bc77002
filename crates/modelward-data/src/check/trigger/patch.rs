//! Patches: windows of pixels that stand in images of one label though the rest of them shows another.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Confirmed, Evidence, Hint, Labelled, Mined, Trigger};
use crate::{Matrix, pictures::Pictures};

mod grow;
mod pixels;
mod rest;
mod windows;

use self::{grow::Patch, pixels::Pixels, rest::Rest};

/// Candidates that are grown and confirmed.
const MOST_CONFIRMED: usize = 64;

/// Mine the patches of images that lie as numbers; gives the images in a small size too.
pub(super) fn mine(
    images: &Matrix,
    shape: (usize, usize, usize, bool),
    rows: &Labelled<'_>,
) -> (Mined, Matrix) {
    of_pixels(&Pixels::of(images, shape), rows)
}

/// Mine the patches of images that lie in files, those of the commonest size; gives the images in a small
/// size too, where they are all there are. Pixels may take so many bytes.
pub(super) fn of_files(
    pictures: &Pictures,
    rows: &Labelled<'_>,
    most: u64,
) -> (Mined, Option<Matrix>) {
    let mut sizes = BTreeMap::<[usize; 2], Vec<u32>>::new();
    for row in 0..pictures.len() {
        if let Some(size) = pictures.size(row) {
            sizes.entry(size).or_default().push(row as u32);
        }
    }
    let commonest = sizes.into_iter().max_by_key(|(size, rows)| (rows.len(), Reverse(*size)));
    let Some((size, kept)) = commonest else { return (Mined::default(), None) };
    let others = pictures.len() - kept.len();
    if kept.len() < FEWEST {
        let why = format!(
            "trigger: no {FEWEST} images are of one size, so that no patch was looked for in them"
        );
        return (Mined { notes: vec![why], ..Mined::default() }, None);
    }
    let labels = kept.iter().map(|row| rows.label(*row)).collect::<Vec<_>>();
    let labelled = Labelled { labels: &labels, classes: rows.classes };
    let (mut mined, small) = of_pixels(&Pixels::of_files(pictures, &kept, most), &labelled);
    let back = |row: &mut u32| *row = kept[*row as usize];
    let carriers = mined.triggers.iter_mut().flat_map(|trigger| &mut trigger.rows);
    carriers.for_each(|carrier| back(&mut carrier.row));
    mined.hints.iter_mut().flat_map(|hint| &mut hint.rows).for_each(back);
    if others > 0 {
        mined.notes.push(format!(
            "trigger: {others} images are not of the commonest size, {} x {}, or cannot be read: no patch \
             was looked for in them",
            size[1], size[0]
        ));
    }
    (mined, (others == 0).then_some(small))
}

/// Fewer images of one size are not looked at.
const FEWEST: usize = 20;

fn of_pixels(pixels: &Pixels, rows: &Labelled<'_>) -> (Mined, Matrix) {
    let rest = Rest::new(pixels, rows);
    let disagree = rest.under_masks();
    let evidence = Evidence::new(rows, &disagree, rest::MASKS);
    let (candidates, tried) = windows::mine(pixels, rows, &evidence, &rest, &disagree);
    let mut mined = Mined { tried, ..Mined::default() };
    let mut confirmed = 0;
    for candidate in &candidates {
        let known = candidate.rows.iter().filter(|(row, _)| mined.covered(*row)).count();
        if known * 2 > candidate.rows.len() {
            continue;
        }
        if confirmed < MOST_CONFIRMED {
            confirmed += 1;
            if let Some(trigger) = confirm(pixels, rows, &evidence, &rest, candidate, tried) {
                mined.triggers.push(trigger);
                continue;
            }
        }
        // What falls short is not said, but it ranks before rows that have nothing.
        let rows = candidate.rows.iter().map(|(row, _)| *row).collect();
        mined.hints.push(Hint { rows, rank: candidate.rank });
    }
    (mined, rest.images())
}

fn confirm(
    pixels: &Pixels,
    rows: &Labelled<'_>,
    evidence: &Evidence,
    rest: &Rest<'_>,
    candidate: &windows::Candidate,
    tried: u64,
) -> Option<Trigger> {
    let patch = Patch::grow(pixels, candidate);
    let class = candidate.class;
    let places = (0..rows.len()).filter_map(|row| Some((row as u32, patch.place(pixels, row)?)));
    let places = places.collect::<Vec<_>>();
    let (_, middle) = *places.get(places.len() / 2)?;
    let own = places.iter().filter(|(row, _)| rows.label(*row) == class);
    let own = own.map(|(row, at)| {
        (*row, rest.agrees(*row as usize, class, &patch.mask(pixels, *at), pixels.width))
    });
    let own = own.collect::<Vec<_>>();
    let carries = places.iter().map(|(row, _)| *row).collect::<Vec<_>>();
    // How the rest of other images answers under the same mask.
    let mask = patch.mask(pixels, middle);
    let ask = |row: u32| rest.agrees(row as usize, class, &mask, pixels.width);
    let Confirmed { p_value, rows: found } =
        evidence.confirm(rows, class, &carries, &own, ask, tried)?;
    let shown = patch.shown(pixels);
    let unpooled = |at: usize| at * pixels.pooled;
    Some(Trigger {
        kind: "patch",
        target: class,
        rows: found,
        p_value,
        at: patch.fixed.then(|| [0, 1].map(|axis| unpooled(patch.at[axis].max(0) as usize))),
        size: Some(patch.size.map(unpooled)),
        token: None,
        columns: None,
        shown,
    })
}
