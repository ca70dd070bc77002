//! Which library is loaded: the one that the user names, by its whole path. Nothing is searched for,
//! so that no file beside a model or in the current folder is ever run.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use modelward_engine::{Kind, Result, Trouble};

/// The variable that names the library where no option does.
pub const VARIABLE: &str = "ORT_DYLIB_PATH";

/// The library of ONNX Runtime: the path that was given, or else the one of [`VARIABLE`].
///
/// # Errors
/// Where there is none, it is relative, or there is no regular file.
pub fn library(given: Option<&Path>, variable: Option<&OsStr>) -> Result<PathBuf> {
    let variable = variable.filter(|value| !value.is_empty()).map(Path::new);
    let (path, from) = match (given, variable) {
        (Some(path), _) => (path, "`--ort-library`"),
        (None, Some(path)) => (path, "`ORT_DYLIB_PATH`"),
        (None, None) => {
            let why = "expected the shared library of ONNX Runtime, got none";
            return Err(Trouble::new(Kind::Input, why).help(
                "name it by its whole path, `--ort-library /opt/onnxruntime/lib/libonnxruntime.so`, or in `ORT_DYLIB_PATH`; it is not searched for",
            ));
        }
    };
    let shown = path.display();
    if !path.is_absolute() {
        let why = format!("expected an absolute path in {from}, got `{shown}`");
        return Err(Trouble::new(Kind::Input, why).help(
            "a library runs what its maker wrote, so it is never taken from the current folder by a short name: write the whole path, beginning with `/`",
        ));
    }
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(path.to_owned()),
        Ok(_) => {
            let why =
                format!("expected a shared library in {from}, got `{shown}`, no regular file");
            Err(Trouble::new(Kind::Input, why))
        }
        Err(error) => {
            let why = format!("cannot read the library `{shown}` of {from}: {error}");
            Err(Trouble::new(Kind::Input, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_named_by_its_whole_path() {
        let here = std::env::current_exe().unwrap();
        assert_eq!(library(Some(&here), None).unwrap(), here);
        assert_eq!(library(None, Some(here.as_os_str())).unwrap(), here);
        // The option comes first, also where it is wrong.
        let other = OsStr::new("/nowhere/libonnxruntime.so");
        assert_eq!(library(Some(&here), Some(other)).unwrap(), here);
        for (given, variable, why) in [
            (None, None, "got none"),
            (None, Some(""), "got none"),
            (Some("libonnxruntime.so"), None, "absolute path in `--ort-library`"),
            (Some("./libonnxruntime.so"), None, "absolute path"),
            (None, Some("lib/libonnxruntime.so"), "absolute path in `ORT_DYLIB_PATH`"),
            (Some("relative"), Some("/bin/sh"), "absolute path"),
            (Some("/"), None, "no regular file"),
            (Some("/dev/null"), None, "no regular file"),
            (None, Some("/nowhere/libonnxruntime.so"), "cannot read"),
        ] {
            let found = library(given.map(Path::new), variable.map(OsStr::new));
            let trouble = found.unwrap_err();
            assert!(trouble.why.contains(why), "{given:?} {variable:?}: {}", trouble.why);
            assert_eq!(trouble.kind, Kind::Input);
        }
    }
}
