//! Windows that slide over spatial axes: what convolutions and pools share.
//!
//! Sizes come from files that nobody vouches for: they are bounded here once, so that what follows
//! can count in plain arithmetic.
//!
//! Source: ONNX `Conv`, `MaxPool` and `AveragePool`, set 22: `auto_pad`, `pads`, `strides`,
//! `dilations` and `ceil_mode`.

use std::ops::Range;

use crate::{Result, Trouble, graph::Attributes, tensor::count};

/// How a window slides along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    /// Size of the input.
    pub(crate) input: usize,
    /// How many elements the window has.
    pub(crate) kernel: usize,
    /// How far the window moves.
    pub(crate) stride: usize,
    /// How far apart its elements lie.
    pub(crate) dilation: usize,
    /// Padding in front of the input.
    pub(crate) before: usize,
    /// Padding behind it.
    pub(crate) after: usize,
    /// How many places the window takes.
    pub(crate) output: usize,
}

/// The largest kernel, stride, dilation or padding: the product of two still fits in 63 bits.
const MOST: i64 = 1 << 31;

impl Axis {
    /// An axis that is not there.
    pub(crate) const UNIT: Self =
        Self { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, output: 1 };

    /// How many elements of the padded input the window reaches over.
    pub(crate) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Where an element of the window lies in the input; the caller knows that it does.
    pub(crate) fn place(&self, output: usize, tap: usize) -> usize {
        output * self.stride + tap * self.dilation - self.before
    }

    /// At which places of the window this element of it lies in the input.
    pub(crate) fn outputs_of(&self, tap: usize) -> Range<usize> {
        let at = tap * self.dilation;
        let first = self.before.saturating_sub(at).div_ceil(self.stride);
        let behind = (self.input + self.before).saturating_sub(at).div_ceil(self.stride);
        let behind = behind.min(self.output);
        first.min(behind)..behind
    }

    /// Which elements of the window lie in the input at this place of it.
    pub(crate) fn taps_of(&self, output: usize) -> Range<usize> {
        let at = output * self.stride;
        let first = self.before.saturating_sub(at).div_ceil(self.dilation);
        let behind = (self.input + self.before).saturating_sub(at).div_ceil(self.dilation);
        let behind = behind.min(self.kernel);
        first.min(behind)..behind
    }

    /// How many elements of the window lie in the padded input at this place of it.
    pub(crate) fn padded_taps_of(&self, output: usize) -> usize {
        let left = (self.input + self.before + self.after).saturating_sub(output * self.stride);
        left.div_ceil(self.dilation).min(self.kernel)
    }

    /// Padding behind, and behind the output, of the transposed window that gives this input.
    pub(crate) fn transposed(&self) -> (usize, usize) {
        let reached = self.output.saturating_sub(1) * self.stride + self.extent();
        let wanted = self.input + self.before;
        (reached.saturating_sub(wanted), wanted.saturating_sub(reached))
    }
}

/// Attributes of a window over this many axes.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) strides: Vec<usize>,
    pub(super) dilations: Vec<usize>,
    pub(super) pads: Vec<usize>,
    pub(super) auto_pad: AutoPad,
}

/// How paddings are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoPad {
    /// As `pads` says.
    Given,
    /// None.
    Valid,
    /// So that the output is as large as the input over the stride; the odd one behind.
    SameUpper,
    /// So too; the odd one in front.
    SameLower,
}

impl Window {
    pub(super) fn of(attributes: &Attributes, rank: usize) -> Result<Self> {
        let auto_pad = match attributes.text_or("auto_pad", "NOTSET")? {
            "NOTSET" | "" => AutoPad::Given,
            "VALID" => AutoPad::Valid,
            "SAME_UPPER" => AutoPad::SameUpper,
            "SAME_LOWER" => AutoPad::SameLower,
            other => return Err(Trouble::graph(format!("no such `auto_pad`: `{other}`"))),
        };
        let pads =
            if auto_pad == AutoPad::Given { sizes(attributes, "pads", rank * 2, 0)? } else { None };
        Ok(Self {
            strides: sizes(attributes, "strides", rank, 1)?.unwrap_or_else(|| vec![1; rank]),
            dilations: sizes(attributes, "dilations", rank, 1)?.unwrap_or_else(|| vec![1; rank]),
            pads: pads.unwrap_or_else(|| vec![0; rank * 2]),
            auto_pad,
        })
    }
}

/// The attributes of the convolution that ends at these inputs, all of them written out.
pub(super) fn convolution(groups: usize, axes: &[Axis]) -> Attributes {
    let each = |of: fn(&Axis) -> usize| axes.iter().map(move |axis| of(axis) as i64);
    let pads = each(|axis| axis.before).chain(each(|axis| axis.transposed().0));
    Attributes::new()
        .with("group", groups as i64)
        .with("strides", each(|axis| axis.stride).collect::<Vec<_>>())
        .with("dilations", each(|axis| axis.dilation).collect::<Vec<_>>())
        .with("pads", pads.collect::<Vec<_>>())
}

/// The attributes of its transpose.
pub(super) fn transposed(groups: usize, axes: &[Axis]) -> Attributes {
    let behind = axes.iter().map(|axis| axis.transposed().1 as i64);
    convolution(groups, axes).with("output_padding", behind.collect::<Vec<_>>())
}

/// An attribute of bounded sizes, as many as expected, each at least so large.
pub(super) fn sizes(
    attributes: &Attributes,
    name: &str,
    expected: usize,
    least: i64,
) -> Result<Option<Vec<usize>>> {
    let Some(values) = attributes.ints(name)? else { return Ok(None) };
    if values.len() != expected {
        let got = values.len();
        let why = format!("expected {expected} numbers in the attribute `{name}`, got {got}");
        return Err(Trouble::graph(why));
    }
    if let Some(value) = values.iter().find(|&&value| value < least) {
        let why = format!("expected at least {least} in the attribute `{name}`, got {value}");
        return Err(Trouble::graph(why));
    }
    if let Some(value) = values.iter().find(|&&value| value > MOST) {
        let why = format!("{value} in the attribute `{name}`, over the limit of {MOST}");
        // A window that is stretched so far covers no input that there could be.
        return Err(if name == "dilations" { Trouble::graph(why) } else { Trouble::limit(why) });
    }
    Ok(Some(values.iter().map(|&value| value as usize).collect()))
}

/// How windows slide over an input's spatial axes.
pub(super) fn slide(
    attributes: &Attributes,
    input: &[usize],
    kernel: &[usize],
) -> Result<Vec<Axis>> {
    let rank = input.len();
    let window = Window::of(attributes, rank)?;
    let ceil = attributes.flag("ceil_mode")?;
    let axes = (0..rank).map(|axis| {
        let (input, kernel) = (input[axis], kernel[axis]);
        let (stride, dilation) = (window.strides[axis], window.dilations[axis]);
        bounded(input, kernel)?;
        let mut one = Axis { input, kernel, stride, dilation, ..Axis::UNIT };
        let extent = one.extent();
        if matches!(window.auto_pad, AutoPad::SameUpper | AutoPad::SameLower) {
            one.output = input.div_ceil(stride);
            let reached = one.output.saturating_sub(1) * stride + extent;
            (one.before, one.after) =
                halves(reached.saturating_sub(input), window.auto_pad == AutoPad::SameUpper);
            return Ok(one);
        }
        (one.before, one.after) = (window.pads[axis], window.pads[axis + rank]);
        let padded = input + one.before + one.after;
        let left = padded.checked_sub(extent).ok_or_else(|| {
            Trouble::graph(format!(
                "a window of {extent} elements does not fit in {padded} of axis {}",
                axis + 2
            ))
        })?;
        one.output = left / stride + 1;
        // A window more where elements are left over, unless it begins in the padding.
        if ceil && left % stride != 0 && one.output * stride < input + one.before {
            one.output += 1;
        }
        Ok(one)
    });
    axes.collect()
}

/// Refuse sizes with which positions could not be counted.
pub(super) fn bounded(input: usize, kernel: usize) -> Result<()> {
    if kernel == 0 {
        return Err(Trouble::graph("a window without elements"));
    }
    if kernel as u64 > MOST as u64 || input as u64 > 1 << 60 {
        return Err(Trouble::limit(format!("a window of {kernel} elements over {input}")));
    }
    Ok(())
}

/// A padding in two halves, the larger behind or in front.
pub(super) fn halves(total: usize, larger_behind: bool) -> (usize, usize) {
    let (small, large) = (total / 2, total - total / 2);
    if larger_behind { (small, large) } else { (large, small) }
}

/// Three axes, whatever the rank: those that are not there stand in front.
pub(super) fn three(axes: &[Axis]) -> Result<[Axis; 3]> {
    let rank = axes.len();
    if rank == 0 || rank > 3 {
        return Err(Trouble::unsupported(format!(
            "windows over {rank} spatial axes: expected one to three"
        )));
    }
    let mut three = [Axis::UNIT; 3];
    three[3 - rank..].copy_from_slice(axes);
    Ok(three)
}

/// Batch, channels and spatial sizes of a shape.
pub(super) fn split(dims: &[usize]) -> Result<(usize, usize, &[usize])> {
    match dims {
        [batch, channels, spatial @ ..] if !spatial.is_empty() => {
            count(dims)?;
            Ok((*batch, *channels, spatial))
        }
        _ => Err(Trouble::graph(format!(
            "expected a batch, channels and spatial axes, got a shape {dims:?}"
        ))),
    }
}
