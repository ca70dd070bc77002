//! Our listing of opcodes is that of CPython's `pickletools`, on generated streams.
//!
//! `MODELWARD_OPCODE_STREAMS` sets how many. Python reads them all in one process; where there is
//! no `python3`, the comparison is left out, and says so.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test"
)]

use std::{
    io::{BufWriter, Write},
    process::{Command, Stdio},
};

use modelward_formats::{
    Budget, Bytes, Limits,
    pickle::{
        Pickle,
        opcode::{self, Argument, describe},
    },
};

/// Reads the opcode names, then streams with our listing of each; prints what differs.
const PYTHON: &str = r#"
import io, pickletools, struct, sys
read = sys.stdin.buffer.read
ours = {}
for _ in range(read(1)[0]):
    code, length = read(2)
    ours[chr(code)] = read(length).decode()
theirs = {op.code: op.name for op in pickletools.opcodes}
if ours != theirs:
    sys.exit(f"the tables differ: {set(ours.items()) ^ set(theirs.items())}")
wrong = streams = 0
while head := read(8):
    length, count = struct.unpack("<II", head)
    stream, listed = read(length), read(4 * count)
    listing = b""
    try:
        for op, _, at in pickletools.genops(io.BytesIO(stream)):
            listing += struct.pack("<HH", ord(op.code), at)
    except Exception:
        pass
    streams += 1
    if listing != listed:
        wrong += 1
        if wrong < 10:
            print(stream, list(struct.iter_unpack("<HH", listed)), list(struct.iter_unpack("<HH", listing)))
print("streams", streams, "wrong", wrong)
"#;

#[test]
fn the_listing_is_that_of_pickletools() {
    let streams = std::env::var("MODELWARD_OPCODE_STREAMS").ok().and_then(|n| n.parse().ok());
    let streams = streams.unwrap_or(5000_u64);
    let python = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut python) = python else {
        eprintln!("left out: there is no `python3`");
        return;
    };
    let mut input = BufWriter::new(python.stdin.take().unwrap());
    let table = (0..=255).filter_map(|code| Some((code, describe(code)?.0))).collect::<Vec<_>>();
    input.write_all(&[table.len() as u8]).unwrap();
    for (code, name) in table {
        input.write_all(&[code, name.len() as u8]).unwrap();
        input.write_all(name.as_bytes()).unwrap();
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..streams {
        let stream = stream(&mut random);
        let listed = opcode::list(&stream).map(|(at, code)| [code.into(), at as u16]);
        let listed = listed.collect::<Vec<[u16; 2]>>();
        input.write_all(&(stream.len() as u32).to_le_bytes()).unwrap();
        input.write_all(&(listed.len() as u32).to_le_bytes()).unwrap();
        input.write_all(&stream).unwrap();
        for number in listed.iter().flatten() {
            input.write_all(&number.to_le_bytes()).unwrap();
        }
    }
    drop(input);
    let output = python.wait_with_output().unwrap();
    let output = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output, format!("streams {streams} wrong 0\n"));
}

#[test]
fn the_machine_runs_what_is_listed() {
    let mut random = Random(7);
    let mut ran = 0;
    for _ in 0..20_000 {
        let stream = stream(&mut random);
        let bytes = Bytes::from(stream.as_slice());
        let pickle = Pickle::new(&bytes, &Budget::new(Limits::default()));
        let first = pickle.traces().streams[0];
        let listed = opcode::list(&stream).filter(|(at, _)| *at < first.end).count() as u64;
        // Where it breaks, the last opcode that is listed may be the one that it refuses.
        let refused = listed.saturating_sub(first.opcodes);
        assert!(refused <= 1, "{}: {first:?}", stream.escape_ascii());
        ran += u64::from(first.opcodes > 3);
    }
    assert!(ran > 5000, "only {ran} streams ran for a while");
}

/// A stream of opcodes, most of them with what they need on the stack; now and then cut short.
fn stream(random: &mut Random) -> Vec<u8> {
    let mut bytes = if random.below(2) == 0 { vec![0x80, random.below(6) as u8] } else { vec![] };
    for _ in 0..random.below(24) {
        // Constants first, so that the machine has something to work on.
        let code = if random.below(3) > 0 {
            *b"NKJXUV}])(2\x88\x8c\x94CG".get(random.below(16) as usize).unwrap()
        } else {
            random.below(256) as u8
        };
        if code != opcode::STOP
            && let Some((_, argument)) = describe(code)
        {
            bytes.push(code);
            push_argument(&mut bytes, code, argument, random);
        }
    }
    bytes.push(opcode::STOP);
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len() as u64) as usize);
    }
    bytes
}

fn push_argument(bytes: &mut Vec<u8>, code: u8, argument: Argument, random: &mut Random) {
    let text = |random: &mut Random| {
        let letters = b"abcXYZ019_. ";
        let length = random.below(20);
        (0..length).map(|_| letters[random.below(12) as usize]).collect::<Vec<_>>()
    };
    match argument {
        Argument::None => {}
        Argument::Fixed(width) => {
            let number = random.below(u64::MAX).to_le_bytes();
            bytes.extend(&number[..usize::from(width)]);
        }
        Argument::Line => {
            let number = random.below(300);
            match code {
                opcode::STRING => bytes.extend([b"'", &text(random)[..], b"'"].concat()),
                opcode::UNICODE | opcode::PERSID => bytes.extend(text(random)),
                opcode::FLOAT => bytes.extend(format!("{number}.25e-3").into_bytes()),
                opcode::LONG => bytes.extend(format!("-{number}L").into_bytes()),
                opcode::INT if number < 2 => bytes.extend(format!("0{number}").into_bytes()),
                _ => bytes.extend(format!("{number}").into_bytes()),
            }
            bytes.push(b'\n');
        }
        Argument::TwoLines => {
            bytes.extend(text(random));
            bytes.push(b'\n');
            bytes.extend(text(random));
            bytes.push(b'\n');
        }
        Argument::Counted(width) => {
            let text = text(random);
            bytes.extend(&(text.len() as u64).to_le_bytes()[..usize::from(width)]);
            bytes.extend(text);
        }
    }
}

/// A small generator of numbers (splitmix64), the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
