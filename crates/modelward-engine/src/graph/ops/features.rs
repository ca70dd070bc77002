//! `OneHotEncoder`, `FeatureVectorizer`, `ArrayFeatureExtractor`, `ZipMap`: columns of features
//! made, joined, taken and named.
//!
//! A map of `ZipMap` is its probabilities, `[n, classes]`; the classes stay in its attributes,
//! where [`crate::Model::run`] finds them.
//!
//! Source: the ONNX-ML operators of these names, set 1.

use std::collections::HashMap;

use crate::{
    Data, Element, Result, Trouble, Type,
    graph::{
        Attributes, Domain, Grad, Operator, Run, names,
        ops::gather,
        ops::labels::Labels,
        ops::linear_model,
        ops::rows::{numeric, rows, singles},
    },
};

pub(super) const OPS: &[&Operator] =
    &[&ONE_HOT_ENCODER, &FEATURE_VECTORIZER, &ARRAY_FEATURE_EXTRACTOR, &ZIP_MAP];

static ONE_HOT_ENCODER: Operator = Operator::new(
    "OneHotEncoder",
    &[1],
    |cx| {
        let mut dims = cx.dims(0)?.to_vec();
        dims.push(categories(cx.attributes())?.len());
        Ok(vec![Type::new(Element::F32, dims)])
    },
    |run| {
        let x = run.input(0)?;
        let categories = categories(run.attributes())?;
        let width = categories.len();
        let zeros = run.attributes().int_or("zeros", 1)? != 0;
        let places = match (&categories, x.data()) {
            (Labels::Texts(texts), Data::Text(v)) => {
                let table: HashMap<_, _> = texts.iter().zip(0..).collect();
                v.iter().map(|v| table.get(v).copied()).collect::<Vec<_>>()
            }
            (Labels::Ints(ints), Data::Text(_)) if !ints.is_empty() => {
                return Err(Trouble::graph("texts, and categories that are whole numbers"));
            }
            (Labels::Ints(ints), _) => {
                let table: HashMap<_, _> = ints.iter().zip(0..).collect();
                let whole = x.cast(Element::I64)?;
                whole.values::<i64>()?.iter().map(|v| table.get(v).copied()).collect()
            }
            (Labels::Texts(_), _) => {
                return Err(Trouble::graph("numbers, and categories that are texts"));
            }
        };
        let mut out = vec![0.0_f32; places.len() * width];
        for (row, place) in places.into_iter().enumerate() {
            match place {
                Some(place) => out[row * width + place] = 1.0,
                None if zeros => {}
                None => return Err(Trouble::graph("an element that is none of the categories")),
            }
        }
        Ok(vec![run.shaped(0, out)?])
    },
    Grad::Zero("it is 0 or 1"),
)
.of(Domain::Ml);

fn categories(attributes: &Attributes) -> Result<Labels> {
    Labels::of(attributes, "cats_strings", "cats_int64s")
}

static FEATURE_VECTORIZER: Operator = Operator::new(
    "FeatureVectorizer",
    &[1],
    |cx| {
        let mut width = 0_usize;
        let mut count = None;
        let sizes = cx.attributes().ints("inputdimensions")?;
        for input in 0..cx.inputs.len() {
            let [rows, features] = rows(cx.dims(input)?)?;
            if *count.get_or_insert(rows) != rows {
                return Err(Trouble::graph("inputs with more rows than others"));
            }
            let size = size(sizes, input, features)?;
            width = width.checked_add(size).ok_or_else(|| Trouble::limit("too many features"))?;
        }
        numeric(cx)?;
        Ok(vec![Type::new(Element::F32, [count.unwrap_or(0), width])])
    },
    |run| {
        let kind = run.output(0)?;
        let (count, width) = (kind.dims[0], kind.dims[1]);
        let sizes = run.attributes().ints("inputdimensions")?;
        let mut out = vec![0.0_f32; count * width];
        let mut start = 0;
        for input in 0..run.inputs.len() {
            let x = run.input(input)?;
            let [_, features] = rows(x.dims())?;
            let size = size(sizes, input, features)?;
            let kept = size.min(features);
            let values = singles(x)?;
            for row in 0..count {
                let to = row * width + start;
                out[to..to + kept].copy_from_slice(&values[row * features..][..kept]);
            }
            start += size;
        }
        Ok(vec![run.shaped(0, out)?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let sizes = cx.node.attributes.ints("inputdimensions")?.map(<[i64]>::to_vec);
        let mut start = 0;
        for input in 0..cx.node.inputs.len() {
            let x = cx.input(input)?;
            let [_, features] = rows(&cx.builder.kind(x)?.dims)?;
            let size = size(sizes.as_deref(), input, features)?;
            if cx.wants(input) {
                if size < features {
                    return Err(Trouble::unsupported("the gradient of columns that are cut off"));
                }
                let columns = (start..start + features).map(|column| column as i64).collect();
                let columns = cx.builder.ints(columns);
                let axis = Attributes::new().with("axis", 1);
                let part = cx.builder.apply_with(names::GATHER, &[flow, columns], axis)?;
                linear_model::give_rows_of(cx, input, part)?;
            }
            start += size;
        }
        Ok(())
    }),
)
.of(Domain::Ml);

/// How many columns an input gets: more are filled with zeros, fewer cut it.
fn size(sizes: Option<&[i64]>, input: usize, features: usize) -> Result<usize> {
    match sizes {
        None => Ok(features),
        Some(sizes) => {
            let size = sizes.get(input).and_then(|&size| usize::try_from(size).ok());
            size.ok_or_else(|| Trouble::graph(format!("no size in `inputdimensions` for {input}")))
        }
    }
}

static ARRAY_FEATURE_EXTRACTOR: Operator = Operator::new(
    "ArrayFeatureExtractor",
    &[1],
    |cx| {
        let x = cx.kind(0)?;
        let count = crate::tensor::count(cx.dims(1)?)?;
        let mut dims = match x.dims[..] {
            [] => return Err(Trouble::graph("expected features, got one element")),
            [features] => vec![1, features],
            _ => x.dims.clone(),
        };
        if let Some(last) = dims.last_mut() {
            *last = count;
        }
        Ok(vec![Type::new(x.element, dims)])
    },
    |run| {
        let x = run.input(0)?;
        let size = x.dims().last().copied().unwrap_or(0);
        let indices = gather::places(run.input(1)?, size)?;
        let rows = x.count().checked_div(size).unwrap_or(0);
        let places = (0..rows).flat_map(|row| indices.iter().map(move |at| row * size + at));
        Ok(vec![run.shaped(0, x.data().gather(places))?])
    },
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let (x, indices) = (cx.input(0)?, cx.input(1)?);
        let b = &mut *cx.builder;
        let rank = b.rank(x)?;
        let flat = b.ints(vec![-1]);
        let indices = b.apply(names::RESHAPE, &[indices, flat])?;
        let flow = if rank == 1 { b.apply(names::RESHAPE, &[flow, flat])? } else { flow };
        let axis = Attributes::new().with("axis", rank as i64 - 1);
        let gradient = b.apply_with(names::GATHER_GRAD, &[flow, indices, x], axis)?;
        cx.give(0, gradient)
    }),
)
.moves()
.of(Domain::Ml);

static ZIP_MAP: Operator = Operator::new(
    "ZipMap",
    &[1],
    |cx| {
        let [count, width] = rows(cx.dims(0)?)?;
        let classes = classes_of_zip_map(cx.attributes())?.len();
        if classes != width {
            return Err(Trouble::graph(format!("{classes} classes for {width} columns")));
        }
        Ok(vec![Type::new(cx.element(0)?, [count, width])])
    },
    |run: &Run<'_>| Ok(vec![run.shaped(0, run.input(0)?.data().clone())?]),
    Grad::Rule(|cx| {
        let Some(flow) = cx.flow(0) else { return Ok(()) };
        let x = cx.input(0)?;
        let gradient = cx.builder.reshape_like(flow, x)?;
        cx.give(0, gradient)
    }),
)
.moves()
.of(Domain::Ml);

/// The classes that a map of probabilities has as its keys.
pub(crate) fn classes_of_zip_map(attributes: &Attributes) -> Result<Labels> {
    Labels::of(attributes, "classlabels_strings", "classlabels_int64s")
}
