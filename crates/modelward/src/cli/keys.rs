//! The key that signs, as users name it: a file, or an environment variable, with a password or without.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use modelward_provenance::{Trouble, keys::SigningKey};
use zeroize::Zeroizing;

use crate::{
    cli::{Failure, Screen, When, output::warn, terminal},
    content::{self, cause},
    listing::shown,
};

/// Options of verbs that sign.
#[derive(Args, Debug)]
pub(super) struct KeyArgs {
    /// The private key, on P-256, P-384 or P-521, in PEM; `env:NAME` takes it from the environment.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The password of an encrypted key, in the first line of a file [default: ask on the terminal]
    #[arg(long, value_name = "FILE")]
    key_password_file: Option<PathBuf>,
}

/// Bytes of the longest key and of the longest password that are read.
const LONGEST: u64 = 1 << 20;

/// The key that the user named.
pub(super) fn signing_key(arguments: &KeyArgs) -> Result<SigningKey, Failure> {
    let (text, name) = match arguments.key.to_str().and_then(|key| key.strip_prefix("env:")) {
        Some(name) => (variable(name)?, format!("env:{name}")),
        None => (private_file(&arguments.key)?, shown(&arguments.key)),
    };
    let prompt = format!("Password of {}: ", crate::report::escape(&name));
    let password = match &arguments.key_password_file {
        _ if !SigningKey::is_encrypted(&text) => None,
        Some(file) => Some(password_file(file)?),
        None => Some(terminal::ask(&prompt, "`--key-password-file FILE`")?),
    };
    let read = SigningKey::read(&text, password.as_ref().map(|password| password.as_slice()));
    read.map_err(|Trouble { why, help }| {
        let failure = Failure::new(format!("cannot read the key `{name}`: {why}"));
        match help {
            Some(help) => failure.help(help),
            None => failure,
        }
    })
}

/// The password in the first line of a file.
pub(super) fn password_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let text = private_file(path)?;
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Failure::new(format!(
            "expected a password in the first line of `{}`",
            shown(path)
        )));
    }
    Ok(Zeroizing::new(line.to_vec()))
}

/// A new password, asked for twice.
pub(super) fn new_password() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let password = terminal::ask("Password of the new key: ", "`--password-file FILE`")?;
    if password.is_empty() {
        return Err(Failure::new("expected a password"));
    }
    if *terminal::ask("Once more: ", "")? != *password {
        return Err(Failure::new("the two passwords differ"));
    }
    Ok(password)
}

fn variable(name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match std::env::var_os(name) {
        Some(text) => Ok(Zeroizing::new(text.into_encoded_bytes())),
        None => Err(Failure::new(format!(
            "expected a key in the environment variable `{name}`; it is not set"
        ))),
    }
}

/// The bytes of a file that should be the user's alone; what a link leads to, since secrets are often
/// mounted as links.
fn private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let refused = |why: String| {
        let failure = Failure::new(format!("cannot read `{}`: {why}", shown(path)));
        match beside(path) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure,
        }
    };
    let end = fs::canonicalize(path).map_err(|error| refused(cause(&error)))?;
    let (file, metadata) =
        content::open(&end).map_err(|refusal| refused(refusal.why.to_string()))?;
    if metadata.len() > LONGEST {
        return Err(refused(format!("expected at most {LONGEST} bytes")));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let warning =
                Failure::new(format!("other users may read `{}` (mode {mode:03o})", shown(path)));
            warn(&warning.help(format!("`chmod 600 {}`", shown(path))), Screen::new(When::Auto));
        }
    }
    // Of its full size at once, so that no copy of a secret is left behind.
    let mut text = Zeroizing::new(Vec::with_capacity(
        usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1),
    ));
    file.take(LONGEST).read_to_end(&mut text).map_err(|error| refused(cause(&error)))?;
    Ok(text)
}

/// The name in the same folder that is most like one that is not there.
fn beside(path: &Path) -> Option<String> {
    let written = path.file_name()?.to_str()?;
    if path.exists() {
        return None;
    }
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .take(1000)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let near = crate::rules::nearest(written, names.iter().map(String::as_str))?;
    Some(shown(&path.with_file_name(near)))
}

#[cfg(test)]
mod tests {
    use modelward_provenance::keys::Curve;

    use super::*;

    fn arguments(key: &Path, password: Option<&Path>) -> KeyArgs {
        KeyArgs { key: key.to_owned(), key_password_file: password.map(Path::to_owned) }
    }

    #[test]
    fn a_key_is_read_from_its_file_with_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let [path, word, link] = ["k.pem", "word", "link"].map(|name| folder.path().join(name));
        let key = SigningKey::generate(Curve::P256).unwrap();
        fs::write(&path, key.to_pem(Some(b"secret")).unwrap().as_bytes()).unwrap();
        fs::write(&word, "secret\r\nand more\n").unwrap();
        let read = signing_key(&arguments(&path, Some(&word))).unwrap();
        assert_eq!(read.public(), key.public());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert!(signing_key(&arguments(&link, Some(&word))).is_ok());
        }
        fs::write(&word, "other\n").unwrap();
        let failure = signing_key(&arguments(&path, Some(&word))).unwrap_err();
        assert!(
            failure.message.ends_with("the password is wrong, or the encrypted key is broken"),
            "{failure}"
        );
        fs::write(&word, "\n").unwrap();
        assert!(signing_key(&arguments(&path, Some(&word))).is_err());
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_near() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("signer.pem"), "").unwrap();
        let failure = signing_key(&arguments(&folder.path().join("singer.pem"), None)).unwrap_err();
        assert!(failure.help.unwrap().contains("signer.pem"));
        let failure =
            signing_key(&arguments(Path::new("env:MODELWARD_NO_SUCH"), None)).unwrap_err();
        assert!(failure.message.contains("`MODELWARD_NO_SUCH`"));
        let failure = signing_key(&arguments(folder.path(), None)).unwrap_err();
        assert!(failure.message.contains("expected a regular file"), "{failure}");
    }
}
