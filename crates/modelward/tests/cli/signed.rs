//! `sign` and `verify`: the same model with and without its changes, and never a network.

use std::{fs, path::Path};

use modelward_provenance::keys::{Curve, SigningKey};
use serde_json::Value;

use crate::{Bench, Run};

/// A bench with a small model, a key made for this test, and a signature.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.file("model/config.json", b"{\"hidden\":1}").file("model/weights.bin", &[7; 9000]);
    bench.file("model/README.md", b"read me");
    keys(&bench, "a");
    let signed = bench.run(&["sign", "model", "--key", "a.pem", "-o", "model.sig"]);
    assert_eq!((signed.code, signed.err.as_str()), (0, ""), "{signed:?}");
    assert!(signed.out.starts_with("signed 3 files, 9.0 kB, root sha256:"), "{signed:?}");
    assert!(
        signed.out.contains("not covered: .git .gitattributes .github .gitignore"),
        "{signed:?}"
    );
    bench
}

pub(crate) fn keys(bench: &Bench, name: &str) {
    let key = SigningKey::generate(Curve::P256).unwrap();
    bench.file(format!("{name}.pem"), key.to_pem(None).unwrap().as_bytes());
    bench.file(format!("{name}.pub.pem"), key.public().pem().as_bytes());
    private(&bench.path(&format!("{name}.pem")));
}

#[cfg(unix)]
pub(crate) fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn private(_: &Path) {}

fn verify(bench: &Bench, more: &[&str]) -> Run {
    let usual = ["verify", "model", "--signature", "model.sig", "--public-key", "a.pub.pem"];
    bench.run(&[&usual, more].concat())
}

fn rules(bench: &Bench, more: &[&str]) -> (i32, Vec<String>) {
    let run = verify(bench, &[&["--format", "json"], more].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    (run.code, findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn the_last_line_and_the_exit_code_agree() {
    let bench = bench();
    let good = verify(&bench, &[]);
    assert_eq!(good.code, 0, "{good:?}");
    let last = "3 files: 3 match, 0 changed, 0 missing, 0 unsigned; verified\n";
    assert!(good.out.ends_with(last), "{good:?}");
    bench.file("model/config.json", b"{\"auto_map\":{\"AutoModel\":\"modeling_x.Model\"}}");
    bench.file(".keep", b"").file("old/config.json", b"{\"hidden\":1}");
    let bad = verify(&bench, &["--against", "old"]);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(
        bad.out.ends_with("3 files: 2 match, 1 changed, 0 missing, 0 unsigned; denied\n"),
        "{bad:?}"
    );
    let head = "high[MW2101]: config.json changed after signing: `auto_map` names modeling_x.py, which runs on load\n  --> model/config.json\n";
    assert!(bad.out.contains(head), "{bad:?}");
    assert!(bad.out.contains("`hidden` went"), "{bad:?}");
}

#[test]
fn a_changed_text_is_mild_and_denies_all_the_same() {
    let bench = bench();
    bench.file("model/README.md", b"read this");
    assert_eq!(rules(&bench, &["--deny", "critical"]), (1, vec!["MW2101".into()]));
    bench.file(
        "modelward.toml",
        b"[[allow]]\nrule = \"file-changed\"\npath = \"README.md\"\nreason = \"a typo\"\n",
    );
    assert_eq!(verify(&bench, &[]).code, 0, "what the policy lets through by name");
}

#[test]
fn what_the_user_gives_wrongly_is_code_2_and_what_is_broken_is_code_1() {
    let bench = bench();
    let code = |arguments: &[&str]| bench.run(arguments).code;
    let verify = ["verify", "model", "--signature", "model.sig"];
    assert_eq!(code(&verify), 2, "neither");
    let both = ["--public-key", "a.pub.pem", "--cert-root", "a.pub.pem"];
    assert_eq!(code(&[&verify[..], &both].concat()), 2);
    let near =
        bench.run(&["verify", "model", "--signature", "model.sgi", "--public-key", "a.pub.pem"]);
    assert_eq!(near.code, 2);
    assert!(near.err.contains("did you mean `model.sig`?"), "{near:?}");
    assert_eq!(
        code(&["verify", "none", "--signature", "model.sig", "--public-key", "a.pub.pem"]),
        2
    );
    bench.file("broken.sig", b"{}");
    let broken = ["verify", "model", "--signature", "broken.sig", "--public-key", "a.pub.pem"];
    assert_eq!(code(&broken), 1);
    keys(&bench, "b");
    assert_eq!(
        code(&["verify", "model", "--signature", "model.sig", "--public-key", "b.pub.pem"]),
        1
    );
    let again = bench.run(&["sign", "model", "--key", "a.pem", "-o", "model.sig"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("`--force`"), "{again:?}");
    assert_eq!(code(&["sign", "model", "--key", "a.pem", "-o", "model.sig", "--force"]), 0);
    fs::create_dir(bench.path("empty")).unwrap();
    assert_eq!(code(&["sign", "empty", "--key", "a.pem", "-o", "empty.sig"]), 2);
    assert!(!bench.path("empty.sig").exists());
    let pattern = ["sign", "model", "--key", "a.pem", "-o", "x.sig", "--ignore", "*.bin"];
    assert_eq!(code(&pattern), 2);
}

#[test]
fn what_is_missing_in_a_part_is_code_3() {
    let bench = bench();
    fs::remove_file(bench.path("model/weights.bin")).unwrap();
    assert_eq!(rules(&bench, &[]), (1, vec!["MW2102".into()]));
    let part = verify(&bench, &["--partial"]);
    assert_eq!(part.code, 3);
    assert!(part.out.ends_with("not verified as a whole, 1 unread\n"), "{part:?}");
}

#[test]
fn a_copy_is_there_only_when_all_is_verified() {
    let bench = bench();
    assert_eq!(verify(&bench, &["--copy-to", "copy"]).code, 0);
    assert_eq!(fs::read(bench.path("copy/weights.bin")).unwrap(), [7; 9000]);
    assert_eq!(verify(&bench, &["--copy-to", "copy"]).code, 2, "never over what is there");
    bench.file("model/weights.bin", &[8; 9000]);
    assert_eq!(verify(&bench, &["--copy-to", "other"]).code, 1);
    assert!(!bench.path("other").exists());
    let names = fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(
        !names.map(|name| name.into_string().unwrap()).any(|name| name.starts_with(".modelward"))
    );
}

#[cfg(unix)]
#[test]
fn a_command_sees_the_verified_copy_and_only_that() {
    let bench = bench();
    let run = verify(&bench, &["--quiet", "--exec", "sh", "-c", "cat {}/README.md; exit 7"]);
    assert_eq!((run.code, run.out.ends_with("read me")), (7, true), "{run:?}");
    bench.file("model/README.md", b"other");
    let run = verify(&bench, &["--exec", "sh", "-c", "echo ran"]);
    assert_eq!((run.code, run.out.contains("\nran")), (1, false), "{run:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_verbs_need_no_network() {
    use std::process::Command;
    let bench = bench();
    let alone = |arguments: &str| {
        let command = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_modelward"));
        let mut alone = Command::new("unshare");
        alone.args(["-rn", "sh", "-c", &command]).current_dir(&bench.folder);
        Run::of(alone.output().unwrap())
    };
    let can = Command::new("unshare").args(["-rn", "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        // Where the system gives no namespaces to users there is nothing to try.
        return;
    }
    let signed = alone("sign model --key a.pem -o again.sig");
    assert_eq!(signed.code, 0, "{signed:?}");
    let verified = alone("verify model --signature again.sig --public-key a.pub.pem");
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn what_is_denied_by_a_scan_is_not_signed() {
    let bench = bench();
    fs::remove_file(bench.path("model/weights.bin")).unwrap();
    bench.file("model/model.pkl", crate::HARMLESS);
    let sign = ["sign", "model", "--key", "a.pem", "--scan", "-o", "scanned.sig"];
    let signed = bench.run(&sign);
    assert_eq!(signed.code, 0, "{signed:?}");
    let verify = ["verify", "model", "--signature", "scanned.sig", "--public-key", "a.pub.pem"];
    assert_eq!(bench.run(&verify).code, 0, "the digests of the scan are those of the files");
    bench.file("model/model.pkl", crate::HARMFUL);
    fs::remove_file(bench.path("scanned.sig")).unwrap();
    assert_eq!(bench.run(&sign).code, 1);
    assert!(!bench.path("scanned.sig").exists());
}
