//! Can the number be trusted? What makes a search for edits fail without making the model robust.
//!
//! After Carlini et al. 2019, section 5: a larger budget has to break more, and chance must not break
//! what a search did not. A tokenizer that knows none of the words says nothing of the model either.

use modelward_engine::Result;

use crate::{
    text::{
        arena::Budget,
        classifier::Classifier,
        course::Course,
        search::{noise, pile},
        tokenizer::Tokens,
    },
    trust::Indicator,
};

/// Texts that are looked at.
const LOOKED_AT: usize = 50;

/// The fewest that say anything about shares of texts that stand.
const FEWEST: usize = 8;

/// Sets of edits that are drawn for each.
const DRAWN: usize = 32;

/// How many times as many edits a larger budget has.
const LARGER: usize = 8;

/// What can be seen before any attack, and how many texts were sent to the model for it.
pub(super) fn before(
    classifier: &mut Classifier,
    tokens: &[Tokens],
) -> Result<(Vec<Indicator>, u64)> {
    let few = tokens.iter().take(LOOKED_AT).collect::<Vec<_>>();
    let first = classifier.ask(&few)?;
    let again = classifier.ask(&few)?;
    let classes = classifier.classes();
    let rows = first.scores.chunks_exact(classes).zip(again.scores.chunks_exact(classes));
    let bits = |row: &[f32]| row.iter().map(|score| score.to_bits()).collect::<Vec<_>>();
    let differ = rows.filter(|(one, other)| bits(one) != bits(other)).count();
    let queries = 2 * few.len() as u64;
    let mut all = vec![share("repeat-disagreement", differ, few.len(), 0.0)];
    if let Some(unknown) = classifier.tokenizer().unknown() {
        let (mut known, mut lost) = (0, 0);
        for id in tokens.iter().flat_map(|tokens| &tokens.ids) {
            if *id == unknown { lost += 1 } else { known += 1 }
        }
        all.push(share("unknown-tokens", lost, known + lost, 0.5));
    }
    Ok((all, queries))
}

/// What chance and a larger budget do to the texts that stand.
pub(super) fn behind(
    classifier: &mut Classifier,
    course: &mut Course<'_, '_>,
) -> Result<Vec<Indicator>> {
    let standing = |course: &Course<'_, '_>| {
        let all = (0..course.cases.len()).filter(|&at| course.fewest[at].is_none());
        all.take(LOOKED_AT).collect::<Vec<_>>()
    };
    let (families, seed) = (course.question.families, course.question.seed);
    let looked = standing(course);
    let mut found = Vec::new();
    let mut lucky = 0;
    for &at in &looked {
        let budget = course.question.budget;
        let tried = course
            .case(classifier, at, ("noise", budget), |arena| noise(arena, families, DRAWN, seed))?;
        lucky += usize::from(tried.fell);
    }
    let most = 0.02_f64.max(1.5 / looked.len().max(1) as f64);
    found.push(share("noise-over-search", lucky, looked.len(), most));
    let looked = standing(course);
    let edits = course.question.budget.edits.saturating_mul(LARGER);
    let budget = Budget { edits, queries: course.question.budget.queries };
    let mut stood = 0;
    for &at in &looked {
        let tried =
            course.case(classifier, at, ("larger", budget), |arena| pile(arena, families, seed))?;
        stood += usize::from(!tried.fell);
    }
    if looked.len() >= FEWEST {
        found.push(share("more-edits-survivors", stood, looked.len(), 0.95));
    }
    Ok(found)
}

/// A share of so many, and the limit above which the number is not to be trusted.
pub(super) fn share(name: &'static str, count: usize, n: usize, limit: f64) -> Indicator {
    let value = if n == 0 { 0.0 } else { count as f64 / n as f64 };
    Indicator { name, value, n, limit }
}
