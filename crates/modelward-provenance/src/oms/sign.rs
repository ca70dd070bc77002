//! Signing a model.

use std::{collections::BTreeMap, path::Path};

use crate::{
    Trouble,
    digest::{Digest, Function},
    keys::{SigningKey, pem},
    oms::{
        bundle::{Bundle, MOST_CERTIFICATES, Material},
        envelope::{self, IN_TOTO},
        hashing::{self, Reading},
        json,
        method::Method,
        name,
        request::{Exclusions, UNFINISHED, exclusions},
        resources::Parts,
        statement::{Serialization, Statement},
    },
    tree::{self, Odd, Oddity, Tree, identity},
    x509::Certificate,
};

/// What to sign, and how.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The key.
    pub key: &'a SigningKey,
    /// DER certificates of the key, the leaf first; none to sign with the bare key.
    pub certificates: &'a [Vec<u8>],
    /// What is hashed at once.
    pub method: Method,
    /// The function.
    pub function: Function,
    /// Paths to leave out, beside what always is.
    pub ignore: &'a [String],
    /// Whether links are followed.
    pub allow_symlinks: bool,
    /// Where signatures will lie, which are left out.
    pub outputs: &'a [&'a Path],
    /// How the files are read.
    pub reading: Reading<'a>,
}

/// A signature, and what it covers.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The bundle.
    pub bundle: Vec<u8>,
    /// The root of the files.
    pub root: Digest,
    /// How many files.
    pub files: usize,
    /// How many bytes.
    pub bytes: u64,
    /// What is not covered.
    pub exclusions: Vec<String>,
    /// What the signer should know, in one sentence each.
    pub warnings: Vec<String>,
}

/// What is to be signed, read.
#[derive(Debug)]
pub(crate) struct Surveyed {
    pub(crate) tree: Tree,
    /// The files by name, each with its digests.
    pub(crate) files: BTreeMap<String, Parts>,
    /// What is not covered.
    pub(crate) left_out: Exclusions,
    pub(crate) warnings: Vec<String>,
}

/// Sign the files of a model.
///
/// # Errors
/// Where the model cannot be read or may not be signed: no files, a link, a pipe, a name that is not
/// UTF-8, a file that changes meanwhile.
pub fn sign(target: &Path, order: &Order<'_>) -> Result<Signed, Trouble> {
    let Surveyed { tree, files, left_out, warnings } = survey(target, order)?;
    let statement = Statement {
        subject: tree.name.clone(),
        root: None,
        serialization: Serialization {
            method: order.method,
            function: order.function,
            allow_symlinks: order.allow_symlinks,
            ignore_paths: left_out.iter().cloned().collect(),
        },
        files,
        old: false,
    };
    let payload = statement.write().map_err(Trouble::new)?;
    let bundle = sign_statement(&payload, order.key, order.certificates)?;
    Ok(Signed {
        bundle,
        root: statement.computed_root(),
        files: tree.files.len(),
        bytes: tree.bytes(),
        exclusions: left_out.into_iter().collect(),
        warnings,
    })
}

/// List what an order covers and hash it, or say why it may not be signed.
pub(crate) fn survey(target: &Path, order: &Order<'_>) -> Result<Surveyed, Trouble> {
    let ignored = exclusions(order.ignore)?;
    let mut left_out = ignored.clone();
    let without = order.outputs.iter().filter_map(|output| identity(output)).collect();
    // The signature of the last run may lie elsewhere under the name that this one will have.
    left_out.extend(order.outputs.iter().filter_map(|output| tree::below(target, output)));
    left_out.extend(tree::DEFAULT_EXCLUSIONS.map(ToOwned::to_owned));
    let options =
        tree::Options { exclusions: left_out.clone(), follow: order.allow_symlinks, without };
    let tree = Tree::list(target, &options)?;
    let mut warnings = Vec::new();
    for odd in &tree.odd {
        warnings.extend(refuse(odd)?);
    }
    check(&tree, order, target)?;
    let absent = ignored.iter().filter(|path| !tree.excluded.contains(path));
    warnings.extend(absent.map(|path| format!("nothing lies at `{path}`, which is left out")));
    let listed = tree.files.iter().collect::<Vec<_>>();
    let hashed = hashing::hash(&listed, order.function, order.method, &order.reading);
    let mut files = BTreeMap::new();
    for (file, hashed) in tree.files.iter().zip(hashed) {
        let hashed = hashed.map_err(|why| {
            Trouble::new(format!("cannot sign `{}`: {why}", file.name))
                .help("nothing was written; sign again once nobody writes to the model")
        })?;
        if let Some(other) = hashed.other_blob {
            let why = format!("`{}` is not the blob that its cache says: {other}", file.name);
            return Err(Trouble::new(why).help("the download is damaged; fetch the file again"));
        }
        match &hashed.parts {
            Parts::Shards { digests, .. } if digests.is_empty() => warnings.push(format!(
                "`{}` is empty, and the method `shards` does not cover empty files",
                file.name
            )),
            _ => drop(files.insert(file.name.clone(), hashed.parts)),
        }
    }
    if files.is_empty() {
        return Err(nothing(target));
    }
    Ok(Surveyed { tree, files, left_out, warnings })
}

/// Sign an in-toto statement and put it in a bundle.
///
/// # Errors
/// Where the bundle would be larger than any reader takes.
pub fn sign_statement(
    statement: &[u8],
    key: &SigningKey,
    certificates: &[Vec<u8>],
) -> Result<Vec<u8>, Trouble> {
    let material = match certificates {
        [] => Material::Key { hint: Some(key.public().hint()), raw: None },
        chain => Material::Chain(chain.to_vec()),
    };
    let signature = key.sign(&envelope::signed_bytes(IN_TOTO, statement));
    let bundle = Bundle { material, payload: statement.to_vec(), signature };
    let bundle = bundle.write().map_err(Trouble::new)?;
    if bundle.len() > json::MOST_BYTES {
        let why =
            format!("the signature would have {} bytes, more than any reader takes", bundle.len());
        return Err(Trouble::new(why).help("sign in larger shards, or in several models"));
    }
    Ok(bundle)
}

/// The certificates of a PEM text in DER, the first of which has to be that of the key.
///
/// # Errors
/// Where there is none, where one cannot be read, or where the first is of another key.
pub fn chain(pem: &[u8], key: &SigningKey) -> Result<Vec<Vec<u8>>, Trouble> {
    let mut chain = Vec::new();
    for block in pem::blocks(pem)? {
        if !block.label.ends_with("CERTIFICATE") {
            let why = format!("expected certificates in PEM, found a block `{}`", block.label);
            return Err(Trouble::new(why));
        }
        let certificate = Certificate::read(&block.bytes).map_err(|why| {
            let number = chain.len().saturating_add(1);
            Trouble::new(format!("certificate {number} cannot be read: {why}"))
        })?;
        if chain.is_empty() && certificate.spki != key.public().spki() {
            return Err(Trouble::new(
                "the certificate is of another key than the one that is to sign",
            )
            .help(
                "give the certificate of the key with `--cert`, and those above it with `--chain`",
            ));
        }
        chain.push(certificate.der().to_vec());
    }
    if chain.is_empty() {
        return Err(Trouble::new("expected a certificate in PEM, found none"));
    }
    if chain.len() > MOST_CERTIFICATES {
        let why =
            format!("expected at most {MOST_CERTIFICATES} certificates, found {}", chain.len());
        return Err(Trouble::new(why));
    }
    Ok(chain)
}

/// Refuse what cannot be signed; of what can, the warning.
fn refuse(Odd { name, what }: &Odd) -> Result<Option<String>, Trouble> {
    let leave = format!("leave it out with `--ignore {name}`");
    let refused = |why: String, help: String| Err(Trouble::new(why).help(help));
    match what {
        Oddity::Outside(target) => {
            Ok(Some(format!("`{name}` is a link out of the model, to `{target}`")))
        }
        Oddity::Link(target) | Oddity::Escape(target) => refused(
            format!("`{name}` is a link, to `{target}`, and links are not signed"),
            format!("sign what it leads to with `--allow-symlinks`, or {leave}"),
        ),
        Oddity::Cycle(target) => {
            refused(format!("`{name}` is a link to `{target}`, a folder that it lies in"), leave)
        }
        Oddity::Broken(target) => {
            refused(format!("`{name}` is a link to `{target}`, which is not there"), leave)
        }
        Oddity::Special => {
            refused(format!("`{name}` is a pipe, a socket or a device, and is never opened"), leave)
        }
        Oddity::NotUtf8 => refused(
            format!("the name `{name}` is not UTF-8"),
            "names in a signature are UTF-8; rename the file".into(),
        ),
        Oddity::Unreadable(why) => {
            refused(format!("cannot read `{name}`: {why}"), "check its permissions".into())
        }
    }
}

/// Refuse a model that would give no signature, or a wrong one.
fn check(tree: &Tree, order: &Order<'_>, target: &Path) -> Result<(), Trouble> {
    if tree.files.is_empty() {
        return Err(nothing(target));
    }
    for file in &tree.files {
        if let Some(flaw) = name::flaw(&file.name) {
            return Err(Trouble::new(format!("`{}` is {flaw}", file.name)));
        }
        if file.name.ends_with(UNFINISHED) {
            let why = format!("`{}` is a download that was not finished", file.name);
            let help = format!("finish it, or leave it out with `--ignore {}`", file.name);
            return Err(Trouble::new(why).help(help));
        }
    }
    if let Method::Shards(size) = order.method {
        let pieces = tree.files.iter().map(|file| hashing::pieces(file.len, size));
        let pieces = pieces.fold(0_u64, u64::saturating_add);
        if pieces > MOST_RESOURCES {
            let why = format!(
                "shards of {size} bytes would make {pieces} pieces, more than {MOST_RESOURCES}"
            );
            return Err(Trouble::new(why).help("give a larger `--shard-size`"));
        }
    }
    Ok(())
}

fn nothing(target: &Path) -> Trouble {
    Trouble::new(format!("expected files to sign in `{}`, found none", target.display()))
        .help("a signature of nothing proves nothing")
}

/// As many entries as a reader takes.
const MOST_RESOURCES: u64 = 1 << 20;
