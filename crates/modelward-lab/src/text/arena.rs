//! Where attacks on text meet a model: they propose edits; here these are made, counted, asked and
//! judged.
//!
//! Edits that do not fit together, that are more than the budget or that their family does not know
//! are not asked about. Texts that become the same tokens are one text to the model and are asked
//! once. An attack never says that it has won.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    time::Instant,
};

use modelward_engine::{Kind, Result, Trouble};

use crate::{
    arena::{CLEAR, OUT_OF_TIME, best_other},
    text::{
        classifier::Classifier,
        edit::{self, Edit, Family},
        family::around,
        tokenizer::Tokens,
        words::Substitutions,
    },
    victim::NO_CLASS,
};

/// A text that the model gets right.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its place in the data.
    pub index: usize,
    /// Its characters.
    pub text: Vec<char>,
    /// Where its words stand.
    pub words: Vec<Range<usize>>,
    /// Its class.
    pub label: usize,
    /// The class that it is to be given, where any other is not enough.
    pub target: Option<usize>,
    /// How far its label, or the target, is from winning.
    pub margin: f32,
}

/// What an attack may spend on one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Edits.
    pub edits: usize,
    /// Texts that are sent to the model.
    pub queries: Option<usize>,
}

/// A text that is answered wrongly.
#[derive(Clone, Debug, PartialEq)]
pub struct Success {
    /// What was done.
    pub edits: Vec<Edit>,
    /// What it is given.
    pub label: i64,
}

/// One text under one attack.
pub struct Arena<'a> {
    classifier: &'a mut Classifier,
    list: &'a Substitutions,
    /// The text.
    pub case: &'a Case,
    /// What may be spent.
    pub budget: Budget,
    /// What was found.
    pub success: Option<Success>,
    /// Texts that were sent to the model.
    pub queries: usize,
    /// Proposals, and those of them that the tokenizer makes the same tokens of as of the original.
    pub proposed: [(usize, usize); 4],
    /// Whether an answer was no number.
    pub nonfinite: bool,
    deadline: Option<Instant>,
    own: Tokens,
    known: HashMap<Tokens, (i64, f32)>,
    admitted: HashSet<Edit>,
}

impl<'a> Arena<'a> {
    /// For one text.
    ///
    /// # Errors
    /// Where it has no tokens.
    pub fn new(
        classifier: &'a mut Classifier,
        case: &'a Case,
        list: &'a Substitutions,
        budget: Budget,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        let own = classifier.tokenizer().tokens(&case.text.iter().collect::<String>())?;
        let known = HashMap::from([(own.clone(), (case.label as i64, case.margin))]);
        let (success, queries, proposed) = (None, 0, [(0, 0); 4]);
        Ok(Self {
            classifier,
            list,
            case,
            budget,
            success,
            queries,
            proposed,
            nonfinite: false,
            deadline,
            own,
            known,
            admitted: HashSet::new(),
        })
    }

    /// The user's list of words.
    pub fn list(&self) -> &'a Substitutions {
        self.list
    }

    /// Whether it stands, and there are queries left.
    pub fn open(&self) -> bool {
        self.success.is_none() && self.left() > 0
    }

    fn left(&self) -> usize {
        self.budget.queries.map_or(usize::MAX, |most| most.saturating_sub(self.queries))
    }

    /// The margins that sets of edits leave, the smaller the better for the attack; infinite for what
    /// is not admitted, changes no token, or was not asked about because one before it has won or
    /// queries are spent.
    ///
    /// # Errors
    /// Where the model cannot be run, or the time is up.
    pub fn ask(&mut self, proposals: &[Vec<Edit>]) -> Result<Vec<f32>> {
        let mut margins = vec![f32::INFINITY; proposals.len()];
        let mut asked = Vec::new();
        for (at, edits) in proposals.iter().enumerate() {
            self.in_time()?;
            let Some(text) = self.made(edits) else { continue };
            let tokens = self.classifier.tokenizer().tokens(&text)?;
            let same = tokens == self.own;
            if let [only] = &edits[..] {
                let (all, absorbed) = &mut self.proposed[only.family as usize];
                *all += 1;
                *absorbed += usize::from(same);
            }
            if !same {
                asked.push((at, tokens));
            }
        }
        let answers = self.answers(asked.iter().map(|(_, tokens)| tokens))?;
        for ((at, _), answer) in asked.iter().zip(answers) {
            let Some((label, margin)) = answer else { continue };
            margins[*at] = margin;
            if self.success.is_none() && self.wins(label, margin) {
                self.success = Some(Success { edits: proposals[*at].clone(), label });
            }
        }
        Ok(margins)
    }

    /// The margins of texts that are no proposals, such as the original without a word.
    ///
    /// # Errors
    /// As [`Arena::ask`].
    pub fn look(&mut self, texts: &[String]) -> Result<Vec<f32>> {
        let tokens = texts.iter().map(|text| self.classifier.tokenizer().tokens(text));
        let tokens = tokens.collect::<Result<Vec<_>>>()?;
        let answers = self.answers(tokens.iter())?;
        Ok(answers.into_iter().map(|answer| answer.map_or(f32::INFINITY, |(_, m)| m)).collect())
    }

    /// The text that edits make, where they are admitted.
    fn made(&mut self, edits: &[Edit]) -> Option<String> {
        for edit in edits {
            self.admits(edit).then_some(())?;
        }
        (edits.len() <= self.budget.edits).then(|| edit::apply(&self.case.text, edits)).flatten()
    }

    /// Whether an edit is one of its family's. All that is proposed for a word is noted at once.
    fn admits(&mut self, edit: &Edit) -> bool {
        if self.admitted.contains(edit) {
            return true;
        }
        let Some(word) = around(&self.case.words, edit) else { return false };
        self.admitted.extend(edit.family.proposals(&self.case.text, word, self.list));
        self.admitted.contains(edit)
    }

    fn in_time(&self) -> Result<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(Trouble::new(Kind::Limit, OUT_OF_TIME));
        }
        Ok(())
    }

    /// Whether an answer is what the attack wants, by a clear margin.
    fn wins(&self, label: i64, margin: f32) -> bool {
        let wanted = match self.case.target {
            Some(target) => label == target as i64,
            None => label != self.case.label as i64,
        };
        // No number is no class, whatever the margin.
        wanted && (label == NO_CLASS || margin < 0.0)
    }

    /// The class and the margin of each text, as far as queries reach.
    fn answers<'t>(
        &mut self,
        texts: impl Iterator<Item = &'t Tokens> + Clone,
    ) -> Result<Vec<Option<(i64, f32)>>> {
        self.in_time()?;
        let mut new = Vec::new();
        let mut seen = HashSet::new();
        for tokens in texts.clone() {
            if !self.known.contains_key(tokens) && seen.insert(tokens) && new.len() < self.left() {
                new.push(tokens);
            }
        }
        self.queries += new.len();
        let classes = self.classifier.classes();
        let answers = self.classifier.ask(&new)?;
        for ((tokens, &label), scores) in
            new.iter().zip(&answers.labels).zip(answers.scores.chunks_exact(classes))
        {
            self.nonfinite |= label == NO_CLASS;
            self.known.insert((*tokens).clone(), (label, self.case.margin_of(scores)));
        }
        Ok(texts.map(|tokens| self.known.get(tokens).copied()).collect())
    }

    /// The edits of one family for a word.
    pub fn proposals(&self, family: Family, word: Range<usize>) -> Vec<Edit> {
        family.proposals(&self.case.text, word, self.list)
    }
}

impl Case {
    /// How far the label, or the target, is from winning in these scores: below 0 where the answer is
    /// wrong by more than another order of summation may change, 0 where it is wrong by less.
    pub fn margin_of(&self, scores: &[f32]) -> f32 {
        let margin = match self.target {
            Some(target) => best_other(scores, target) - scores[target],
            None => scores[self.label] - best_other(scores, self.label),
        };
        let largest = scores.iter().fold(0.0_f32, |most, score| most.max(score.abs()));
        if margin < 0.0 && margin >= -CLEAR * largest { 0.0 } else { margin }
    }
}
