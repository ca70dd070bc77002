//! From boxes of inputs to regions: what is proven of every layer, one after the other.

use std::sync::Arc;

use crate::certify::{
    network::{Kind, Network},
    region::{Around, Gap, Region},
    walk::{Extras, Rows, walk},
};

/// Values beyond this may overflow in `f32`, and no bound holds.
const LARGEST: f64 = 1e37;

/// Numbers of all rows that are walked back at once.
const TOGETHER: usize = 1 << 19;

/// Bounds of boxes: intervals first, then for what curves are taken of those of CROWN.
pub(super) fn regions(
    network: &Network,
    boxes: &[(Vec<f64>, Vec<f64>)],
    around: &[Arc<Around>],
    shares: bool,
    time_up: &dyn Fn() -> bool,
) -> Result<Vec<Region>, Gap> {
    let count = network.layers.len();
    let regions = boxes.iter().map(|(low, high)| {
        let empty = vec![Vec::new(); count];
        Region {
            low: empty.clone(),
            high: empty,
            errors: Arc::default(),
            lines: vec![Vec::new(); count],
            shares: vec![Vec::new(); if shares { count } else { 0 }],
        }
        .with_input(low, high)
    });
    let mut regions = regions.collect::<Vec<_>>();
    // Shares are of every layer that bends.
    let bent = bent(network, if shares { 0 } else { 1 });
    for (at, bent) in bent.into_iter().enumerate().skip(1) {
        for (place, region) in regions.iter_mut().enumerate() {
            region.layer(network, at, around.get(place).map(|around| &**around))?;
        }
        if bent {
            tighten(network, &mut regions, at, time_up)?;
        }
    }
    Ok(regions)
}

/// Layers that curves are taken of, and that more curves or maps than so many lead to: beyond one,
/// CROWN knows more of them than intervals.
fn bent(network: &Network, least: usize) -> Vec<bool> {
    let mut depth = Vec::with_capacity(network.layers.len());
    let mut taken = vec![false; network.layers.len()];
    for layer in network.layers.iter() {
        depth.push(match &layer.kind {
            Kind::Input => 0,
            Kind::Affine(affine) => {
                let deepest = affine.terms.iter().map(|(from, _)| depth[*from]).max().unwrap_or(0);
                let diagonal = affine.terms.len() == 1 && affine.terms[0].1.is_diagonal();
                deepest + usize::from(!diagonal)
            }
            Kind::Curve { from, .. } => {
                taken[*from] = true;
                depth[*from] + 1
            }
        });
    }
    taken.iter().zip(&depth).map(|(taken, depth)| *taken && *depth > least).collect()
}

impl Region {
    fn with_input(mut self, low: &[f64], high: &[f64]) -> Self {
        self.low[0] = low.to_vec();
        self.high[0] = high.to_vec();
        if self.errors.is_empty() {
            self.errors = Arc::new(vec![vec![0.0; low.len()]]);
        }
        self
    }

    /// Intervals of a layer, from those of the layers that it reads.
    fn layer(&mut self, network: &Network, at: usize, around: Option<&Around>) -> Result<(), Gap> {
        let size = network.layers[at].size;
        match &network.layers[at].kind {
            Kind::Input => {}
            Kind::Affine(affine) => {
                let (mut middle, mut radius) = (affine.bias.clone(), vec![0.0; size]);
                for (from, map) in &affine.terms {
                    let bounds = self.low[*from].iter().zip(&self.high[*from]);
                    let middles =
                        bounds.clone().map(|(l, h)| f64::midpoint(*l, *h)).collect::<Vec<_>>();
                    let radii = bounds.zip(&middles).map(|((l, h), m)| (h - m).max(m - l));
                    map.forward(network.cpu, &middles, &mut middle);
                    map.forward_absolute(network.cpu, &radii.collect::<Vec<_>>(), &mut radius);
                }
                if self.errors.len() <= at {
                    let errors = self.affine_errors(network, affine, size)?;
                    Arc::make_mut(&mut self.errors).push(errors);
                }
                let parts = middle.iter().zip(&radius).zip(&self.errors[at]);
                let parts = parts.map(|((m, r), e)| (m - (r + e), m + (r + e)));
                (self.low[at], self.high[at]) = parts.unzip();
            }
            Kind::Curve { from, curve } => {
                let bounds = self.low[*from].iter().zip(&self.high[*from]);
                if self.errors.len() <= at {
                    let errors = bounds.clone().map(|(low, high)| {
                        curve.error() + low.abs().max(high.abs()) * 2.0_f64.powi(-50)
                    });
                    let errors = errors.collect();
                    Arc::make_mut(&mut self.errors).push(errors);
                }
                self.lines[at] =
                    bounds.clone().map(|(low, high)| curve.lines(*low, *high)).collect();
                let ranges = bounds.map(|(low, high)| curve.range(*low, *high));
                (self.low[at], self.high[at]) = ranges.unzip();
            }
        }
        if let Some(around) = around
            && !around.low[at].is_empty()
        {
            for (mine, other) in self.low[at].iter_mut().zip(&around.low[at]) {
                *mine = mine.max(*other);
            }
            for (mine, other) in self.high[at].iter_mut().zip(&around.high[at]) {
                *mine = mine.min(*other);
            }
        }
        Ok(())
    }

    /// How far the deployed network's sums may be from the true ones, and our own.
    fn affine_errors(
        &self,
        network: &Network,
        affine: &crate::certify::network::Affine,
        size: usize,
    ) -> Result<Vec<f64>, Gap> {
        let (mut sums, mut filtered) = (affine.magnitude.clone(), None);
        let mut largest = 0.0_f64;
        for (from, map) in &affine.terms {
            let bounds = self.low[*from].iter().zip(&self.high[*from]);
            let most = bounds.map(|(low, high)| low.abs().max(high.abs())).collect::<Vec<_>>();
            largest = most.iter().copied().fold(largest, f64::max);
            map.forward_absolute(network.cpu, &most, &mut sums);
            if let Some(spread) = map.spread(&most) {
                let mut wide = affine.magnitude.clone();
                map.forward_absolute(network.cpu, &spread, &mut wide);
                filtered = Some((wide, map.terms() / 9));
            }
        }
        // A sum of it may be larger on its way, and no input of it may overflow.
        let over = |value: &f64| value.is_nan() || *value > LARGEST;
        if sums.iter().any(over) || over(&largest) {
            return Err(Gap::Overflow);
        }
        let rounding = affine.rounding(size);
        // What is lost below the smallest normal float, where that counts as 0.
        let tiny = affine.operations as f64 * 2.0_f64.powi(-124) * (1.0 + largest);
        let mut errors = sums.iter().map(|sum| sum * rounding + tiny).collect::<Vec<_>>();
        if let Some((wide, channels)) = filtered {
            // By F(2 x 2, 3 x 3) a sum of |channels| products of transformed numbers: the factors of
            // Lavin and Gray (2016), section 4.1, add up to at most 16 times the plain products.
            let steps = (channels + 16) as f64 * 2.0_f64.powi(-24);
            let factor = 16.0 * steps / (1.0 - steps).max(1e-3);
            for (error, wide) in errors.iter_mut().zip(wide) {
                *error = error.max(wide * factor + tiny * 16.0);
            }
        }
        Ok(errors)
    }
}

/// Bounds of CROWN of what bends in a layer, for several regions at once.
fn tighten(
    network: &Network,
    regions: &mut [Region],
    at: usize,
    time_up: &dyn Fn() -> bool,
) -> Result<(), Gap> {
    let curves = network.layers.iter().filter_map(|layer| match layer.kind {
        Kind::Curve { from, curve } if from == at => Some(curve),
        _ => None,
    });
    let curves = curves.collect::<Vec<_>>();
    let mut open = Vec::new();
    for (place, region) in regions.iter().enumerate() {
        let bounds = region.low[at].iter().zip(&region.high[at]).enumerate();
        let bends = bounds.filter(|(_, (low, high))| curves.iter().any(|c| c.bends(**low, **high)));
        open.extend(bends.map(|(neuron, _)| (place, neuron)));
    }
    let size = network.layers[at].size;
    let step = (TOGETHER / network.width().max(1)).clamp(4, 256) / 2;
    for some in open.chunks(step) {
        if time_up() {
            return Err(Gap::Time);
        }
        let mut rows = Rows::new(at);
        let mut a = vec![0.0; size];
        for sign in [1.0, -1.0] {
            for (place, neuron) in some {
                a[*neuron] = sign;
                rows.push(&a, 0.0, *place);
                a[*neuron] = 0.0;
            }
        }
        let back = walk(network, regions, rows, &Extras::default());
        for (which, (place, neuron)) in some.iter().enumerate() {
            let (low, high) = (back.bounds[which], -back.bounds[which + some.len()]);
            let region = &mut regions[*place];
            region.share(at, *neuron, [which, which + some.len()].map(|row| back.row(row)));
            let (mine, other) = (&mut region.low[at][*neuron], &mut region.high[at][*neuron]);
            *mine = mine.max(low);
            *other = other.min(high);
            // Nothing is there: any point stands for it.
            if *mine > *other {
                (*mine, *other) = (*other, *mine);
            }
        }
    }
    Ok(())
}
