//! How robust a classifier of texts is: an upper bound by attack, for each family and over all.

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    arena,
    evade::Watch,
    random,
    robustness::Class,
    text::{
        arena::Case,
        classifier::Classifier,
        course::{Attack, Course, Question},
        family::words,
        tokenizer::Tokens,
        trust,
        witness::Witness,
    },
    trust::{Indicator, Reliability},
    victim::Answers,
};

/// What was measured.
#[derive(Clone, Debug)]
pub struct TextRobustness {
    /// How many texts there were.
    pub samples: usize,
    /// How many the model gets right as they are.
    pub right: usize,
    /// How many stand against all families.
    pub stood: usize,
    /// Each family, then all together where there are several.
    pub attacks: Vec<Attack>,
    /// How many stand with at most so many edits, from 0 on.
    pub curve: Vec<usize>,
    /// Of each class: its texts, those that are right, those that stand.
    pub classes: Vec<Class>,
    /// Every text that fell, with every family that it fell to.
    pub witnesses: Vec<Witness>,
    /// Witnesses that did not hold when they were judged again.
    pub lost: usize,
    /// What says whether the number can be trusted.
    pub indicators: Vec<Indicator>,
    /// Texts that are longer than the model takes.
    pub cut_short: usize,
    /// Texts that were sent to the model.
    pub queries: u64,
    /// Why not all was tried, if it was not.
    pub cut: Option<&'static str>,
}

impl TextRobustness {
    /// The indicators that are raised.
    pub fn raised(&self) -> impl Iterator<Item = &Indicator> {
        self.indicators.iter().filter(|indicator| indicator.raised())
    }

    /// What they say of the number.
    pub fn reliability(&self) -> Reliability {
        Reliability::of(&self.indicators, self.cut)
    }
}

/// Texts as they are, asked about once.
#[derive(Clone, Debug)]
pub struct Clean {
    tokens: Vec<Tokens>,
    answers: Answers,
}

impl Clean {
    /// Ask about texts.
    ///
    /// # Errors
    /// Where the model cannot be run on them.
    pub fn of(classifier: &mut Classifier, texts: &[String]) -> Result<Self> {
        let tokens = texts.iter().map(|text| classifier.tokenizer().tokens(text));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        let answers = classifier.ask(&tokens.iter().collect::<Vec<_>>())?;
        Ok(Self { tokens, answers })
    }

    /// The classes that they are given.
    pub fn labels(&self) -> &[i64] {
        &self.answers.labels
    }
}

/// Measure a model on texts, of which it was asked as they are.
///
/// # Errors
/// Where the model cannot be run, or a label is no class of it.
pub fn measure(
    classifier: &mut Classifier,
    question: &Question<'_>,
    clean: &Clean,
    watch: &dyn Watch,
) -> Result<TextRobustness> {
    let classes = classifier.classes();
    if let Some(at) = question.labels.iter().position(|&label| label >= classes) {
        let (most, label) = (classes - 1, question.labels[at]);
        let why = format!("expected labels from 0 to {most}, got {label} for the text {at}");
        return Err(Trouble::new(Kind::Input, why));
    }
    let (got, texts) = (clean.labels().len(), question.texts.len());
    if got != texts {
        let why = format!("expected answers to {texts} texts, got {got}");
        return Err(Trouble::new(Kind::Input, why));
    }
    let cases = cases(question, &clean.answers, classes);
    let mut course = Course::new(question, cases, clean.labels());
    let (mut indicators, queries) = trust::before(classifier, &clean.tokens)?;
    course.queries += queries;
    course.run(classifier, watch)?;
    if course.cut.is_none() {
        let found = trust::behind(classifier, &mut course);
        match found {
            Ok(found) => indicators.extend(found),
            Err(trouble) => course.cut = Some(arena::stopped(&trouble).ok_or(trouble)?),
        }
    }
    let nonfinite = course.nonfinite.iter().filter(|flag| **flag).count();
    indicators.push(trust::share("nonfinite-output", nonfinite, texts, 0.0));
    Ok(told(course, classes, &clean.tokens, indicators))
}

/// The texts that the model gets right.
fn cases(question: &Question<'_>, answers: &Answers, classes: usize) -> Vec<Case> {
    let rows = answers.scores.chunks_exact(classes).zip(&answers.labels);
    let mut cases = Vec::new();
    for (index, (scores, &said)) in rows.enumerate() {
        let label = question.labels[index];
        if said != label as i64 {
            continue;
        }
        let target = question.targeted.then(|| {
            let mut random = random::stream(&[question.seed, index as u64, 200]);
            let other = random.usize(..classes - 1);
            other + usize::from(other >= label)
        });
        let text = question.texts[index].chars().collect::<Vec<_>>();
        let words = words(&text);
        let mut case = Case { index, text, words, label, target, margin: 0.0 };
        case.margin = case.margin_of(scores);
        cases.push(case);
    }
    cases
}

/// What a course came to.
fn told(
    course: Course<'_, '_>,
    classes: usize,
    tokens: &[Tokens],
    indicators: Vec<Indicator>,
) -> TextRobustness {
    let mut of_class = vec![Class::default(); classes];
    for &label in course.question.labels {
        of_class[label].samples += 1;
    }
    for (case, fewest) in course.cases.iter().zip(&course.fewest) {
        of_class[case.label].right += 1;
        of_class[case.label].stood += usize::from(fewest.is_none());
    }
    let stands = |edits: usize| {
        course.fewest.iter().filter(|fewest| fewest.is_none_or(|least| least > edits)).count()
    };
    let mut witnesses = course.witnesses;
    witnesses.sort_by_key(|witness| witness.index);
    TextRobustness {
        samples: course.question.texts.len(),
        right: course.cases.len(),
        stood: stands(course.question.budget.edits),
        curve: (0..=course.question.budget.edits).map(stands).collect(),
        attacks: course.attacks,
        classes: of_class,
        witnesses,
        lost: course.lost,
        indicators,
        cut_short: tokens.iter().filter(|tokens| tokens.cut).count(),
        queries: course.queries,
        cut: course.cut,
    }
}
