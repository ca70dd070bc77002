//! `torch-layout-mismatch`: tensors that reach beyond their storage, and storages that are not what
//! their members hold.

use modelward_core::{Class, Findings, Rule, Severity};

use super::judge::{Judged, Kinds};
use crate::Check;

pub(crate) struct TensorLayout;

impl Check for TensorLayout {
    type Asset = Judged;

    const RULE: Rule = Rule {
        id: "MW1117",
        name: "torch-layout-mismatch",
        severity: Severity::Medium,
        title: "a tensor or a storage reaches beyond its bytes",
        why: "The offset, sizes and strides of a tensor name elements that its storage does not \
              have, or the archive holds fewer or more bytes of the storage than it declares. \
              Loaders that trust them read memory that is not the model's, and what is more than \
              the tensors need is carried along unseen.",
        advice: "Do not load the file; download it again and compare its digest with the \
                 publisher's.",
        class: Class::MaliciousFile,
        cwe: &[125],
    };

    fn check(judged: &Judged, out: &mut Findings<'_>) {
        judged.report(Kinds::TensorLayout, out);
    }

    #[cfg(test)]
    fn samples() -> crate::Samples {
        crate::Samples {
            fires: vec![
                tensor(0, 5),
                tensor(2, 3),
                checkpoint(&[("m/data/0", 12)]),
                checkpoint(&[("m/data/0", 20)]),
                checkpoint(&[("m/data/1", 16)]),
                checkpoint(&[]),
            ],
            silent: vec![tensor(0, 4), tensor(3, 1), checkpoint(&[("m/data/0", 16)])],
        }
    }
}

/// A tensor of one dimension over a storage of four floats.
#[cfg(test)]
fn tensor(offset: u8, size: u8) -> Vec<u8> {
    let storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ";
    let hooks = b"ccollections\nOrderedDict\n)R";
    let (start, end) = (&b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n("[..], &b"tR."[..]);
    [start, storage, &[b'K', offset, b'K', size, 0x85], b"K\x01\x85\x89", hooks, end].concat()
}

/// An archive of a tensor of four floats, with members of these lengths.
#[cfg(test)]
fn checkpoint(members: &[(&str, usize)]) -> Vec<u8> {
    use crate::archive::sample::{ZipMember, zip};
    let storages = members.iter().map(|&(name, length)| ZipMember::new(name, &vec![0; length]));
    let program = ZipMember::new("m/data.pkl", &tensor(0, 4));
    zip(&std::iter::once(program).chain(storages).collect::<Vec<_>>())
}
