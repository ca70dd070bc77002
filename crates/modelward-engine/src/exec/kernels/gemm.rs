//! Products of matrices whose right operand is packed once: weights.

use super::{
    Buffer, Cpu,
    lanes::{Epilogue, lanes},
    tile::{Tile, width},
};

/// A right operand in panels: `columns` of the tile beside each other, one shared index a line.
#[derive(Debug)]
pub(in crate::exec) struct Panels {
    k: usize,
    n: usize,
    data: Buffer,
}

/// A left operand in blocks: `rows` of the tile beside each other, one shared index a line.
#[derive(Debug)]
pub(in crate::exec) struct Rows {
    pub(super) m: usize,
    pub(super) k: usize,
    data: Buffer,
}

impl Panels {
    /// Pack an operand that is given by its elements at (shared index, column).
    pub(in crate::exec) fn pack(
        cpu: Cpu,
        k: usize,
        n: usize,
        of: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let wide = cpu.columns();
        let mut data = Buffer::zeros(n.div_ceil(wide) * wide * k);
        for (panel, lines) in data.floats_mut().chunks_exact_mut((wide * k).max(1)).enumerate() {
            for (at, line) in lines.chunks_exact_mut(wide).enumerate() {
                for (column, value) in line.iter_mut().enumerate() {
                    let column = panel * wide + column;
                    if column < n {
                        *value = of(at, column);
                    }
                }
            }
        }
        Self { k, n, data }
    }

    /// Bytes that it takes.
    pub(in crate::exec) fn bytes(&self) -> u64 {
        Buffer::bytes_for(self.data.floats().len())
    }
}

impl Rows {
    /// Pack an operand that is given by its elements at (row, shared index).
    pub(in crate::exec) fn pack(
        cpu: Cpu,
        m: usize,
        k: usize,
        of: impl Fn(usize, usize) -> f32,
    ) -> Self {
        let tall = cpu.rows();
        let mut data = Buffer::zeros(m.div_ceil(tall) * tall * k);
        for (block, lines) in data.floats_mut().chunks_exact_mut((tall * k).max(1)).enumerate() {
            for (at, line) in lines.chunks_exact_mut(tall).enumerate() {
                for (row, value) in line.iter_mut().enumerate() {
                    let row = block * tall + row;
                    if row < m {
                        *value = of(row, at);
                    }
                }
            }
        }
        Self { m, k, data }
    }

    /// A block, from a shared index on.
    pub(super) fn block(&self, cpu: Cpu, block: usize, from: usize) -> &[f32] {
        let tall = cpu.rows();
        &self.data.floats()[(block * self.k + from) * tall..(block + 1) * self.k * tall]
    }

    /// Bytes that it takes.
    pub(in crate::exec) fn bytes(&self) -> u64 {
        Buffer::bytes_for(self.data.floats().len())
    }
}

/// How many shared indices are gone through at once: a panel of them stays in the first cache.
pub(super) const DEEP: usize = 256;

/// Floats of scratch memory that [`multiply`] needs for `m` rows.
pub(in crate::exec) fn scratch(cpu: Cpu, m: usize) -> usize {
    m * cpu.columns()
}

/// `y[m, n] = x[m, k] * panels`, with an epilogue whose bias is one number a column.
pub(in crate::exec) fn multiply(
    cpu: Cpu,
    m: usize,
    x: &[f32],
    panels: &Panels,
    y: &mut [f32],
    end: Epilogue<'_>,
    scratch: &mut [f32],
) {
    let (k, n) = (panels.k, panels.n);
    let (tall, wide) = (cpu.rows(), cpu.columns());
    assert!(x.len() >= m * k && y.len() >= m * n && scratch.len() >= m * wide);
    for (panel, lines) in panels.data.floats().chunks_exact((wide * k).max(1)).enumerate() {
        let first = panel * wide;
        let columns = wide.min(n - first);
        let vectors = columns.div_ceil(width(cpu));
        let mut from = 0;
        loop {
            let deep = DEEP.min(k - from);
            for row in (0..m).step_by(tall) {
                let tile = Tile {
                    rows: tall.min(m - row),
                    vectors,
                    k: deep,
                    a_step: 1,
                    a_row: k,
                    b_step: wide,
                    c_step: wide,
                    go_on: from > 0,
                };
                tile.run(
                    cpu,
                    &x[row * k + from..],
                    &lines[from * wide..],
                    &mut scratch[row * wide..],
                );
            }
            from += deep;
            if from >= k {
                break;
            }
        }
        finish(cpu, m, n, first, columns, scratch, wide, y, end);
    }
}

/// Floats of scratch memory that [`unpacked`] needs.
pub(in crate::exec) fn unpacked_scratch(cpu: Cpu) -> usize {
    cpu.rows() * cpu.columns()
}

/// How far apart neighbours of a left operand lie, along the shared index and along the rows, and
/// whether its product is added to what is there.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct Left {
    pub(in crate::exec) step: usize,
    pub(in crate::exec) row: usize,
    pub(in crate::exec) add: bool,
}

/// `y[m, n] = a[m, k] * b[k, n]`, or added to it, of sizes `[m, k, n]`, where neither operand is packed. Behind `b`
/// as many floats as a tile has columns may be read.
pub(in crate::exec) fn unpacked(
    cpu: Cpu,
    [m, k, n]: [usize; 3],
    a: &[f32],
    left: Left,
    b: &[f32],
    y: &mut [f32],
    scratch: &mut [f32],
) {
    let (tall, wide) = (cpu.rows(), cpu.columns());
    assert!(a.len() >= m * k && y.len() >= m * n && b.len() >= (k * n).max(1) - 1 + wide);
    for column in (0..n).step_by(wide) {
        let columns = wide.min(n - column);
        for row in (0..m).step_by(tall) {
            let rows = tall.min(m - row);
            if columns < wide && left.add {
                for (r, sums) in scratch.chunks_exact_mut(wide).take(rows).enumerate() {
                    sums[..columns].copy_from_slice(&y[(row + r) * n + column..][..columns]);
                }
            }
            for from in (0..k).step_by(DEEP) {
                let tile = Tile {
                    rows,
                    vectors: columns.div_ceil(width(cpu)),
                    k: DEEP.min(k - from),
                    a_step: left.step,
                    a_row: left.row,
                    b_step: n,
                    c_step: if columns == wide { n } else { wide },
                    go_on: left.add || from > 0,
                };
                let (a, b) = (&a[from * left.step + row * left.row..], &b[from * n + column..]);
                if columns == wide {
                    tile.run(cpu, a, b, &mut y[row * n + column..]);
                } else {
                    tile.run(cpu, a, b, scratch);
                }
            }
            if columns < wide {
                for (r, sums) in scratch.chunks_exact(wide).take(rows).enumerate() {
                    y[(row + r) * n + column..][..columns].copy_from_slice(&sums[..columns]);
                }
            }
        }
    }
}

lanes! {
    /// Bring the sums of some columns out.
    fn finish(
        m: usize,
        n: usize,
        first: usize,
        columns: usize,
        sums: &[f32],
        step: usize,
        y: &mut [f32],
        end: Epilogue<'_>,
    ) {
        for row in 0..m {
            let sums = &sums[row * step..][..columns];
            let place = row * n + first;
            let out = &mut y[place..][..columns];
            match end.bias {
                Some(bias) => {
                    let bias = &bias[first..][..columns];
                    for ((out, sum), bias) in out.iter_mut().zip(sums).zip(bias) {
                        *out = sum + bias;
                    }
                }
                None => out.copy_from_slice(sums),
            }
            super::lanes::tail(out, place, end);
        }
    }
}
