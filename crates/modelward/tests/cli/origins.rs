//! What an audit says of signatures and locks, and reports that travel with a model.

use std::fs;

use serde_json::Value;

use crate::{
    Bench,
    signed::{keys, private},
};

/// A bench with a model whose scan is clean, a key, and a signature beside it.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("model/weights.pkl", crate::HARMLESS).file("model/README.md", b"read me");
    keys(&bench, "a");
    bench
}

fn sign(bench: &Bench, more: &[&str]) {
    let run = bench.run(&[&["sign", "model", "--key", "a.pem"], more].concat());
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
}

/// The exit code of an audit, and what it found with how bad that is.
fn audit(bench: &Bench, more: &[&str]) -> (i32, Vec<String>) {
    let run = bench.run(&[&["audit", "--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let found = findings.map(|it| format!("{} {}", text(it, "rule"), text(it, "severity")));
    let mut found = found.collect::<Vec<_>>();
    found.sort();
    (run.code, found)
}

const POLICY: &[u8] = b"[provenance]\npublic-keys = [\"a.pub.pem\"]\n";

#[test]
fn an_unsigned_model_is_told_of_and_not_denied_unless_a_signer_is_required() {
    let bench = bench();
    assert_eq!(audit(&bench, &["model"]), (0, vec!["MW2008 low".into()]));
    assert_eq!(audit(&bench, &["model/weights.pkl"]), (0, vec![]));
    assert_eq!(bench.report(&["model"])["findings"], Value::Array(Vec::new()), "a scan is none");
    bench.file(
        "keys/policy.toml",
        &[b"[provenance]\n", &POLICY[13..], b"require = true\n"].concat(),
    );
    let missing = bench.run(&["audit", "model", "--policy", "keys/policy.toml"]);
    assert!(missing.code == 2 && missing.err.contains("keys/a.pub.pem"), "{missing:?}");
    fs::copy(bench.path("a.pub.pem"), bench.path("keys/a.pub.pem")).unwrap();
    let required = audit(&bench, &["model", "--policy", "keys/policy.toml"]);
    assert_eq!(required, (1, vec!["MW2008 high".into()]));
}

#[test]
fn a_signature_beside_or_in_the_model_is_verified() {
    for place in ["model.sig", "model/model.sig"] {
        let bench = bench();
        sign(&bench, &["-o", place]);
        assert_eq!(audit(&bench, &["model"]), (0, vec!["MW2009 low".into()]), "{place}");
        bench.file("modelward.toml", POLICY);
        assert_eq!(audit(&bench, &["model"]), (0, vec![]), "{place}");
        bench.file("model/README.md", b"read this");
        assert_eq!(audit(&bench, &["model"]), (1, vec!["MW2101 medium".into()]), "{place}");
        bench.file("model/README.md", b"read me").file("model/new.json", b"{}");
        assert_eq!(audit(&bench, &["model"]), (1, vec!["MW2103 high".into()]), "{place}");
        fs::remove_file(bench.path("model/new.json")).unwrap();
        keys(&bench, "b");
        bench.file("modelward.toml", b"[provenance]\npublic-keys = [\"b.pub.pem\"]\n");
        assert_eq!(audit(&bench, &["model"]), (1, vec!["MW2009 medium".into()]), "{place}");
    }
}

#[test]
fn a_broken_signature_is_critical_and_other_kinds_are_left_alone() {
    let bench = bench();
    sign(&bench, &["-o", "model.sig"]);
    bench.file("modelward.toml", POLICY);
    let bundle = fs::read_to_string(bench.path("model.sig")).unwrap();
    let mut json: Value = serde_json::from_str(&bundle).unwrap();
    json["dsseEnvelope"]["payload"] = "e30=".into();
    bench.file("model.sig", json.to_string().as_bytes());
    assert_eq!(audit(&bench, &["model"]), (1, vec!["MW2001 critical".into()]));
    bench.file("model.sig", bundle.replace("publicKey", "publicKeys").as_bytes());
    let (code, found) = audit(&bench, &["model"]);
    assert!(code == 1 && found.len() == 1 && found[0].starts_with("MW2005"), "{found:?}");
    bench.file("model.sig", b"-----BEGIN PGP SIGNATURE-----\n");
    assert_eq!(audit(&bench, &["model"]), (0, vec!["MW2008 low".into()]));
}

#[test]
fn what_runs_outside_the_signature_is_told_of() {
    let bench = bench();
    bench.file("model/.git/hooks/post-checkout", b"#!/bin/sh\necho\n");
    sign(&bench, &["-o", "model.sig"]);
    bench.file("modelward.toml", POLICY);
    let (_, found) = audit(&bench, &["model"]);
    assert!(found.contains(&"MW2104 low".into()), "{found:?}");
}

#[test]
fn a_policy_or_a_lock_in_the_target_is_not_obeyed() {
    let bench = bench();
    sign(&bench, &["-o", "model/model.sig"]);
    fs::copy(bench.path("a.pub.pem"), bench.path("model/a.pub.pem")).unwrap();
    bench.file("model/modelward.toml", POLICY).file("model/modelward.lock", b"version = 1\n");
    let mut command = bench.command(&["audit", "--format", "json", "."]);
    let run = crate::Run::of(command.current_dir(bench.path("model")).output().unwrap());
    assert!(run.err.contains("the lock in the working directory lies inside"), "{run:?}");
    assert!(run.out.contains("MW2009") && !run.out.contains("MW2103"), "{run:?}");
}

#[test]
fn a_locked_model_is_held_against_the_lock() {
    let bench = bench();
    let locked = bench.run(&["lock", "model"]);
    assert_eq!(locked.code, 0, "{locked:?}");
    assert_eq!(audit(&bench, &["model"]), (0, vec!["MW2008 low".into()]));
    bench.file("model/README.md", b"read this").file("model/more.md", b"more");
    let found = vec!["MW2008 low".into(), "MW2201 high".into(), "MW2202 medium".into()];
    assert_eq!(audit(&bench, &["model"]), (1, found));
    fs::create_dir(bench.path("models")).unwrap();
    fs::rename(bench.path("model"), bench.path("models/model")).unwrap();
    assert_eq!(bench.run(&["lock", "models/model", "--lock", "modelward.lock"]).code, 0);
    bench.file("models/model/more.md", b"less");
    let (code, found) = audit(&bench, &["models"]);
    assert!(code == 1 && found.contains(&"MW2201 high".into()), "{found:?}");
}

#[test]
fn a_model_that_is_locked_under_another_source_is_found_where_it_lies() {
    let bench = bench();
    let source = ["lock", "model", "--source", "hf:org/name"];
    assert_eq!(bench.run(&source).code, 0);
    let lock = fs::read_to_string(bench.path("modelward.lock")).unwrap();
    assert!(lock.contains("\npath = \"model\"\n"), "{lock}");
    for check in [&["lock", "--check"][..], &["lock", "--check", "model"]] {
        let run = bench.run(check);
        assert!(run.code == 0 && run.out.starts_with("as locked  hf:org/name\n"), "{run:?}");
    }
    assert!(bench.run(&source).out.starts_with("unchanged"));
    bench.file("model/README.md", b"read this");
    let (code, found) = audit(&bench, &["model"]);
    assert!(code == 1 && found.contains(&"MW2201 high".into()), "{found:?}");
    // One place has one model.
    let other = bench.run(&["lock", "model"]);
    assert!(other.code == 1 && other.out.contains("`hf:org/name` is locked there"), "{other:?}");
    assert_eq!(bench.run(&["lock", "model", "--update"]).code, 0);
    let lock = fs::read_to_string(bench.path("modelward.lock")).unwrap();
    assert!(lock.contains("file:model") && !lock.contains("hf:org/name"), "{lock}");
}

#[test]
fn a_lock_names_the_signer_whom_the_policy_knows() {
    let bench = bench();
    sign(&bench, &["-o", "model.sig"]);
    bench.file("modelward.toml", POLICY);
    let signer = || {
        assert_eq!(bench.run(&["lock", "model", "--update"]).code, 0);
        fs::read_to_string(bench.path("modelward.lock")).unwrap().contains("\nsigner = \"key ")
    };
    assert!(signer());
    bench.file("model/README.md", b"read this");
    assert!(!signer(), "no longer what was signed");
    bench.file("model/README.md", b"read me");
    assert!(signer());
    keys(&bench, "b");
    bench.file("modelward.toml", b"[provenance]\npublic-keys = [\"b.pub.pem\"]\n");
    assert!(!signer());
}

#[test]
fn a_keyless_signer_is_one_whom_the_policy_names() {
    let bench = bench();
    bench.file(
        "model.sig",
        include_bytes!("../../../modelward-provenance/tests/sigstore/bundle.json"),
    );
    let root = include_bytes!("../../../modelward-provenance/tests/sigstore/trusted_root.json");
    bench.file("keys/root.json", root);
    let policy = |identity: &str| {
        let policy = format!(
            "[provenance]\ntrusted-root = \"keys/root.json\"\nexpect-identity = \"{identity}\"\n\
             expect-issuer = \"https://sigstore.verify.ibm.com/oauth2\"\n"
        );
        bench.file("modelward.toml", policy.as_bytes());
        audit(&bench, &["model"])
    };
    // The signature holds, and is of another model.
    let (code, found) = policy("stefanb@us.ibm.com");
    assert!(code == 1 && found.iter().all(|it| !it.starts_with("MW2009")), "{found:?}");
    assert!(found.iter().any(|it| it.starts_with("MW2102")), "{found:?}");
    assert_eq!(policy("somebody@us.ibm.com"), (1, vec!["MW2009 medium".into()]));
}

#[test]
fn folders_of_a_caches_names_do_not_hide_a_model() {
    let bench = bench();
    sign(&bench, &["-o", "model.sig"]);
    bench.file("modelward.toml", &[POLICY, b"require = true\n"].concat());
    assert_eq!(bench.run(&["lock", "model"]).code, 0);
    assert_eq!(audit(&bench, &["model"]), (0, vec![]));
    bench.file("model/README.md", b"read this");
    fs::create_dir_all(bench.path("model/blobs")).unwrap();
    fs::create_dir_all(bench.path("model/snapshots")).unwrap();
    let (code, found) = audit(&bench, &["model"]);
    assert_eq!((code, found), (1, vec!["MW2101 medium".into(), "MW2201 high".into()]));
}

#[test]
fn where_a_signer_is_required_no_name_and_no_form_does_without() {
    let bench = bench();
    bench.file("modelward.toml", &[POLICY, b"require = true\n"].concat());
    bench.file("folder/weights.dat", b"12");
    bench.file("one.tar", &[0; 1024]);
    for target in ["model", "model/weights.pkl", "folder", "one.tar"] {
        let (code, found) = audit(&bench, &[target]);
        assert!(code == 1 && found.contains(&"MW2008 high".into()), "{target}: {found:?}");
    }
    let mut command = bench.command(&["audit", "--format", "json", "-"]);
    let input = fs::File::open(bench.path("model/weights.pkl")).unwrap();
    let run = crate::Run::of(command.stdin(input).output().unwrap());
    assert!(run.code == 1 && run.out.contains("MW2008"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_locked_model_is_known_behind_a_link_and_by_its_parts() {
    let bench = bench();
    assert_eq!(bench.run(&["lock", "model"]).code, 0);
    let of = |target: &str| {
        let (code, found) = audit(&bench, &[target]);
        (code, found.into_iter().filter(|it| it.starts_with("MW22")).collect::<Vec<_>>())
    };
    assert_eq!(of("model/README.md"), (0, vec![]));
    bench.file("model/README.md", b"read this");
    assert_eq!(of("model/README.md"), (1, vec!["MW2201 high".into()]));
    assert_eq!(of("model/weights.pkl"), (0, vec![]));
    fs::create_dir(bench.path("elsewhere")).unwrap();
    fs::rename(bench.path("model"), bench.path("elsewhere/real")).unwrap();
    std::os::unix::fs::symlink("elsewhere/real", bench.path("model")).unwrap();
    assert_eq!(of("model"), (1, vec!["MW2201 high".into()]));
}

#[test]
fn a_signature_that_is_none_cannot_be_let_through() {
    let bench = bench();
    keys(&bench, "b");
    sign(&bench, &["-o", "model.sig"]);
    bench.file("bad.sig", b"{\"mediaType\": \"application/vnd.dev.sigstore.bundle\"}");
    for (signature, rule) in [("bad.sig", "bundle-malformed"), ("model.sig", "signer-untrusted")] {
        let policy = format!("[[allow]]\nrule = \"{rule}\"\nreason = \"ours\"\n");
        bench.file("modelward.toml", policy.as_bytes());
        let run = bench.run(&[
            "verify",
            "model",
            "--signature",
            signature,
            "--public-key",
            "b.pub.pem",
            "--exec",
            "touch",
            "ran",
        ]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(!bench.path("ran").exists(), "{rule}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_command_and_leaves_no_copy() {
    let bench = bench();
    sign(&bench, &["-o", "model.sig"]);
    fs::create_dir(bench.path("tmp")).unwrap();
    let mut command = bench.command(&[
        "verify",
        "model",
        "--signature",
        "model.sig",
        "--public-key",
        "a.pub.pem",
        "--exec",
        "sh",
        "-c",
        "ls {} > seen; kill -TERM $PPID; exec sleep 60",
    ]);
    let run = crate::Run::of(command.env("TMPDIR", bench.path("tmp")).output().unwrap());
    assert_eq!(run.code, 128 + 15, "{run:?}");
    assert!(fs::read_to_string(bench.path("seen")).unwrap().contains("weights.pkl"));
    assert_eq!(fs::read_dir(bench.path("tmp")).unwrap().count(), 0);
}

#[test]
fn nothing_that_is_read_or_written_beside_is_written_over() {
    let bench = bench();
    let run = bench.run(&[
        "sign",
        "model",
        "--key",
        "a.pem",
        "--scan",
        "-o",
        "m.sig",
        "--report-to",
        "./m.sig",
    ]);
    assert_eq!(run.code, 2, "{run:?}");
    sign(&bench, &["-o", "m.sig"]);
    for given in ["m.sig", "a.pub.pem"] {
        let before = fs::read(bench.path(given)).unwrap();
        let run = bench.run(&[
            "verify",
            "model",
            "--signature",
            "m.sig",
            "--public-key",
            "a.pub.pem",
            "--format",
            "json",
            "-o",
            given,
        ]);
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(fs::read(bench.path(given)).unwrap(), before);
    }
    // Keys: a folder in the place of one of them, and one file for both.
    fs::create_dir(bench.path("folder")).unwrap();
    let public = fs::read(bench.path("a.pub.pem")).unwrap();
    for more in [["-o", "folder"], ["-o", "./a.pub.pem"]] {
        let run = bench.run(&[&["keygen", "--public", "a.pub.pem", "--force"][..], &more].concat());
        assert_eq!(run.code, 2, "{run:?}");
        assert_eq!(fs::read(bench.path("a.pub.pem")).unwrap(), public);
    }
    // A lock does not lie in a model, and one of nothing checks nothing.
    let inside = bench.run(&["lock", "model", "--lock", "model/modelward.lock"]);
    assert_eq!(inside.code, 2, "{inside:?}");
    bench.file("modelward.lock", b"version = 1\n");
    assert_eq!(bench.run(&["lock", "--check"]).code, 2);
}

#[cfg(unix)]
#[test]
fn the_snapshots_of_a_cache_are_models() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new();
    keys(&bench, "a");
    let cache = "hub/models--org--name";
    let snapshot = format!("{cache}/snapshots/{}", "0a".repeat(20));
    bench.file(format!("{cache}/blobs/weights"), crate::HARMLESS);
    fs::create_dir_all(bench.path(&snapshot)).unwrap();
    symlink("../../blobs/weights", bench.path(&snapshot).join("weights.pkl")).unwrap();
    assert_eq!(audit(&bench, &[cache]), (0, vec!["MW2008 low".into()]));
    assert_eq!(audit(&bench, &["hub"]), (0, vec!["MW2008 low".into()]), "the cache of all");
    let signature = format!("{snapshot}/model.sig");
    let sign = ["sign", &snapshot, "--key", "a.pem", "-o", &signature];
    let signed = bench.run(&sign);
    assert_eq!(signed.code, 0, "{signed:?}");
    bench.file("modelward.toml", POLICY);
    assert_eq!(bench.run(&["lock", &snapshot]).code, 0);
    assert_eq!(audit(&bench, &[cache]), (0, vec![]));
    bench.file(format!("{cache}/blobs/weights"), b"\x80\x02}q\x00.");
    let found = vec!["MW2101 high".into(), "MW2201 high".into()];
    assert_eq!(audit(&bench, &[cache]), (1, found.clone()));
    assert_eq!(audit(&bench, &["hub"]), (1, found));
}

/// The exit code of verifying with a signed report, and the rules.
fn verify(bench: &Bench, more: &[&str]) -> (i32, Vec<String>) {
    let usual = ["verify", "model", "--signature", "model.sig", "--public-key", "a.pub.pem"];
    let run = bench.run(&[&usual[..], &["--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    (run.code, findings.map(|it| it["rule"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_report_travels_with_the_model_it_is_about() {
    let bench = bench();
    let both = ["--scan", "-o", "model.sig", "--report-to", "report.sig"];
    sign(&bench, &both);
    let report = ["--report", "report.sig", "--require-scan"];
    assert_eq!(verify(&bench, &report), (0, vec![]));
    assert_eq!(verify(&bench, &["--require-scan"]), (1, vec!["MW2403".into()]));
    let usual = ["verify", "model", "--signature", "model.sig", "--public-key", "a.pub.pem"];
    let plain = bench.run(&[&usual[..], &report].concat());
    let version = env!("CARGO_PKG_VERSION");
    assert!(plain.out.contains("scanned    clean: 0 findings, 0 unread"), "{plain:?}");
    assert!(plain.out.contains(&format!("by modelward {version}\n")), "{plain:?}");
    assert!(plain.out.contains("signed today, 20"), "{plain:?}");
    // Another model, soundly signed.
    bench.file("model/README.md", b"read this");
    sign(&bench, &["-o", "model.sig", "--force", "--hash", "blake3"]);
    assert_eq!(verify(&bench, &report), (1, vec!["MW2401".into()]));
    keys(&bench, "b");
    let run = bench.run(&[
        "sign",
        "model",
        "--key",
        "b.pem",
        "--scan",
        "-o",
        "b.sig",
        "--report-to",
        "b-report.sig",
    ]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(verify(&bench, &["--report", "b-report.sig"]), (1, vec!["MW2002".into()]));
    assert_eq!(verify(&bench, &["--report", "model.sig"]), (1, vec!["MW2006".into()]));
}

#[test]
fn a_report_and_a_signature_may_lie_in_the_model() {
    let bench = bench();
    sign(&bench, &["--scan", "-o", "model/model.sig", "--report-to", "model/report.sig"]);
    let verify = ["verify", "model", "--signature", "model/model.sig", "--public-key", "a.pub.pem"];
    let run = bench.run(&[&verify[..], &["--report", "model/report.sig"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    bench.file("modelward.toml", POLICY);
    assert_eq!(audit(&bench, &["model"]), (0, vec![]));
    // The report was there first, and is signed as a part of the model.
    fs::remove_file(bench.path("model/model.sig")).unwrap();
    sign(&bench, &["-o", "model/model.sig"]);
    let run = bench.run(&[&verify[..], &["--report", "model/report.sig"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_report_that_was_made_before_is_signed_only_for_its_model() {
    let bench = bench();
    sign(&bench, &["-o", "model.sig"]);
    let scan = |name: &str| bench.run(&["scan", "model", "--format", "json", "-o", name]).code;
    assert_eq!(scan("clean.json"), 0);
    sign(&bench, &["--report", "clean.json", "-o", "clean.sig"]);
    assert_eq!(verify(&bench, &["--report", "clean.sig"]), (0, vec![]));
    bench.file("model/weights.pkl", crate::HARMFUL);
    let refused = ["sign", "model", "--key", "a.pem", "-o", "x.sig", "--report"];
    let run = bench.run(&[&refused[..], &["clean.json"]].concat());
    assert!(run.code == 2 && run.err.contains("is not about this model"), "{run:?}");
    bench.file("other.json", b"{}");
    let run = bench.run(&[&refused[..], &["other.json"]].concat());
    assert!(run.code == 2 && run.err.contains("no report of modelward"), "{run:?}");
    assert!(!bench.path("x.sig").exists());
    assert_eq!(scan("denied.json"), 1);
    sign(&bench, &["--report", "denied.json", "-o", "denied.sig"]);
    sign(&bench, &["-o", "model.sig", "--force"]);
    assert_eq!(verify(&bench, &["--report", "denied.sig"]), (1, vec!["MW2402".into()]));
}

#[test]
fn what_a_scan_denies_is_signed_only_where_the_policy_lets_it_through() {
    let bench = bench();
    bench.file("model/weights.pkl", crate::HARMFUL);
    let sign = ["sign", "model", "--key", "a.pem", "--scan", "-o", "s.sig", "--report-to", "r.sig"];
    let run = bench.run(&[&sign[..], &["--force"]].concat());
    assert!(run.code == 1 && run.out.ends_with("not signed\n"), "{run:?}");
    assert!(!bench.path("s.sig").exists() && !bench.path("r.sig").exists());
    let report = bench.report(&["model"]);
    let rules = report["findings"].as_array().unwrap().iter();
    let allow = rules.map(|it| format!("[[allow]]\nrule = {}\nreason = \"known\"\n", it["rule"]));
    bench.file("allow.toml", allow.collect::<String>().as_bytes());
    let run = bench.run(&[&sign[..], &["--policy", "allow.toml"]].concat());
    assert_eq!(run.code, 0, "{run:?}");
    let run = bench.run(&[
        "verify",
        "model",
        "--signature",
        "s.sig",
        "--public-key",
        "a.pub.pem",
        "--report",
        "r.sig",
    ]);
    assert!(run.code == 0 && run.out.contains("let through by the policy"), "{run:?}");
}

#[test]
fn a_broken_seal_is_reported_as_every_finding() {
    let bench = bench();
    let run = bench.run(&["keygen", "--age", "-o", "identity.txt"]);
    assert_eq!(run.code, 0, "{run:?}");
    let recipient = run.out.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    let sealed = bench.run(&["seal", "model/README.md", "--recipient", recipient, "-o", "r.age"]);
    assert_eq!(sealed.code, 0, "{sealed:?}");
    private(&bench.path("identity.txt"));
    let unseal = ["unseal", "r.age", "--identity", "identity.txt", "-o", "out.md"];
    assert_eq!(bench.run(&unseal).code, 0);
    assert_eq!(fs::read(bench.path("out.md")).unwrap(), b"read me");
    let mut bytes = fs::read(bench.path("r.age")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    bench.file("r.age", &bytes);
    fs::remove_file(bench.path("out.md")).unwrap();
    let run = bench.run(&unseal);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.out.starts_with("high[MW2501]: ") && run.out.contains("  --> r.age\n"), "{run:?}");
    assert!(run.out.contains("1 finding (1 denied, 0 allowed)"), "{run:?}");
    assert!(!bench.path("out.md").exists());
}
