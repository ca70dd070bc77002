//! `modelward keygen`: a new pair of keys for signing.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use modelward_provenance::{
    keys::{Curve, SigningKey},
    seal::Identity,
};
use tempfile::NamedTempFile;

use crate::{
    cli::{EXIT_CODES, Failure, keys, output},
    content::cause,
    listing::shown,
};

/// Make a pair of keys that sign and verify models, or an identity that unseals them.
#[derive(Args, Debug)]
#[command(after_help = [EXAMPLES, EXIT_CODES].concat())]
pub(super) struct Arguments {
    /// Where the private key goes: PKCS#8 PEM that you alone may read.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Where the public key goes [default: beside the private one, `K.pub.pem` for `K.pem`]
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    /// The curve.
    #[arg(long, value_enum, default_value = "p256")]
    curve: Named,
    /// Encrypt the private key; the password is asked for on the terminal.
    #[arg(long, conflicts_with = "password_file")]
    password: bool,
    /// Encrypt the private key with the password in the first line of a file.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Make an identity of age instead, for `modelward seal` and `unseal`; it is one file.
    #[arg(long, conflicts_with_all = ["public", "curve", "password", "password_file"])]
    age: bool,
    /// Replace keys that are there; whatever they signed can then no longer be signed anew.
    #[arg(long)]
    force: bool,
}

/// The curves, as users name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Named {
    /// NIST P-256, with SHA-256: what most tools read.
    P256,
    /// NIST P-384, with SHA-384.
    P384,
    /// NIST P-521, with SHA-512.
    P521,
}

const EXAMPLES: &str = "\
Examples:
  modelward keygen -o signer.pem                            writes signer.pem and signer.pub.pem
  modelward keygen -o signer.pem --curve p384 --password    asks for a password
  modelward sign ./model --key signer.pem -o model.sig
  modelward keygen --age -o identity.txt                    says the recipient to seal for";

pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let private = &arguments.output;
    if arguments.age {
        return identity(private, arguments.force);
    }
    let public = arguments.public.clone().unwrap_or_else(|| beside(private));
    if output::is_one(&public, private) {
        return Err(Failure::new("expected two files, one for each key"));
    }
    // Asked before any work is done; the files themselves are never overwritten unasked.
    for path in [private, &public] {
        if path.is_dir() {
            let why = format!("expected a file to write to, found the folder `{}`", shown(path));
            return Err(Failure::new(why));
        }
        if !arguments.force && path.symlink_metadata().is_ok() {
            return Err(there(path));
        }
    }
    let password = match &arguments.password_file {
        Some(file) => Some(keys::password_file(file)?),
        None if arguments.password => Some(keys::new_password()?),
        None => None,
    };
    let key = SigningKey::generate(match arguments.curve {
        Named::P256 => Curve::P256,
        Named::P384 => Curve::P384,
        Named::P521 => Curve::P521,
    });
    let key = key?;
    let pem = key.to_pem(password.as_ref().map(|password| password.as_slice()));
    let pem = pem?;
    let public_half = key.public();
    let private_file = written(private, pem.as_bytes(), 0o600)?;
    let public_file = written(&public, public_half.pem().as_bytes(), 0o644)?;
    let is_new = private.symlink_metadata().is_err();
    placed(private_file, private, arguments.force)?;
    if let Err(failure) = placed(public_file, &public, arguments.force) {
        // One key without the other is of no use.
        if is_new {
            let _ = fs::remove_file(private);
        }
        return Err(failure);
    }
    let kind = if password.is_some() { "encrypted" } else { "not encrypted" };
    writeln!(
        io::stdout(),
        "private key  {} ({}, {kind})\npublic key   {}\nhint         {}",
        crate::report::escape(&shown(private)),
        key.curve(),
        crate::report::escape(&shown(&public)),
        public_half.hint(),
    )
    .map_err(|error| Failure::output(&error))?;
    Ok(0)
}

/// Make an identity of age.
fn identity(path: &Path, force: bool) -> Result<u8, Failure> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(there(path));
    }
    let identity = Identity::generate()?;
    placed(written(path, identity.file_text().as_bytes(), 0o600)?, path, force)?;
    let path = crate::report::escape(&shown(path));
    writeln!(
        io::stdout(),
        "identity     {path} (not encrypted)\nrecipient    {}",
        identity.recipient()
    )
    .map_err(|error| Failure::output(&error))?;
    Ok(0)
}

/// `K.pub.pem` for `K.pem` and for `K`.
fn beside(private: &Path) -> PathBuf {
    let mut name = private.file_name().unwrap_or_default().to_owned();
    if private.extension().is_some_and(|extension| extension == "pem") {
        name = private.file_stem().unwrap_or_default().to_owned();
    }
    name.push(".pub.pem");
    private.with_file_name(name)
}

/// A file beside its place, that nobody else may read until it has its mode.
fn written(path: &Path, bytes: &[u8], mode: u32) -> Result<NamedTempFile, Failure> {
    let refused = |error: &io::Error| {
        Failure::new(format!("cannot write `{}`: {}", shown(path), cause(error)))
            .help("check that the folder is there and may be written to")
    };
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder).map_err(|error| refused(&error))?;
    file.write_all(bytes).map_err(|error| refused(&error))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::Permissions::from_mode(mode);
        file.as_file().set_permissions(mode).map_err(|error| refused(&error))?;
    }
    #[cfg(not(unix))]
    let _ = mode;
    file.as_file().sync_all().map_err(|error| refused(&error))?;
    Ok(file)
}

/// Move a file to its place; one that is there is replaced only by force.
fn placed(file: NamedTempFile, path: &Path, force: bool) -> Result<(), Failure> {
    let moved = if force { file.persist(path) } else { file.persist_noclobber(path) };
    match moved {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(there(path)),
        Err(error) => {
            Err(Failure::new(format!("cannot write `{}`: {}", shown(path), cause(&error.error))))
        }
    }
}

fn there(path: &Path) -> Failure {
    Failure::new(format!("`{}` is there already", shown(path)))
        .help("a key that is lost cannot be had again; `--force` replaces it")
}

#[cfg(test)]
mod tests {
    use modelward_provenance::keys::PublicKey;

    use super::*;

    fn arguments(folder: &Path, force: bool) -> Arguments {
        Arguments {
            output: folder.join("k.pem"),
            public: None,
            curve: Named::P384,
            password: false,
            password_file: None,
            age: false,
            force,
        }
    }

    #[test]
    fn a_pair_is_written_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let [private, public] = ["k.pem", "k.pub.pem"].map(|name| folder.path().join(name));
        assert_eq!(run(&arguments(folder.path(), false)).unwrap(), 0);
        let key = SigningKey::read(&fs::read(&private).unwrap(), None).unwrap();
        assert_eq!(PublicKey::read(&fs::read(&public).unwrap()).unwrap(), key.public());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(run(&arguments(folder.path(), false)).is_err());
        fs::remove_file(&private).unwrap();
        assert!(run(&arguments(folder.path(), false)).is_err());
        assert!(!private.exists());
        assert_eq!(run(&arguments(folder.path(), true)).unwrap(), 0);
        assert_ne!(PublicKey::read(&fs::read(&public).unwrap()).unwrap(), key.public());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn an_identity_is_one_private_file() {
        let folder = tempfile::tempdir().unwrap();
        let asked = |force| Arguments { age: true, ..arguments(folder.path(), force) };
        assert_eq!(run(&asked(false)).unwrap(), 0);
        let kept = modelward_provenance::seal::read_identities(&folder.path().join("k.pem"));
        let kept = kept.unwrap();
        assert!(kept.secret.len() == 1 && !kept.is_open_to_others);
        assert!(run(&asked(false)).is_err());
        assert_eq!(run(&asked(true)).unwrap(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_public_key_lies_beside_the_private_one() {
        assert_eq!(beside(Path::new("d/k.pem")), Path::new("d/k.pub.pem"));
        assert_eq!(beside(Path::new("k")), Path::new("k.pub.pem"));
        assert_eq!(beside(Path::new("k.key")), Path::new("k.key.pub.pem"));
    }
}
