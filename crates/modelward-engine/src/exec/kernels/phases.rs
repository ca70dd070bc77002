//! The input of a convolution between its zeros. Under strides the columns of a row that lie apart as
//! they do are brought together, in phases, so that neighbours of the output read neighbours.

use super::{Cpu, lanes::lanes, window::Window};

/// The columns of a padded row: column `c` lies at `c % count * wide + c / count`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phases {
    pub(super) count: usize,
    pub(super) wide: usize,
}

impl Phases {
    /// Columns of a padded row.
    pub(super) fn row(self) -> usize {
        self.count * self.wide
    }

    /// Where a column lies.
    pub(super) fn place(self, column: usize) -> usize {
        column % self.count * self.wide + column / self.count
    }

    /// Copy the input between its zeros.
    pub(super) fn pad(
        self,
        cpu: Cpu,
        window: &Window,
        images: usize,
        x: &[f32],
        padded: &mut [f32],
    ) {
        let [high, wide] = window.padded();
        let [rows, columns] = window.input;
        // Columns of the padded row that the input fills.
        let left = usize::try_from(window.pads[1]).unwrap_or(0);
        let cut = usize::try_from(-window.pads[1]).unwrap_or(0);
        let len = columns.saturating_sub(cut).min(wide.saturating_sub(left));
        let shift = -window.pads[0];
        let first = usize::try_from(-shift).unwrap_or(0).min(high);
        let last = rows.saturating_add_signed(-shift).min(high);
        let above = first.saturating_add_signed(shift);
        let planes = images * window.channels;
        padded[..planes * high * self.row()].fill(0.0);
        if len == 0 || last <= first {
            return;
        }
        for phase in 0..self.count {
            // The first column of this phase that the input fills.
            let skipped = (phase + self.count - left % self.count) % self.count;
            if skipped >= len || !self.is_read(window, phase) {
                continue;
            }
            let lines = Lines {
                planes,
                rows: last - first,
                len: len - skipped,
                stride: self.count,
                from: above * columns + cut + skipped,
                from_plane: rows * columns,
                from_row: columns,
                to: first * self.row() + self.place(left + skipped),
                to_plane: high * self.row(),
                to_row: self.row(),
            };
            bring_lines(cpu, lines, x, padded);
        }
    }

    /// Whether some tap reads a phase.
    fn is_read(self, window: &Window, phase: usize) -> bool {
        let Window { kernel, dilations, .. } = window;
        (0..kernel[1]).any(|x| x * dilations[1] % self.count == phase)
    }
}

/// Rows of planes that are copied: `len` floats of each are gone through by a stride.
#[derive(Clone, Copy, Debug)]
struct Lines {
    planes: usize,
    rows: usize,
    len: usize,
    stride: usize,
    from: usize,
    from_plane: usize,
    from_row: usize,
    to: usize,
    to_plane: usize,
    to_row: usize,
}

lanes! {
    /// Copy rows.
    fn bring_lines(lines: Lines, x: &[f32], padded: &mut [f32]) {
        match (lines.stride, lines.len) {
            // Lengths that the compiler knows take a move or two, and no call.
            (1, 4) => each_line(lines, x, padded, whole::<4>),
            (1, 8) => each_line(lines, x, padded, whole::<8>),
            (1, 16) => each_line(lines, x, padded, whole::<16>),
            (1, 32) => each_line(lines, x, padded, whole::<32>),
            (1, _) => each_line(lines, x, padded, |from, into| into.copy_from_slice(from)),
            (2, _) => each_line(lines, x, padded, |from, into| {
                let (pairs, rest) = from.as_chunks::<2>();
                let (into, end) = into.split_at_mut(pairs.len());
                for (into, [from, _]) in into.iter_mut().zip(pairs) {
                    *into = *from;
                }
                end.copy_from_slice(rest);
            }),
            (stride, _) => each_line(lines, x, padded, |from, into| {
                for (into, from) in into.iter_mut().zip(from.iter().step_by(stride)) {
                    *into = *from;
                }
            }),
        }
    }
}

/// Copy a row of a known length.
#[inline(always)]
fn whole<const LEN: usize>(from: &[f32], into: &mut [f32]) {
    if let (Some(from), Some(into)) = (from.first_chunk::<LEN>(), into.first_chunk_mut::<LEN>()) {
        *into = *from;
    }
}

#[inline(always)]
fn each_line(lines: Lines, x: &[f32], padded: &mut [f32], copy: impl Fn(&[f32], &mut [f32])) {
    let count = lines.len.div_ceil(lines.stride);
    for plane in 0..lines.planes {
        let from = &x[lines.from + plane * lines.from_plane..];
        let into = &mut padded[lines.to + plane * lines.to_plane..];
        for row in 0..lines.rows {
            let from = &from[row * lines.from_row..][..lines.len];
            copy(from, &mut into[row * lines.to_row..][..count]);
        }
    }
}
