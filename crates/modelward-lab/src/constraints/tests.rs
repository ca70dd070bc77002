use proptest::prelude::*;

use super::*;
use crate::budget::Ball;
use crate::exact;

fn rules(text: &str, features: usize) -> Constraints {
    Constraints::read(text, &[], features).unwrap()
}

#[test]
fn the_box_lies_inside_exactly() {
    let rules = rules("[default]\nmin = 0\nmax = 1\n[feature.2]\nimmutable = true\n", 3);
    let eps = exact::parse("0.1").unwrap();
    let original = [0.95, 0.3, 0.5];
    let space = rules.around(&original, Some(&eps)).unwrap();
    assert_eq!(space.high()[0], 1.0);
    for (at, &original) in original.iter().enumerate() {
        for (edge, outward) in [
            (space.low()[at], space.low()[at].next_down()),
            (space.high()[at], space.high()[at].next_up()),
        ] {
            let far = |value: f32| {
                let difference =
                    exact::of(value.into()).unwrap() - exact::of(original.into()).unwrap();
                num_traits::Signed::abs(&difference) > eps
            };
            assert!(!far(edge) && (far(outward) || outward > 1.0 || at == 2));
        }
    }
    assert_eq!((space.low()[2], space.high()[2]), (0.5, 0.5));
}

#[test]
fn steps_are_tenths_whatever_floats_are() {
    let rules = rules("[feature.0]\nmin = 0.1\nmax = 0.7\nstep = 0.1\n", 1);
    let original = [0.2];
    let space = rules.around(&original, None).unwrap();
    assert_eq!((space.low(), space.high()), (&[0.1][..], &[0.7][..]));
    for value in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7] {
        assert_eq!(space.admits(&[value]), Ok(()));
        assert!(space.admits(&[value.next_up()]).is_err());
        let mut point = [value + 0.04];
        space.project(&mut point);
        assert_eq!(point, [value]);
    }
    assert!(space.admits(&[0.8]).is_err());
}

#[test]
fn one_of_a_group_holds() {
    let text = "[feature.0]\nkind = \"onehot:a\"\n[feature.1]\nkind = \"onehot:a\"\n\
                [feature.2]\nkind = \"onehot:a\"\nmax = 0\n";
    let rules = rules(text, 3);
    let original = [1.0, 0.0, 0.0];
    let space = rules.around(&original, None).unwrap();
    let mut point = [0.4, 0.5, 0.9];
    space.project(&mut point);
    assert_eq!(point, [0.0, 1.0, 0.0]);
    assert_eq!(space.high(), [1.0, 1.0, 0.0]);
    assert!(space.admits(&[0.0, 0.0, 1.0]).unwrap_err().contains("above its max"));
    assert!(space.admits(&[1.0, 1.0, 0.0]).unwrap_err().contains("not exactly one"));
    // A whole step of a group is further than a small eps: it stays.
    let eps = exact::parse("0.5").unwrap();
    let space = rules.around(&original, Some(&eps)).unwrap();
    space.project(&mut point);
    assert_eq!(point, original);
    assert_eq!(space.low(), original);
}

#[test]
fn a_dear_change_is_brought_within_the_budget() {
    let rules = rules("budget = 1\n[default]\ncost = 1\n[feature.2]\ncost = 0\n", 3);
    let original = [0.0, 0.0, 0.0];
    let space = rules.around(&original, None).unwrap();
    assert_eq!((space.low()[0], space.high()[2]), (-1.0, f32::MAX));
    let mut point = [1.0, -0.5, 7.0];
    space.project(&mut point);
    assert_eq!(point, [0.75, -0.25, 7.0]);
    assert!(space.admits(&[1.0, f32::from_bits(1), 0.0]).unwrap_err().contains("over the budget"));
}

#[test]
fn missing_values_stay_missing() {
    let text = "[default]\nmin = 0\nkind = \"int\"\n[feature.1]\nkind = \"onehot:a\"\n\
                [feature.2]\nkind = \"onehot:a\"\n";
    let rules = rules(text, 3);
    let original = [f32::NAN, f32::NAN, 1.0];
    let space = rules.around(&original, None).unwrap();
    let mut point = [3.0, 1.0, 0.0];
    assert!(space.admits(&point).is_err());
    space.project(&mut point);
    assert!(point[0].is_nan() && point[1].is_nan() && point[2] == 1.0);
    assert_eq!(space.admits(&point), Ok(()));
    // What an attack's arithmetic may give.
    let original = [5.0, 1.0, 0.0];
    let space = rules.around(&original, None).unwrap();
    let mut point = [f32::NAN, f32::NAN, f32::INFINITY];
    space.project(&mut point);
    assert_eq!(point, [5.0, 0.0, 1.0]);
}

fn feature_text(at: usize) -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        Just(String::new()),
        Just("kind = \"int\"\n".to_owned()),
        Just("kind = \"int\"\nstep = 3\n".to_owned()),
        Just("step = 0.1\n".to_owned()),
        Just("step = \"1/3\"\n".to_owned()),
        Just("step = 1e-9\n".to_owned()),
    ];
    let low =
        prop_oneof![Just(String::new()), (-40..10).prop_map(|min| format!("min = {min}.1\n"))];
    let high =
        prop_oneof![Just(String::new()), (11..50).prop_map(|max| format!("max = {max}.7\n"))];
    let flags = prop_oneof![
        6 => Just(String::new()),
        1 => Just("immutable = true\n".to_owned()),
        2 => Just("increase_only = true\n".to_owned()),
    ];
    let cost =
        prop_oneof![Just(String::new()), (0..30).prop_map(|cost| format!("cost = 0.{cost}\n"))];
    (kind, low, high, flags, cost).prop_map(move |(kind, low, high, flags, cost)| {
        format!("[feature.{at}]\n{kind}{low}{high}{flags}{cost}")
    })
}

fn spec() -> impl Strategy<Value = String> {
    let budget =
        prop_oneof![Just(String::new()), (0..40).prop_map(|all| format!("budget = {all}.3\n"))];
    let group = prop_oneof![
        Just(String::new()),
        Just("immutable = true\n".to_owned()),
        Just("cost = 0.7\n".to_owned())
    ];
    let scalars = (0..5).map(feature_text).collect::<Vec<_>>();
    let members = (5..8).map(|at| {
        group.clone().prop_map(move |rest| format!("[feature.{at}]\nkind = \"onehot:g\"\n{rest}"))
    });
    (budget, scalars, members.collect::<Vec<_>>())
        .prop_map(|(budget, scalars, members)| budget + &scalars.concat() + &members.concat())
}

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => -60.0_f32..60.0,
        4 => (-40_i8..50).prop_map(f32::from),
        2 => prop_oneof![Just(0.0), Just(1.0)],
        1 => Just(f32::NAN),
        1 => prop_oneof![Just(f32::INFINITY), Just(f32::MAX), Just(f32::MIN), Just(3e7)],
    ]
}

fn sample() -> impl Strategy<Value = Vec<f32>> {
    let scalars = prop::collection::vec(
        prop_oneof![6 => -50.0_f32..60.0, 3 => (-40_i8..50).prop_map(f32::from), 1 => Just(f32::NAN)],
        5,
    );
    let group = prop_oneof![
        4 => (0..3_usize).prop_map(|one| (0..3).map(|at| f32::from(u8::from(at == one))).collect()),
        1 => prop::collection::vec(0.0_f32..1.0, 3),
    ];
    (scalars, group).prop_map(|(scalars, group)| [scalars, group].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_projected_is_admitted_and_stays(
        text in spec(), original in sample(), point in prop::collection::vec(value(), 8),
        eps in prop_oneof![Just(None), (0..60_u8).prop_map(|eps| Some(format!("{eps}.3")))])
    {
        let rules = rules(&text, 8);
        let eps = eps.map(|eps| exact::parse(&eps).unwrap());
        let space = rules.around(&original, eps.as_ref()).unwrap();
        prop_assert_eq!(space.admits(&original), Ok(()));
        let mut once = point;
        space.project(&mut once);
        prop_assert_eq!(space.admits(&once), Ok(()), "{:?} of {:?}\n{}", once, original, text);
        for ((value, low), high) in once.iter().zip(space.low()).zip(space.high()) {
            prop_assert!(value.is_nan() || (low <= value && value <= high));
        }
        let mut twice = once.clone();
        space.project(&mut twice);
        for (twice, once) in twice.iter().zip(&once) {
            prop_assert!(twice == once || (twice.is_nan() && once.is_nan()));
        }
    }

    #[test]
    fn what_is_admitted_lies_in_the_box(
        text in spec(), original in sample(), point in prop::collection::vec(value(), 8))
    {
        let rules = rules(&text, 8);
        let eps = exact::parse("7.25").unwrap();
        let space = rules.around(&original, Some(&eps)).unwrap();
        // Change one feature at a time, so that some are admitted.
        for at in 0..5 {
            let mut changed = original.clone();
            changed[at] = point[at].round();
            if space.admits(&changed).is_ok() {
                let value = changed[at];
                prop_assert!(value.is_nan() || (space.low()[at] <= value && value <= space.high()[at]));
                let before = changed.clone();
                space.project(&mut changed);
                prop_assert!(before[at] == changed[at] || before[at].is_nan());
            }
        }
    }

    #[test]
    fn boxes_hold_what_is_admitted(
        text in spec(), original in sample(), point in prop::collection::vec(value(), 8))
    {
        let rules = rules(&text, 8);
        let eps = exact::parse("7.25").unwrap();
        let space = rules.around(&original, Some(&eps)).unwrap();
        let mut point = point;
        space.project(&mut point);
        if let Some(boxes) = space.boxes(256) {
            let inside = |part: &Ball| {
                let mut ends = part.low.iter().zip(&part.high).zip(&point);
                ends.all(|((low, high), x)| x.is_nan() || (low <= x && x <= high))
            };
            prop_assert!(boxes.iter().any(inside), "{:?} of {:?}\n{}", point, original, text);
        }
    }
}

#[test]
fn each_choice_has_its_box() {
    let text = "[feature.0]\nkind = \"int\"\nmin = 0\nmax = 4\n[feature.1]\nkind = \"onehot:a\"\n\
        [feature.2]\nkind = \"onehot:a\"\n";
    let rules = rules(text, 4);
    let space = rules.around(&[1.0, 0.0, 1.0, 0.5], None).unwrap();
    let boxes = space.boxes(256).unwrap();
    assert_eq!(boxes.len(), 5 * 2);
    let values = boxes.iter().map(|part| (part.low[0], part.low[1], part.low[2]));
    assert!(values.into_iter().all(|(whole, a, b)| whole.fract() == 0.0 && a + b == 1.0));
    assert!(boxes.iter().all(|part| part.low[..3] == part.high[..3] && part.low[3] < 0.0));
    assert_eq!(space.boxes(9), None);
}
