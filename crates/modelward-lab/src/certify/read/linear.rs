//! Sums, products with constants, and normalisation by constants.

use modelward_engine::{Result, Trouble, graph::Node};

use crate::certify::{
    map::{Map, Window},
    read::Reader,
};

impl Reader<'_> {
    /// Element by element: of two values sums and differences, with a constant products too.
    pub(super) fn elements(&mut self, node: &Node) -> Result<()> {
        let name = node.operator.name;
        let shape = self.shape(node, 0)?;
        let count = shape.iter().product::<usize>();
        let lives = (0..node.inputs.len()).filter(|at| self.is_live(node, *at)).collect::<Vec<_>>();
        if let ([input], 2) = (&lives[..], node.inputs.len()) {
            let (dims, other) = (self.dims(node, *input)?, 1 - input);
            let (numbers, from) = self.numbers(node, other)?.unwrap_or_default();
            let places = broadcast(&from, &shape)?;
            let numbers = places.into_iter().map(|at| numbers[at]).collect::<Vec<_>>();
            let mut held = self.live(node, *input)?;
            if dims.iter().product::<usize>() != count {
                let places = broadcast(&dims, &shape)?;
                let rows = places.into_iter().map(|at| vec![(at, 1.0)]);
                let map = Map::sparse(self.builder.size(held.layer), rows);
                let moved =
                    self.builder.affine(vec![(held.layer, map)], vec![0.0; count], false)?;
                held.layer = moved;
                held.alone = true;
            }
            let zeros = vec![0.0; count];
            let absolute = || numbers.iter().map(|number| number.abs()).collect::<Vec<_>>();
            let layer = match (name, input) {
                ("Add" | "Sum", _) => self.builder.scaled(held, None, &numbers, &absolute(), 1)?,
                ("Sub", 0) => {
                    let less = numbers.iter().map(|number| -number).collect::<Vec<_>>();
                    self.builder.scaled(held, None, &less, &absolute(), 1)?
                }
                ("Sub", _) => {
                    let minus = Some(vec![-1.0; count]);
                    self.builder.scaled(held, minus, &numbers, &absolute(), 1)?
                }
                ("Mul", _) => self.builder.scaled(held, Some(numbers), &zeros, &zeros, 1)?,
                ("Div", 0) => {
                    // A reciprocal and a product round twice.
                    let factors = numbers.iter().map(|number| 1.0 / number).collect();
                    self.builder.scaled(held, Some(factors), &zeros, &zeros, 3)?
                }
                _ => return Err(Trouble::unsupported("it divides by what depends on the input")),
            };
            return self.give(node, layer);
        }
        if matches!(name, "Mul" | "Div") {
            let what = format!("`{name}` of two values that depend on the input is not linear");
            return Err(Trouble::unsupported(what));
        }
        let mut terms = Vec::new();
        let mut bias = vec![0.0; count];
        for input in 0..node.inputs.len() {
            let sign = if name == "Neg" || (name == "Sub" && input == 1) { -1.0 } else { 1.0 };
            if self.is_live(node, input) {
                let places = broadcast(&self.dims(node, input)?, &shape)?;
                let from = self.live(node, input)?.layer;
                let rows = places.into_iter().map(|at| vec![(at, sign)]);
                terms.push((from, Map::sparse(self.builder.size(from), rows)));
            } else if let Some((numbers, from)) = self.numbers(node, input)? {
                for (bias, at) in bias.iter_mut().zip(broadcast(&from, &shape)?) {
                    *bias += sign * numbers[at];
                }
            }
        }
        let layer = self.builder.affine(terms, bias, false)?;
        self.give(node, layer)
    }

    /// Products of matrices of which one is a constant.
    pub(super) fn product(&mut self, node: &Node) -> Result<()> {
        let gemm = node.operator.name == "Gemm";
        let (mut turned, mut alpha, mut beta) = ([false; 2], 1.0, 1.0);
        if gemm {
            turned = [node.attributes.flag("transA")?, node.attributes.flag("transB")?];
            alpha = f64::from(node.attributes.float_or("alpha", 1.0)?);
            beta = f64::from(node.attributes.float_or("beta", 1.0)?);
        }
        let left = self.is_live(node, 0);
        if left && self.is_live(node, 1) {
            return Err(Trouble::unsupported("it multiplies two values that depend on the input"));
        }
        let (input, other) = if left { (0, 1) } else { (1, 0) };
        let from = self.live(node, input)?.layer;
        let (weights, dims) = self.numbers(node, other)?.unwrap_or_default();
        let shape = self.shape(node, 0)?;
        let count = shape.iter().product::<usize>();
        let live = self.dims(node, input)?;
        if dims.iter().rev().skip(2).any(|size| *size != 1) {
            return Err(Trouble::unsupported("a constant operand of more than two dimensions"));
        }
        // As matrices: rows and columns of the constant, of each of the other's.
        let two = |dims: &[usize], first: bool| match dims {
            [.., rows, columns] => [*rows, *columns],
            [size] if first => [1, *size],
            [size] => [*size, 1],
            [] => [1, 1],
        };
        let constant = two(&dims, !left);
        let value = two(&live, left);
        let turn = |[rows, columns]: [usize; 2], turned| {
            if turned { [columns, rows] } else { [rows, columns] }
        };
        let (rows, columns) = (turn(value, turned[input]), turn(constant, turned[other]));
        let batch = live.iter().rev().skip(2).product::<usize>();
        let weight = |row: usize, column: usize| {
            alpha
                * weights[if turned[other] {
                    column * constant[1] + row
                } else {
                    row * constant[1] + column
                }]
        };
        let place = |row: usize, column: usize| {
            if turned[input] { column * value[1] + row } else { row * value[1] + column }
        };
        let inner = if left { columns[0] } else { columns[1] };
        if inner != if left { rows[1] } else { rows[0] } {
            return Err(Trouble::unsupported("sizes of its operands do not fit together"));
        }
        let [height, width] = if left { [rows[0], columns[1]] } else { [columns[0], rows[1]] };
        if batch * height * width != count {
            return Err(Trouble::unsupported("sizes of its operands do not fit together"));
        }
        let needs = (count as u64).saturating_mul(inner as u64).saturating_mul(16);
        self.builder.take(needs)?;
        // One row of a value, or one column, makes a full matrix of it.
        let map = if batch == 1 && left && height == 1 {
            let all = (0..width).flat_map(|column| (0..inner).map(move |at| (at, column)));
            Map::dense(width, inner, all.map(|(at, column)| weight(at, column)).collect())
        } else if batch == 1 && !left && width == 1 {
            let all = (0..height).flat_map(|row| (0..inner).map(move |at| (row, at)));
            Map::dense(height, inner, all.map(|(row, at)| weight(row, at)).collect())
        } else {
            let each = (0..batch).flat_map(|image| {
                (0..height).flat_map(move |row| (0..width).map(move |column| (image, row, column)))
            });
            let size = value[0] * value[1];
            Map::sparse(
                batch * size,
                each.map(|(image, row, column)| {
                    let entry = |at: usize| match left {
                        true => (image * size + place(row, at), weight(at, column)),
                        false => (image * size + place(at, column), weight(row, at)),
                    };
                    (0..inner).map(entry).filter(|(_, weight)| *weight != 0.0).collect()
                }),
            )
        };
        let mut bias = vec![0.0; count];
        if gemm && let Some((numbers, from)) = self.numbers(node, 2)? {
            for (bias, at) in bias.iter_mut().zip(broadcast(&from, &shape)?) {
                *bias = beta * numbers[at];
            }
        }
        let layer = self.builder.affine(vec![(from, map)], bias, false)?;
        self.give(node, layer)
    }

    /// A convolution along one or two axes, its weights constant.
    pub(super) fn convolution(&mut self, node: &Node) -> Result<()> {
        let from = self.live(node, 0)?.layer;
        let (weights, kernel) = self.numbers(node, 1)?.unwrap_or_default();
        let window = self.window(node, &self.dims(node, 0)?, &kernel)?;
        let mut bias = vec![0.0; window.channels[1] * window.places()];
        if let Some((numbers, _)) = self.numbers(node, 2)? {
            for (bias, number) in bias.chunks_mut(window.places().max(1)).zip(numbers) {
                bias.fill(number);
            }
        }
        let layer = self.builder.affine(vec![(from, Map::conv(window, weights))], bias, false)?;
        self.give(node, layer)
    }

    fn window(&self, node: &Node, dims: &[usize], kernel: &[usize]) -> Result<Window> {
        let geometry = self.geometry(node, dims, kernel.get(2..).unwrap_or(&[]))?;
        let groups = usize::try_from(node.attributes.int_or("group", 1)?).unwrap_or(0).max(1);
        let (inward, outward) = (dims[1], kernel[0]);
        if kernel.get(1) != Some(&(inward / groups))
            || outward % groups != 0
            || inward % groups != 0
        {
            return Err(Trouble::unsupported("sizes of its operands do not fit together"));
        }
        Ok(Window { groups, channels: [inward, outward], ..geometry })
    }

    /// Normalisation by constant means and variances.
    pub(super) fn normalization(&mut self, node: &Node) -> Result<()> {
        if node.attributes.flag("training_mode")? {
            return Err(Trouble::unsupported("it normalises by the batch"));
        }
        let held = self.live(node, 0)?;
        let dims = self.dims(node, 0)?;
        let epsilon = f64::from(node.attributes.float_or("epsilon", 1e-5)?);
        let mut parts = Vec::new();
        for input in 1..5 {
            parts.push(self.numbers(node, input)?.unwrap_or_default().0);
        }
        let channels = dims.get(1).copied().unwrap_or(1);
        if parts.iter().any(|part| part.len() != channels) || channels == 0 {
            return Err(Trouble::unsupported("sizes of its operands do not fit together"));
        }
        let count = self.builder.size(held.layer);
        let places = dims.iter().skip(2).product::<usize>().max(1);
        let channel = |at: usize| at / places % channels;
        let factor = |c: usize| parts[0][c] / (parts[3][c] + epsilon).sqrt();
        let factors = (0..count).map(|at| factor(channel(at))).collect();
        let shifts = (0..count).map(channel).map(|c| parts[1][c] - parts[2][c] * factor(c));
        let shifts = shifts.collect::<Vec<_>>();
        let sizes = (0..count).map(channel);
        let sizes = sizes.map(|c| parts[1][c].abs() + (parts[2][c] * factor(c)).abs());
        let sizes = sizes.collect::<Vec<_>>();
        let layer = self.builder.scaled(held, Some(factors), &shifts, &sizes, 8)?;
        self.give(node, layer)
    }
}

/// Which element of a tensor stands at each place of the shape that it is broadcast to.
pub(super) fn broadcast(from: &[usize], to: &[usize]) -> Result<Vec<usize>> {
    let lead = to.len().checked_sub(from.len());
    let fits = lead.is_some_and(|lead| {
        from.iter().zip(&to[lead..]).all(|(from, to)| from == to || *from == 1)
    });
    let Some(lead) = lead.filter(|_| fits) else {
        return Err(Trouble::unsupported("sizes of its operands do not fit together"));
    };
    let mut places = vec![0_usize];
    for (axis, size) in to.iter().enumerate() {
        let own = axis.checked_sub(lead).map_or(1, |axis| from[axis]);
        places = places
            .into_iter()
            .flat_map(|place| (0..*size).map(move |at| place * own + if own == 1 { 0 } else { at }))
            .collect();
    }
    Ok(places)
}
