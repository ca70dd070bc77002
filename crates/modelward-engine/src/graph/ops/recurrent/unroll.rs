//! The gradient of a recurrent layer as plain ONNX: the layer is written step by step in plain
//! operators, and these are differentiated.
//!
//! The states are computed once more than the model does, since it does not give its gates.

use crate::{
    Result, Tensor, Trouble,
    grad::{Builder, Dim, Options},
    graph::{Attributes, Name, Node, ValueId, names},
};

use super::{B, C, FLOWS, GIVEN, H, LENGTHS, P, R, W, X, cell::Kind};

/// The most steps that are written one by one.
const MOST: usize = 10_000;

/// Write the gradient of a layer; gives one value for each input in [`GIVEN`].
pub(super) fn lower(builder: &mut Builder<'_>, node: &Node, kind: Kind) -> Result<Vec<ValueId>> {
    let given = |input: usize| node.inputs.get(input).copied().flatten();
    let attributes = &node.attributes;
    if given(LENGTHS).is_some() || attributes.find("clip").is_some() {
        return Err(Trouble::unsupported(
            "the gradient of a recurrent layer with lengths or clipping, as plain ONNX",
        ));
    }
    // The flows stop at copies: another layer may read the same weights.
    let mut own = [None; FLOWS];
    for input in GIVEN {
        own[input] = given(input).map(|id| builder.apply(names::IDENTITY, &[id])).transpose()?;
    }
    let layer = Layer::of(builder, attributes, kind, own)?;
    let outputs = layer.unroll(builder)?;
    let mut seeds = Vec::new();
    for (at, output) in outputs.into_iter().enumerate() {
        seeds.extend(output.zip(given(FLOWS + at)));
    }
    let by = GIVEN.iter().filter_map(|&input| own[input]).collect::<Vec<_>>();
    let mut found = builder.gradients(&seeds, &by, &mut Options::default())?.into_iter();
    let gradients = GIVEN.iter().map(|&input| {
        let Some(value) = own[input] else {
            let element = builder.element(given(X).unwrap_or_default())?;
            let none = Tensor::new(vec![0], element.zeros(0))?;
            return Ok(builder.constant(none));
        };
        match found.next().flatten() {
            Some(gradient) => Ok(gradient),
            None => {
                let zero = builder.float(value, 0.0)?;
                let shape = builder.shape_of(value)?;
                builder.apply(names::EXPAND, &[zero, shape])
            }
        }
    });
    gradients.collect()
}

/// A layer that is written out.
struct Layer {
    kind: Kind,
    inputs: [Option<ValueId>; FLOWS],
    steps: usize,
    hidden: usize,
    directions: usize,
    reverse: bool,
    batch_first: bool,
    input_forget: bool,
    linear_before_reset: bool,
    activations: Vec<Name>,
}

/// The weights of a direction, ready to multiply from the right.
struct Side {
    r: ValueId,
    /// Of the state's product, a gate each.
    biases: Option<Vec<ValueId>>,
    /// Of input, output and forget gate.
    peepholes: Option<Vec<ValueId>>,
}

/// What a step has behind it; `None` at the start stands for zeros.
type State = (Option<ValueId>, Option<ValueId>);

impl Layer {
    fn of(
        builder: &Builder<'_>,
        attributes: &Attributes,
        kind: Kind,
        inputs: [Option<ValueId>; FLOWS],
    ) -> Result<Self> {
        let (Some(x), Some(r)) = (inputs[X], inputs[R]) else {
            return Err(Trouble::graph("expected inputs and weights, got none"));
        };
        let batch_first = attributes.flag("layout")?;
        let (dims, weights) = (builder.dims(x)?, builder.kind(r)?.dims.clone());
        let (&[directions, _, hidden], Some(&Dim::Fixed(steps))) =
            (&weights[..], dims.get(usize::from(batch_first)))
        else {
            return Err(Trouble::data_dependent(
                "the gradient of a recurrent layer over a free number of steps, as plain ONNX",
            ));
        };
        if steps == 0 || steps > MOST {
            return Err(Trouble::limit(format!(
                "{steps} steps of a recurrent layer, written one by one up to {MOST}"
            )));
        }
        let called = match attributes.texts("activations")? {
            Some(names) => names.iter().map(|name| &**name).collect::<Vec<_>>(),
            None => kind.activations().repeat(directions),
        };
        let activations = called.into_iter().map(|name| {
            let known: [(&str, Name); 3] =
                [("Sigmoid", names::SIGMOID), ("Tanh", names::TANH), ("Relu", names::RELU)];
            let found = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, operator)| *operator).ok_or_else(|| {
                Trouble::unsupported(format!(
                    "the gradient of a recurrent layer with `{name}`, as plain ONNX"
                ))
            })
        });
        Ok(Self {
            kind,
            inputs,
            steps,
            hidden,
            directions,
            reverse: attributes.text_or("direction", "forward")? == "reverse",
            batch_first,
            input_forget: attributes.flag("input_forget")?,
            linear_before_reset: attributes.flag("linear_before_reset")?,
            activations: activations.collect::<Result<_>>()?,
        })
    }

    /// All outputs, in the shapes that the layer gives them.
    fn unroll(&self, builder: &mut Builder<'_>) -> Result<[Option<ValueId>; 3]> {
        let (mut ys, mut hs, mut cs) = (Vec::new(), Vec::new(), Vec::new());
        for direction in 0..self.directions {
            let (y, (h, c)) = self.direction(builder, direction)?;
            let axis = builder.ints(vec![1]);
            ys.push(builder.apply(names::UNSQUEEZE, &[y, axis])?);
            hs.extend(h);
            cs.extend(c);
        }
        let turned = |builder: &mut Builder<'_>, value, order: &[i64]| {
            if !self.batch_first {
                return Ok(value);
            }
            let order = Attributes::new().with("perm", order.to_vec());
            builder.apply_with(names::TRANSPOSE, &[value], order)
        };
        let y = concat(builder, &ys, 1)?;
        let y = turned(builder, y, &[2, 0, 1, 3])?;
        let h = concat(builder, &hs, 0)?;
        let h = turned(builder, h, &[1, 0, 2])?;
        let c = match cs.is_empty() {
            true => None,
            false => {
                let c = concat(builder, &cs, 0)?;
                Some(turned(builder, c, &[1, 0, 2])?)
            }
        };
        Ok([Some(y), Some(h), c])
    }

    /// One direction: `[steps, batch, hidden]`, and the last state.
    fn direction(&self, builder: &mut Builder<'_>, direction: usize) -> Result<(ValueId, State)> {
        let (gates, n) = (self.kind.gates(), self.hidden);
        let (Some(mut x), Some(w), Some(r)) = (self.inputs[X], self.inputs[W], self.inputs[R])
        else {
            return Err(Trouble::graph("expected inputs and weights, got none"));
        };
        let order = || Attributes::new().with("perm", vec![1, 0, 2]);
        let first = |builder: &mut Builder<'_>, input: usize| -> Result<_> {
            let Some(mut state) = self.inputs[input] else { return Ok(None) };
            if self.batch_first {
                state = builder.apply_with(names::TRANSPOSE, &[state], order())?;
            }
            part(builder, state, vec![direction as i64]).map(Some)
        };
        let mut state = (first(builder, H)?, None);
        if self.kind == Kind::Lstm {
            state.1 = first(builder, C)?;
        }
        if self.batch_first {
            x = builder.apply_with(names::TRANSPOSE, &[x], order())?;
        }
        let [w, r] = [w, r].map(|weight| transposed(builder, weight, direction));
        let mut projected = builder.apply(names::MATMUL, &[x, w?])?;
        let mut side = Side { r: r?, biases: None, peepholes: None };
        if let Some(b) = self.inputs[B] {
            let b = part(builder, b, vec![direction as i64])?;
            let halves = split(builder, b, 1, &[gates * n, gates * n])?;
            projected = builder.add(projected, halves[0])?;
            side.biases = Some(split(builder, halves[1], 1, &vec![n; gates])?);
        }
        if let (Some(p), Kind::Lstm) = (self.inputs[P], self.kind) {
            let p = part(builder, p, vec![direction as i64])?;
            side.peepholes = Some(split(builder, p, 1, &[n; 3])?);
        }
        let steps = split(builder, projected, 0, &vec![1; self.steps])?;
        let back = self.reverse || direction == 1;
        let mut order = (0..self.steps).collect::<Vec<_>>();
        if back {
            order.reverse();
        }
        let mut outputs = vec![ValueId::default(); self.steps];
        for at in order {
            let (h, c) = self.step(builder, &side, direction, steps[at], state)?;
            outputs[at] = h;
            state = (Some(h), c);
        }
        Ok((concat(builder, &outputs, 0)?, state))
    }

    /// One step: `[1, batch, hidden]` each.
    fn step(
        &self,
        builder: &mut Builder<'_>,
        side: &Side,
        direction: usize,
        x: ValueId,
        (h, c): State,
    ) -> Result<(ValueId, Option<ValueId>)> {
        let n = self.hidden;
        let each = self.activations.len() / self.directions;
        let activate = |builder: &mut Builder<'_>, which: usize, value| {
            builder.apply(self.activations[direction * each + which], &[value])
        };
        let gates = self.kind.gates();
        let x = split(builder, x, 2, &vec![n; gates])?;
        let of_h = match h {
            Some(h) => {
                let product = builder.apply(names::MATMUL, &[h, side.r])?;
                Some(split(builder, product, 2, &vec![n; gates])?)
            }
            None => None,
        };
        // The state's product of a gate with its bias.
        let state = |builder: &mut Builder<'_>, gate: usize| -> Result<Option<ValueId>> {
            let bias = side.biases.as_ref().map(|biases| biases[gate]);
            sum(builder, of_h.as_ref().map(|products| products[gate]), bias)
        };
        let before = |builder: &mut Builder<'_>, gate: usize| -> Result<ValueId> {
            let product = state(builder, gate)?;
            Ok(sum(builder, Some(x[gate]), product)?.unwrap_or(x[gate]))
        };
        match self.kind {
            Kind::Rnn => {
                let all = before(builder, 0)?;
                Ok((activate(builder, 0, all)?, None))
            }
            Kind::Gru => {
                let update = before(builder, 0)?;
                let update = activate(builder, 0, update)?;
                let reset = before(builder, 1)?;
                let reset = activate(builder, 0, reset)?;
                let product = if self.linear_before_reset {
                    let product = state(builder, 2)?;
                    product.map(|product| builder.mul(reset, product)).transpose()?
                } else {
                    let bias = side.biases.as_ref().map(|biases| biases[2]);
                    let product = match h {
                        Some(h) => {
                            let kept = builder.mul(reset, h)?;
                            let last = split(builder, side.r, 1, &[2 * n, n])?[1];
                            Some(builder.apply(names::MATMUL, &[kept, last])?)
                        }
                        None => None,
                    };
                    sum(builder, product, bias)?
                };
                let new = sum(builder, Some(x[2]), product)?.unwrap_or(x[2]);
                let new = activate(builder, 1, new)?;
                let one = builder.float(new, 1.0)?;
                let rest = builder.apply(names::SUB, &[one, update])?;
                let fresh = builder.mul(rest, new)?;
                let old = h.map(|h| builder.mul(update, h)).transpose()?;
                Ok((sum(builder, Some(fresh), old)?.unwrap_or(fresh), None))
            }
            Kind::Lstm => {
                let gate = |builder: &mut Builder<'_>, gate: usize, peephole, cell| {
                    let mut all = before(builder, gate)?;
                    if let (Some(peepholes), Some(cell)) = (&side.peepholes, cell) {
                        let seen = builder.mul(peepholes[peephole], cell)?;
                        all = builder.add(all, seen)?;
                    }
                    activate(builder, 0, all)
                };
                let input = gate(builder, 0, 0, c)?;
                let new = before(builder, 3)?;
                let new = activate(builder, 1, new)?;
                let fresh = builder.mul(input, new)?;
                let old = match c {
                    Some(c) => {
                        let forget = if self.input_forget {
                            let one = builder.float(input, 1.0)?;
                            builder.apply(names::SUB, &[one, input])?
                        } else {
                            gate(builder, 2, 2, Some(c))?
                        };
                        Some(builder.mul(forget, c)?)
                    }
                    None => None,
                };
                let cell = sum(builder, old, Some(fresh))?.unwrap_or(fresh);
                let output = gate(builder, 1, 1, Some(cell))?;
                let shown = activate(builder, 2, cell)?;
                Ok((builder.mul(output, shown)?, Some(cell)))
            }
        }
    }
}

/// The sum of what is there.
fn sum(
    builder: &mut Builder<'_>,
    a: Option<ValueId>,
    b: Option<ValueId>,
) -> Result<Option<ValueId>> {
    match (a, b) {
        (Some(a), Some(b)) => builder.add(a, b).map(Some),
        (one, other) => Ok(one.or(other)),
    }
}

/// Slices along the first axis.
fn part(builder: &mut Builder<'_>, value: ValueId, places: Vec<i64>) -> Result<ValueId> {
    if builder.dims(value)?.first() == Some(&Dim::Fixed(1)) {
        return Ok(value);
    }
    let places = builder.ints(places);
    builder.apply_with(names::GATHER, &[value, places], Attributes::new().with("axis", 0))
}

/// The weight of a direction `[1, rows, columns]` as `[columns, rows]`.
fn transposed(builder: &mut Builder<'_>, weight: ValueId, direction: usize) -> Result<ValueId> {
    let one = part(builder, weight, vec![direction as i64])?;
    let dims = builder.kind(one)?.dims.iter().skip(1).map(|&size| size as i64);
    let dims = dims.collect();
    let shape = builder.ints(dims);
    let flat = builder.apply(names::RESHAPE, &[one, shape])?;
    let turned = Attributes::new().with("perm", vec![1, 0]);
    builder.apply_with(names::TRANSPOSE, &[flat], turned)
}

fn split(
    builder: &mut Builder<'_>,
    value: ValueId,
    axis: i64,
    sizes: &[usize],
) -> Result<Vec<ValueId>> {
    if sizes.len() == 1 {
        return Ok(vec![value]);
    }
    let parts = builder.ints(sizes.iter().map(|&size| size as i64).collect());
    let along = Attributes::new().with("axis", axis);
    builder.apply_all(names::SPLIT, vec![Some(value), Some(parts)], along, sizes.len())
}

fn concat(builder: &mut Builder<'_>, values: &[ValueId], axis: i64) -> Result<ValueId> {
    match values {
        [one] => Ok(*one),
        _ => builder.apply_with(names::CONCAT, values, Attributes::new().with("axis", axis)),
    }
}
