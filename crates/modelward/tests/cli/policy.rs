//! Policies: where they are read from, what is refused, and what lets something through.

use crate::{Bench, HARMFUL, HARMLESS, UNKNOWN};

const ALLOW: &[u8] = b"# ours\n[[allow]]\nrule = \"MW1101\"\npath = \"model/bad.pkl\"\nreason = \"it only prints\"\n";

#[test]
fn the_policy_of_the_working_directory_lets_through_what_it_names_with_its_reason() {
    let bench = Bench::new();
    bench.file("model/bad.pkl", HARMFUL).file("modelward.toml", ALLOW);
    let report = bench.report(&["model"]);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|f| f["rule"] == "MW1101" && f["verdict"] == "allow"), "{report}");
    assert_eq!(findings[0]["reason"], "it only prints");
    assert_eq!(report["verdict"], "clean", "{report}");
    // The very same bytes elsewhere are not let through.
    bench.file("model/other.pkl", HARMFUL);
    assert_eq!(bench.report(&["model"])["verdict"], "denied");
}

#[test]
fn a_policy_inside_the_target_is_a_finding_and_is_not_obeyed() {
    let bench = Bench::new();
    bench.file("model/bad.pkl", HARMFUL).file("model/modelward.toml", ALLOW);
    let report = bench.report(&["model"]);
    assert_eq!(report["verdict"], "denied");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().any(|finding| finding["rule"] == "MW1009"), "{report}");
}

#[test]
fn a_working_directory_that_is_the_target_has_no_say_unless_it_is_named() {
    let bench = Bench::new();
    bench.file("model/bad.pkl", HARMFUL).file("modelward.toml", ALLOW);
    let run = bench.run(&["scan", "."]);
    assert_eq!(run.code, 1);
    assert!(
        run.err.starts_with("warning: the policy in the working directory lies inside"),
        "{run:?}"
    );
    assert!(run.out.contains("MW1009"), "{run:?}");
    let run = bench.run(&["scan", "--policy", "modelward.toml", "."]);
    assert!(!run.out.contains("MW1009") && run.out.contains("1 allowed"), "{run:?}");
}

#[test]
fn a_mistake_in_a_policy_has_its_place() {
    let bench = Bench::new();
    bench.file("good.pkl", HARMLESS);
    for (text, place, words) in [
        ("deny = \"meduim\"\n", "p.toml:1:8", "did you mean `medium`?"),
        ("\ndney = \"high\"\n", "p.toml:2:1", "did you mean `deny`?"),
        ("[[allow]]\nrule = \"MW1101x\"\nreason = \"r\"\n", "p.toml:2:8", "unknown rule `MW1101x`"),
        ("[[allow]]\nrule = \"MW1101\"\n", "p.toml:1:1", "expected the key `reason`"),
        (
            "[[pickle]]\nentry = \"a B : no-such-kind\"\nreason = \"r\"\n",
            "p.toml:2:9",
            "no-such-kind",
        ),
        ("deny =", "p.toml:1:", "cannot read this as TOML"),
    ] {
        bench.file("p.toml", text.as_bytes());
        let run = bench.run(&["scan", "--policy", "p.toml", "good.pkl"]);
        assert_eq!(run.code, 2, "{text}");
        assert!(run.err.contains(place) && run.err.contains(words), "{text}: {run:?}");
    }
    let run = bench.run(&["scan", "--policy", "gone.toml", "good.pkl"]);
    assert!(run.code == 2 && run.err.contains("cannot read the policy `gone.toml`"), "{run:?}");
    assert!(run.err.contains("\n   = help: "), "{run:?}");
}

#[test]
fn what_the_report_offers_is_what_policy_add_takes() {
    let bench = Bench::new();
    bench.file("model/odd.pkl", UNKNOWN);
    let report = bench.report(&["model"]);
    assert_eq!(report["verdict"], "denied");
    for finding in report["findings"].as_array().unwrap() {
        let Some(entry) = finding["allow"].as_str() else { continue };
        let run = bench.run(&["policy", "add", entry, "--reason", "our own class"]);
        assert_eq!(run.code, 0, "{run:?}");
    }
    let report = bench.report(&["model"]);
    assert_eq!(report["verdict"], "clean", "{report}");
    let run = bench.run(&["policy", "emit", "--for", "torch"]);
    assert!(run.out.contains("import my.package\n"), "{run:?}");
    assert!(run.out.contains("    my.package.Settings,\n"), "{run:?}");
}

#[test]
fn what_a_policy_cannot_let_through_is_not_written_down() {
    let bench = Bench::new();
    let run = bench.run(&["policy", "add", "MW0001", "--reason", "it is ours"]);
    assert!(run.code == 2 && run.err.contains("what was not read is not proven"), "{run:?}");
    assert!(!bench.path("modelward.toml").exists());
    assert!(!bench.run(&["explain", "MW0001"]).out.contains("[[allow]]"));
}

#[test]
fn an_entry_that_is_there_is_left_as_it_is() {
    let bench = Bench::new();
    let add = |entry: &[&str]| bench.run(&[&["policy", "add", "--reason", "r"], entry].concat());
    let text = || std::fs::read_to_string(bench.path("modelward.toml")).unwrap();
    for (first, again, other) in [
        (&["a B : class"][..], &["a  B  : class"][..], &["a B : value"][..]),
        (&["MW1101", "--path", "x"], &["pickle-foreign-call", "--path", "x"], &["MW1101"]),
    ] {
        add(first);
        let before = text();
        let run = add(again);
        assert!(run.code == 0 && run.err.contains("is let through already"), "{run:?}");
        assert_eq!(text(), before);
        assert_eq!(add(other).err, "");
        assert_ne!(text(), before);
    }
}

#[test]
fn an_entry_that_matches_nothing_is_noted() {
    let bench = Bench::new();
    bench.file("model/bad.pkl", HARMFUL).file("other.pkl", HARMFUL).file("modelward.toml", ALLOW);
    assert_eq!(bench.run(&["scan", "model"]).err, "");
    let run = bench.run(&["scan", "other.pkl"]);
    let note = "note: the policy lets `pickle-foreign-call` in `model/bad.pkl` through, which was";
    assert!(run.code == 1 && run.err.starts_with(note), "{run:?}");
    assert_eq!(bench.run(&["scan", "-q", "other.pkl"]).err, "");
}
