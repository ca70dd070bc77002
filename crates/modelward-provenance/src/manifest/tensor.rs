//! Digests of tensors, and of the tensors of a model together.
//!
//! The digest of a tensor (version 1) is the SHA-256 over
//!
//! ```text
//! modelward-tensor/v1\n DTYPE \n SHAPE \n ELEMENTS
//! ```
//!
//! without the spaces: the type (`f32 f16 bf16 f64 i8 u8 i16 u16 i32 u32 i64 u64 bool c64 c128 f8e4m3
//! f8e5m2`, ... and the block types of ggml in lower case, `q4_0`), the shape in decimal joined by `,`
//! (nothing for a scalar), and the elements, little-endian, the last index running fastest, without
//! gaps. The name is not inside, nor anything of the file: the same weights have the same digest in
//! every format, and a renamed tensor keeps its own.

use std::collections::BTreeMap;

use super::Tensor;
use crate::digest::{Digest, Sha256};

/// The tensors of one model together: of a file, or of the files of one format that are parts of it
/// (`model-00001-of-00003.safetensors`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its files.
    pub files: Vec<String>,
    /// Their format.
    pub format: String,
    /// How many tensors it has.
    pub tensors: u64,
    /// SHA-256 over the lines `name\tdigest\n` of its tensors, sorted by their bytes. In a name,
    /// backslash, tab, line feed and carriage return are written `\\`, `\t`, `\n`, `\r`, so that no
    /// name can pass for two lines.
    pub model: Digest,
    /// SHA-256 over the lines `digest\n`, sorted: the same however the tensors are named.
    pub content: Digest,
}

/// The digest of a tensor before its elements.
pub(crate) fn begin(dtype: &str, shape: &[u64]) -> Sha256 {
    let shape = shape.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let mut hash = Sha256::new();
    hash.update(format!("modelward-tensor/v1\n{dtype}\n{shape}\n").as_bytes());
    hash
}

/// Put tensors together to models; `formats` names the format of each file that has tensors.
pub(crate) fn models(tensors: &[Tensor], formats: &BTreeMap<String, String>) -> Vec<Model> {
    let mut groups: BTreeMap<(String, &str), Group<'_>> = BTreeMap::new();
    for (file, format) in formats {
        groups.entry((without_part(file), format)).or_default().0.push(file);
    }
    for tensor in tensors {
        let Some(format) = formats.get(&tensor.file) else { continue };
        groups.entry((without_part(&tensor.file), format)).or_default().1.push(tensor);
    }
    let groups = groups.into_iter().filter(|(_, (_, tensors))| !tensors.is_empty());
    groups
        .map(|((_, format), (files, tensors))| Model {
            files: files.into_iter().map(str::to_owned).collect(),
            format: format.to_owned(),
            tensors: tensors.len() as u64,
            model: sorted(
                tensors
                    .iter()
                    .map(|tensor| format!("{}\t{}\n", plain(&tensor.name), tensor.sha256)),
            ),
            content: sorted(tensors.iter().map(|tensor| format!("{}\n", tensor.sha256))),
        })
        .collect()
}

/// The files of a model, and their tensors.
type Group<'a> = (Vec<&'a str>, Vec<&'a Tensor>);

fn sorted(lines: impl Iterator<Item = String>) -> Digest {
    let mut lines = lines.collect::<Vec<_>>();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    lines.iter().for_each(|line| hash.update(line.as_bytes()));
    hash.finish().into()
}

/// A name in one line.
fn plain(name: &str) -> String {
    if !name.contains(['\\', '\t', '\n', '\r']) {
        return name.to_owned();
    }
    let escaped = name.replace('\\', "\\\\").replace('\t', "\\t");
    escaped.replace('\n', "\\n").replace('\r', "\\r")
}

/// The path of a file without the number of its part: `-00001-of-00003`.
fn without_part(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |(folder, name)| (folder, name));
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let whole =
        stem.rsplit_once("-of-").filter(|(_, count)| digits(count)).and_then(|(head, _)| {
            let (stem, part) = head.rsplit_once('-')?;
            digits(part).then_some(stem)
        });
    match whole {
        Some(stem) => format!("{folder}/{stem}.{extension}"),
        None => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Function, of};

    fn tensor(file: &str, name: &str, content: &str) -> Tensor {
        let sha256 = of(Function::Sha256, content.as_bytes());
        Tensor { file: file.into(), name: name.into(), dtype: "f32".into(), shape: vec![], sha256 }
    }

    #[test]
    fn the_digest_of_a_tensor_is_over_its_type_shape_and_elements() {
        let mut hash = begin("f32", &[2, 3]);
        hash.update(&[7; 24]);
        let expected = [b"modelward-tensor/v1\nf32\n2,3\n".as_slice(), &[7; 24]].concat();
        assert_eq!(Digest::from(hash.finish()), of(Function::Sha256, &expected));
        let scalar = Digest::from(begin("i64", &[]).finish());
        assert_eq!(scalar, of(Function::Sha256, b"modelward-tensor/v1\ni64\n\n"));
    }

    #[test]
    fn parts_are_one_model_and_order_does_not_count() {
        let formats = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "n.npz"];
        let formats = formats.map(|file| (file.to_owned(), "x".to_owned()));
        let tensors = [
            tensor("m-00001-of-00002.safetensors", "a", "1"),
            tensor("m-00002-of-00002.safetensors", "b", "2"),
            tensor("n.npz", "b", "2"),
            tensor("n.npz", "c", "1"),
        ];
        let models = models(&tensors, &BTreeMap::from(formats));
        assert_eq!((models.len(), models[0].files.len(), models[0].tensors), (2, 2, 2));
        assert_ne!(models[0].model, models[1].model);
        assert_eq!(models[0].content, models[1].content);
    }

    #[test]
    fn no_name_passes_for_two_lines() {
        let digest = of(Function::Sha256, b"1");
        let one = [tensor("f", &format!("a\t{digest}\nb"), "1")];
        let two = [tensor("f", "a", "1"), tensor("f", "b", "1")];
        let formats = BTreeMap::from([("f".to_owned(), "x".to_owned())]);
        assert_ne!(models(&one, &formats)[0].model, models(&two, &formats)[0].model);
    }
}
