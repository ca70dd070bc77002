use std::{
    io::{BufRead, BufReader, Read},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::victim::{Remote, Victim};

/// What a server was sent: its first line and its body.
type Seen = mpsc::Receiver<(String, String)>;

/// A server that gives answers one after the other, a connection each, and then is gone.
fn served(answers: Vec<String>) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, seen) = mpsc::channel();
    thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let _ = tell.send(exchange(stream, &answer));
        }
    });
    (url, seen)
}

fn exchange(mut stream: TcpStream, answer: &str) -> (String, String) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
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
    // A client that has heard enough hangs up.
    let _ = stream.write_all(answer.as_bytes());
    (first.trim().to_owned(), String::from_utf8(body).unwrap())
}

fn said(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_batch_goes_in_parts_within_the_budget_and_is_logged() {
    let answers = [r#"{"y": [0, 1]}"#, r#"{"y": [2]}"#].map(|body| said("200 OK", body)).to_vec();
    let (url, seen) = served(answers);
    let log = Log::default();
    let options = Options {
        batch: 2,
        budget: Some(4),
        log: Some(Box::new(log.clone())),
        ..Options::default()
    };
    let mut endpoint = Endpoint::new(&format!("{url}/score"), &[1], options).unwrap();
    assert_eq!(endpoint.scores(&[1.0, 2.0, 3.0]).unwrap(), Answer::Labels(vec![0, 1, 2]));
    let sent = seen.iter().take(2).collect::<Vec<_>>();
    assert_eq!(sent[0], ("POST /score HTTP/1.1".into(), r#"{"x":[[1.0],[2.0]]}"#.into()));
    assert_eq!(sent[1].1, r#"{"x":[[3.0]]}"#);
    let spent = endpoint.scores(&[1.0, 2.0]).unwrap_err();
    assert_eq!(spent, Failure::Spent { left: 1, wanted: 2 });
    assert_eq!((endpoint.sent(), endpoint.left()), (3, Some(1)));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.collect::<Vec<_>>();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[1]["query"], &lines[1]["samples"]), (&json!(2), &json!(1)));
    assert_eq!((&lines[0]["status"], &lines[0]["samples"]), (&json!(200), &json!(2)));
    assert_eq!(lines[1]["inputs"], digest(&3.0_f32.to_le_bytes()));
    assert_eq!(lines[1]["answer"], digest(br#"{"y": [2]}"#));
}

#[test]
fn the_open_protocol_is_spoken() {
    let metadata =
        r#"{"name": "m", "inputs": [{"name": "in", "datatype": "FP32", "shape": [-1, 2]}]}"#;
    let scores =
        r#"{"outputs": [{"name": "o", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 2]}]}"#;
    let (url, seen) = served(vec![said("200 OK", metadata), said("200 OK", scores)]);
    let url = format!("{url}/v2/models/m/versions/1");
    let mut endpoint = Endpoint::new(&url, &[2], Options::default()).unwrap();
    let expected = Answer::Scores { rows: vec![0.5, 2.0], classes: 2 };
    assert_eq!(endpoint.scores(&[1.0, 0.0]).unwrap(), expected);
    let sent = seen.iter().take(2).collect::<Vec<_>>();
    assert_eq!(sent[0].0, "GET /v2/models/m/versions/1 HTTP/1.1");
    assert_eq!(sent[1].0, "POST /v2/models/m/versions/1/infer HTTP/1.1");
    assert!(sent[1].1.contains(r#""shape":[1,2]"#), "{}", sent[1].1);
}

#[test]
fn rows_of_tensorflow_serving() {
    let (url, seen) = served(vec![said("200 OK", r#"{"predictions": [[0.25, 0.75]]}"#)]);
    let url = format!("{url}/v1/models/m:predict");
    let mut endpoint = Endpoint::new(&url, &[2], Options::default()).unwrap();
    let expected = Answer::Scores { rows: vec![0.25, 0.75], classes: 2 };
    assert_eq!(endpoint.scores(&[1.0, 0.5]).unwrap(), expected);
    assert_eq!(seen.recv().unwrap().1, r#"{"instances":[[1.0,0.5]]}"#);
}

#[test]
fn what_is_no_answer_is_refused() {
    let big = format!(r#"{{"y": [0], "more": "{}"}}"#, "x".repeat(5000));
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for (answer, word) in [
        (said("200 OK", &big), "more than the limit"),
        (redirect.to_owned(), "not followed"),
        (redirect.replace("302 Found", "307 Temporary Redirect"), "cannot ask|not followed"),
        (said("500 Oh", "no memory"), "no memory"),
        (said("200 OK", "{\"y\": [NaN]}"), "in JSON"),
        (said("200 OK", "[]"), "`scores`"),
        ("nonsense\r\n\r\n".to_owned(), "cannot ask"),
        (String::new(), "cannot ask"),
    ] {
        let (url, _seen) = served(vec![answer]);
        let options = Options { answer: 4096, pause: Duration::ZERO, ..Options::default() };
        let mut endpoint = Endpoint::new(&url, &[1], options).unwrap();
        let trouble = Trouble::from(endpoint.scores(&[0.0]).unwrap_err());
        assert!(word.split('|').any(|word| trouble.to_string().contains(word)), "{trouble}");
    }
}

#[test]
fn a_server_that_says_nothing_is_asked_again_and_then_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let options = || Options {
        timeout: Duration::from_millis(200),
        pause: Duration::ZERO,
        ..Options::default()
    };
    let mut endpoint = Endpoint::new(&url, &[1], options()).unwrap();
    let trouble = Trouble::from(endpoint.scores(&[0.0]).unwrap_err());
    // Not an end of the run, as a limit would be: what was found before is kept.
    assert_eq!(trouble.kind, Kind::System, "{trouble}");
    assert!(trouble.why.contains("no answer within"), "{trouble}");
    assert_eq!(endpoint.sent(), 3);

    // One that is silent once costs one more question.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (_silent, _) = listener.accept().unwrap();
        let (stream, _) = listener.accept().unwrap();
        exchange(stream, &said("200 OK", r#"{"y": [1]}"#));
    });
    let mut endpoint = Endpoint::new(&url, &[1], options()).unwrap();
    assert_eq!(endpoint.scores(&[0.0]).unwrap(), Answer::Labels(vec![1]));
    assert_eq!(endpoint.sent(), 2);
}

#[test]
fn what_is_kept_is_not_spent_on_asking_again() {
    let busy = said("503 Service Unavailable", "{}");
    let answer = said("200 OK", r#"{"y": [1]}"#);
    let (url, _seen) = served(vec![busy.clone(), busy, answer]);
    let options = Options { pause: Duration::ZERO, budget: Some(3), ..Options::default() };
    let mut endpoint = Endpoint::new(&url, &[1], options).unwrap();
    endpoint.keep(2);
    assert_eq!(endpoint.scores(&[0.5]).unwrap_err(), Failure::Spent { left: 0, wanted: 1 });
    assert_eq!(endpoint.left(), Some(2));
    // What was kept is there for others.
    endpoint.keep(0);
    assert_eq!(endpoint.scores(&[0.5]).unwrap(), Answer::Labels(vec![1]));
    assert_eq!(endpoint.left(), Some(0));
}

#[test]
fn asking_again_leaves_what_the_rest_of_a_batch_needs() {
    let busy = said("503 Service Unavailable", "{}");
    let answer = said("200 OK", r#"{"y": [1, 1]}"#);
    let answers = vec![busy, answer.clone(), answer];
    let options = |budget| Options {
        pause: Duration::ZERO,
        batch: 2,
        budget: Some(budget),
        ..Options::default()
    };
    let (url, _seen) = served(answers.clone());
    let mut endpoint = Endpoint::new(&url, &[1], options(5)).unwrap();
    assert_eq!(endpoint.scores(&[0.5; 4]).unwrap_err(), Failure::Spent { left: 3, wanted: 4 });
    assert!(endpoint.sent() <= 5);
    let (url, _seen) = served(answers);
    let mut endpoint = Endpoint::new(&url, &[1], options(6)).unwrap();
    assert_eq!(endpoint.scores(&[0.5; 4]).unwrap(), Answer::Labels(vec![1; 4]));
    assert_eq!((endpoint.sent(), endpoint.left()), (6, Some(0)));
}

#[test]
fn a_server_that_is_not_ready_is_asked_again_for_its_metadata() {
    let metadata = r#"{"inputs": [{"name": "in", "datatype": "FP32", "shape": [-1, 2]}]}"#;
    let busy = said("503 Service Unavailable", "loading");
    let options = || Options { pause: Duration::ZERO, ..Options::default() };
    let (url, _seen) = served(vec![busy.clone(), busy.clone(), said("200 OK", metadata)]);
    let url = format!("{url}/v2/models/m");
    assert!(Endpoint::new(&url, &[2], options()).is_ok());
    let (url, seen) = served(vec![busy.clone(), busy.clone(), busy]);
    let trouble = Endpoint::new(&format!("{url}/v2/models/m"), &[2], options()).unwrap_err();
    assert!(trouble.to_string().contains("loading"), "{trouble}");
    assert_eq!(seen.iter().count(), 3);
    let (url, seen) = served(vec![said("404 Not Found", "no such model")]);
    assert!(Endpoint::new(&format!("{url}/v2/models/m"), &[2], options()).is_err());
    assert_eq!(seen.iter().count(), 1);
}

#[test]
fn numbers_between_0_and_1_are_probabilities_also_beside_an_answer_that_is_none() {
    let bodies = [r#"{"scores": [null, 0.25]}"#, r#"{"scores": [0.25]}"#, r#"{"scores": [3]}"#];
    let (url, _seen) = served(bodies.map(|body| said("200 OK", body)).to_vec());
    let endpoint = Endpoint::new(&url, &[1], Options::default()).unwrap();
    let mut remote = Remote::new(endpoint, &[1], &[0.0, 1.0], &[0, 1]).unwrap();
    let answers = remote.ask(&[1.0]).unwrap();
    assert_eq!((answers.labels, answers.scores), (vec![0], vec![0.75, 0.25]));
    // What was taken for a probability and is none was never one.
    let trouble = remote.ask(&[1.0]).unwrap_err();
    assert!(trouble.why.contains("answers 3"), "{trouble}");
}

#[test]
fn answers_that_become_large_are_refused() {
    let hostile = format!("{{\"y\":[{}]}}", vec!["{\"\":0}"; 20_000].join(","));
    let (url, _seen) = served(vec![said("200 OK", &hostile)]);
    let options = Options { memory: 4 << 20, ..Options::default() };
    let mut endpoint = Endpoint::new(&url, &[1], options).unwrap();
    let trouble = Trouble::from(endpoint.scores(&[0.0]).unwrap_err());
    assert_eq!(trouble.kind, Kind::Limit, "{trouble}");
    assert!(trouble.why.contains("once it is read"), "{trouble}");
}

#[test]
fn what_json_cannot_say_is_not_sent() {
    let mut endpoint = Endpoint::new("http://127.0.0.1:1/", &[2], Options::default()).unwrap();
    assert!(endpoint.scores(&[f32::NAN, 0.0]).is_err());
    assert!(endpoint.scores(&[0.0]).is_err());
    assert_eq!(endpoint.sent(), 0);
    assert_eq!(endpoint.scores(&[]).unwrap(), Answer::Labels(vec![]));
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_is_gone_is_not_for_ever() {
    let busy = said("503 Service Unavailable", "{}");
    let (url, seen) = served(vec![busy.clone(), busy.clone(), said("200 OK", r#"{"y": [1]}"#)]);
    let options = || Options { pause: Duration::ZERO, budget: Some(3), ..Options::default() };
    let mut endpoint = Endpoint::new(&url, &[1], options()).unwrap();
    assert_eq!(endpoint.scores(&[0.5]).unwrap(), Answer::Labels(vec![1]));
    // Each time it is asked counts.
    assert_eq!((endpoint.sent(), seen.iter().count()), (3, 3));

    let (url, _seen) = served(vec![busy]);
    let mut endpoint = Endpoint::new(&url, &[1], Options { budget: None, ..options() }).unwrap();
    let failure = endpoint.scores(&[0.5]).unwrap_err();
    assert!(matches!(&failure, Failure::Trouble(trouble) if trouble.kind == Kind::System));
    assert_eq!(endpoint.sent(), 3);
    // A budget that is spent ends it too.
    let (url, _seen) = served(vec![said("503 Service Unavailable", "{}")]);
    let mut endpoint = Endpoint::new(&url, &[1], Options { budget: Some(1), ..options() }).unwrap();
    assert!(matches!(endpoint.scores(&[0.5]).unwrap_err(), Failure::Spent { .. }));
}

/// Whatever a server may say, with the keys that are read.
fn anything() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(f64::MAX)),
        Just(json!(-0.0)),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        "[a-c]|FP32|BYTES|INT64|FP16".prop_map(Value::from),
    ];
    let key = "scores|y|predictions|label|outputs|inputs|name|datatype|shape|data|x";
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_answer_has_one_row_for_each_sample_or_is_refused(value in anything(), samples in 0_usize..4) {
        let names = ["a".to_owned(), "b".to_owned()];
        for classes in [None, Some(&names[..])] {
            let all = [
                rows::answer(&value, samples, classes),
                open_inference::answer(&value, samples, None, classes),
                open_inference::answer(&value, samples, Some("a"), classes),
            ];
            for answer in all.into_iter().flatten() {
                match answer {
                    Answer::Labels(labels) => prop_assert_eq!(labels.len(), samples),
                    Answer::Scores { rows, classes } => {
                        prop_assert_eq!(rows.len(), samples * classes);
                    }
                }
            }
        }
        if let Ok(input) = open_inference::Input::read(&value, &[2, 1]) {
            let _ = input.request(&[0.5, f32::NAN], 1);
        }
    }
}
