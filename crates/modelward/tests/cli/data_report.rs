//! What a check of data shows on a page, what an audit says of data, schemas, and hostile content of every kind.

use serde_json::Value;

use crate::Bench;

fn json(run: &crate::Run) -> Value {
    serde_json::from_str(&run.out).expect(&run.err)
}

/// Texts of two kinds, of which some carry hostile content.
fn texts() -> String {
    let mut lines = String::new();
    for row in 0..300 {
        let (text, label) = match row {
            7 => (
                "<script>alert('x')</script><img src=x onerror=alert(1)>\\u0000 and \\u202e turned"
                    .into(),
                "bad",
            ),
            11 => ("=HYPERLINK(\\\"http://example.invalid/\\\",\\\"<b>\\\")".to_owned(), "good"),
            13 => ("look at http://169.254.169.254/latest/meta-data/ now".to_owned(), "good"),
            row if row % 2 == 0 => (format!("a fine day number {row} by the sea"), "good"),
            row => (format!("nothing works, number {row} is broken"), "bad"),
        };
        lines.push_str(&format!("{{\"text\": \"{text}\", \"label\": \"{label}\"}}\n"));
    }
    lines
}

#[test]
fn the_page_shows_rows_and_columns_and_runs_nothing() {
    let bench = Bench::new();
    bench.file("t.jsonl", texts().as_bytes());
    let page = |threads: &str| {
        let run = bench.run(&[
            "data",
            "check",
            "t.jsonl",
            "--format",
            "html",
            "-o",
            "p.html",
            "--threads",
            threads,
            "--seed",
            "3",
        ]);
        assert_eq!(run.code, 1, "{run:?}");
        std::fs::read_to_string(bench.path("p.html")).unwrap()
    };
    let one = page("1");
    assert!(one.contains("Do not train on this as it is"));
    assert!(one.contains("<h2>To look at</h2>") && one.contains("formula: "), "{one}");
    assert!(one.contains("<mark>=HYPERLINK(&quot;http://example.invalid/&quot;"), "{one}");
    assert!(one.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), "{one}");
    assert!(one.contains("\\u{202e}") && one.contains("\\u{0}"), "hidden characters are spelt out");
    // Labels and columns, as drawings without a script.
    assert!(one.contains("Labels in label") && one.contains("<svg") && one.contains("text"));
    let body = one.split("</style>").nth(1).unwrap();
    for word in ["<script", "<img src=x", "onerror=alert(1)>", "href=", "<link", "@import", "url("]
    {
        assert!(!body.contains(word), "{word}");
    }
    assert!(!body.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'));
    // The same bytes, but for how long it took.
    let still = |page: &str| {
        let lines = page.lines().filter(|line| !line.contains("class=\"done\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(still(&one), still(&page("3")));
}

#[test]
fn the_page_is_bounded_and_says_what_it_leaves_out() {
    let bench = Bench::new();
    let mut text = String::from("name,note\n");
    for row in 0..3000 {
        text.push_str(&format!("n{row},\"=SUM(A{row}:B9) {}\"\n", "long ".repeat(400)));
    }
    bench.file("t.csv", text.as_bytes());
    let run = bench.run(&["data", "check", "t.csv", "--only", "formula", "--format", "html"]);
    assert!(run.out.len() < 60_000, "{}", run.out.len());
    assert!(run.out.contains("2988 more are not shown; the JSON report lists all"), "{}", run.out);
}

#[test]
fn credentials_are_found_and_never_shown() {
    let bench = Bench::new();
    // Put together here, so that no scanner takes this file for a leak.
    let token = ["ghp", "_a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ"].concat();
    let mut text = String::from("note,y\n");
    for row in 0..60 {
        text.push_str(&format!("=cmd({row}) token {token} zero\u{200b}width,{token}\n"));
    }
    bench.file("t.csv", text.as_bytes());
    for form in ["plain", "json", "sarif", "html"] {
        let run = bench.run(&["data", "check", "t.csv", "--label", "y", "--format", form]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(!run.out.contains(&token), "{form}: {}", run.out);
        assert!(form == "sarif" || run.out.contains("ghp_..."), "{form}: {}", run.out);
    }
    let run = bench.run(&["data", "check", "t.csv", "--only", "secret", "--format", "json"]);
    let report = json(&run);
    assert_eq!(report["findings"][0]["rule"], "MW3504");
    assert_eq!(report["measurements"][0]["checks"]["secret"]["count"], 120, "in both columns");
}

#[test]
fn a_credential_that_is_cut_or_quoted_is_never_shown() {
    let bench = Bench::new();
    // Put together here, so that no scanner takes this file for a leak. Longer than what is shown of a value.
    let token = ["github", "_pat_", &"a1B2c3D4e5".repeat(8), "Zz"].concat();
    let mut text = String::from("note,kind,y\n");
    for row in 0..80 {
        let (kind, label) =
            (["one", "two"][row % 2], if row % 4 == 1 { token.as_str() } else { "plain" });
        text.push_str(&format!("=cmd({row}) {token},{kind} {token},{label}\n"));
    }
    bench
        .file("t.csv", text.as_bytes())
        .file("u.csv", text.replace("=cmd(7)", "=cmd(8)").as_bytes());
    bench
        .file("s.toml", b"[column.kind]\ncategories = [\"one\"]\n[column.y]\ntype = \"integer\"\n");
    for form in ["plain", "json", "sarif", "html"] {
        let words =
            ["data", "check", "t.csv", "--schema", "s.toml", "--group", "kind", "--format", form];
        let run = bench.run(&words);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(!run.out.contains("a1B2") && !run.err.contains("a1B2"), "{form}: {}", run.out);
    }
    let clean = ["data", "clean", "t.csv", "--only", "formula", "-o", "c.csv", "--quarantine", "q"];
    assert_eq!(bench.run(&clean).code, 0);
    let reasons = std::fs::read_to_string(bench.path("q/quarantine.jsonl")).unwrap();
    assert!(!reasons.contains("a1B2"), "{reasons}");
    for form in ["plain", "json"] {
        let run = bench.run(&["data", "diff", "t.csv", "u.csv", "--format", form]);
        assert!(run.code == 1 && run.out.contains("=cmd(8)"), "{run:?}");
        assert!(!run.out.contains("a1B2"), "{form}: {}", run.out);
    }
}

#[test]
fn files_in_images_and_code_beside_them_are_named() {
    let bench = Bench::new();
    let size = modelward_formats::picture::Size { width: 8, height: 8 };
    for at in 0..6_u8 {
        let mut png = modelward_formats::picture::write_png(&[at * 40; 8 * 8 * 3], size).unwrap();
        if at == 4 {
            png.extend(b"#!/bin/sh\necho a script behind the end of an image\n");
        }
        bench.file(format!("p/{}/{at}.png", ["cat", "dog"][usize::from(at % 2)]), &png);
    }
    bench.file("p/cat/z_load.py", b"import os\n");
    let run = bench.run(&["data", "check", "p", "--only", "hidden-file", "--format", "json"]);
    let report = json(&run);
    let rules =
        report["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap());
    assert_eq!(rules.collect::<Vec<_>>(), ["MW3507", "MW3506"], "{report}");
    assert_eq!(
        report["measurements"][0]["checks"]["hidden-file"]["flagged"][0]["row"], 2,
        "{report}"
    );
    let run = bench.run(&["data", "check", "p", "--only", "hidden-file", "--format", "html"]);
    assert!(
        run.out.contains("src=\"data:image/png;base64,") && run.out.contains("row 2, labelled cat")
    );
}

#[test]
fn a_schema_is_held_against_the_set() {
    let bench = Bench::new();
    let mut text = String::from("age,city\n");
    for row in 0..40 {
        let (age, city) = (if row == 5 { 200 } else { 20 + row }, ["Oslo", "Rome"][row % 2]);
        text.push_str(&format!("{age},{city}\n"));
    }
    bench.file("t.csv", text.as_bytes());
    let schema = "extra = \"deny\"\n[column.age]\ntype = \"integer\"\nmin = 0\nmax = 120\n\
                  [column.city]\ncategories = [\"Oslo\", \"Rome\"]\n";
    bench.file("s.toml", schema.as_bytes());
    let words =
        ["data", "check", "t.csv", "--schema", "s.toml", "--only", "schema", "--format", "json"];
    let run = bench.run(&words);
    let report = json(&run);
    assert_eq!(
        (run.code, report["findings"][0]["rule"].as_str().unwrap()),
        (1, "MW3003"),
        "{report}"
    );
    assert_eq!(report["measurements"][0]["checks"]["schema"]["flagged"][0]["row"], 5);
    bench.file("s.toml", schema.replace("max", "maxi").as_bytes());
    let run = bench.run(&words);
    assert!(run.code == 2 && run.err.contains("did you mean `max`?"), "{run:?}");
    // The report of an earlier check is a schema.
    let run = bench
        .run(&["data", "check", "t.csv", "--only", "profile", "--format", "json", "-o", "r.json"]);
    assert_eq!(run.code, 0, "{run:?}");
    let again =
        ["data", "check", "u.csv", "--schema", "r.json", "--only", "schema", "--format", "json"];
    bench.file("u.csv", text.replace("20,Oslo", ",Oslo").as_bytes());
    let report = json(&bench.run(&again));
    let problem = &report["measurements"][0]["checks"]["schema"]["set"][0];
    assert_eq!(
        (&problem["column"], &problem["what"]),
        (&"age".into(), &"nulls".into()),
        "{report}"
    );
    bench.file("u.csv", text.as_bytes());
    assert_eq!(bench.run(&again).code, 0);
}

#[test]
fn files_of_a_set_are_held_against_each_other() {
    let bench = Bench::new();
    for file in 0..4_u32 {
        let mut text = String::from("a,b\n");
        for row in 0..200_u32 {
            let noise = (row.wrapping_mul(2_654_435_761) ^ (file * 97)) >> 8;
            let shift = if file == 2 { 40 } else { 0 };
            text.push_str(&format!("{},{}\n", noise % 100 + shift, noise % 7));
        }
        bench.file(format!("d/{file}.csv"), text.as_bytes());
    }
    let run = bench.run(&["data", "check", "d", "--only", "drift", "--format", "json"]);
    let report = json(&run);
    let files = report["measurements"][0]["checks"]["drift"]["files"].as_array().unwrap();
    assert!(
        files.iter().any(|file| file["file"] == "d/2.csv" && file["column"] == "a"),
        "{report}"
    );
    assert!(files.iter().all(|file| file["column"] == "a"), "{report}");
}

#[test]
fn a_split_by_time_that_overlaps_is_told() {
    let bench = Bench::new();
    let day = |at: u32| format!("2026-{:02}-{:02}", 1 + at / 28, 1 + at % 28);
    let table = |days: &mut dyn Iterator<Item = u32>| {
        let rows = days.map(|at| format!("{},{},{}\n", day(at), at * 7919 % 1000, at % 2));
        format!("day,x,y\n{}", rows.collect::<String>())
    };
    bench.file("train.csv", table(&mut (0..200)).as_bytes());
    let words =
        ["data", "check", "train.csv", "--test", "test.csv", "--only", "leak", "--format", "json"];
    let times = |test: String| {
        bench.file("test.csv", test.as_bytes());
        json(&bench.run(&words))["measurements"][0]["checks"]["leak"]["time"][0].clone()
    };
    let overlaps = times(table(&mut (195..260)));
    assert_eq!((&overlaps["leaks"], &overlaps["older"]), (&true.into(), &4.into()), "{overlaps}");
    assert_eq!(times(table(&mut (200..260)))["leaks"], false);
    let one_is_none = times(table(&mut (195..260)) + "some day,1,1\n");
    assert_eq!((&one_is_none["leaks"], &one_is_none["no_dates"]), (&true.into(), &1.into()));
    assert_eq!(times(table(&mut (0..200).step_by(3)))["leaks"], false, "a split at random");
}

#[test]
fn an_audit_checks_the_data_of_its_policy() {
    let bench = Bench::new();
    bench.file("m/README.md", b"# a model\n").file("t.jsonl", texts().as_bytes());
    let policy =
        "[[data]]\npath = \"t.jsonl\"\nlabel = \"label\"\nonly = [\"formula\", \"bad-address\"]\n";
    bench.file("modelward.toml", policy.as_bytes());
    let run = bench.run(&["audit", "m", "--format", "json"]);
    let report = json(&run);
    assert_eq!(run.code, 1, "{report}");
    assert_eq!(report["measurements"][0]["kind"], "data");
    let rules =
        report["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap());
    assert_eq!(rules.collect::<Vec<_>>(), ["MW3501", "MW3505"]);
    let run = bench.run(&["audit", "m", "--format", "html"]);
    assert!(
        run.out.contains("<h2>To look at</h2>") && run.out.contains("bad-address: "),
        "{}",
        run.out
    );
    // The policy judges what is found in data as anything else.
    let allowed = format!(
        "{policy}[[allow]]\nrule = \"formula-cell\"\npath = \"t.jsonl\"\nreason = \"read\"\n"
    );
    bench.file("modelward.toml", allowed.as_bytes());
    assert_eq!(bench.run(&["audit", "m"]).code, 0);
    // What is not there is a gap, what is misspelt a mistake.
    bench.file("modelward.toml", policy.replace("t.jsonl", "gone.jsonl").as_bytes());
    assert_eq!(bench.run(&["audit", "m"]).code, 3);
    bench.file("modelward.toml", policy.replace("label =", "lable =").as_bytes());
    let run = bench.run(&["audit", "m"]);
    assert!(
        run.code == 2 && run.err.contains("[[data]]") && run.err.contains("data check"),
        "{run:?}"
    );
    bench.file("modelward.toml", b"[[data]]\nlabel = \"y\"\n");
    let run = bench.run(&["audit", "m"]);
    assert!(run.code == 2 && run.err.contains("`path`"), "{run:?}");
    // A scan reads models alone.
    bench.file("modelward.toml", policy.as_bytes());
    assert_eq!(bench.run(&["scan", "m"]).code, 0);
}

#[test]
fn data_of_a_policy_lie_beside_it_under_any_name() {
    let bench = Bench::new();
    bench.file("m/README.md", b"# a model\n").file("p/-t.csv", b"-x,y\n=1+1,2\n3,4\n");
    bench.file("p/s.toml", b"[column.y]\nmin = 3\n");
    let policy = "[[data]]\npath = \"-t.csv\"\nlabel = \"-x\"\nschema = \"s.toml\"\n\
                  only = [\"schema\", \"formula\"]\n";
    bench.file("p/modelward.toml", policy.as_bytes());
    let run = bench.run(&["audit", "m", "--policy", "p/modelward.toml", "--format", "json"]);
    let report = json(&run);
    assert_eq!(run.code, 1, "{report}");
    let rules =
        report["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap());
    assert_eq!(rules.collect::<Vec<_>>(), ["MW3003", "MW3501"], "{report}");
    // What is denied are the data: the model beside them is not said to be bad.
    let run = bench.run(&["audit", "m", "--policy", "p/modelward.toml", "--format", "html"]);
    assert!(run.out.contains("Do not train on this as it is"), "{}", run.out);
    assert!(
        run.out.contains(", 1 data set in ") && !run.out.contains("model was computed"),
        "{}",
        run.out
    );
    // A mistake in the last is told before the first is run, and no scores take the place of the model.
    let wrong = "[[data]]\npath = \"-t.csv\"\nscores = \"s.npz\"\n[[data]]\npath = \"-t.csv\"\nlable = \"y\"\n";
    bench.file("p/modelward.toml", wrong.as_bytes());
    assert_eq!(bench.run(&["audit", "m", "--policy", "p/modelward.toml"]).code, 2);
    assert!(!bench.path("p/s.npz").exists());
    bench.file("p/modelward.toml", b"[[data]]\npath = \"-t.csv\"\nscores = \"../m/README.md\"\n");
    let run = bench.run(&["audit", "m", "--policy", "p/modelward.toml"]);
    assert!(run.code == 2 && run.err.contains("README.md"), "{run:?}");
    assert_eq!(std::fs::read(bench.path("m/README.md")).unwrap(), b"# a model\n");
}
