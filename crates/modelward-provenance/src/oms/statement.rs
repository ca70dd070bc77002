//! The statement: what the signer says of the files of a model (in-toto Statement v1 with the
//! predicate of OpenSSF Model Signing v1.0, section 5).

use std::{collections::BTreeMap, num::NonZeroU64};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{
    digest::{Digest, Function},
    oms::{
        json::{self, Object, Value},
        method::Method,
        name,
        resources::{self, Parts, Resource, digest},
    },
};

mod legacy;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The name of the model.
    pub subject: String,
    /// SHA-256 over the digests of the resources, in the order they are listed; statements of
    /// model-signing 0.2.0 have none.
    pub root: Option<Digest>,
    /// How the files were found and hashed.
    pub serialization: Serialization,
    /// The files by name, each with its digests.
    pub files: BTreeMap<String, Parts>,
    /// Whether it is of model-signing 0.2.0.
    pub old: bool,
}

/// How the files were found and hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serialization {
    /// What is hashed at once.
    pub method: Method,
    /// The function of every digest but the root.
    pub function: Function,
    /// Whether links were followed.
    pub allow_symlinks: bool,
    /// What was left out, beside what always is; empty where the statement does not say.
    pub ignore_paths: Vec<String>,
}

impl Statement {
    /// Read the payload of a bundle, or say in one sentence what is wrong with it.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        let mut statement = json::read(payload)?.object("the statement")?;
        let kind = statement.take("_type")?.text("`_type`")?;
        if kind != TYPE {
            let kind = json::brief(&kind);
            return Err(format!("expected a statement of the type `{TYPE}`, found `{kind}`"));
        }
        let subjects = statement.take("subject")?.list("`subject`")?;
        let kind = statement.take("predicateType")?.text("`predicateType`")?.into_owned();
        let predicate = statement.take("predicate")?.object("`predicate`")?;
        statement.close("the statement")?;
        match kind.as_str() {
            PREDICATE => current(subjects, predicate),
            legacy::PREDICATE => Ok(Self {
                subject: String::new(),
                root: None,
                serialization: Serialization {
                    method: Method::Files,
                    function: Function::Sha256,
                    allow_symlinks: false,
                    ignore_paths: Vec::new(),
                },
                files: legacy::read(subjects)?,
                old: true,
            }),
            other => {
                let other = json::brief(other);
                Err(format!("expected a predicate of the type `{PREDICATE}`, found `{other}`"))
            }
        }
    }

    /// Write it in compact JSON, with the resources in the order of their names by code point.
    ///
    /// # Errors
    /// Where the serializer fails, which it does not.
    pub fn write(&self) -> Result<Vec<u8>, String> {
        let resources = resources::write(&self.files, self.serialization.method);
        let root = root(resources.iter().map(|(_, digest)| *digest)).to_string();
        let algorithm = self.serialization.function.name();
        let written = Written {
            kind: TYPE,
            subject: [Subject { name: &self.subject, digest: Root { sha256: root } }],
            predicate_type: PREDICATE,
            predicate: Predicate {
                resources: resources
                    .into_iter()
                    .map(|(name, digest)| Descriptor {
                        name,
                        digest: digest.to_string(),
                        algorithm,
                    })
                    .collect(),
                serialization: WrittenSerialization {
                    method: match self.serialization.method {
                        Method::Files => "files",
                        Method::Shards(_) => "shards",
                    },
                    hash_type: algorithm,
                    shard_size: match self.serialization.method {
                        Method::Files => None,
                        Method::Shards(size) => Some(size),
                    },
                    allow_symlinks: self.serialization.allow_symlinks,
                    ignore_paths: &self.serialization.ignore_paths,
                },
            },
        };
        serde_json::to_vec(&written).map_err(|error| error.to_string())
    }

    /// The root of the files as they are written.
    pub fn computed_root(&self) -> Digest {
        let resources = resources::write(&self.files, self.serialization.method);
        root(resources.iter().map(|(_, digest)| *digest))
    }
}

/// Read a statement of the present form, and of model-signing 0.3.1 and later.
fn current(subjects: Vec<Value<'_>>, mut predicate: Object<'_>) -> Result<Statement, String> {
    let found = subjects.len();
    let mut subjects = subjects.into_iter();
    let (Some(only), None) = (subjects.next(), subjects.next()) else {
        return Err(format!("expected one subject, found {found}"));
    };
    let mut only = only.object("the subject")?;
    let subject = only.take("name")?.text("the name of the subject")?.into_owned();
    if subject.is_empty() {
        return Err("expected a name for the subject, found an empty one".into());
    }
    let claimed = subject_digest(only.take("digest")?)?;
    let listed = predicate.take("resources")?.list("`resources`")?;
    let serialization = predicate.take("serialization")?.object("`serialization`")?;
    predicate.close("the predicate")?;
    let serialization = Serialization::read(serialization)?;
    if listed.is_empty() {
        return Err("expected at least one resource, found none".into());
    }
    let listed = listed
        .into_iter()
        .map(|resource| Resource::read(resource, &serialization))
        .collect::<Result<Vec<_>, _>>()?;
    let computed = root(listed.iter().map(|resource| &resource.digest));
    if computed != claimed {
        return Err(format!("the root is said to be {claimed}, but the resources give {computed}"));
    }
    let files = resources::files(listed, serialization.method)?;
    Ok(Statement { subject, root: Some(claimed), serialization, files, old: false })
}

/// The SHA-256 of a subject; other digests may stand beside it.
fn subject_digest(digests: Value<'_>) -> Result<Digest, String> {
    let mut digests = digests.object("the digest of the subject")?;
    let sha256 = digests.take("sha256")?.text("`sha256`")?;
    for (name, digest) in digests.entries() {
        let digest = digest.text("a digest of the subject")?;
        if digest.is_empty() || !digest.bytes().all(is_hexadecimal) {
            let name = json::brief(&name);
            return Err(format!("expected a digest in lower-case hexadecimal for `{name}`"));
        }
    }
    digest(&sha256, Function::Sha256, "the subject")
}

fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// SHA-256 over digests, one after the other.
fn root<'d>(digests: impl Iterator<Item = &'d Digest>) -> Digest {
    let mut hash = Sha256::new();
    for digest in digests {
        hash.update(digest.bytes());
    }
    let hash: [u8; 32] = hash.finalize().into();
    hash.into()
}

impl Serialization {
    fn read(mut object: Object<'_>) -> Result<Self, String> {
        let method = object.take("method")?.text("`method`")?;
        let size = object.find("shard_size");
        let method = match (method.as_ref(), size) {
            ("files", None) => Method::Files,
            ("files", Some(_)) => return Err("`shard_size` has no meaning for `files`".into()),
            ("shards", None) => return Err("expected `shard_size`, which `shards` needs".into()),
            ("shards", Some(size)) => {
                let size = size.count("`shard_size`")?;
                Method::Shards(NonZeroU64::new(size).ok_or("expected a `shard_size` above 0")?)
            }
            (other, _) => {
                let other = json::brief(other);
                return Err(format!("expected the method `files` or `shards`, found `{other}`"));
            }
        };
        let name = object.take("hash_type")?.text("`hash_type`")?;
        let function = Function::named(&name).ok_or_else(|| {
            let name = json::brief(&name);
            format!("expected the hash sha256, blake2b or blake3, found `{name}`")
        })?;
        let allow_symlinks = object.take("allow_symlinks")?.flag("`allow_symlinks`")?;
        let ignored = object.find("ignore_paths").map(|paths| paths.list("`ignore_paths`"));
        let mut ignore_paths = Vec::new();
        for path in ignored.transpose()?.unwrap_or_default() {
            let path = path.text("a path of `ignore_paths`")?.into_owned();
            if let Some(flaw) = name::exclusion_flaw(&path) {
                let path = json::brief(&path);
                return Err(format!("`{path}` of `ignore_paths` is no exact path: {flaw}"));
            }
            ignore_paths.push(path);
        }
        object.close("`serialization`")?;
        Ok(Self { method, function, allow_symlinks, ignore_paths })
    }
}

impl Resource {
    fn read(value: Value<'_>, serialization: &Serialization) -> Result<Self, String> {
        let mut object = value.object("a resource")?;
        let name = object.take("name")?.text("the name of a resource")?.into_owned();
        let text = object.take("digest")?.text("the digest of a resource")?;
        let algorithm = object.take("algorithm")?.text("the algorithm of a resource")?;
        let function = serialization.function;
        let shards = match serialization.method {
            Method::Files => false,
            // As model-signing writes it, up to version 1.1.1.
            Method::Shards(size) => algorithm == format!("{}-sharded-{size}", function.name()),
        };
        if algorithm != function.name() && !shards {
            let (name, algorithm) = (json::brief(&name), json::brief(&algorithm));
            let expected = function.name();
            return Err(format!(
                "expected the algorithm {expected} for `{name}`, found `{algorithm}`"
            ));
        }
        Ok(Self { digest: digest(&text, function, &name)?, name })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject<'a>; 1],
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    digest: Root,
}

#[derive(Serialize)]
struct Root {
    sha256: String,
}

#[derive(Serialize)]
struct Predicate<'a> {
    resources: Vec<Descriptor<'a>>,
    serialization: WrittenSerialization<'a>,
}

#[derive(Serialize)]
struct Descriptor<'a> {
    name: std::borrow::Cow<'a, str>,
    digest: String,
    algorithm: &'static str,
}

#[derive(Serialize)]
struct WrittenSerialization<'a> {
    method: &'static str,
    hash_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard_size: Option<NonZeroU64>,
    allow_symlinks: bool,
    ignore_paths: &'a [String],
}

/// The type of every statement.
const TYPE: &str = "https://in-toto.io/Statement/v1";
/// The type of the predicate, since model-signing 0.3.1.
pub(crate) const PREDICATE: &str = "https://model_signing/signature/v1.0";

#[cfg(test)]
mod tests;
