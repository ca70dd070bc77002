//! The set that a model is tested on, beside the one that it is trained on.

use super::Context;
use crate::{Accumulate, Sample, Set, Unread, accumulate, sample};

/// The rows of the test set that memory allows.
pub(super) fn rows(context: &Context<'_>, test: &Set) -> Result<sample::Rows, Unread> {
    let request = context.request;
    let most = usize::try_from(request.limits.memory / 8).unwrap_or(usize::MAX);
    let mut sample = Sample::new(test.schema.clone(), most, request.seed);
    accumulate::drive(test, &mut sample, request.threads)?;
    Ok(sample.finish())
}

/// The columns of one name in both sets: their places in either.
pub(super) fn shared(context: &Context<'_>, test: &Set) -> Vec<(usize, usize)> {
    let fields = context.set.schema.fields().iter().enumerate();
    fields.filter_map(|(at, field)| Some((at, test.column(field.name())?))).collect()
}

/// That not all rows of the test set were looked at, where that is so.
pub(super) fn part(rows: &sample::Rows) -> Option<String> {
    let seen = rows.numbers.len();
    rows.is_part().then(|| format!("{seen} rows of the test set were looked at, as memory allows"))
}
