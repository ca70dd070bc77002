//! Attacks against linear models, whose least changes are known.

use proptest::prelude::*;

use super::*;
use crate::{
    budget::Budget,
    constraints::Constraints,
    exact,
    rule::{Patch, Spatial},
    victim::{Victim, linear::Linear},
};

/// Attacks by name, each able to run in any norm.
type Attack = fn(&mut Arena<'_>) -> Result<bool>;

fn budget(norm: Norm, eps: &str) -> Budget {
    Budget { norm, eps: exact::parse(eps).unwrap(), clip: Some((0.0, 1.0)) }
}

/// Samples with the labels that the model gives them.
fn samples(victim: &mut Linear, count: usize, seed: u64) -> (Vec<f32>, Vec<usize>) {
    let mut random = crate::random::stream(&[seed, 9]);
    let x = (0..count * victim.features()).map(|_| random.f32()).collect::<Vec<_>>();
    let y = victim.ask(&x).unwrap().labels.iter().map(|label| *label as usize).collect();
    (x, y)
}

/// Every witness is inside and wrong; the indices of those that fell.
fn judged(arena: &mut Arena<'_>) -> Vec<usize> {
    let mut fallen = Vec::new();
    for at in 0..arena.cases.len() {
        let Some(witness) = arena.cases[at].witness.clone() else { continue };
        assert!(arena.admits(at, &witness.point), "{witness:?}");
        assert_ne!(arena.label_of(&witness.point).unwrap(), arena.cases[at].label as i64);
        fallen.push(arena.cases[at].index);
    }
    fallen
}

/// The least change of the margin of two classes to 0, without a range: `margin / dual norm`.
fn least(arena: &Arena<'_>, case: usize, norm: Norm, difference: &[f32]) -> f64 {
    let sizes = difference.iter().map(|w| f64::from(w.abs()));
    let dual = match norm {
        Norm::Linf => sizes.sum::<f64>(),
        Norm::L2 => sizes.map(|w| w * w).sum::<f64>().sqrt(),
        Norm::L1 | Norm::L0 => sizes.fold(0.0, f64::max),
    };
    f64::from(arena.margin(case, &arena.cases[case].scores)) / dual
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn witnesses_are_inside_in_every_norm(seed: u64, classes in 2_usize..5) {
        let all: [(&[Norm], Attack); 6] = [
            (&Norm::ALL, |arena| fmn::search(arena, 30)),
            (&[Norm::L2], |arena| carlini::search(arena, 3, 30)),
            (&[Norm::L0], |arena| sparse::greedy(arena, 1)),
            (&[Norm::L0], |arena| sparse::exchange(arena, 60, 1)),
            (&[Norm::L1], |arena| narrow::climb(arena, 1, 20, 1)),
            (&[Norm::L1], |arena| narrow::climb(arena, 3, 20, 1)),
        ];
        let mut victim = Linear::drawn(&[12], classes, seed);
        let (x, y) = samples(&mut victim, 4, seed);
        for (norms, attack) in all {
            for &norm in norms {
                let eps = if norm == Norm::L0 { "3" } else { "0.4" };
                let mut arena = Arena::new(&mut victim, budget(norm, eps), &x, &y, seed, None).unwrap();
                prop_assert!(attack(&mut arena).unwrap());
                for &at in &judged(&mut arena) {
                    let case = arena.cases.iter().find(|case| case.index == at).unwrap();
                    let point = &case.witness.as_ref().unwrap().point;
                    let changed = point.iter().zip(&case.sample).filter(|(a, b)| a != b).count();
                    prop_assert!(norm != Norm::L0 || changed <= 3);
                }
            }
        }
    }

    #[test]
    fn squares_and_places_are_those_of_the_rule(seed: u64) {
        let shape = [2, 5, 6];
        let mut victim = Linear::drawn(&shape, 3, seed);
        let (x, y) = samples(&mut victim, 4, seed);
        let patch = Rule::Patch(Patch::new(2, &shape).unwrap());
        let spatial = Rule::Spatial(Spatial::new(20.0, 1.0, &shape, Some((0.0, 1.0))).unwrap());
        let all: [(Rule<'_>, Attack); 4] = [
            (patch, |arena| patch::climb(arena, &[(3, usize::MAX), (10, 2)])),
            (patch, |arena| patch::search(arena, 50)),
            (patch, |arena| pgd::climb(arena, 10, 1, 1)),
            (spatial, spatial::search),
        ];
        for (rule, attack) in all {
            let whole = budget(Norm::Linf, "1");
            let arena = Arena::new(&mut victim, whole, &x, &y, seed, None).unwrap();
            let mut arena = arena.under(rule).unwrap();
            prop_assert!(attack(&mut arena).unwrap());
            judged(&mut arena);
        }
    }

    #[test]
    fn what_domains_forbid_is_no_witness(seed: u64) {
        let text = "[default]\nmin = 0\nmax = 1\n[feature.0]\nkind = \"int\"\nmax = 5\n\
            [feature.1]\nimmutable = true\n[feature.2]\nkind = \"onehot:a\"\n[feature.3]\n\
            kind = \"onehot:a\"\n[feature.4]\nkind = \"onehot:a\"\n[feature.5]\nincrease_only = true\n";
        let rules = Constraints::read(text, &[], 6).unwrap();
        let mut victim = Linear::drawn(&[6], 2, seed);
        let mut random = crate::random::stream(&[seed, 3]);
        let mut x = Vec::new();
        for _ in 0..6 {
            let held = random.usize(..3);
            let one = |at: usize| if at == held { 1.0 } else { 0.0 };
            x.extend([random.u32(..6) as f32, random.f32(), one(0), one(1), one(2), random.f32()]);
        }
        let said = victim.ask(&x).unwrap().labels;
        let y = said.iter().map(|label| *label as usize).collect::<Vec<_>>();
        let wide = Budget { clip: None, ..budget(Norm::Linf, "2") };
        let arena = Arena::new(&mut victim, wide, &x, &y, seed, None).unwrap();
        let mut arena = arena.under(Rule::Domain(&rules)).unwrap();
        pgd::climb(&mut arena, 20, 2, 1).unwrap();
        let cases = arena.standing();
        square::search(&mut arena, cases, 60, 2).unwrap();
        fmn::search(&mut arena, 30).unwrap();
        judged(&mut arena);
        for case in &arena.cases {
            let Some(witness) = &case.witness else { continue };
            let point = &witness.point;
            prop_assert_eq!(point[0].fract(), 0.0);
            prop_assert!((0.0..=5.0).contains(&point[0]) && (point[0] - case.sample[0]).abs() <= 2.0);
            prop_assert_eq!(point[1], case.sample[1]);
            prop_assert_eq!(point[2..5].iter().filter(|x| **x == 1.0).count(), 1);
            prop_assert_eq!(point[2..5].iter().sum::<f32>(), 1.0);
            prop_assert!(point[5] >= case.sample[5]);
        }
    }
}

/// Two classes and samples in the middle of the range, where it cuts nothing off.
#[test]
fn the_nearest_wrong_answer_is_found() {
    let difference = [0.3_f32, -0.7, 0.2, 0.9, -0.4];
    let all: [(Norm, Attack); 4] = [
        (Norm::Linf, |arena| fmn::search(arena, 200)),
        (Norm::L2, |arena| fmn::search(arena, 200)),
        (Norm::L1, |arena| fmn::search(arena, 200)),
        (Norm::L2, |arena| carlini::search(arena, 8, 200)),
    ];
    for (norm, attack) in all {
        let mut victim = Linear::new(&[5], vec![difference.to_vec(), vec![0.0; 5]], vec![0.0; 2]);
        let x = [0.6_f32, 0.5, 0.5, 0.4, 0.5];
        let far = Budget { clip: Some((-2.0, 2.0)), ..budget(norm, "1e-9") };
        let mut arena = Arena::new(&mut victim, far, &x, &[0], 0, None).unwrap();
        let least = least(&arena, 0, norm, &difference);
        assert!(attack(&mut arena).unwrap());
        let found = arena.cases[0].nearest;
        assert!(found >= least && found <= 1.05 * least, "{norm}: {found} {least}");
    }
}

/// A step too short to reach the next whole number is not lost.
#[test]
fn short_steps_add_up_to_whole_numbers() {
    let rules =
        Constraints::read("[default]\nkind = \"int\"\nmin = 0\nmax = 20\n", &[], 2).unwrap();
    let weights = vec![vec![-1.0, -1.0], vec![0.0, 0.0]];
    let mut victim = Linear::new(&[2], weights, vec![12.5, 0.0]);
    let four = Budget { clip: None, ..budget(Norm::Linf, "4") };
    let arena = Arena::new(&mut victim, four, &[3.0, 2.0], &[0], 0, None).unwrap();
    let mut arena = arena.under(Rule::Domain(&rules)).unwrap();
    assert!(pgd::climb(&mut arena, 40, 1, 1).unwrap());
    assert_eq!(judged(&mut arena), [0]);
}

#[test]
fn few_numbers_are_the_right_ones() {
    // Numbers 2 and 6 together outweigh the rest; no other two do.
    let mut row = vec![0.01_f32; 8];
    (row[2], row[6]) = (-1.0, 0.9);
    for attack in
        [(|arena| sparse::greedy(arena, 0)) as Attack, |arena| sparse::exchange(arena, 400, 1)]
    {
        let weights = vec![vec![0.0; 8], row.clone()];
        let mut victim = Linear::new(&[8], weights, vec![0.8, 0.0]);
        let x = [0.5_f32, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
        let mut arena = Arena::new(&mut victim, budget(Norm::L0, "2"), &x, &[0], 0, None).unwrap();
        assert!(attack(&mut arena).unwrap());
        assert_eq!(judged(&mut arena), [0]);
        let point = &arena.cases[0].witness.as_ref().unwrap().point;
        assert_eq!((point[2], point[6]), (0.0, 1.0));
    }
}

#[test]
fn every_effort_runs_against_every_threat() {
    let shape = [1, 5, 5];
    let clip = Some((0.0, 1.0));
    let patch = Rule::Patch(Patch::new(2, &shape).unwrap());
    let spatial = Rule::Spatial(Spatial::new(10.0, 1.0, &shape, clip).unwrap());
    let threats =
        Norm::ALL.map(|norm| (norm, if norm == Norm::L0 { "2" } else { "0.01" }, Rule::Any));
    let threats = threats.into_iter().chain([patch, spatial].map(|rule| (Norm::Linf, "1", rule)));
    for (norm, eps, rule) in threats {
        for effort in [Effort::Quick, Effort::Standard] {
            let mut victim = Linear::drawn(&shape, 3, 4);
            let (x, y) = samples(&mut victim, 3, 1);
            let arena = Arena::new(&mut victim, budget(norm, eps), &x, &y, 0, None).unwrap();
            let mut arena = arena.under(rule).unwrap();
            let done = attack(&mut arena, effort, &|| 0.0).unwrap();
            assert!(!done.is_empty() && done.iter().all(|step| step.stopped.is_none()));
            judged(&mut arena);
        }
    }
}
