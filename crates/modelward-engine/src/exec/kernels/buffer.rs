//! Floats that begin on a cache line.

/// One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// Floats that begin on a cache line, with one more line behind them that may be read and written.
#[derive(Clone, Debug, Default)]
pub(in crate::exec) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// No floats.
    pub(in crate::exec) const EMPTY: Self = Self { lines: Vec::new(), len: 0 };

    /// So many zeros.
    pub(in crate::exec) fn zeros(len: usize) -> Self {
        let lines = len.div_ceil(16).saturating_add(if len == 0 { 0 } else { 2 });
        Self { lines: vec![Line::default(); lines], len }
    }

    /// How many bytes it takes.
    pub(in crate::exec) fn bytes_for(len: usize) -> u64 {
        (len.div_ceil(16) as u64).saturating_add(if len == 0 { 0 } else { 2 }).saturating_mul(64)
    }

    /// The floats.
    #[expect(unsafe_code, reason = "a line is sixteen floats and nothing else")]
    pub(in crate::exec) fn floats(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` over `[f32; 16]`, 64 bytes without padding, so the lines are
        // `16 * lines.len()` floats one behind the other, and `len` is at most that by construction.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    /// The floats, to be written.
    #[expect(unsafe_code, reason = "a line is sixteen floats and nothing else")]
    pub(in crate::exec) fn floats_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the lines are borrowed mutably as long as the floats are.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }

    /// The floats, with those behind the end that may be read along.
    #[expect(unsafe_code, reason = "a line is sixteen floats and nothing else")]
    pub(in crate::exec) fn room_floats(&self) -> &[f32] {
        // SAFETY: as above, for all lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * 16) }
    }
}
