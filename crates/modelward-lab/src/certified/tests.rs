//! Trees under the rules of a domain.

use std::time::Duration;

use super::*;
use crate::{budget::Budget, constraints::Constraints, exact};

/// One tree: 1 where feature 0 is above 2.5 and feature 1 above 0.5.
const TREES: &[u8] = br#"[{"nodeid":0,"split":0,"split_condition":2.5,"yes":1,"no":2,"missing":1,
    "children":[{"nodeid":1,"leaf":-1},{"nodeid":2,"split":1,"split_condition":0.5,"yes":3,"no":4,
    "missing":3,"children":[{"nodeid":3,"leaf":-1},{"nodeid":4,"leaf":1}]}]}]"#;

fn verdict(rules: &str, sample: [f32; 2], eps: &str) -> Verdict {
    let trees = Trees::read(TREES).unwrap();
    let domain = Constraints::read(rules, &[], 2).unwrap();
    let budget = Budget { norm: Norm::Linf, eps: exact::parse(eps).unwrap(), clip: None };
    let question = Question {
        samples: &sample,
        labels: &[0],
        budget,
        domain: Some(&domain),
        minimal: false,
        each: Duration::from_secs(60),
        deadline: None,
        threads: 1,
        seed: 0,
    };
    let certified = super::trees(&trees, &question).unwrap();
    if certified.verdicts == [Verdict::Violated] {
        let point = &certified.witnesses;
        let space = domain.around(&sample, Some(&question.budget.eps)).unwrap();
        assert!(space.admits(point).is_ok(), "{point:?}");
        assert_eq!(trees.classify(point).unwrap(), [1]);
    }
    certified.verdicts[0]
}

#[test]
fn what_a_domain_forbids_breaks_no_tree() {
    assert_eq!(verdict("", [2.0, 0.0], "1"), Verdict::Violated);
    assert_eq!(verdict("[feature.1]\nimmutable = true\n", [2.0, 0.0], "1"), Verdict::Holds);
    assert_eq!(verdict("[feature.0]\nkind = \"int\"\n", [2.0, 0.0], "0.9"), Verdict::Holds);
    assert_eq!(verdict("[feature.0]\nkind = \"int\"\n", [2.0, 0.0], "1"), Verdict::Violated);
}

/// The box around a group holds points of which none, or both, are 1; the boxes of its members do not.
#[test]
fn groups_are_taken_apart() {
    let rules = "[feature.0]\nkind = \"onehot:a\"\n[feature.1]\nkind = \"onehot:a\"\n";
    let trees = r#"[{"nodeid":0,"split":0,"split_condition":0.5,"yes":1,"no":2,"missing":1,
        "children":[{"nodeid":1,"leaf":-1},{"nodeid":2,"split":1,"split_condition":0.5,"yes":3,
        "no":4,"missing":3,"children":[{"nodeid":3,"leaf":-1},{"nodeid":4,"leaf":1}]}]}]"#;
    let trees = Trees::read(trees.as_bytes()).unwrap();
    let domain = Constraints::read(rules, &[], 2).unwrap();
    let budget = Budget { norm: Norm::Linf, eps: exact::one(), clip: None };
    let question = |domain| Question {
        samples: &[1.0, 0.0],
        labels: &[0],
        budget: budget.clone(),
        domain,
        minimal: false,
        each: Duration::from_secs(60),
        deadline: None,
        threads: 1,
        seed: 0,
    };
    let free = super::trees(&trees, &question(None)).unwrap();
    assert_eq!(free.verdicts, [Verdict::Violated]);
    let bound = super::trees(&trees, &question(Some(&domain))).unwrap();
    assert_eq!(bound.verdicts, [Verdict::Holds]);
}

#[test]
fn distances_are_not_found_under_rules() {
    let trees = Trees::read(TREES).unwrap();
    let domain = Constraints::read("", &[], 2).unwrap();
    let budget = Budget { norm: Norm::Linf, eps: exact::one(), clip: None };
    let question = Question {
        samples: &[2.0, 0.0],
        labels: &[0],
        budget,
        domain: Some(&domain),
        minimal: true,
        each: Duration::from_secs(60),
        deadline: None,
        threads: 1,
        seed: 0,
    };
    assert!(super::trees(&trees, &question).is_err());
}
