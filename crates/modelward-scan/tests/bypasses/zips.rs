//! Ways by archives whose two views differ: 13, and the duplicates of 6.

use modelward_core::Outcome;

use crate::{
    COMMAND,
    carriers::{
        torch,
        zip::{Fields, Member, zip},
    },
    none, outcome,
};

const HARMLESS: &[u8] = b"\x80\x02}X\x01\0\0\0aK\x01s.";

fn members(pickle: &[u8]) -> Vec<Member> {
    vec![
        Member::new("archive/data.pkl", pickle),
        Member::new("archive/data/0", &[0; 16]),
        Member::new("archive/version", b"3\n"),
    ]
}

/// What may be wrong with one field.
type Lie = (String, Box<dyn Fn(&mut Fields)>);

fn lies() -> Vec<Lie> {
    let lie = |name: &str, change: fn(&mut Fields)| -> Lie { (name.into(), Box::new(change)) };
    let mut lies = vec![
        lie("another name", |fields| fields.name[8] ^= 1),
        lie("a longer name", |fields| fields.name.push(b'x')),
        lie("no name", |fields| fields.name.clear()),
        lie("a size of 0", |fields| fields.size = 0),
        lie("one byte less", |fields| fields.size -= 1),
        lie("one byte more", |fields| fields.size += 1),
        lie("the largest size", |fields| fields.size = u32::MAX),
        lie("no data", |fields| fields.compressed = 0),
        lie("one byte of data less", |fields| fields.compressed -= 1),
        lie("one byte of data more", |fields| fields.compressed += 1),
        lie("a checksum of 0", |fields| fields.crc = 0),
    ];
    for bit in 0..32 {
        let name = format!("bit {bit} of the checksum");
        lies.push((name, Box::new(move |fields| fields.crc ^= 1 << bit)));
    }
    for method in [1, 6, 8, 9, 12, 14, 93, 95, 99, 65535] {
        lies.push((format!("method {method}"), Box::new(move |fields| fields.method = method)));
    }
    for bit in [0, 3, 5, 6, 13] {
        let name = format!("bit {bit} of the flags");
        lies.push((name, Box::new(move |fields| fields.flags ^= 1 << bit)));
    }
    lies
}

#[test]
fn one_field_of_a_zip_that_lies_in_one_view() {
    assert_eq!(outcome(&zip(&members(HARMLESS))), Outcome::Clean);
    let mut wrong = Vec::new();
    for (name, lie) in lies() {
        for local in [true, false] {
            for (pickle, least) in [(HARMLESS, Outcome::Unread), (COMMAND, Outcome::Malicious)] {
                let mut members = members(pickle);
                lie(if local { &mut members[0].local } else { &mut members[0].central });
                let view = if local { "local header" } else { "directory" };
                let outcome = outcome(&zip(&members));
                // Where the sizes stand says nothing of what the member is: both are read.
                let places = name == "bit 3 of the flags" && pickle == HARMLESS;
                if outcome < least && !places {
                    wrong.push(format!("{name} in the {view}: {outcome:?} for {least:?}"));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn two_members_of_one_name_in_both_orders() {
    let harmless = || Member::new("archive/data.pkl", HARMLESS);
    let command = || Member::new("archive/data.pkl", COMMAND);
    for first in [true, false] {
        let mut members = vec![harmless(), command(), Member::new("archive/version", b"3\n")];
        if first {
            members.swap(0, 1);
        }
        assert_eq!(outcome(&zip(&members)), Outcome::Malicious);
    }
    assert!(outcome(&zip(&[harmless(), harmless()])) >= Outcome::Unknown);
}

#[test]
fn two_archives_one_behind_the_other() {
    let (harmless, command) = (torch(HARMLESS), torch(COMMAND));
    for bytes in [[&harmless[..], &command].concat(), [&command[..], &harmless].concat()] {
        assert_eq!(outcome(&bytes), Outcome::Malicious);
    }
    assert!(outcome(&[&harmless[..], &harmless].concat()) >= Outcome::Unknown);
}

#[test]
fn an_archive_in_the_comment_of_another() {
    let (harmless, command) = (torch(HARMLESS), torch(COMMAND));
    let mut bytes = harmless;
    let length = u16::try_from(command.len()).unwrap().to_le_bytes();
    let end = bytes.len();
    bytes[end - 2..].copy_from_slice(&length);
    bytes.extend(command);
    assert_eq!(outcome(&bytes), Outcome::Malicious);
}

#[test]
fn a_member_that_only_one_view_has() {
    for local in [true, false] {
        let mut members = members(COMMAND);
        let fields = if local { &mut members[0].local } else { &mut members[0].central };
        fields.name = b"archive/other".to_vec();
        assert_eq!(outcome(&zip(&members)), Outcome::Malicious);
    }
}
