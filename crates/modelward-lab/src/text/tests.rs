use modelward_engine::{Limits, exec::How};
use proptest::prelude::*;

use super::{
    arena::Budget,
    classifier::Classifier,
    course::Question,
    edit::{Family, distance, undo},
    family::words,
    measure::{Clean, TextRobustness, measure},
    texts::{Columns, Texts},
    tiny,
    tokenizer::Tokenizer,
    words::Substitutions,
};
use crate::{arena::OUT_OF_TIME, evade::Effort, trust::Reliability};

const WORDS: [&str; 12] = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "fine", "great", "bad", "poor", "film", "the",
    "was",
];

/// What each word says for the classes bad and good.
const WEIGHTS: [f32; 12] = [0.0, 0.1, 0.0, 0.0, 2.0, 1.0, 3.0, -2.0, -1.5, 0.2, 0.0, -0.1];

const TEXTS: [(&str, usize); 8] = [
    ("the film was good", 1),
    ("great film", 1),
    ("fine fine film, great film", 1),
    ("the film was bad", 0),
    ("poor, poor, bad film", 0),
    ("Was the film good?", 1),
    ("BAD film", 0),
    ("the poor film was bad", 0),
];

const LIST: &str = "good\tfine\tnice\ngreat\tfine\nbad\tpoor\tawful\npoor\tshabby\nfilm\tmovie\n";

fn tokenizer() -> Tokenizer {
    Tokenizer::read(WORDS.join("\n").as_bytes(), None).unwrap()
}

fn classifier(weights: &[f32]) -> Classifier {
    let weights = weights.iter().map(|weight| vec![-weight, *weight]).collect::<Vec<_>>();
    let model = tiny::model(&weights, [None, None], "input_ids");
    let how = How::new(Limits::default());
    Classifier::new(&model, tokenizer(), "the film", how).unwrap()
}

fn measured(
    texts: &[(&str, usize)],
    families: &[Family],
    edits: usize,
    queries: Option<usize>,
) -> TextRobustness {
    let (texts, labels): (Vec<_>, Vec<_>) =
        texts.iter().map(|(t, l)| ((*t).to_owned(), *l)).unzip();
    let list = Substitutions::read(LIST).unwrap();
    let question = Question {
        texts: &texts,
        labels: &labels,
        families,
        list: &list,
        budget: Budget { edits, queries },
        effort: Effort::Standard,
        targeted: false,
        seed: 0,
        deadline: None,
    };
    asked(&mut classifier(&WEIGHTS), &question)
}

fn asked(classifier: &mut Classifier, question: &Question<'_>) -> TextRobustness {
    let clean = Clean::of(classifier, question.texts).unwrap();
    measure(classifier, question, &clean, &|| 0.0).unwrap()
}

#[test]
fn witnesses_keep_to_the_budget_and_can_be_undone() {
    for edits in [1, 2, 4] {
        let found = measured(&TEXTS, &Family::ALL, edits, None);
        assert_eq!((found.samples, found.right, found.lost), (8, 8, 0));
        assert!(!found.witnesses.is_empty());
        for witness in &found.witnesses {
            assert!((1..=edits).contains(&witness.edits.len()), "{witness:?}");
            assert_eq!(
                undo(&witness.text, &witness.edits, &witness.taken).as_ref(),
                Some(&witness.original)
            );
            assert_ne!(witness.predicted, witness.label as i64);
            let single = witness.edits.iter().all(|edit| edit.family.name() == witness.attack);
            assert!(single || witness.attack == "mixed");
            if witness.attack == "typo" || witness.attack == "homoglyph" {
                let [one, other] =
                    [&witness.original, &witness.text].map(|t| t.chars().collect::<Vec<_>>());
                assert!(distance(&one, &other, edits).is_some());
            }
        }
        assert!(found.curve.is_sorted_by(|one, other| one >= other));
        assert_eq!((found.curve[0], found.curve[edits]), (8, found.stood));
    }
}

#[test]
fn what_a_tokenizer_removes_is_no_robustness() {
    let found = measured(&TEXTS, &[Family::Invisible, Family::Homoglyph], 2, None);
    let [invisible, homoglyph, _mixed] = &found.attacks[..] else { panic!("{:?}", found.attacks) };
    // BERT's normaliser takes characters of the class Cf out; two letters in another order stay so.
    assert!(invisible.absorbed * 2 > invisible.proposed, "{invisible:?}");
    assert_eq!(homoglyph.absorbed, 0);
    assert!(homoglyph.stood < 8);
    let found = measured(&TEXTS[..2], &[Family::Words], 1, None);
    assert!(!found.attacks[0].is_absorbed() && !found.attacks[0].is_empty());
}

#[test]
fn a_text_falls_or_stands_whatever_others_there_are() {
    let all = measured(&TEXTS, &Family::ALL, 2, Some(200));
    for (at, text) in TEXTS.iter().enumerate() {
        let alone = measured(&[*text], &Family::ALL, 2, Some(200));
        let same = |found: &TextRobustness, at: usize| {
            let of = found.witnesses.iter().filter(|witness| witness.index == at);
            of.map(|witness| (witness.text.clone(), witness.attack)).collect::<Vec<_>>()
        };
        // What is drawn for a text hangs on its place, and the others' is not 0 here.
        if at == 0 {
            assert_eq!(same(&alone, 0), same(&all, 0));
        }
        assert_eq!(same(&alone, 0).is_empty(), same(&all, at).is_empty(), "{text:?}");
    }
}

#[test]
fn queries_are_counted() {
    let found = measured(&TEXTS, &[Family::Typo], 4, Some(5));
    assert!(found.witnesses.iter().all(|witness| witness.queries <= 5));
    assert!(found.attacks[0].queries <= 8 * 6, "{:?}", found.attacks);
}

/// A question of two families about all texts, until a time.
fn until<'a>(
    (texts, labels): (&'a [String], &'a [usize]),
    list: &'a Substitutions,
    deadline: Option<std::time::Instant>,
) -> Question<'a> {
    Question {
        texts,
        labels,
        families: &[Family::Typo, Family::Words],
        list,
        budget: Budget { edits: 2, queries: None },
        effort: Effort::Quick,
        targeted: false,
        seed: 0,
        deadline,
    }
}

fn owned() -> (Vec<String>, Vec<usize>) {
    TEXTS.iter().map(|(text, label)| ((*text).to_owned(), *label)).unzip()
}

#[test]
fn what_was_cut_short_counts_no_text_that_was_not_tried() {
    let ((texts, labels), list) = (owned(), Substitutions::read(LIST).unwrap());
    let now = Some(std::time::Instant::now());
    let found = asked(&mut classifier(&WEIGHTS), &until((&texts, &labels), &list, now));
    assert_eq!(found.cut, Some(OUT_OF_TIME));
    assert_eq!(found.reliability(), Reliability::Unknown);
    let [typo] = &found.attacks[..] else { panic!("{:?}", found.attacks) };
    assert_eq!((typo.tried, typo.stood, typo.stopped), (0, 0, Some(OUT_OF_TIME)));
    let found = asked(&mut classifier(&WEIGHTS), &until((&texts, &labels), &list, None));
    assert_eq!((found.attacks[0].tried, found.attacks[0].stopped), (8, None));
    assert_ne!(found.reliability(), Reliability::Unknown);
}

#[test]
fn texts_are_sent_once_and_each_is_counted() {
    let ((texts, labels), list) = (owned(), Substitutions::read(LIST).unwrap());
    let now = Some(std::time::Instant::now());
    let found = asked(&mut classifier(&WEIGHTS), &until((&texts, &labels), &list, now));
    // As they are, and twice more to see whether the answers repeat.
    assert_eq!(found.queries, 8 * 3);
}

#[test]
fn texts_without_a_number_are_counted_once() {
    // `[UNK]`, which any misspelt word becomes, has no number; the last text holds one as it is.
    let mut weights = WEIGHTS;
    weights[1] = f32::NAN;
    let (mut texts, mut labels) = owned();
    texts.push("the movie was good".into());
    labels.push(1);
    let list = Substitutions::read(LIST).unwrap();
    let found = asked(&mut classifier(&weights), &until((&texts, &labels), &list, None));
    // So do those with a comma or a question mark.
    assert_eq!(found.right, 5);
    let indicator = found.raised().find(|found| found.name == "nonfinite-output").unwrap();
    assert_eq!((indicator.value, indicator.n), (1.0, 9));
    assert_eq!(found.reliability(), Reliability::Unreliable);
}

#[test]
fn one_number_for_each_of_several_texts_is_a_probability_where_a_sigmoid_says_so() {
    let how = How::new(Limits::default());
    let weights = WEIGHTS.map(|weight| vec![4.0 * weight]);
    let tokens = TEXTS.map(|(text, _)| tokenizer().tokens(text).unwrap());
    let tokens = tokens.iter().collect::<Vec<_>>();
    for dims in [[None, None], [Some(1), None], [Some(3), None]] {
        let model = tiny::sigmoid(&weights, dims);
        let mut classifier = Classifier::new(&model, tokenizer(), "the film", how).unwrap();
        let answers = classifier.ask(&tokens).unwrap();
        assert_eq!(answers.labels, TEXTS.map(|(_, label)| label as i64), "{dims:?}");
        // The scores are those of the logit.
        assert!(
            answers
                .scores
                .chunks(2)
                .zip(TEXTS)
                .all(|(row, (_, label))| { (row[1] > row[0]) == (label == 1) })
        );
    }
}

#[test]
fn models_that_take_no_tokens_are_refused() {
    let how = How::new(Limits::default());
    let weights = vec![vec![1.0, 0.0]; 12];
    let of =
        |dims, name| Classifier::new(&tiny::model(&weights, dims, name), tokenizer(), "the", how);
    assert!(of([None, None], "input_ids").is_ok());
    assert!(of([Some(1), Some(8)], "tokens").is_ok());
    assert!(of([Some(3), None], "x").is_ok());
    assert!(of([None, None], "attention_mask").is_err());
    // A tokenizer with more words than the model knows.
    let small = tiny::model(&weights[..4], [None, None], "input_ids");
    let trouble = Classifier::new(&small, tokenizer(), "the", how).unwrap_err();
    assert!(trouble.help.unwrap().contains("tokenizer"));
}

#[test]
fn fixed_lengths_and_batches_change_no_class() {
    let how = How::new(Limits::default());
    let weights = WEIGHTS.map(|weight| vec![-weight, weight]);
    let tokens = TEXTS.map(|(text, _)| tokenizer().tokens(text).unwrap());
    let tokens = tokens.iter().collect::<Vec<_>>();
    for dims in [[None, None], [Some(1), None], [Some(3), Some(12)], [None, Some(16)]] {
        let model = tiny::model(&weights, dims, "input_ids");
        let mut classifier = Classifier::new(&model, tokenizer(), "the film", how).unwrap();
        let answers = classifier.ask(&tokens).unwrap();
        assert_eq!(answers.labels, TEXTS.map(|(_, label)| label as i64), "{dims:?}");
        for (at, tokens) in tokens.iter().enumerate() {
            let alone = classifier.ask_alone(tokens).unwrap();
            assert_eq!(alone.labels[..1], answers.labels[at..][..1]);
            assert_eq!(alone.scores[..2], answers.scores[at * 2..][..2]);
        }
    }
}

#[test]
fn data_and_tokenizer_meet() {
    let texts = Texts::read("text,label\nthe film was good,good\nbad,bad\n", &Columns::default());
    let texts = texts.unwrap();
    assert_eq!(texts.labels, [1, 0]);
    let given = Clean::of(&mut classifier(&WEIGHTS), &texts.texts).unwrap();
    assert_eq!(given.labels(), [1, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Where the score is a sum over words, the best replacements of so many words are known: the
    /// search must find them.
    #[test]
    fn sums_over_words_are_searched_exactly(
        weights in prop::collection::vec(-3.0_f32..3.0, 12),
        chosen in prop::collection::vec(4..12_usize, 1..7),
        edits in 1..4_usize)
    {
        let text = chosen.iter().map(|at| WORDS[*at]).collect::<Vec<_>>().join(" ");
        let list = Substitutions::read(LIST).unwrap();
        let id = |word: &str| WORDS.iter().position(|known| *known == word).unwrap_or(1);
        // [CLS] and [SEP] are in the mean too.
        let sum = weights[2] + weights[3] + chosen.iter().map(|at| weights[*at]).sum::<f32>();
        let label = usize::from(sum > 0.0);
        let sign = if label == 1 { 1.0 } else { -1.0 };
        let chars = text.chars().collect::<Vec<_>>();
        let mut gains = words(&chars).into_iter().zip(&chosen).map(|(word, at)| {
            let others = Family::Words.proposals(&chars, word, &list);
            let gain = |edit: super::edit::Edit| sign * (weights[*at] - weights[id(&edit.with)]);
            others.into_iter().map(gain).fold(0.0_f32, f32::max)
        }).collect::<Vec<_>>();
        gains.sort_by(|one, other| other.total_cmp(one));
        let least = sign * sum - gains.iter().take(edits).sum::<f32>();
        prop_assume!(least.abs() > 1e-3 && sum.abs() > 1e-3);
        let question = Question {
            texts: &[text],
            labels: &[label],
            families: &[Family::Words],
            list: &list,
            budget: Budget { edits, queries: None },
            effort: Effort::Standard,
            targeted: false,
            seed: 0,
            deadline: None,
        };
        let found = asked(&mut classifier(&weights), &question);
        prop_assert_eq!(found.right, 1);
        prop_assert_eq!(found.stood, usize::from(least > 0.0));
    }
}
