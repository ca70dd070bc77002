//! Better lines: slopes below open `max(0, x)`, and multipliers of what branches assume, by steps
//! along the gradient (alpha-CROWN, Xu et al. 2021; beta-CROWN, Wang et al. 2021).
//!
//! Every step's bound holds, so the best is kept. The gradient is exact: with the lines that a row
//! took, the network is linear, and at the point where the row is least the values `z` that enter a
//! curve are what its slope is multiplied by.

use crate::certify::{
    curve::Curve,
    goal::corner,
    network::{Kind, Network},
    region::Region,
    walk::{Back, Extras, Multiple, Rows, Slopes, walk},
};

/// What is climbed with.
#[derive(Clone, Debug, Default)]
pub(super) struct Climber {
    /// For each row.
    pub(super) slopes: Vec<Slopes>,
    /// For each row, what its branch assumes: layer, place, 1 where the value is not above 0 and -1
    /// where it is not below; and the multiplier.
    pub(super) assumed: Vec<Vec<(Multiple, f64)>>,
}

/// Where a climb came to.
#[derive(Debug)]
pub(super) struct Top {
    /// The best bound of each row.
    pub(super) bounds: Vec<f64>,
    /// What gave it.
    pub(super) best: Climber,
    /// The last step.
    pub(super) back: Back,
    /// Values of every layer at the point where each row is least, on the lines that it took.
    pub(super) values: Vec<Vec<f64>>,
}

/// Averages of gradients (Adam, Kingma and Ba 2015).
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    first: f64,
    second: f64,
}

impl Moment {
    fn step(&mut self, gradient: f64, round: i32) -> f64 {
        self.first = 0.9 * self.first + 0.1 * gradient;
        self.second = 0.999 * self.second + 0.001 * gradient * gradient;
        let first = self.first / (1.0 - 0.9_f64.powi(round));
        let second = self.second / (1.0 - 0.999_f64.powi(round));
        first / (second.sqrt() + 1e-12)
    }
}

impl Climber {
    /// Slopes as CROWN takes them, and nothing assumed.
    pub(super) fn new(network: &Network, regions: &[Region], rows: &Rows) -> Self {
        let slopes = rows.regions.iter().map(|region| slopes(network, &regions[*region]));
        Self { slopes: slopes.collect(), assumed: vec![Vec::new(); rows.len()] }
    }

    fn multiples(&self) -> Vec<Vec<Multiple>> {
        let each =
            |((layer, place, sign), factor): &(Multiple, f64)| (*layer, *place, sign * factor);
        self.assumed.iter().map(|row| row.iter().map(each).collect()).collect()
    }

    /// Walk back once.
    pub(super) fn walk(&self, network: &Network, regions: &[Region], rows: &Rows) -> Back {
        let multiples = self.multiples();
        let extras = Extras { slopes: Some(&self.slopes), multiples: Some(&multiples), keep: true };
        let rows = Rows {
            layer: rows.layer,
            factors: rows.factors.clone(),
            shifts: rows.shifts.clone(),
            regions: rows.regions.clone(),
        };
        walk(network, regions, rows, &extras)
    }

    /// Climb so many steps, or until all rows are above 0.
    pub(super) fn climb(
        mut self,
        network: &Network,
        regions: &[Region],
        rows: &Rows,
        steps: i32,
        time_up: &dyn Fn() -> bool,
    ) -> Top {
        let slope_moments = self.slopes.iter().map(|slopes| {
            slopes.iter().map(|layer| vec![Moment::default(); layer.len()]).collect::<Vec<_>>()
        });
        let mut slope_moments = slope_moments.collect::<Vec<_>>();
        let mut moments =
            self.assumed.iter().map(|row| vec![Moment::default(); row.len()]).collect::<Vec<_>>();
        let mut back = self.walk(network, regions, rows);
        let (mut bounds, mut best) = (back.bounds.clone(), self.clone());
        let mut values = self.values(network, regions, rows, &back);
        let (mut rate, mut pull) = (0.25, 0.3);
        for round in 1..=steps {
            if bounds.iter().all(|bound| *bound > 0.0) || time_up() {
                break;
            }
            let sizes = (0..rows.len()).map(|row| Self::largest(network, &back, row));
            let sizes = sizes.collect::<Vec<_>>();
            for row in 0..rows.len() {
                for (at, slopes) in self.slopes[row].iter_mut().enumerate() {
                    let Kind::Curve { from, .. } = network.layers[at].kind else { continue };
                    let size = slopes.len();
                    let factors = &back.curves[at];
                    if size == 0 || factors.is_empty() {
                        continue;
                    }
                    let factors = &factors[row * size..(row + 1) * size];
                    let values = &values[from][row * size..(row + 1) * size];
                    let moments = &mut slope_moments[row][at];
                    for (((slope, a), z), moment) in
                        slopes.iter_mut().zip(factors).zip(values).zip(moments)
                    {
                        if *a > 0.0 {
                            let step = moment.step(a * z, round);
                            *slope = (*slope + rate * step).clamp(0.0, 1.0);
                        }
                    }
                }
                for (((layer, place, sign), factor), moment) in
                    self.assumed[row].iter_mut().map(|(m, f)| (*m, f)).zip(&mut moments[row])
                {
                    let z = values[layer].get(row * network.layers[layer].size + place);
                    let step = moment.step(sign * z.copied().unwrap_or(0.0), round);
                    *factor = (*factor + pull * sizes[row] * step).max(0.0);
                }
            }
            rate *= 0.97;
            pull *= 0.98;
            back = self.walk(network, regions, rows);
            for (row, (bound, new)) in bounds.iter_mut().zip(&back.bounds).enumerate() {
                if new > bound {
                    *bound = *new;
                    best.slopes[row].clone_from(&self.slopes[row]);
                    best.assumed[row].clone_from(&self.assumed[row]);
                }
            }
            values = self.values(network, regions, rows, &back);
        }
        Top { bounds, best, back, values }
    }

    /// The largest factor of a row at any curve: the size of what a multiplier has to balance.
    fn largest(network: &Network, back: &Back, row: usize) -> f64 {
        let curves = back.curves.iter().zip(network.layers.iter());
        let factors = curves.flat_map(|(factors, layer)| {
            factors.get(row * layer.size..(row + 1) * layer.size).unwrap_or(&[])
        });
        factors.fold(0.0, |most, a| most.max(a.abs()))
    }

    /// Values of every layer at the point where each row is least, on the lines that it took.
    fn values(
        &self,
        network: &Network,
        regions: &[Region],
        rows: &Rows,
        back: &Back,
    ) -> Vec<Vec<f64>> {
        let inputs = network.inputs().max(1);
        let points = back.input.chunks(inputs).zip(&rows.regions);
        let points =
            points.flat_map(|(a, region)| corner(&regions[*region], a)).collect::<Vec<_>>();
        let mut values: Vec<Vec<f64>> = vec![points];
        for (at, layer) in network.layers.iter().enumerate().take(rows.layer + 1).skip(1) {
            let value = match &layer.kind {
                Kind::Input => Vec::new(),
                Kind::Affine(affine) => {
                    let mut out = affine.bias.repeat(rows.len());
                    for (from, map) in &affine.terms {
                        map.forward(network.cpu, &values[*from], &mut out);
                    }
                    out
                }
                Kind::Curve { from, .. } => {
                    let mut out = values[*from].clone();
                    for (row, out) in out.chunks_mut(layer.size.max(1)).enumerate() {
                        let region = &regions[rows.regions[row]];
                        let factors = back.curves[at].get(row * layer.size..).unwrap_or(&[]);
                        let slopes = &self.slopes[row][at];
                        for (place, z) in out.iter_mut().enumerate() {
                            let (below, above) = region.lines[at][place];
                            let a = factors.get(place).copied().unwrap_or(0.0);
                            let bends =
                                region.low[*from][place] < 0.0 && region.high[*from][place] > 0.0;
                            *z = match slopes.get(place) {
                                Some(slope) if a > 0.0 && bends => slope * *z,
                                _ if a >= 0.0 => below.slope * *z + below.shift,
                                _ => above.slope * *z + above.shift,
                            };
                        }
                    }
                    out
                }
            };
            values.push(value);
        }
        values
    }
}

/// The slopes of the lines below each `max(0, x)` of a region; none of other curves.
fn slopes(network: &Network, region: &Region) -> Slopes {
    let layers = network.layers.iter().zip(&region.lines);
    let layers = layers.map(|(layer, lines)| match layer.kind {
        Kind::Curve { curve: Curve::Relu, .. } => lines.iter().map(|line| line.0.slope).collect(),
        _ => Vec::new(),
    });
    layers.collect()
}
