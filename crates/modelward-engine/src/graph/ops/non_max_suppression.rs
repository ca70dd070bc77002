//! `NonMaxSuppression`: the boxes of the best scores that overlap no better one too much.
//!
//! Source: ONNX `NonMaxSuppression`, sets 10 and 11.

use crate::{
    Result, Tensor, Trouble,
    graph::{Operator, Run, ops::top_k::compare},
};

pub(super) const OPS: &[&Operator] = &[&NON_MAX_SUPPRESSION];

static NON_MAX_SUPPRESSION: Operator =
    Operator::dynamic("NonMaxSuppression", &[10, 11], chosen, "indices have no slope").moves();

fn chosen(run: &Run<'_>) -> Result<Vec<Tensor>> {
    let (boxes, scores) = (run.input(0)?, run.input(1)?);
    let (&[batch, count, 4], &[batch_s, classes, count_s]) = (boxes.dims(), scores.dims()) else {
        return Err(Trouble::graph("expected boxes B,N,4 and scores B,C,N"));
    };
    if batch != batch_s || count != count_s {
        let (boxes, scores) = (boxes.kind(), scores.kind());
        return Err(Trouble::graph(format!("boxes {boxes} do not fit scores {scores}")));
    }
    let one = |input: usize| match run.optional(input).map(Tensor::floats).transpose()?.as_deref() {
        None => Ok(None),
        Some([one]) => Ok(Some(*one)),
        Some(_) => Err(Trouble::graph("expected one number as a limit")),
    };
    let most = one(2)?.unwrap_or(0.0);
    let (overlap, least) = (one(3)?.unwrap_or(0.0), one(4)?);
    let by_center = run.attributes().flag("center_point_box")?;
    let (boxes, scores) = (boxes.floats()?, scores.floats()?);
    let sides = |at: usize| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|side| boxes[at * 4 + side]);
        match by_center {
            true => [b - d / 2.0, a - c / 2.0, b + d / 2.0, a + c / 2.0],
            // Any two corners that lie across.
            false => [a.min(c), b.min(d), a.max(c), b.max(d)],
        }
    };
    let mut all = Vec::new();
    for example in 0..batch {
        for class in 0..classes {
            let scores = &scores[(example * classes + class) * count..][..count];
            let mut order = (0..count).collect::<Vec<_>>();
            order.retain(|&at| least.is_none_or(|least| scores[at] > least));
            order.sort_by(|&a, &b| compare(&scores[b], &scores[a]));
            let mut kept: Vec<[f64; 4]> = Vec::new();
            for at in order {
                if kept.len() as f64 >= most {
                    break;
                }
                let own = sides(example * count + at);
                // Each comparison is work, however few boxes are kept.
                run.meter.work(kept.len() as u64)?;
                if kept.iter().all(|other| share(&own, other) <= overlap) {
                    kept.push(own);
                    all.extend([example as i64, class as i64, at as i64]);
                }
            }
        }
    }
    Ok(vec![Tensor::new([all.len() / 3, 3], all)?])
}

/// Intersection over union.
fn share(a: &[f64; 4], b: &[f64; 4]) -> f64 {
    let area = |sides: &[f64; 4]| (sides[2] - sides[0]).max(0.0) * (sides[3] - sides[1]).max(0.0);
    let common = area(&[a[0].max(b[0]), a[1].max(b[1]), a[2].min(b[2]), a[3].min(b[3])]);
    let all = area(a) + area(b) - common;
    if common > 0.0 && all > 0.0 { common / all } else { 0.0 }
}
