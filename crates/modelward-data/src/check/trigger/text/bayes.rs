//! What the rest of a text says of its label: naive Bayes over the presence of tokens, the text itself
//! left out of the counts.

use super::tokens::Texts;
use crate::check::trigger::Labelled;

pub(super) struct Bayes<'a> {
    texts: &'a Texts,
    labels: &'a [u32],
    classes: usize,
    /// In how many texts of a class a token is, `[tokens, classes]`; of tokens that are left out, none.
    counts: Vec<u32>,
    /// Where the counts of a token are; `u32::MAX` for a token that is left out.
    index: Vec<u32>,
    /// The sum of these counts, and the texts, of each class.
    sums: Vec<f64>,
    sizes: Vec<f64>,
    kept: f64,
}

/// Counts that are held: above it the rarest tokens are left out.
const MOST_COUNTS: usize = 1 << 24;

impl<'a> Bayes<'a> {
    pub(super) fn new(texts: &'a Texts, rows: &Labelled<'a>) -> Self {
        let (labels, classes) = (rows.labels, rows.classes);
        let mut documents = vec![0_u32; texts.known];
        let mut seen = Seen::new(texts.known);
        for row in 0..texts.rows() {
            seen.each(texts.row(row), |token| documents[token as usize] += 1);
        }
        let mut order = (0..texts.known as u32).collect::<Vec<_>>();
        // A token of one text says nothing of others.
        order.retain(|token| documents[*token as usize] > 1);
        order.sort_by_key(|token| (std::cmp::Reverse(documents[*token as usize]), *token));
        order.truncate(MOST_COUNTS / classes.max(1));
        let mut index = vec![u32::MAX; texts.known];
        order.iter().enumerate().for_each(|(at, token)| index[*token as usize] = at as u32);
        let mut counts = vec![0; order.len() * classes];
        let (mut sums, mut sizes) = (vec![0.0; classes], vec![0.0; classes]);
        for row in 0..texts.rows() {
            let class = labels[row as usize] as usize;
            sizes[class] += 1.0;
            seen.each(texts.row(row), |token| {
                let at = index[token as usize];
                if at != u32::MAX {
                    counts[at as usize * classes + class] += 1;
                    sums[class] += 1.0;
                }
            });
        }
        let kept = order.len() as f64;
        Self { texts, labels, classes, counts, index, sums, sizes, kept }
    }

    /// Whether a text agrees with a class where these tokens are left out.
    pub(super) fn agrees(&self, row: u32, class: u32, masked: &[u32]) -> bool {
        let own = self.labels[row as usize] as usize;
        let mut tokens = self.texts.row(row).to_vec();
        tokens.sort_unstable();
        tokens.dedup();
        tokens.retain(|token| self.index[*token as usize] != u32::MAX);
        let all = tokens.len() as f64;
        tokens.retain(|token| !masked.contains(token));
        let scores = (0..self.classes).map(|class| {
            let mine = f64::from(u8::from(class == own));
            let sum = self.sums[class] - mine * all + self.kept;
            let prior = (self.sizes[class] - mine + 1.0).ln();
            tokens.iter().fold(prior, |score, token| {
                let at = self.index[*token as usize] as usize;
                let count = f64::from(self.counts[at * self.classes + class]) - mine;
                score + ((count + 1.0) / sum).ln()
            })
        });
        let scores = scores.collect::<Vec<_>>();
        let given = scores[class as usize];
        scores.iter().all(|score| *score <= given)
    }
}

/// The tokens of a text, each once.
struct Seen {
    last: Vec<u32>,
    text: u32,
}

impl Seen {
    fn new(known: usize) -> Self {
        Self { last: vec![0; known], text: 0 }
    }

    fn each(&mut self, tokens: &[u32], mut visit: impl FnMut(u32)) {
        self.text += 1;
        for token in tokens {
            if std::mem::replace(&mut self.last[*token as usize], self.text) != self.text {
                visit(*token);
            }
        }
    }
}
