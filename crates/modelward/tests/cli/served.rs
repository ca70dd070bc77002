//! `modelward attack URL`: a linear model behind the Open Inference Protocol, served from this test.

#![allow(clippy::cast_possible_truncation, reason = "numbers of a test")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use modelward_engine::{Tensor, npz};
use serde_json::{Value, json};

use crate::Bench;

const WEIGHTS: [f64; 4] = [1.0, -1.0, 0.5, 2.0];
const BOUND: f64 = 1.25;

/// How far a row is from the boundary.
fn margin(row: &[Value]) -> f64 {
    let each = row.iter().zip(WEIGHTS).map(|(x, w)| x.as_f64().unwrap() * w);
    each.sum::<f64>() - BOUND
}

/// Serve it: its URL, and how many samples it was sent.
fn served(labels: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v2/models/linear", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, count) = (stream.unwrap(), count.clone());
            thread::spawn(move || talk(&stream, labels, &count));
        }
    });
    (url, asked)
}

/// Answer the requests of a connection until it is closed.
fn talk(mut stream: &TcpStream, labels: bool, asked: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = if first.starts_with("GET") {
            json!({"name": "linear",
                "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]})
        } else {
            let request: Value = serde_json::from_slice(&body).unwrap();
            let data = request["inputs"][0]["data"].as_array().unwrap();
            let rows = data.chunks(4).map(margin).collect::<Vec<_>>();
            let n = rows.len();
            asked.fetch_add(n, Ordering::Relaxed);
            let output = if labels {
                let said = rows.iter().map(|m| i32::from(*m > 0.0)).collect::<Vec<_>>();
                json!({"name": "label", "datatype": "INT64", "shape": [n], "data": said})
            } else {
                let share = |m: &f64| 1.0 / (1.0 + (-m).exp());
                let both = rows.iter().flat_map(|m| [1.0 - share(m), share(m)]);
                let both = both.collect::<Vec<_>>();
                json!({"name": "shares", "datatype": "FP32", "shape": [n, 2], "data": both})
            };
            json!({ "outputs": [output] })
        };
        let body = answer.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).is_err() {
            return;
        }
    }
}

/// Twelve samples: each lies so far from the boundary that a change of 0.02, 0.06 or 0.2 in every
/// number reaches it.
fn bench() -> Bench {
    let bench = Bench::new();
    let mut x = Vec::new();
    let mut y = Vec::new();
    for at in 0..12_u8 {
        let reach = [0.02, 0.06, 0.2][usize::from(at % 3)];
        let side = if at % 2 == 0 { 1.0 } else { -1.0 };
        // On the boundary, and from there straight away from it in every number.
        let on = [0.5, 0.5 + 0.01 * f64::from(at), 0.5, 0.5 + 0.005 * f64::from(at)];
        let row = on.iter().zip(WEIGHTS).map(|(x, w)| x + side * reach * w.signum());
        x.extend(row.map(|x| x as f32));
        y.push(i64::from(side > 0.0));
    }
    let arrays = [("x", Tensor::new([12, 4], x).unwrap()), ("y", Tensor::list(y))];
    let arrays = arrays.into_iter().map(|(name, tensor)| (name.to_owned(), Arc::new(tensor)));
    npz::write(&bench.path("xy.npz"), &arrays.collect()).unwrap();
    bench
}

fn attacked(bench: &Bench, url: &str, more: &[&str]) -> (i32, Value) {
    let common = ["attack", url, "--data", "xy.npz", "--eps", "0.1", "--format", "json"];
    let run = bench.run(&[&common[..], more].concat());
    (run.code, serde_json::from_str(&run.out).expect(&run.err))
}

#[test]
fn a_served_model_is_attacked_by_its_answers() {
    for labels in [false, true] {
        let bench = bench();
        let (url, asked) = served(labels);
        let more = ["--max-queries", "100000", "--query-log", "log.jsonl", "--effort", "quick"];
        let (code, report) =
            attacked(&bench, &url, &[&more[..], &["--fail-under", "0.5"]].concat());
        let measured = &report["measurements"][0];
        assert_eq!(code, 1, "{report}");
        assert_eq!(measured["clean_accuracy"]["value"], 1.0);
        // A change of 0.1 reaches those at 0.02 and 0.06, and not those at 0.2.
        let robust = measured["robust_accuracy"]["value"].as_f64().unwrap();
        assert!((robust - 1.0 / 3.0).abs() < 1e-9, "{measured}");
        assert_eq!(measured["answers"], if labels { "labels" } else { "scores" });
        assert_eq!(measured["reliability"], "trustworthy", "{measured}");
        let sent = asked.load(Ordering::Relaxed);
        assert_eq!(measured["queries"], sent);
        let log = std::fs::read_to_string(bench.path("log.jsonl")).unwrap();
        let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let logged = lines.map(|line| line["samples"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(logged, sent as u64);
    }
}

#[test]
fn a_budget_of_queries_ends_an_attack_and_is_never_exceeded() {
    let bench = bench();
    for (labels, queries) in [(true, "400"), (false, "400"), (true, "90")] {
        let (url, asked) = served(labels);
        let (code, report) = attacked(&bench, &url, &["--max-queries", queries]);
        assert_eq!(code, 3, "{report}");
        assert!(asked.load(Ordering::Relaxed) <= queries.parse().unwrap());
        let why = report["unread"][0]["why"].as_str().unwrap();
        assert!(why.contains("the budget of queries is spent"), "{why}");
        assert_eq!(report["measurements"][0]["witnesses_lost"], 0);
    }
    let (url, asked) = served(true);
    let run =
        bench.run(&["attack", &url, "--data", "xy.npz", "--eps", "0.1", "--max-queries", "5"]);
    assert_eq!((run.code, asked.load(Ordering::Relaxed)), (2, 0), "{run:?}");
    let run =
        bench.run(&["attack", &url, "--data", "xy.npz", "--eps", "0.1", "--max-queries", "10"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("`--samples`"), "{}", run.err);
}

#[test]
fn twice_the_samples_are_enough_for_a_report_and_what_was_sent_is_always_said() {
    let bench = bench();
    let (url, asked) = served(false);
    let (code, report) = attacked(&bench, &url, &["--max-queries", "24"]);
    assert_eq!(code, 3, "{report}");
    let measured = &report["measurements"][0];
    assert_eq!(measured["clean_accuracy"]["value"], 1.0);
    assert_eq!(measured["reliability"], "unknown");
    assert_eq!(measured["stopped"], "the budget of queries is spent");
    assert_eq!(measured["queries"], asked.load(Ordering::Relaxed));
    let (url, asked) = served(false);
    let (_, report) = attacked(&bench, &url, &["--effort", "quick", "--fail-under", "0.1"]);
    assert_eq!(report["measurements"][0]["queries"], asked.load(Ordering::Relaxed), "{report}");
    assert_eq!(report["measurements"][0]["stopped"], Value::Null);
}

#[test]
fn another_machine_is_asked_only_where_it_is_named() {
    let bench = bench();
    let run = bench.run(&["attack", "http://192.0.2.1/x", "--data", "xy.npz", "--eps", "0.1"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("--host 192.0.2.1"), "{}", run.err);
    let run =
        bench.run(&["attack", "xy.npz", "--data", "xy.npz", "--eps", "0.1", "--max-queries", "9"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("a model that is served"), "{}", run.err);
}
