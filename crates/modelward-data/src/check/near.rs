//! Rows that are nearly equal: texts that read alike, images that look alike.
//!
//! A hash only proposes pairs; each is verified by what it is about, the true Jaccard index of texts or
//! the correlation of images, before it is told.

use arrow_array::RecordBatch;
use modelward_core::Value;

use super::{Context, Done, Found, counted};
use crate::{
    Limits, Roles, Unread,
    columns::{reads_as_text, texts},
    rules,
};

pub(crate) mod image;
pub(crate) mod pairs;
pub(crate) mod shingles;

use self::{
    pairs::{MOST_BUCKET, Pairs, Proposals},
    shingles::{BANDS, Shingles},
};

/// From this Jaccard index of their shingles on texts are nearly equal.
pub(crate) const ALIKE: f64 = 0.7;

/// The check.
pub(super) fn run(context: &Context<'_>) -> Result<Done, Unread> {
    let rows = &context.sample.rows;
    let (limits, threads) = (&context.request.limits, context.request.threads);
    let mut found = Vec::new();
    for column in context.roles.texts(&context.set.schema) {
        let Some(texts) = rows.columns().get(column).and_then(texts) else { continue };
        // Names of categories are the same in many rows that are no copies.
        if context.roles.text.is_none() && !reads_as_text(&texts) {
            continue;
        }
        let name = context.set.schema.field(column).name().clone();
        found.push((name, "text", ALIKE, of_texts(&Shingles::of(texts.into_iter()), threads)));
    }
    for (column, field) in context.set.schema.fields().iter().enumerate() {
        if !context.roles.is_feature(column) {
            continue;
        }
        if let Some(images) = image::Images::of(rows, column, limits, threads) {
            found.push((field.name().clone(), "image", image::ALIKE, images.pairs(threads)));
        }
    }
    if found.is_empty() {
        return Ok(Done::skipped(
            "there is no column of images, nor one that reads as text; `--text` names one",
        ));
    }
    Ok(told(context, &found))
}

/// Rows that are nearly equal to an earlier one by a text or an image, with that one. Where more than a
/// twentieth of the rows is like one, it is their form that is alike.
pub(crate) fn copies(
    rows: &RecordBatch,
    roles: &Roles,
    limits: &Limits,
    threads: usize,
) -> Vec<(u32, u32)> {
    let most = (rows.num_rows() / 20).max(10);
    let mut copies = Vec::new();
    for column in 0..rows.num_columns() {
        if !roles.is_feature(column) {
            continue;
        }
        let pairs = match texts(rows.column(column)) {
            Some(texts) if reads_as_text(&texts) => {
                of_texts(&Shingles::of(texts.into_iter()), threads)
            }
            Some(_) => continue,
            None => match image::Images::of(rows, column, limits, threads) {
                Some(images) => images.pairs(threads),
                None => continue,
            },
        };
        for group in pairs.groups().iter().filter(|group| group.len() <= most) {
            copies.extend(group.iter().skip(1).map(|row| (group[0], *row)));
        }
    }
    copies
}

/// The pairs of texts that read alike.
pub(crate) fn of_texts(shingles: &Shingles, threads: usize) -> Pairs {
    let verify = |a: u32, b: u32| {
        let similarity = shingles.similarity(a as usize, b as usize);
        (similarity >= ALIKE).then_some(similarity)
    };
    let mut proposals = Proposals::new(|_, _| 0, || verify, threads);
    let mut entries = Vec::new();
    for band in 0..BANDS {
        entries.clear();
        let rows = (0..shingles.len()).filter(|row| !shingles.row(*row).is_empty());
        entries.extend(rows.map(|row| (shingles.band(row, band), row as u32)));
        proposals.table(&mut entries, 0, |(band, row)| (u64::from(*band), *row), |_, _| true);
    }
    proposals.finish()
}

fn told(context: &Context<'_>, found: &[(String, &'static str, f64, Pairs)]) -> Done {
    let number = |row: u32| context.sample.numbers[row as usize];
    let mut scores = vec![f32::NAN; usize::try_from(context.rows).unwrap_or(0)];
    for row in &context.sample.numbers {
        if let Some(score) = usize::try_from(*row).ok().and_then(|row| scores.get_mut(row)) {
            *score = 0.0;
        }
    }
    let (mut pairs, mut groups, mut lines, mut findings) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut capped, mut many, mut broken) = (false, 0, 0);
    for (column, what, alike, of_column) in found {
        capped |= of_column.capped;
        many += of_column.left;
        broken += of_column.broken;
        for pair in &of_column.verified {
            let (a, b) = (number(pair.a), number(pair.b));
            for row in [a, b] {
                let score = usize::try_from(row).ok().and_then(|row| scores.get_mut(row));
                score.into_iter().for_each(|score| *score = score.max(pair.similarity as f32));
            }
            pairs.push(Value::Record(vec![
                ("a", a.into()),
                ("b", b.into()),
                ("similarity", pair.similarity.into()),
                ("column", column.as_str().into()),
            ]));
        }
        let of_rows = of_column.groups();
        // The first of a group stays; the others are too much.
        let mut copies = of_rows.iter().flat_map(|group| &group[1..]).map(|row| number(*row));
        let mut copies = copies.by_ref().collect::<Vec<_>>();
        copies.sort_unstable();
        if let Some(least) = of_column.verified.iter().map(|pair| pair.similarity).reduce(f64::min)
        {
            let message = format!(
                "{} to an earlier one by {what} in `{column}`, in {}",
                counted(copies.len(), "row is nearly equal", "rows are nearly equal"),
                counted(of_rows.len(), "group", "groups")
            );
            lines.push(message.clone());
            let rule = &rules::NEAR_DUPLICATE;
            let measured = ("similarity", least, *alike);
            findings.push(Found { rule, severity: rule.severity, message, rows: copies, measured });
        }
        let of_rows = of_rows.iter();
        groups
            .extend(of_rows.map(|group| {
                Value::from(group.iter().map(|row| number(*row)).collect::<Vec<_>>())
            }));
    }
    if lines.is_empty() {
        lines.push("near-duplicate: none".to_owned());
    }
    if capped {
        lines.push(format!(
            "near-duplicate: more than {MOST_BUCKET} rows are alike at once; those beyond were compared \
             with the first of them alone"
        ));
    }
    if many > 0 {
        lines.push(format!(
            "near-duplicate: {many} images are like many others that are no copies; they were compared with \
             the nearest alone"
        ));
    }
    let broken = (broken > 0)
        .then(|| format!("{broken} images cannot be decoded, and were compared with none"));
    lines.extend(broken.iter().map(|why| format!("near-duplicate: {why}")));
    let mut fields = vec![("pairs", Value::List(pairs)), ("groups", Value::List(groups))];
    if capped {
        fields.push(("capped", MOST_BUCKET.into()));
    }
    let looked_at = context.sample.is_part().then_some(context.sample.numbers.len() as u64);
    fields.extend(looked_at.map(|rows| ("sampled", rows.into())));
    let beyond =
        capped.then(|| format!("more than {MOST_BUCKET} rows are alike at once")).or(broken);
    Done {
        looked_at,
        fields,
        lines,
        found: findings,
        beyond,
        scores: Some(scores),
        ..Done::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of so many words, of a seed.
    fn text(seed: u64, words: usize) -> String {
        let word = |at: usize| {
            let number = shingles::mix(seed * 1000 + at as u64) % 400;
            format!("w{number}")
        };
        (0..words).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn disguised_copies_are_found_and_unlike_texts_are_not_joined() {
        let heading = text(999, 12);
        let mut texts = (0..300).map(|seed| text(seed, 60)).collect::<Vec<_>>();
        // Two texts under one heading, with unlike content.
        texts.push(format!("{heading} {}", text(1001, 60)));
        texts.push(format!("{heading} {}", text(1002, 60)));
        let plain = texts.len();
        let copies = [
            texts[3].to_uppercase(),
            texts[4].replace(' ', "\u{200b} "),
            texts[5].replace('w', "ｗ"),
            texts[6].replace("w", "&#119;"),
            texts[7].split(' ').skip(3).collect::<Vec<_>>().join(" "),
            format!("\u{202b}{}\u{202c}", texts[8]),
        ];
        texts.extend(copies);
        let found = of_texts(&Shingles::of(texts.iter().map(|text| Some(text.as_str()))), 2);
        let pairs = found.verified.iter().map(|pair| (pair.a as usize, pair.b as usize));
        let wanted = (0..6).map(|at| (3 + at, plain + at)).collect::<Vec<_>>();
        assert_eq!(pairs.collect::<Vec<_>>(), wanted);
    }
}
