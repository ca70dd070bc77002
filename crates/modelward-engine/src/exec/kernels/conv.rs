//! Convolutions with weights that are packed once, by the way that suits their sizes.

use super::{Buffer, Cpu, gathered::Gathered, lanes::Epilogue, window::Window, winograd::Winograd};

/// A convolution whose weights are packed.
#[derive(Debug)]
pub(in crate::exec) enum Conv {
    /// As one product.
    Gathered(Gathered),
    /// By minimal filtering.
    Winograd(Winograd),
}

impl Conv {
    /// Pack the weights of a convolution: `of(output channel, input channel of the group, tap)`.
    pub(in crate::exec) fn new(
        cpu: Cpu,
        window: Window,
        outputs: usize,
        of: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        match Winograd::fits(&window, outputs) {
            true => Self::Winograd(Winograd::new(cpu, window, outputs, of)),
            false => Self::Gathered(Gathered::new(cpu, window, outputs, of)),
        }
    }

    /// Bytes that the weights take.
    pub(in crate::exec) fn bytes(&self) -> u64 {
        match self {
            Self::Gathered(conv) => conv.bytes(),
            Self::Winograd(conv) => conv.bytes(),
        }
    }

    /// Floats of scratch memory that a run needs.
    pub(in crate::exec) fn scratch(&self, images: usize) -> usize {
        match self {
            Self::Gathered(conv) => conv.scratch(images),
            Self::Winograd(conv) => conv.scratch(),
        }
    }

    /// Whether the largest of each two by two places can be given alone.
    pub(in crate::exec) fn pools(&self) -> bool {
        match self {
            Self::Gathered(conv) => conv.pools(),
            Self::Winograd(conv) => conv.pools(),
        }
    }

    /// Convolve images `[n, c, h, w]`; gives `[n, m, h, w]` of the target, or where they are pooled
    /// half the rows and columns.
    pub(in crate::exec) fn run(
        &self,
        images: usize,
        x: &Buffer,
        y: &mut [f32],
        end: Epilogue<'_>,
        scratch: &mut Buffer,
    ) {
        match self {
            Self::Gathered(conv) => conv.run(images, x, y, end, scratch),
            Self::Winograd(conv) => conv.run(images, x.floats(), y, end, scratch),
        }
    }
}
