//! How robust a classifier of texts is: an upper bound by attack, for each family and over all.

use std::time::Instant;

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    arena,
    evade::{Effort, Watch},
    random,
    robustness::Class,
    text::{
        arena::{Arena, Budget, Case},
        classifier::Classifier,
        family::Family,
        search::{Breadth, search},
        tokenizer::Tokens,
        trust,
        witness::{self, Witness},
        words::Substitutions,
    },
    trust::Indicator,
};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The texts.
    pub texts: &'a [String],
    /// Their classes.
    pub labels: &'a [usize],
    /// The families of edits that are tried.
    pub families: &'a [Family],
    /// What may stand for words.
    pub list: &'a Substitutions,
    /// What may be spent on a text, for each family.
    pub budget: Budget,
    /// How hard is tried.
    pub effort: Effort,
    /// Whether each text is to be given a class that was drawn for it, and not just any other.
    pub targeted: bool,
    /// Where random numbers begin.
    pub seed: u64,
    /// When to stop.
    pub deadline: Option<Instant>,
}

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
    /// Why not all was tried: time was up.
    pub cut: Option<&'static str>,
}

/// What the edits of one family, or of all, came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// Its name: of the family, or `mixed`.
    pub name: &'static str,
    /// Texts that it was tried on.
    pub tried: usize,
    /// Those of all right texts that stand against it. A mixed attack is tried on what stands against
    /// every family, and counts what they broke.
    pub stood: usize,
    /// Single edits that were tried.
    pub proposed: usize,
    /// Of these, those that the tokenizer makes the same tokens of as of the original.
    pub absorbed: usize,
    /// Texts that were sent to the model.
    pub queries: u64,
    /// Processor seconds.
    pub seconds: f64,
}

impl Attack {
    /// Whether the tokenizer takes these edits out again, so that the model never sees them.
    pub fn is_absorbed(&self) -> bool {
        self.proposed > 0 && self.absorbed == self.proposed
    }

    /// Whether no text has a place for such an edit.
    pub fn is_empty(&self) -> bool {
        self.tried > 0 && self.proposed == 0
    }
}

impl TextRobustness {
    /// The indicators that are raised.
    pub fn raised(&self) -> impl Iterator<Item = &Indicator> {
        self.indicators.iter().filter(|indicator| indicator.raised())
    }
}

/// The classes that the texts are given as they are.
///
/// # Errors
/// Where the model cannot be run on them.
pub fn answers(classifier: &mut Classifier, texts: &[String]) -> Result<Vec<i64>> {
    let tokens = tokens(classifier, texts)?;
    Ok(classifier.ask(&tokens.iter().collect::<Vec<_>>())?.labels)
}

/// Measure a model.
///
/// # Errors
/// Where the model cannot be run, or a label is no class of it.
pub fn measure(
    classifier: &mut Classifier,
    question: &Question<'_>,
    watch: &dyn Watch,
) -> Result<TextRobustness> {
    let classes = classifier.classes();
    if let Some(at) = question.labels.iter().position(|&label| label >= classes) {
        let (most, label) = (classes - 1, question.labels[at]);
        let why = format!("expected labels from 0 to {most}, got {label} for the text {at}");
        return Err(Trouble::new(Kind::Input, why));
    }
    let tokens = tokens(classifier, question.texts)?;
    let cases = cases(classifier, question, &tokens)?;
    let mut course = Course::new(question, cases);
    let mut indicators = trust::before(classifier, &tokens)?;
    course.run(classifier, watch)?;
    if course.cut.is_none() {
        let found = trust::behind(classifier, &mut course);
        match found {
            Ok(found) => indicators.extend(found),
            Err(trouble) => course.cut = Some(arena::stopped(&trouble).ok_or(trouble)?),
        }
    }
    indicators.push(trust::share("nonfinite-output", course.nonfinite, course.cases.len(), 0.0));
    Ok(course.told(classes, &tokens, indicators))
}

fn tokens(classifier: &Classifier, texts: &[String]) -> Result<Vec<Tokens>> {
    texts.iter().map(|text| classifier.tokenizer().tokens(text)).collect()
}

/// The texts that the model gets right.
fn cases(
    classifier: &mut Classifier,
    question: &Question<'_>,
    tokens: &[Tokens],
) -> Result<Vec<Case>> {
    let classes = classifier.classes();
    let answers = classifier.ask(&tokens.iter().collect::<Vec<_>>())?;
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
        let text = question.texts[index].chars().collect();
        let mut case = Case { index, text, label, target, margin: 0.0 };
        case.margin = case.margin_of(scores);
        cases.push(case);
    }
    Ok(cases)
}

/// A measurement on its way.
pub(super) struct Course<'a, 'q> {
    pub(super) question: &'a Question<'q>,
    pub(super) cases: Vec<Case>,
    /// The fewest edits that each case fell to.
    pub(super) fewest: Vec<Option<usize>>,
    attacks: Vec<Attack>,
    witnesses: Vec<Witness>,
    lost: usize,
    pub(super) nonfinite: usize,
    queries: u64,
    cut: Option<&'static str>,
}

impl<'a, 'q> Course<'a, 'q> {
    fn new(question: &'a Question<'q>, cases: Vec<Case>) -> Self {
        let queries = question.texts.len() as u64;
        Self {
            question,
            fewest: vec![None; cases.len()],
            cases,
            attacks: Vec::new(),
            witnesses: Vec::new(),
            lost: 0,
            nonfinite: 0,
            queries,
            cut: None,
        }
    }

    /// Each family on every case, then all of them together on what stands.
    fn run(&mut self, classifier: &mut Classifier, watch: &dyn Watch) -> Result<()> {
        let families = self.question.families;
        let breadth = Breadth::of(self.question.effort);
        let each = families.iter().map(|family| (family.name(), std::slice::from_ref(family)));
        let mixed = (families.len() > 1).then_some(("mixed", families));
        for (name, families) in each.chain(mixed) {
            let all = (0..self.cases.len())
                .filter(|&at| families.len() == 1 || self.fewest[at].is_none())
                .collect::<Vec<_>>();
            watch.step(name, all.len());
            let (start, queries) = (watch.seconds(), self.queries);
            let (mut proposed, mut absorbed, mut fallen) = (0, 0, 0);
            for &at in &all {
                let tried = self.case(classifier, at, (name, self.question.budget), |arena| {
                    search(arena, families, breadth, self.question.seed)
                });
                match tried {
                    Ok(tried) => {
                        proposed += tried.proposed;
                        absorbed += tried.absorbed;
                        fallen += usize::from(tried.fell);
                    }
                    Err(trouble) => {
                        self.cut = Some(arena::stopped(&trouble).ok_or(trouble)?);
                        break;
                    }
                }
            }
            self.attacks.push(Attack {
                name,
                tried: all.len(),
                stood: all.len() - fallen,
                proposed,
                absorbed,
                queries: self.queries - queries,
                seconds: watch.seconds() - start,
            });
            if self.cut.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Attack one case; a success is judged once more before it counts.
    pub(super) fn case(
        &mut self,
        classifier: &mut Classifier,
        at: usize,
        (name, budget): (&'static str, Budget),
        attack: impl FnOnce(&mut Arena<'_>) -> Result<()>,
    ) -> Result<Tried> {
        let (case, list) = (&self.cases[at], self.question.list);
        let mut arena = Arena::new(classifier, case, list, budget, self.question.deadline)?;
        let run = attack(&mut arena);
        let (success, queries) = (arena.success.take(), arena.queries);
        let (proposed, absorbed) =
            arena.proposed.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        let nonfinite = arena.nonfinite;
        drop(arena);
        self.queries += queries as u64;
        self.nonfinite += usize::from(nonfinite);
        let mut fell = false;
        if let Some(success) = success {
            let most = budget.edits;
            match witness::judged(classifier, case, list, &success.edits, most)? {
                Some(witness) => {
                    fell = true;
                    // What a larger budget breaks is no witness of this one.
                    if most <= self.question.budget.edits {
                        let count = witness.edits.len();
                        let least = self.fewest[at].map_or(count, |least| least.min(count));
                        self.fewest[at] = Some(least);
                        self.witnesses.push(Witness { attack: name, queries, ..witness });
                    }
                }
                None => self.lost += 1,
            }
            self.queries += 1;
        }
        // Time that ran out behind a success takes nothing from it.
        if !fell {
            run?;
        }
        Ok(Tried { fell, proposed, absorbed })
    }

    fn told(self, classes: usize, tokens: &[Tokens], indicators: Vec<Indicator>) -> TextRobustness {
        let mut of_class = vec![Class::default(); classes];
        for &label in self.question.labels {
            of_class[label].samples += 1;
        }
        for (case, fewest) in self.cases.iter().zip(&self.fewest) {
            of_class[case.label].right += 1;
            of_class[case.label].stood += usize::from(fewest.is_none());
        }
        let stands = |edits: usize| {
            self.fewest.iter().filter(|fewest| fewest.is_none_or(|least| least > edits)).count()
        };
        let mut witnesses = self.witnesses;
        witnesses.sort_by_key(|witness| witness.index);
        TextRobustness {
            samples: self.question.texts.len(),
            right: self.cases.len(),
            stood: stands(self.question.budget.edits),
            curve: (0..=self.question.budget.edits).map(stands).collect(),
            attacks: self.attacks,
            classes: of_class,
            witnesses,
            lost: self.lost,
            indicators,
            cut_short: tokens.iter().filter(|tokens| tokens.cut).count(),
            queries: self.queries,
            cut: self.cut,
        }
    }
}

/// What an attack on one case came to.
pub(super) struct Tried {
    pub(super) fell: bool,
    proposed: usize,
    absorbed: usize,
}
