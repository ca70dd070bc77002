//! Where a convolution reads and writes.

/// The sizes of a two-dimensional convolution of one group, and where its output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exec) struct Window {
    /// Channels of the input, of all groups.
    pub(in crate::exec) channels: usize,
    /// Groups of channels.
    pub(in crate::exec) groups: usize,
    /// Rows and columns of the input.
    pub(in crate::exec) input: [usize; 2],
    /// Rows and columns of the kernel.
    pub(in crate::exec) kernel: [usize; 2],
    /// How far the kernel moves.
    pub(in crate::exec) strides: [usize; 2],
    /// How far its taps lie apart.
    pub(in crate::exec) dilations: [usize; 2],
    /// Zeros in front; negative where the input is cut.
    pub(in crate::exec) pads: [isize; 2],
    /// Rows and columns that are computed.
    pub(in crate::exec) output: [usize; 2],
    /// Rows and columns of the tensor that they are written to.
    pub(in crate::exec) target: [usize; 2],
    /// Where the first is written there.
    pub(in crate::exec) offset: [usize; 2],
    /// How far apart they are written there.
    pub(in crate::exec) spread: [usize; 2],
}

impl Window {
    /// Rows and columns of the padded input.
    pub(super) fn padded(&self) -> [usize; 2] {
        let size = |axis: usize| {
            (self.output[axis].max(1) - 1) * self.strides[axis]
                + (self.kernel[axis].max(1) - 1) * self.dilations[axis]
                + 1
        };
        [size(0), size(1)]
    }

    /// Whether the padded input is the input itself.
    pub(super) fn is_bare(&self) -> bool {
        self.pads == [0, 0] && self.padded() == self.input
    }
}
