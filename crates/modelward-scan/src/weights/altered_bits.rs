//! MW1008 `altered-weight-bits`: something is written into the lowest bits of weights.
//!
//! The lowest bits of a trained weight are as good as coin flips, and a model works the same with
//! others in their place. So a payload fits there: one bit of each weight, or its whole lowest
//! byte. This looks for what a payload has and coin flips have not; what is encrypted or
//! compressed has nothing of the kind, and is not found.

use modelward_core::{Class, Evidence, Findings, Rule, Severity};
use modelward_formats::weights::{Float, Tensor, Weights};

use crate::Check;

mod bias;
mod streams;

/// A payload in the lowest bits of weights.
pub(super) struct AlteredBits;

impl Check for AlteredBits {
    type Asset = Weights;

    const RULE: Rule = Rule {
        id: "MW1008",
        name: "altered-weight-bits",
        severity: Severity::Medium,
        title: "the lowest bits of weights hold something that is no weight",
        why: "The lowest bits of trained weights look like coin flips, and changing them changes \
              nothing that a user would notice. Attackers write programs there, for a small \
              loader elsewhere to collect. modelward looks at the first 4 to 64 KiB of each of \
              the largest floating-point tensors, 1 MiB in all, for text or a program in the \
              lowest 1, 2, 4 or 8 bits, and for bits that depend on their place in a byte. In \
              honest weights each of these happens in less than one file in a thousand million. \
              What is encrypted is not found.",
        advice: "Do not use the file; ask the publisher for its digest, and for the program that \
                 wrote it. Rounding the weights to 16 bits and back removes whatever is there.",
        class: Class::Integrity,
        cwe: &[506, 515],
    };

    fn check(weights: &Weights, out: &mut Findings<'_>) {
        let mut chosen = weights.tensors.iter().filter(|tensor| is_candidate(tensor));
        let mut chosen = chosen.by_ref().collect::<Vec<_>>();
        // The largest have room for the most.
        chosen.sort_by_key(|tensor| (std::cmp::Reverse(tensor.length()), tensor.at));
        let share = SAMPLED_IN_ALL.checked_div(chosen.len() as u64).unwrap_or(0);
        let share = share.clamp(SMALLEST_SAMPLE, LARGEST_SAMPLE);
        let most = SAMPLED_IN_ALL.checked_div(share).unwrap_or(0);
        chosen.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        for tensor in chosen {
            let Some(sample) = Sample::read(weights, tensor, share) else { continue };
            if let Some(text) = streams::payload(&sample) {
                let message = format!(
                    "the lowest {} of each weight of `{}` make up {}",
                    if text.bits == 1 { "bit".to_owned() } else { format!("{} bits", text.bits) },
                    tensor.name,
                    text.what,
                );
                let at = text.weight.saturating_mul(sample.width);
                let at = tensor.range.start.saturating_add(at);
                out.report(message, Evidence::bytes(at, text.shown));
            } else if let Some(bias) = bias::find(&sample) {
                let message = format!("{} in `{}`", bias.message, tensor.name);
                let (value, limit) = (bias.value, bias.limit);
                out.report(message, Evidence::Measured { what: bias.what, value, limit });
            }
        }
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        use tests::{Carrier, file, payloads};
        let honest = Carrier::Honest.weights(16_384);
        let mut fires = Vec::new();
        for payload in payloads() {
            for bits in [1, 2, 4, 8] {
                fires.push(file(&tests::hide(&honest, &payload, bits)));
            }
        }
        let silent = Carrier::ALL.map(|carrier| file(&carrier.weights(16_384))).to_vec();
        crate::Samples { fires, silent }
    }
}

/// Whether a tensor has enough weights, in a format that has low bits to spare.
fn is_candidate(tensor: &Tensor) -> bool {
    let float = tensor.element.is_some_and(|element| element.float.is_some());
    float && tensor.length().is_some_and(|length| length >= SMALLEST_SAMPLE)
}

/// The lowest bits of the first weights of a tensor.
struct Sample {
    /// Up to 32 bits of each weight, the lowest ones.
    weights: Vec<u32>,
    /// Bytes of one weight.
    width: u64,
    /// Bits of the mantissa that are looked at.
    mantissa: u32,
}

impl Sample {
    fn read(weights: &Weights, tensor: &Tensor, most: u64) -> Option<Self> {
        let (width, mantissa) = match tensor.element?.float? {
            Float::F16 => (2, 10),
            Float::BF16 => (2, 7),
            Float::F32 => (4, 23),
            Float::F64 => (8, 32),
        };
        let length = tensor.length()?.min(most);
        let bytes = weights.bytes.take(tensor.range.start, length).ok()?;
        let low = bytes.chunks_exact(usize::try_from(width).ok()?).filter_map(|weight| {
            let big = weights.big_endian;
            let byte = |at: usize| {
                let at = if big { weight.len().checked_sub(at)?.checked_sub(1)? } else { at };
                weight.get(at).copied()
            };
            let low = [byte(0)?, byte(1)?, byte(2).unwrap_or(0), byte(3).unwrap_or(0)];
            Some(u32::from_le_bytes(low))
        });
        Some(Self { weights: low.collect(), width, mantissa })
    }

    /// Whether most weights have a value of their own, as far as their format allows. Where a few
    /// levels repeat, so do their bits, and nothing about them is random. The lowest byte is left
    /// out, since a payload may be there.
    fn is_continuous(&self) -> bool {
        if self.mantissa < Self::WIDE {
            return true;
        }
        let levels = self.weights.iter().map(|weight| weight >> 8);
        let mut levels = levels.filter(|&level| level != 0).collect::<Vec<_>>();
        let live = levels.len();
        levels.sort_unstable();
        levels.dedup();
        levels.len().saturating_mul(4) > live.saturating_mul(3)
    }

    /// Bits of a mantissa that has room for a payload and a control.
    const WIDE: u32 = 23;
}

/// Bytes that are looked at in a whole file.
const SAMPLED_IN_ALL: u64 = 1 << 20;

/// The most and the fewest bytes that are looked at in one tensor.
const LARGEST_SAMPLE: u64 = 64 << 10;
const SMALLEST_SAMPLE: u64 = 4 << 10;

#[cfg(test)]
mod tests;
