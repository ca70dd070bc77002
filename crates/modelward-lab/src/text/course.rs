//! The course of a measurement on texts: each family on every text that is right, then all together.

use std::time::Instant;

use modelward_engine::Result;

use crate::{
    arena,
    evade::{Effort, Watch},
    text::{
        arena::{Arena, Budget, Case},
        classifier::Classifier,
        edit::Family,
        search::{Breadth, search},
        witness::{self, Witness},
        words::Substitutions,
    },
    victim::NO_CLASS,
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

/// What the edits of one family, or of all, came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Attack {
    /// Its name: of the family, or `mixed`.
    pub name: &'static str,
    /// Texts that it was tried on, each to its end.
    pub tried: usize,
    /// Those of them that stand against it. A mixed attack is tried on what stands against every
    /// family.
    pub stood: usize,
    /// Single edits that were tried.
    pub proposed: usize,
    /// Of these, those that the tokenizer makes the same tokens of as of the original.
    pub absorbed: usize,
    /// Texts that were sent to the model.
    pub queries: u64,
    /// Processor seconds.
    pub seconds: f64,
    /// Why it was not tried on all, if it was not.
    pub stopped: Option<&'static str>,
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

/// A measurement on its way.
pub(super) struct Course<'a, 'q> {
    pub(super) question: &'a Question<'q>,
    pub(super) cases: Vec<Case>,
    /// The fewest edits that each case fell to.
    pub(super) fewest: Vec<Option<usize>>,
    pub(super) attacks: Vec<Attack>,
    pub(super) witnesses: Vec<Witness>,
    pub(super) lost: usize,
    /// Of each text of the data, whether the model's answer to it, or to an edit of it, was no number.
    pub(super) nonfinite: Vec<bool>,
    pub(super) queries: u64,
    pub(super) cut: Option<&'static str>,
}

impl<'a, 'q> Course<'a, 'q> {
    /// Of these cases, where the texts were given these classes as they are.
    pub(super) fn new(question: &'a Question<'q>, cases: Vec<Case>, said: &[i64]) -> Self {
        let queries = question.texts.len() as u64;
        Self {
            question,
            fewest: vec![None; cases.len()],
            cases,
            attacks: Vec::new(),
            witnesses: Vec::new(),
            lost: 0,
            nonfinite: said.iter().map(|label| *label == NO_CLASS).collect(),
            queries,
            cut: None,
        }
    }

    /// Each family on every case, then all of them together on what stands.
    pub(super) fn run(&mut self, classifier: &mut Classifier, watch: &dyn Watch) -> Result<()> {
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
            let (mut done, mut proposed, mut absorbed, mut fallen) = (0, 0, 0, 0);
            for &at in &all {
                let tried = self.case(classifier, at, (name, self.question.budget), |arena| {
                    search(arena, families, breadth, self.question.seed)
                });
                match tried {
                    Ok(tried) => {
                        done += 1;
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
                tried: done,
                stood: done - fallen,
                proposed,
                absorbed,
                queries: self.queries - queries,
                seconds: watch.seconds() - start,
                stopped: self.cut,
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
        if let Some(flag) = self.nonfinite.get_mut(case.index) {
            *flag |= nonfinite;
        }
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
}

/// What an attack on one case came to.
pub(super) struct Tried {
    pub(super) fell: bool,
    proposed: usize,
    absorbed: usize,
}
