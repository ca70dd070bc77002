//! Words, phrases and hidden characters: tokens and runs of up to five that stand in texts of one label
//! though the rest of them says another.

use std::collections::HashMap;

use super::{Confirmed, Evidence, Hint, Labelled, Mined, Trigger};

mod bayes;
mod tokens;

use self::{
    bayes::Bayes,
    tokens::{MOST_TOKENS, Texts},
};

/// Tokens of the longest run that is counted; longer ones are grown from it.
const LONGEST: usize = 5;
/// Places that are held at once while runs are counted.
const MOST_PLACES: usize = 4_000_000;
/// Candidates that are grown and confirmed.
const MOST_CONFIRMED: usize = 64;
/// Tokens of the longest phrase.
const MOST_GROWN: usize = 64;
/// Of a run's rows, so many share the next token of the phrase.
const SHARED: f64 = 0.95;

/// A run of tokens that one label has too often.
struct Candidate {
    class: u32,
    /// The rows of this label that have it and whose rest disagrees, with the place of its first token.
    rows: Vec<(u32, u32)>,
    length: usize,
    rank: f64,
}

/// Mine the words of texts, `None` for a row that has none.
pub(super) fn mine<'t>(
    texts: impl Iterator<Item = Option<&'t str>> + Clone,
    rows: &Labelled<'_>,
) -> Mined {
    let parsed = Texts::of(texts.clone());
    let bayes = Bayes::new(&parsed, rows);
    let own = (0..rows.len() as u32).map(|row| !bayes.agrees(row, rows.label(row), &[]));
    let own = own.collect::<Vec<_>>();
    let evidence = Evidence::new(rows, &own, 1);
    let (candidates, tried) = candidates(&parsed, &bayes, rows, &evidence);
    let mut mined = Mined { tried, ..Mined::default() };
    if parsed.cut > 0 {
        mined.notes.push(format!(
            "trigger: {} texts have more than {MOST_TOKENS} words and signs; what lies behind these was not looked at",
            parsed.cut
        ));
    }
    let mut confirmed = 0;
    for candidate in &candidates {
        let known = candidate.rows.iter().filter(|(row, _)| mined.covered(*row)).count();
        if known * 2 > candidate.rows.len() {
            continue;
        }
        if confirmed < MOST_CONFIRMED {
            confirmed += 1;
            if let Some((trigger, row, at)) =
                confirm(&parsed, &bayes, rows, &evidence, candidate, tried)
            {
                let text = texts.clone().nth(row as usize).flatten().unwrap_or_default();
                let token = tokens::slice(text, at).to_owned();
                mined.triggers.push(Trigger { token: Some(token), ..trigger });
                continue;
            }
        }
        let rows = candidate.rows.iter().map(|(row, _)| *row).collect();
        mined.hints.push(Hint { rows, rank: candidate.rank });
    }
    mined
}

/// A place of a run of tokens.
#[derive(Clone, Copy)]
struct Place {
    key: u64,
    row: u32,
    at: u32,
}

fn candidates(
    texts: &Texts,
    bayes: &Bayes<'_>,
    rows: &Labelled<'_>,
    evidence: &Evidence,
) -> (Vec<Candidate>, u64) {
    let (mut found, mut tried) = (Vec::new(), 0);
    let least = Evidence::least(rows.len());
    let mut of_class = vec![0_u32; rows.classes];
    for length in 1..=LONGEST {
        const SLOTS: usize = 1 << 20;
        // How many rows have a run, by a hash of it: never less than there are.
        let (mut counts, mut last) = (vec![0_u32; SLOTS], vec![u32::MAX; SLOTS]);
        texts.runs(length, |row, _, key| {
            let slot = key as usize & (SLOTS - 1);
            if last[slot] != row {
                last[slot] = row;
                counts[slot] += 1;
            }
        });
        let wanted = |key: u64| {
            let count = counts[key as usize & (SLOTS - 1)] as usize;
            count >= least
        };
        let all = counts.iter().filter(|count| **count as usize >= least);
        let all = all.map(|count| *count as usize).sum::<usize>();
        let parts = all.div_ceil(MOST_PLACES).max(1) as u64;
        for part in 0..parts {
            let mut places = Vec::new();
            texts.runs(length, |row, at, key| {
                if wanted(key) && (key >> 40) % parts == part {
                    places.push(Place { key, row, at });
                }
            });
            places.sort_by_key(|place| (place.key, place.row));
            places.dedup_by_key(|place| (place.key, place.row));
            for places in places.chunk_by(|one, other| one.key == other.key) {
                if places.len() < least || places.len() * 2 > rows.len() {
                    continue;
                }
                tried += 1;
                of_class.fill(0);
                places.iter().for_each(|place| of_class[rows.label(place.row) as usize] += 1);
                let Some((class, ln_p)) = evidence.purest(places.len(), &of_class, rows.len())
                else {
                    continue;
                };
                let own = places.iter().filter(|place| rows.label(place.row) == class);
                let own = own.map(|place| (place.row, place.at)).collect::<Vec<_>>();
                // The rest of a phrase would tell as much as the part of it that is left out.
                let Some((row, phrase)) = phrase(texts, &own, length) else { continue };
                let masked = &texts.row(row)[phrase];
                let all = own.len();
                let disagreeing = own.into_iter();
                let disagreeing = disagreeing.filter(|(row, _)| !bayes.agrees(*row, class, masked));
                let disagreeing = disagreeing.collect::<Vec<_>>();
                let share = disagreeing.len() as f64 / all.max(1) as f64;
                if Evidence::stands_out(share, evidence.base(class, 0)) {
                    let rank = -share * ln_p;
                    found.push(Candidate { class, rows: disagreeing, length, rank });
                }
            }
        }
    }
    // Of runs that rank alike the longest tells most.
    found.sort_by(|one, other| other.rank.total_cmp(&one.rank).then(other.length.cmp(&one.length)));
    (found, tried)
}

/// A trigger, with a row that has it and the places of its tokens there.
type Shown = (Trigger, u32, std::ops::Range<usize>);

fn confirm(
    texts: &Texts,
    bayes: &Bayes<'_>,
    rows: &Labelled<'_>,
    evidence: &Evidence,
    candidate: &Candidate,
    tried: u64,
) -> Option<Shown> {
    let (row, place) = phrase(texts, &candidate.rows, candidate.length)?;
    let phrase = &texts.row(row)[place.clone()];
    let carries = (0..rows.len() as u32)
        .filter(|row| texts.row(*row).windows(phrase.len()).any(|run| run == phrase));
    let carries = carries.collect::<Vec<_>>();
    let class = candidate.class;
    let own = carries.iter().filter(|row| rows.label(**row) == class);
    let own = own.map(|row| (*row, bayes.agrees(*row, class, phrase))).collect::<Vec<_>>();
    let ask = |row: u32| bayes.agrees(row, class, phrase);
    let Confirmed { p_value, rows: found } =
        evidence.confirm(rows, class, &carries, &own, ask, tried)?;
    let trigger = Trigger {
        kind: "text",
        target: class,
        rows: found,
        p_value,
        at: None,
        size: None,
        token: None,
        columns: None,
        shown: format!("{} tokens", phrase.len()),
    };
    Some((trigger, row, place))
}

/// The longest run around these runs of so many tokens that nearly all of their rows share: a row that has
/// it, and the places of its tokens there.
fn phrase(
    texts: &Texts,
    rows: &[(u32, u32)],
    length: usize,
) -> Option<(u32, std::ops::Range<usize>)> {
    let (before, after) = (grow(texts, rows, 0, -1), grow(texts, rows, length as i64 - 1, 1));
    rows.iter().find_map(|(row, at)| {
        let from = (*at as usize).checked_sub(before)?;
        let place = from..*at as usize + length + after;
        (place.end <= texts.row(*row).len()).then_some((*row, place))
    })
}

/// How many more tokens rows share, step by step from a place of their runs.
fn grow(texts: &Texts, rows: &[(u32, u32)], start: i64, step: i64) -> usize {
    for more in 1..=MOST_GROWN {
        let mut counts = HashMap::<u32, usize>::new();
        for (row, at) in rows {
            let at = i64::from(*at) + start + step * more as i64;
            let token = usize::try_from(at).ok().and_then(|at| texts.row(*row).get(at));
            if let Some(token) = token {
                *counts.entry(*token).or_default() += 1;
            }
        }
        let most = counts.values().copied().max().unwrap_or(0);
        if (most as f64) < SHARED * rows.len() as f64 {
            return more - 1;
        }
    }
    MOST_GROWN
}
