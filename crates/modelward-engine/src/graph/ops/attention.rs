//! `Attention`: scaled products of queries and keys, softmax, values; with grouped heads, a cache of
//! keys and values, masks, a causal frontier, a window, and a soft cap.
//!
//! A query to which no key is left gives zeros, not NaN. The gradient is written as plain operators
//! over the products; what the masks add is made by `AttentionBias`, one of this engine's own.
//!
//! Source: ONNX `Attention`, sets 23 to 25; Vaswani et al. 2017; Gemma 2 (soft cap).

use crate::{
    Data, Element, Result, Tensor, Trouble, Type,
    grad::{Builder, Dim, Gradient, Options},
    graph::{
        Attributes, Grad, Infer, Node, Operator, Run, ValueId, names,
        ops::{
            elementwise::{Places, broadcast},
            real::{Real, of_reals},
        },
    },
    tensor::count,
};

pub(super) const OPS: &[&Operator] = &[&ATTENTION, &ATTENTION_BIAS];

static ATTENTION: Operator = Operator::new(
    "Attention",
    &[23, 24, 25],
    |cx| {
        let sizes = Sizes::inferred(cx)?;
        let (q, v) = (cx.element(Q)?, cx.element(V)?);
        let Sizes { batch, heads, kv_heads, queries, depth, width, .. } = sizes;
        let total = sizes.total()?;
        mode(cx.attributes())?;
        let y = match sizes.flat {
            true => vec![batch, queries, count(&[heads, width])?],
            false => vec![batch, heads, queries, width],
        };
        let bias = Bias::inferred(cx)?;
        let whole = [batch, heads, queries, total];
        if broadcast(&[&bias.dims, &whole])? != whole {
            let dims = cx.dims(MASK)?;
            return Err(Trouble::graph(format!("a mask {dims:?} does not broadcast to {whole:?}")));
        }
        Ok(vec![
            Type::new(q, y),
            Type::new(cx.element(K)?, [batch, kv_heads, total, depth]),
            Type::new(v, [batch, kv_heads, total, width]),
            Type::new(q, [batch, heads, queries, total]),
        ])
    },
    |run| of_reals!(run.input(Q)?, forward(run)),
    Grad::Rule(grad),
)
.flop(|cx, _| {
    let sizes = Sizes::inferred(cx)?;
    let each = sizes.depth.saturating_add(sizes.width).saturating_add(4);
    let all = [sizes.batch, sizes.heads, sizes.queries, sizes.total()?, each];
    Ok(all.iter().fold(2_u64, |all, &one| all.saturating_mul(one as u64)))
});

/// What the masks add to the products, and which queries have no key left: those have a bias of 0.
/// Inputs as `Attention`; of queries, keys and cache the shapes alone are looked at.
static ATTENTION_BIAS: Operator = Operator::own(
    "AttentionBias",
    |cx| {
        let bias = Bias::inferred(cx)?;
        let mut rows = bias.dims.clone();
        if let Some(last) = rows.last_mut() {
            *last = 1;
        }
        Ok(vec![Type::new(cx.element(Q)?, bias.dims), Type::new(Element::Bool, rows)])
    },
    |run| of_reals!(run.input(Q)?, bias_of(run)),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        if !cx.wants(MASK) {
            return Ok(());
        }
        let mask = cx.input(MASK)?;
        let (from, to) = (cx.builder.dims(flow)?, cx.builder.dims(mask)?);
        if from.last() != to.last() {
            return Err(Trouble::unsupported("the gradient of a mask that is padded"));
        }
        cx.give_unbroadcast(MASK, flow)
    }),
    lower,
);

/// Inputs of the operator.
const Q: usize = 0;
const K: usize = 1;
const V: usize = 2;
const MASK: usize = 3;
const PAST_K: usize = 4;
const PAST_V: usize = 5;
const LENGTHS: usize = 6;

/// The sizes of an attention.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: usize,
    heads: usize,
    kv_heads: usize,
    queries: usize,
    /// Keys without those of the cache.
    keys: usize,
    past: usize,
    depth: usize,
    width: usize,
    /// Whether the heads lie in the last axis of three.
    flat: bool,
}

impl Sizes {
    fn of(attributes: &Attributes, dims: &[Option<&[usize]>]) -> Result<Self> {
        let given = |input: usize| dims.get(input).copied().flatten();
        let wrong = || {
            let (q, k, v) = (given(Q), given(K), given(V));
            Trouble::graph(format!("queries {q:?}, keys {k:?} and values {v:?} do not fit"))
        };
        let (Some(q), Some(k), Some(v)) = (given(Q), given(K), given(V)) else {
            return Err(wrong());
        };
        let sizes = match (q, k, v) {
            (&[batch, queries, q], &[batch_k, keys, k], &[batch_v, keys_v, v]) => {
                let heads = heads(attributes, "q_num_heads")?;
                let kv_heads = heads_or(attributes, "kv_num_heads", heads)?;
                let even = q % heads == 0 && k % kv_heads == 0 && v % kv_heads == 0;
                if !even || batch != batch_k || batch != batch_v || keys != keys_v {
                    return Err(wrong());
                }
                let (depth, width) = (q / heads, v / kv_heads);
                if k / kv_heads != depth {
                    return Err(wrong());
                }
                Self { batch, heads, kv_heads, queries, keys, past: 0, depth, width, flat: true }
            }
            (
                &[batch, heads, queries, depth],
                &[batch_k, kv_heads, keys, depth_k],
                &[batch_v, heads_v, keys_v, width],
            ) => {
                let fits = batch == batch_k
                    && batch == batch_v
                    && kv_heads == heads_v
                    && keys == keys_v
                    && depth == depth_k;
                if !fits {
                    return Err(wrong());
                }
                Self { batch, heads, kv_heads, queries, keys, past: 0, depth, width, flat: false }
            }
            _ => return Err(wrong()),
        };
        if sizes.kv_heads == 0 || sizes.heads % sizes.kv_heads != 0 {
            return Err(wrong());
        }
        let Self { batch, kv_heads, depth, width, .. } = sizes;
        let past = match (given(PAST_K), given(PAST_V)) {
            (None, None) => 0,
            (Some(&[b, h, past, d]), Some(&[b_v, h_v, past_v, w]))
                if [b, h, d] == [batch, kv_heads, depth]
                    && [b_v, h_v, w] == [batch, kv_heads, width]
                    && past == past_v =>
            {
                past
            }
            (k, v) => {
                return Err(Trouble::graph(format!("a cache of {k:?} and {v:?} does not fit")));
            }
        };
        if given(LENGTHS).is_some_and(|lengths| lengths != [batch] || given(PAST_K).is_some()) {
            return Err(Trouble::graph("lengths of the keys do not fit the batch or the cache"));
        }
        Ok(Self { past, ..sizes })
    }

    fn inferred(cx: &Infer<'_>) -> Result<Self> {
        let dims = (0..cx.inputs.len())
            .map(|input| if cx.has(input) { cx.dims(input).map(Some) } else { Ok(None) });
        Self::of(cx.attributes(), &dims.collect::<Result<Vec<_>>>()?)
    }

    fn given(run: &Run<'_>) -> Result<Self> {
        let dims = (0..run.inputs.len()).map(|input| run.optional(input).map(Tensor::dims));
        Self::of(run.attributes(), &dims.collect::<Vec<_>>())
    }

    /// Keys with those of the cache.
    fn total(&self) -> Result<usize> {
        self.past
            .checked_add(self.keys)
            .ok_or_else(|| Trouble::limit("more keys than can be counted"))
    }

    /// Where the row of a head begins in an input of so many heads and columns.
    fn row(&self, heads: usize, rows: usize, columns: usize, at: [usize; 3]) -> usize {
        let [example, head, row] = at;
        if self.flat {
            ((example * rows + row) * heads + head) * columns
        } else {
            ((example * heads + head) * rows + row) * columns
        }
    }
}

fn heads(attributes: &Attributes, name: &str) -> Result<usize> {
    let heads = attributes.int_or(name, 0)?;
    usize::try_from(heads)
        .ok()
        .filter(|&heads| heads > 0)
        .ok_or_else(|| Trouble::graph(format!("expected heads in the attribute `{name}`")))
}

fn heads_or(attributes: &Attributes, name: &str, default: usize) -> Result<usize> {
    if attributes.int(name)?.is_some() { heads(attributes, name) } else { Ok(default) }
}

/// What the output of the products shows.
fn mode(attributes: &Attributes) -> Result<i64> {
    let mode = attributes.int_or("qk_matmul_output_mode", 0)?;
    if (0..=3).contains(&mode) {
        Ok(mode)
    } else {
        Err(Trouble::graph(format!("no such mode of the products' output: {mode}")))
    }
}

fn scale(attributes: &Attributes, depth: usize) -> Result<f64> {
    match attributes.find("scale") {
        Some(_) => Ok(attributes.float_or("scale", 1.0)?.into()),
        None => Ok(1.0 / (depth as f64).sqrt()),
    }
}

/// What the masks are.
#[derive(Clone, Debug)]
struct Bias {
    sizes: Sizes,
    /// Of the bias: `[.., queries, keys]`, broadcast to all heads.
    dims: Vec<usize>,
    causal: bool,
    left: Option<i64>,
    right: Option<i64>,
}

impl Bias {
    fn of(
        attributes: &Attributes,
        sizes: Sizes,
        mask: Option<&[usize]>,
        lengths: bool,
    ) -> Result<Self> {
        let total = sizes.total()?;
        let mut dims = vec![sizes.queries, total];
        if let Some(mask) = mask {
            let (&keys, front) = mask
                .split_last()
                .ok_or_else(|| Trouble::graph("expected a mask of one dimension or more"))?;
            if keys > total && keys != 1 {
                return Err(Trouble::graph(format!("a mask {mask:?} for {total} keys")));
            }
            dims = broadcast(&[&dims, &[front, &[total]].concat()])?;
            if dims.len() > 4 {
                return Err(Trouble::graph(format!("a mask {mask:?}, of more than 4 dimensions")));
            }
        }
        if lengths {
            dims = broadcast(&[&dims, &[sizes.batch, 1, 1, 1]])?;
        }
        let window = |name: &str| match attributes.int_or(name, -1)? {
            -1 => Ok(None),
            size @ 0.. => Ok(Some(size)),
            other => Err(Trouble::graph(format!("a window of {other}"))),
        };
        let causal = attributes.flag("is_causal")?;
        let (left, right) = (window("left_window_size")?, window("right_window_size")?);
        Ok(Self { sizes, dims, causal, left, right })
    }

    fn inferred(cx: &Infer<'_>) -> Result<Self> {
        let mask = if cx.has(MASK) { Some(cx.dims(MASK)?) } else { None };
        Self::of(cx.attributes(), Sizes::inferred(cx)?, mask, cx.has(LENGTHS))
    }

    /// Whether a query sees a key, by their places alone; the query's is counted with the offset.
    fn sees(&self, query: i64, key: i64) -> bool {
        (!self.causal || key <= query)
            && self.left.is_none_or(|left| query.saturating_sub(left) <= key)
            && self.right.is_none_or(|right| key <= query.saturating_add(right))
    }

    /// The bias, and for each query whether no key is left.
    fn values<T: Real>(
        &self,
        mask: Option<&Tensor>,
        lengths: Option<&Tensor>,
    ) -> Result<(Vec<T>, Vec<bool>)> {
        let (zero, none) = (T::near(0.0), T::near(f64::NEG_INFINITY));
        let (queries, total) = (self.sizes.queries, self.sizes.total()?);
        let lengths = lengths.map(Tensor::ints).transpose()?;
        let all = count(&self.dims)?;
        let mut bias = Vec::with_capacity(all);
        // Where the mask's rows lie; one of fewer keys hides the rest.
        let own = mask.map_or(total, |mask| mask.dims().last().copied().unwrap_or(total));
        let fronts = mask.map(|mask| {
            let front = &mask.dims()[..mask.dims().len() - 1];
            Places::broadcast(front, &self.dims[..self.dims.len() - 1])
        });
        let mut fronts = fronts;
        for row in 0..all.checked_div(total).unwrap_or(0) {
            let front = fronts.as_mut().and_then(Iterator::next).unwrap_or(0);
            let query = (row % queries) as i64;
            let example = row / (all / total / self.sizes.batch.max(1)).max(1);
            let length = lengths.as_ref().map(|lengths| lengths[example]);
            let offset = match length {
                Some(length) => length.saturating_sub(queries as i64),
                None => self.sizes.past as i64,
            };
            for key in 0..total {
                let of_mask = match mask.map(Tensor::data) {
                    None => zero,
                    Some(_) if key >= own => none,
                    Some(Data::Bool(mask)) => {
                        if mask[front * own + key] {
                            zero
                        } else {
                            none
                        }
                    }
                    Some(data) => match T::of(data) {
                        Some(mask) => mask[front * own + key],
                        None => return Err(Trouble::graph("the mask is of another element type")),
                    },
                };
                let seen = self.sees(query.saturating_add(offset), key as i64)
                    && length.is_none_or(|length| (key as i64) < length);
                bias.push(if seen { of_mask } else { none });
            }
        }
        let empty = |row: &[T]| row.iter().all(|&bias| bias == none);
        let empty = match total {
            0 => vec![true; count(&self.dims[..self.dims.len() - 1])?],
            _ => bias.chunks_exact(total).map(empty).collect(),
        };
        Ok((bias, empty))
    }
}

fn bias_of<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let mask = run.optional(MASK);
    let lengths = run.optional(LENGTHS);
    let sizes = Sizes::given(run)?;
    let bias = Bias::of(run.attributes(), sizes, mask.map(Tensor::dims), lengths.is_some())?;
    let (mut values, empty) = bias.values::<T>(mask, lengths)?;
    if let Ok(total @ 1..) = sizes.total() {
        for (row, _) in values.chunks_exact_mut(total).zip(&empty).filter(|(_, empty)| **empty) {
            row.fill(T::near(0.0));
        }
    }
    let mut rows = bias.dims.clone();
    if let Some(last) = rows.last_mut() {
        *last = 1;
    }
    Ok(vec![Tensor::new(bias.dims, T::into_data(values))?, Tensor::new(rows, Data::Bool(empty))?])
}

fn forward<T: Real>(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let sizes = Sizes::given(run)?;
    let Sizes { batch, heads, kv_heads, queries, depth, width, .. } = sizes;
    let total = sizes.total()?;
    let attributes = run.attributes();
    let (mask, lengths) = (run.optional(MASK), run.optional(LENGTHS));
    let bias = Bias::of(attributes, sizes, mask.map(Tensor::dims), lengths.is_some())?;
    let (bias_values, empty) = bias.values::<T>(mask, lengths)?;
    let softcap = T::near(attributes.float_or("softcap", 0.0)?.into());
    let root = T::near(scale(attributes, depth)?.sqrt());
    let mode = mode(attributes)?;
    let zero = T::near(0.0);
    let k = cached::<T>(run, &sizes, K, PAST_K, depth)?;
    let v = cached::<T>(run, &sizes, V, PAST_V, width)?;
    let q = run.input(Q)?.values::<T>()?;
    let shown = run.outputs.len() > 3;
    let mut y = vec![zero; batch * heads * queries * width];
    let mut products = Vec::with_capacity(if shown { batch * heads * queries * total } else { 0 });
    let whole = [batch, heads, queries];
    let rows = Places::broadcast(&bias.dims[..bias.dims.len() - 1], &whole);
    let mut line = vec![zero; total];
    let mut biased = vec![zero; total];
    for (at, row) in rows.enumerate() {
        let (example, head, query) = (at / queries / heads, at / queries % heads, at % queries);
        let group = head / (heads / kv_heads);
        let q = &q[sizes.row(heads, queries, depth, [example, head, query])..][..depth];
        for (key, (product, biased)) in line.iter_mut().zip(&mut biased).enumerate() {
            let k = &k[((example * kv_heads + group) * total + key) * depth..][..depth];
            *product = q.iter().zip(k).fold(zero, |sum, (&q, &k)| sum + (q * root) * (k * root));
            if mode == 0 && shown {
                products.push(*product);
            }
            if softcap > zero {
                *product = (*product / softcap).tanh() * softcap;
            }
            *biased = *product + bias_values[row * total + key];
        }
        if shown && (mode == 1 || mode == 2) {
            products.extend_from_slice(if mode == 1 { &line } else { &biased });
        }
        if empty[row] {
            biased.fill(zero);
        } else {
            shares(&mut biased);
        }
        if shown && mode == 3 {
            products.extend_from_slice(&biased);
        }
        if empty[row] {
            continue;
        }
        let start = sizes.row(heads, queries, width, [example, head, query]);
        let y = &mut y[start..][..width];
        for (key, &share) in biased.iter().enumerate() {
            let v = &v[((example * kv_heads + group) * total + key) * width..][..width];
            for (y, &v) in y.iter_mut().zip(v) {
                *y += share * v;
            }
        }
    }
    let mut all = vec![run.shaped(0, T::into_data(y))?];
    if run.outputs.len() > 1 {
        all.push(run.shaped(1, T::into_data(k))?);
    }
    if run.outputs.len() > 2 {
        all.push(run.shaped(2, T::into_data(v))?);
    }
    if shown {
        all.push(run.shaped(3, T::into_data(products))?);
    }
    Ok(all)
}

/// Softmax of a row; zeros where all are -inf.
fn shares<T: Real>(row: &mut [T]) {
    let none = T::near(f64::NEG_INFINITY);
    let most = row.iter().fold(none, |most, &x| if x > most { x } else { most });
    let most = if most == none { T::near(0.0) } else { most };
    let mut total = T::near(0.0);
    for x in row.iter_mut() {
        *x = (*x - most).exp();
        total += *x;
    }
    if total == T::near(0.0) {
        return;
    }
    for x in row {
        *x /= total;
    }
}

/// Keys or values behind those of the cache, as `[batch, heads, keys, columns]`.
fn cached<T: Real>(
    run: &Run<'_>,
    sizes: &Sizes,
    input: usize,
    past: usize,
    columns: usize,
) -> Result<Vec<T>> {
    let new = run.input(input)?.values::<T>()?;
    let old = run.optional(past).map(Tensor::values::<T>).transpose()?.unwrap_or_default();
    let heads = sizes.kv_heads;
    let mut all = Vec::with_capacity(new.len() + old.len());
    for example in 0..sizes.batch {
        for head in 0..heads {
            let block = sizes.past * columns;
            all.extend_from_slice(&old[(example * heads + head) * block..][..block]);
            for key in 0..sizes.keys {
                let at = sizes.row(heads, sizes.keys, columns, [example, head, key]);
                all.extend_from_slice(&new[at..][..columns]);
            }
        }
    }
    Ok(all)
}

/// The gradient: the attention written out, differentiated.
fn grad(cx: &mut Gradient<'_, '_>) -> Result<()> {
    let flows = (0..4).map(|output| cx.flow(output)).collect::<Vec<_>>();
    let inputs =
        (0..=LENGTHS).map(|input| cx.node.inputs.get(input).copied().flatten()).collect::<Vec<_>>();
    // Names of their own, so that what leads to the inputs is not differentiated twice.
    let mut fresh = Vec::new();
    for input in &inputs {
        fresh.push(match input {
            Some(id) => Some(cx.builder.apply(names::IDENTITY, &[*id])?),
            None => None,
        });
    }
    let attributes = cx.node.attributes.clone();
    let outputs = written_out(cx.builder, &fresh, &attributes, flows[3].is_some())?;
    let mut seeds = Vec::new();
    for (output, flow) in outputs.into_iter().zip(flows) {
        if let (Some(output), Some(flow)) = (output, flow) {
            seeds.push((output, flow));
        }
    }
    let wanted = (0..=LENGTHS).filter(|&input| cx.wants(input)).collect::<Vec<_>>();
    let by = wanted.iter().filter_map(|&input| fresh[input]).collect::<Vec<_>>();
    let found = cx.builder.gradients(&seeds, &by, &mut Options::default())?;
    for (input, gradient) in wanted.into_iter().zip(found) {
        if let Some(gradient) = gradient {
            cx.give(input, gradient)?;
        }
    }
    Ok(())
}

/// An attention as plain operators.
fn written_out(
    b: &mut Builder<'_>,
    inputs: &[Option<ValueId>],
    attributes: &Attributes,
    products: bool,
) -> Result<[Option<ValueId>; 4]> {
    let (Some(q), Some(k), Some(v)) = (inputs[Q], inputs[K], inputs[V]) else {
        return Err(Trouble::graph("expected queries, keys and values"));
    };
    let flat = b.rank(q)? == 3;
    let fixed = |b: &Builder<'_>, value: ValueId, axis: usize| match b.dims(value)?[axis] {
        Dim::Fixed(size) => Ok(size),
        Dim::Varies => Err(Trouble::unsupported("attention over any number of heads")),
    };
    let (heads, kv_heads) = if flat {
        let heads = heads(attributes, "q_num_heads")?;
        (heads, heads_or(attributes, "kv_num_heads", heads)?)
    } else {
        (fixed(b, q, 1)?, fixed(b, k, 1)?)
    };
    let turn = || Attributes::new().with("perm", vec![0, 2, 1, 3]);
    let split = |b: &mut Builder<'_>, value: ValueId, heads: usize| {
        if !flat {
            return Ok(value);
        }
        let columns = fixed(b, value, 2)? / heads;
        let shape = b.ints(vec![0, 0, heads as i64, columns as i64]);
        let value = b.apply(names::RESHAPE, &[value, shape])?;
        b.apply_with(names::TRANSPOSE, &[value], turn())
    };
    let q = split(b, q, heads)?;
    let (mut k, mut v) = (split(b, k, kv_heads)?, split(b, v, kv_heads)?);
    let along = || Attributes::new().with("axis", 2);
    if let (Some(past_k), Some(past_v)) = (inputs[PAST_K], inputs[PAST_V]) {
        k = b.apply_with(names::CONCAT, &[past_k, k], along())?;
        v = b.apply_with(names::CONCAT, &[past_v, v], along())?;
    }
    let (present_k, present_v) = (k, v);
    let (depth, width) = (fixed(b, q, 3)?, fixed(b, v, 3)?);
    if heads != kv_heads {
        for (value, columns) in [(&mut k, depth), (&mut v, width)] {
            let axis = b.ints(vec![2]);
            let group = b.apply(names::UNSQUEEZE, &[*value, axis])?;
            let times = b.ints(vec![1, 1, (heads / kv_heads) as i64, 1, 1]);
            let group = b.apply(names::EXPAND, &[group, times])?;
            let shape = b.ints(vec![0, heads as i64, -1, columns as i64]);
            *value = b.apply(names::RESHAPE, &[group, shape])?;
        }
    }
    let root = b.float(q, scale(attributes, depth)?.sqrt())?;
    let scaled_q = b.mul(q, root)?;
    let scaled_k = b.mul(k, root)?;
    let order = Attributes::new().with("perm", vec![0, 1, 3, 2]);
    let turned = b.apply_with(names::TRANSPOSE, &[scaled_k], order)?;
    let raw = b.apply(names::MATMUL, &[scaled_q, turned])?;
    let softcap = attributes.float_or("softcap", 0.0)?;
    let mut capped = raw;
    if softcap > 0.0 {
        let cap = b.float(raw, softcap.into())?;
        let share = b.apply(names::DIV, &[raw, cap])?;
        let share = b.apply(names::TANH, &[share])?;
        capped = b.mul(share, cap)?;
    }
    let mut biased = capped;
    let mut shares = capped;
    let masked = inputs[MASK].is_some()
        || inputs[LENGTHS].is_some()
        || attributes.flag("is_causal")?
        || attributes.int_or("left_window_size", -1)? >= 0
        || attributes.int_or("right_window_size", -1)? >= 0;
    let softmax = || Attributes::new().with("axis", -1);
    if masked {
        let made = b.apply_all(names::ATTENTION_BIAS, inputs.to_vec(), attributes.clone(), 2)?;
        biased = b.add(capped, made[0])?;
        shares = b.apply_with(names::SOFTMAX, &[biased], softmax())?;
        let zero = b.float(shares, 0.0)?;
        shares = b.apply(names::WHERE, &[made[1], zero, shares])?;
    } else {
        shares = b.apply_with(names::SOFTMAX, &[shares], softmax())?;
    }
    let mut y = b.apply(names::MATMUL, &[shares, v])?;
    if flat {
        y = b.apply_with(names::TRANSPOSE, &[y], turn())?;
        let shape = b.ints(vec![0, 0, (heads * width) as i64]);
        y = b.apply(names::RESHAPE, &[y, shape])?;
    }
    let shown = match mode(attributes)? {
        0 => raw,
        1 => capped,
        2 => biased,
        _ => shares,
    };
    Ok([Some(y), Some(present_k), Some(present_v), products.then_some(shown)])
}

/// The bias as plain ONNX, where the numbers of queries and keys are fixed.
fn lower(builder: &mut Builder<'_>, node: &Node) -> Result<Vec<ValueId>> {
    let unsupported =
        || Trouble::unsupported("the gradient of a mask of any number of keys, as plain ONNX");
    let input = |at: usize| node.inputs.get(at).copied().flatten();
    let (Some(q), Some(k), Some(v)) = (input(Q), input(K), input(V)) else {
        return Err(Trouble::graph("expected queries, keys and values"));
    };
    if input(LENGTHS).is_some() {
        return Err(unsupported());
    }
    // The shapes with any batch, as far as places are looked at.
    let mut shapes = Vec::new();
    for value in [Some(q), Some(k), Some(v), None, input(PAST_K), input(PAST_V)] {
        let Some(value) = value else {
            shapes.push(None);
            continue;
        };
        let dims = builder.dims(value)?.into_iter().enumerate().map(|(axis, dim)| match dim {
            Dim::Fixed(size) if axis > 0 => Ok(size),
            _ if axis == 0 => Ok(1),
            _ => Err(unsupported()),
        });
        shapes.push(Some(dims.collect::<Result<Vec<_>>>()?));
    }
    let dims = shapes.iter().map(Option::as_deref).collect::<Vec<_>>();
    let sizes = Sizes::of(&node.attributes, &dims)?;
    let (values, _) = Bias::of(&node.attributes, sizes, None, false)?.values::<f64>(None, None)?;
    let places = Tensor::new([sizes.queries, sizes.total()?], values)?;
    let places = places.cast(builder.element(q)?)?;
    let none = builder.float(q, f64::NEG_INFINITY)?;
    let zero = builder.float(q, 0.0)?;
    let mut bias = builder.constant(places);
    if let Some(mut mask) = input(MASK) {
        if builder.dims(mask)?.last() != Some(&Dim::Fixed(sizes.total()?)) {
            return Err(unsupported());
        }
        if builder.element(mask)? == Element::Bool {
            mask = builder.apply(names::WHERE, &[mask, zero, none])?;
        }
        bias = builder.add(mask, bias)?;
    }
    let last = builder.ints(vec![-1]);
    let most = builder.apply(names::REDUCE_MAX, &[bias, last])?;
    let empty = builder.apply(names::EQUAL, &[most, none])?;
    let bias = builder.apply(names::WHERE, &[empty, zero, bias])?;
    Ok(vec![bias, empty])
}
