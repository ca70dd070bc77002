//! Panels of a convolution's right operand, copied from the padded input, and their sums, copied to the
//! output: both in runs of places that are neighbours.

use super::{
    bend::bent,
    lanes::{Epilogue, lanes, tail},
};

/// A run of columns of a panel whose places are neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) lane: usize,
    pub(super) len: usize,
    pub(super) from: usize,
}

lanes! {
    /// Copy the columns of a panel, from a shared index on.
    pub(super) fn gather(
        segments: &[Segment],
        stride: usize,
        base: usize,
        plane: usize,
        taps: &[usize],
        at: usize,
        deep: usize,
        columns: usize,
        source: &[f32],
        into: &mut [f32],
    ) {
        let (mut channel, mut tap) = (at / taps.len(), at % taps.len());
        for line in 0..deep {
            let shift = base + channel * plane + taps[tap];
            if stride == 1 {
                for segment in segments {
                    // Whole vectors: what lies behind a run is overwritten by the next one.
                    let mut copied = 0;
                    while copied < segment.len {
                        let from = shift + segment.from + copied;
                        let to = line * columns + segment.lane + copied;
                        let run: &[f32; 16] = source[from..][..16].try_into().unwrap_or(&[0.0; 16]);
                        into[to..][..16].copy_from_slice(run);
                        copied += 16;
                    }
                }
            } else {
                for segment in segments {
                    let from = &source[shift + segment.from..];
                    let to = &mut into[line * columns + segment.lane..][..segment.len];
                    for (to, from) in to.iter_mut().zip(from.iter().step_by(stride)) {
                        *to = *from;
                    }
                }
            }
            tap += 1;
            if tap == taps.len() {
                (tap, channel) = (0, channel + 1);
            }
        }
    }
}

lanes! {
    /// Bring the sums of a panel out.
    pub(super) fn finish(
        segments: &[Segment],
        spread: usize,
        rows: usize,
        first_row: usize,
        target: usize,
        shift: usize,
        columns: usize,
        sums: &[f32],
        y: &mut [f32],
        end: Epilogue<'_>,
    ) {
        for row in 0..rows {
            let bias = end.bias.map_or(0.0, |bias| bias[first_row + row]);
            for segment in segments {
                let sums = &sums[row * columns + segment.lane..][..segment.len];
                let place = shift + row * target + segment.from;
                if spread == 1 {
                    let out = &mut y[place..][..segment.len];
                    let all = out.iter_mut().zip(sums);
                    match end {
                        Epilogue { add: None, mask: None, bend: Some(bend), .. } => {
                            bent!(bend, bend => all.for_each(|(out, sum)| *out = bend.of(sum + bias)));
                        }
                        Epilogue { add: None, mask: Some((mask, bend)), bend: None, .. } => {
                            let all = all.zip(&mask[place..][..segment.len]);
                            bent!(bend, bend => all.for_each(|((out, sum), mask)| {
                                *out = bend.back(sum + bias, *mask);
                            }));
                        }
                        _ => {
                            all.for_each(|(out, sum)| *out = sum + bias);
                            tail(out, place, end);
                        }
                    }
                } else {
                    let all = y[place..].iter_mut().step_by(spread).zip(sums);
                    match end {
                        Epilogue { add: None, mask: None, bend: None, .. } => {
                            all.for_each(|(out, sum)| *out = sum + bias);
                        }
                        Epilogue { add: None, mask: Some((mask, bend)), bend: None, .. } => {
                            let all = all.zip(mask[place..].iter().step_by(spread));
                            bent!(bend, bend => all.for_each(|((out, sum), mask)| {
                                *out = bend.back(sum + bias, *mask);
                            }));
                        }
                        _ => {
                            for (at, (out, sum)) in all.enumerate() {
                                *out = sum + bias;
                                tail(std::slice::from_mut(out), place + at * spread, end);
                            }
                        }
                    }
                }
            }
        }
    }
}
