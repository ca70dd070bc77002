//! Checkpoints of several parts, written by hand as each version of torch writes them.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the files are small and ours"
)]

use modelward_core::{Outcome, Place};
use modelward_scan::{Context, Examined, examine};

fn audit(bytes: &[u8]) -> Examined {
    examine(&Place::file("model.pt"), &bytes.into(), &Context::default())
}

fn rules(bytes: &[u8]) -> Vec<&'static str> {
    let mut rules = audit(bytes).findings.iter().map(|each| each.rule.id).collect::<Vec<_>>();
    rules.sort_unstable();
    rules.dedup();
    rules
}

/// A tar archive as Python writes it.
fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..108].copy_from_slice(b"0000644\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum = header.iter().map(|&byte| u32::from(byte)).sum::<u32>();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// What torch 0.1.12 writes for `{"w": torch.FloatTensor(2, 3), "b": w[1]}`: two tensors over one
/// storage of six floats.
fn checkpoint_of_torch_0_1() -> [(&'static str, Vec<u8>); 4] {
    let sys_info = b"\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe8\x03X\x0d\x00\x00\x00little_endianq\x02\x88X\x0a\x00\x00\x00type_sizesq\x03}q\x04(X\x05\x00\x00\x00shortq\x05K\x02X\x03\x00\x00\x00intq\x06K\x04X\x04\x00\x00\x00longq\x07K\x04uu.";
    let pickle = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(X\x01\x00\x00\x00wq\x02X\x08\x00\x00\x0093825000q\x03QX\x01\x00\x00\x00bq\x04X\x08\x00\x00\x0093825064q\x05Qu.";
    let mut tensors = b"\x80\x02K\x02.".to_vec();
    for (key, sizes, strides, offset) in
        [(93825000_u32, &[2_i64, 3][..], &[3_i64, 1][..], 0_i64), (93825064, &[3], &[1], 3)]
    {
        tensors.extend(b"\x80\x02J");
        tensors.extend(key.to_le_bytes());
        tensors.extend(b"J");
        tensors.extend(93825128_u32.to_le_bytes());
        tensors.extend(b"ctorch\nFloatTensor\nq\x00\x87q\x01.");
        tensors.extend((sizes.len() as i64).to_le_bytes());
        tensors.extend(sizes.iter().chain(strides).flat_map(|number| number.to_le_bytes()));
        tensors.extend(offset.to_le_bytes());
    }
    let mut storages = b"\x80\x02K\x01.\x80\x02J".to_vec();
    storages.extend(93825128_u32.to_le_bytes());
    storages.extend(b"X\x03\x00\x00\x00cpuq\x00ctorch\nFloatStorage\nq\x01\x87q\x02.");
    storages.extend(6_i64.to_le_bytes());
    storages.extend((0..6).flat_map(|number| (number as f32).to_le_bytes()));
    storages.extend(b"\x80\x02]q\x00.");
    let members = [pickle.to_vec(), tensors, storages];
    let [pickle, tensors, storages] = members;
    [
        ("sys_info", sys_info.to_vec()),
        ("pickle", pickle),
        ("tensors", tensors),
        ("storages", storages),
    ]
}

#[test]
fn a_tar_checkpoint_is_clean_and_read_to_its_end() {
    let examined = audit(&tar(&checkpoint_of_torch_0_1()));
    assert_eq!(examined.outcome(), Outcome::Clean, "{examined:#?}");
    assert_eq!(examined.format, "pytorch-tar");
}

#[test]
fn a_payload_is_found_in_every_member_of_a_tar_checkpoint() {
    let payload = b"\x80\x02cos\nsystem\n(X\x02\x00\x00\x00idtR.";
    for at in 0..4 {
        let mut members = checkpoint_of_torch_0_1();
        members[at].1.extend(payload);
        assert!(rules(&tar(&members)).contains(&"MW1101"), "behind {}", members[at].0);
    }
    for (member, stop) in [("tensors", 2), ("storages", 1)] {
        // A pickle in the place of an entry.
        let mut members = checkpoint_of_torch_0_1();
        let content = &mut members.iter_mut().find(|(name, _)| *name == member).unwrap().1;
        let starts = content.windows(2).enumerate().filter(|(_, two)| two == b"\x80\x02");
        let start = starts.map(|(at, _)| at).nth(stop).unwrap();
        content.splice(start..start, payload.iter().copied());
        assert!(rules(&tar(&members)).contains(&"MW1101"), "within {member}");
    }
}

#[test]
fn a_storage_that_is_cut_or_a_program_is_not_clean() {
    let mut members = checkpoint_of_torch_0_1();
    let cut = members[3].1.len() - 10;
    members[3].1.truncate(cut);
    assert_ne!(audit(&tar(&members)).outcome(), Outcome::Clean);
    let mut members = checkpoint_of_torch_0_1();
    let start = members[3].1.len() - 6 - 24;
    members[3].1[start..start + 18].copy_from_slice(b"cos\nsystem\n(S'id'\n");
    members[3].1[start + 18..start + 21].copy_from_slice(b"tR.");
    assert!(rules(&tar(&members)).contains(&"MW1101"));
}

fn crc32(content: &[u8]) -> u32 {
    !content.iter().fold(!0_u32, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

/// A zip archive of members without compression.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut fields = vec![0; 10];
        fields.extend(crc32(content).to_le_bytes());
        fields.extend((content.len() as u32).to_le_bytes().repeat(2));
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0; 2]);
        directory.extend(b"PK\x01\x02\0\0");
        directory.extend([&[20, 0][..], &fields[2..]].concat());
        directory.extend([0; 10]);
        directory.extend((bytes.len() as u32).to_le_bytes());
        directory.extend(name.as_bytes());
        bytes.extend([b"PK\x03\x04\x14\0", &fields[2..], name.as_bytes(), content].concat());
    }
    let (at, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes().repeat(2));
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

const DATA: (&str, &[u8]) = ("m/data.pkl", b"\x80\x02c__torch__.a\nM\n)\x81.");
const CODE: &[u8] =
    b"class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return torch.relu(x)\n";

#[test]
fn a_class_of_torchscript_is_taken_only_where_the_archive_defines_it() {
    let clean = zip(&[DATA, ("m/code/__torch__/a.py", CODE), ("m/constants.pkl", b"\x80\x02).")]);
    let examined = audit(&clean);
    assert_eq!(examined.outcome(), Outcome::Clean, "{examined:#?}");
    let elsewhere =
        zip(&[DATA, ("m/code/__torch__/b.py", CODE), ("m/constants.pkl", b"\x80\x02).")]);
    assert_eq!(audit(&elsewhere).outcome(), Outcome::Unknown);
}

#[test]
fn code_of_the_lite_interpreter_is_a_gap() {
    let bytecode = ("m/bytecode.pkl", &b"\x80\x02K\x08\x85."[..]);
    let members = [DATA, ("m/code/__torch__/a.py", CODE), bytecode];
    assert_eq!(audit(&zip(&members)).outcome(), Outcome::Unread);
}
