//! A manifest as JSON, written in one way and read strictly.

use serde::{Deserialize, Serialize};

use super::{Contents, File, Manifest, Model, RowGroup, Tensor, Unread};
use crate::{
    Trouble,
    digest::{Digest, Function},
};

/// The version of the form.
const SCHEMA: u64 = 1;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    schema: u64,
    root: String,
    merkle: String,
    files: Vec<OneFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    models: Option<Vec<OneModel>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tensors: Option<Vec<OneTensor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row_groups: Option<Vec<OneRowGroup>>,
    unread: Vec<OneUnread>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OneFile {
    path: String,
    bytes: u64,
    sha256: String,
    blake3: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OneModel {
    format: String,
    files: Vec<String>,
    tensors: u64,
    model: String,
    content: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OneTensor {
    file: String,
    name: String,
    dtype: String,
    shape: Vec<u64>,
    sha256: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OneRowGroup {
    file: String,
    index: u64,
    rows: u64,
    bytes: u64,
    sha256: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct OneUnread {
    file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    why: String,
}

/// Write a manifest: a line for each file, tensor and row group, so that a difference of two is one
/// of lines.
pub(super) fn write(manifest: &Manifest) -> String {
    let mut text = format!("{{\"schema\":{SCHEMA},\n");
    text.push_str(&format!("\"root\":\"{}\",\n", manifest.root()));
    text.push_str(&format!("\"merkle\":\"{}\",\n", manifest.merkle()));
    list(&mut text, "files", manifest.files.iter().map(|file| OneFile {
        path: file.path.clone(),
        bytes: file.bytes,
        sha256: file.sha256.to_string(),
        blake3: file.blake3.to_string(),
    }));
    if let Some(contents) = &manifest.contents {
        text.push_str(",\n");
        list(&mut text, "models", contents.models.iter().map(|model| OneModel {
            format: model.format.clone(),
            files: model.files.clone(),
            tensors: model.tensors,
            model: model.model.to_string(),
            content: model.content.to_string(),
        }));
        text.push_str(",\n");
        list(&mut text, "tensors", contents.tensors.iter().map(|tensor| OneTensor {
            file: tensor.file.clone(),
            name: tensor.name.clone(),
            dtype: tensor.dtype.clone(),
            shape: tensor.shape.clone(),
            sha256: tensor.sha256.to_string(),
        }));
        text.push_str(",\n");
        list(&mut text, "row_groups", contents.row_groups.iter().map(|group| OneRowGroup {
            file: group.file.clone(),
            index: group.index,
            rows: group.rows,
            bytes: group.bytes,
            sha256: group.sha256.to_string(),
        }));
    }
    text.push_str(",\n");
    list(&mut text, "unread", manifest.unread.iter().map(|unread| OneUnread {
        file: unread.file.clone(),
        part: unread.part.clone(),
        why: unread.why.clone(),
    }));
    text.push_str("}\n");
    text
}

fn list(text: &mut String, key: &str, items: impl Iterator<Item = impl Serialize>) {
    text.push_str(&format!("\"{key}\":["));
    for (at, item) in items.enumerate() {
        text.push_str(if at == 0 { "\n" } else { ",\n" });
        // Texts and numbers can always be written.
        text.push_str(&serde_json::to_string(&item).unwrap_or_default());
    }
    text.push(']');
}

/// Read a manifest.
pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, Trouble> {
    let whole = serde_json::from_slice::<Whole>(bytes).map_err(|error| {
        Trouble::new(format!("expected a manifest: {error}"))
            .help("make one with `modelward manifest PATH -o FILE`")
    })?;
    if whole.schema != SCHEMA {
        let why = format!("expected a manifest of schema {SCHEMA}, got {}", whole.schema);
        return Err(Trouble::new(why).help("it was written by another version of modelward"));
    }
    let (root, merkle) = (whole.root.clone(), whole.merkle.clone());
    let manifest = whole.into_manifest()?;
    let sound = manifest.files.iter().zip(manifest.files.iter().skip(1));
    if let Some((_, file)) = sound.into_iter().find(|(one, next)| one.path >= next.path) {
        let why = format!("`{}` stands out of order, or twice", file.path);
        return Err(Trouble::new(format!("the manifest contradicts itself: {why}")));
    }
    for (what, said, found) in
        [("root", root, manifest.root()), ("merkle", merkle, manifest.merkle())]
    {
        if said != found.to_string() {
            let why = format!("its files give the {what} {found}, it says {said}");
            return Err(Trouble::new(format!("the manifest contradicts itself: {why}"))
                .help("it was changed after it was made; make it anew from the model"));
        }
    }
    Ok(manifest)
}

fn digest(text: &str, function: Function) -> Result<Digest, Trouble> {
    Digest::parse(text, function).ok_or_else(|| {
        let function = function.name();
        Trouble::new(format!(
            "expected a {function} digest in lower-case hexadecimal, got `{text}`"
        ))
    })
}

fn sha256(text: &str) -> Result<Digest, Trouble> {
    digest(text, Function::Sha256)
}

impl Whole {
    fn into_manifest(self) -> Result<Manifest, Trouble> {
        let Self { files, models, tensors, row_groups, unread, .. } = self;
        let files = files.into_iter().map(|file| {
            if let Some(flaw) = flaw(&file.path) {
                return Err(Trouble::new(format!("the manifest names a file by {flaw}")));
            }
            Ok(File {
                sha256: sha256(&file.sha256)?,
                blake3: digest(&file.blake3, Function::Blake3)?,
                path: file.path,
                bytes: file.bytes,
            })
        });
        let files = files.collect::<Result<_, _>>()?;
        let contents = match (models, tensors, row_groups) {
            (None, None, None) => None,
            (Some(models), Some(tensors), Some(row_groups)) => Some(Contents {
                models: models.into_iter().map(OneModel::into_model).collect::<Result<_, _>>()?,
                tensors: tensors.into_iter().map(OneTensor::into_tensor).collect::<Result<_, _>>()?,
                row_groups: row_groups
                    .into_iter()
                    .map(OneRowGroup::into_row_group)
                    .collect::<Result<_, _>>()?,
            }),
            _ => {
                let why = "expected `models`, `tensors` and `row_groups` together, or none of them";
                return Err(Trouble::new(why));
            }
        };
        let unread = unread.into_iter().map(|OneUnread { file, part, why }| Unread { file, part, why });
        Ok(Manifest { files, contents, unread: unread.collect() })
    }
}

impl OneModel {
    fn into_model(self) -> Result<Model, Trouble> {
        let Self { format, files, tensors, model, content } = self;
        let (model, content) = (sha256(&model)?, sha256(&content)?);
        Ok(Model { files, format, tensors, model, content })
    }
}

impl OneTensor {
    fn into_tensor(self) -> Result<Tensor, Trouble> {
        let Self { file, name, dtype, shape, sha256: digest } = self;
        Ok(Tensor { file, name, dtype, shape, sha256: sha256(&digest)? })
    }
}

impl OneRowGroup {
    fn into_row_group(self) -> Result<RowGroup, Trouble> {
        let Self { file, index, rows, bytes, sha256: digest } = self;
        Ok(RowGroup { file, index, rows, bytes, sha256: sha256(&digest)? })
    }
}

/// What is wrong with the path of a file, if anything.
fn flaw(path: &str) -> Option<String> {
    let plain = !path.is_empty()
        && !path.contains('\0')
        && !path.split('/').any(|step| matches!(step, "" | "." | ".."));
    (!plain).then(|| format!("the path `{path}`, which does not lie in a folder"))
}
