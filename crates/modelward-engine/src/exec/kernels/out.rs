//! Sums on their way out, a vector at a time.

#![allow(unsafe_code, reason = "vectors are read and written by pointers; the doors check")]
#![allow(unsafe_op_in_unsafe_fn, reason = "each function is one block of vectors")]

use super::{
    bend::Bend,
    lanes::Epilogue,
    vector::{Vector, lesser},
};

/// An [`Epilogue`] over an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out {
    y: *mut f32,
    bias: *const f32,
    add: *const f32,
    bend: Option<Bend>,
    mask: *const f32,
    /// Of what the mask came out.
    masked: Bend,
    /// Whether the largest of each two by two places alone is written.
    pub(super) pooled: bool,
}

impl Out {
    /// Over the whole output, of so many channels.
    pub(super) fn new(y: &mut [f32], channels: usize, end: Epilogue<'_>) -> Self {
        let mask = end.mask.map(|(mask, _)| mask);
        let long = |tensor: Option<&[f32]>, len| tensor.is_none_or(|tensor| tensor.len() >= len);
        assert!(long(end.bias, channels) && long(end.add, y.len()) && long(mask, y.len()));
        let pointer = |tensor: Option<&[f32]>| tensor.map_or(std::ptr::null(), <[f32]>::as_ptr);
        Self {
            y: y.as_mut_ptr(),
            bias: pointer(end.bias),
            add: pointer(end.add),
            bend: end.bend,
            mask: pointer(mask),
            masked: end.mask.map_or(Bend::Relu, |(_, bend)| bend),
            pooled: end.pooled,
        }
    }

    /// The bias of a channel.
    ///
    /// # Safety
    /// There has to be such a channel, and the instruction set. So with the others below.
    #[inline(always)]
    pub(super) unsafe fn bias<V: Vector>(&self, channel: usize) -> V {
        V::splat(if self.bias.is_null() { 0.0 } else { *self.bias.add(channel) })
    }

    /// Write places of the output, with what is done to them on the way.
    ///
    /// # Safety
    /// The places have to be there.
    #[inline(always)]
    pub(super) unsafe fn write<V: Vector>(&self, value: V, bias: V, place: usize, count: usize) {
        let mut value = value.add(bias);
        if !self.add.is_null() {
            value = value.add(V::load_some(self.add.add(place), count));
        }
        if let Some(bend) = self.bend {
            value = bend.of_vector(value);
        }
        if !self.mask.is_null() {
            let mask = V::load_some(self.mask.add(place), count);
            value = self.masked.back_vector(value, mask);
        }
        value.store_some(self.y.add(place), count);
    }

    /// Write the largest of each two by two of two rows, as many as there are pairs.
    ///
    /// # Safety
    /// The rows have to be there, two vectors behind their end may be read, and the places.
    #[inline(always)]
    pub(super) unsafe fn write_pooled<V: Vector>(
        &self,
        rows: [*const f32; 2],
        bias: V,
        place: usize,
        pairs: usize,
    ) {
        for done in (0..pairs).step_by(V::WIDTH) {
            let largest = |at: usize| V::load(rows[0].add(at)).max(V::load(rows[1].add(at)));
            let (near, far) = (largest(2 * done), largest(2 * done + V::WIDTH));
            let [even, odd] = near.deinterleave(far);
            self.write(even.max(odd), bias, place + done, lesser(pairs - done, V::WIDTH));
        }
    }
}
