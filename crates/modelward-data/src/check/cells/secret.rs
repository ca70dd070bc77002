//! Cells that hold a credential, by the forms that the scanner of files knows too.

use modelward_formats::credentials;

/// What credential a text holds, or `None`; of it no more is told than its owner needs.
pub(super) fn why(text: &str) -> Option<String> {
    let (found, form) = credentials::in_text(text, 0)?;
    Some(format!("{}: {}... ({} characters)", form.what, form.prefix, found.len()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_credential_is_named_and_not_told() {
        // Put together here, so that no scanner takes this file for a leak.
        let token = ["glpat", "-Xy7Kq2Lm9Pz4Rt6Vw8Bn"].concat();
        let why = super::why(&format!("token={token};")).unwrap();
        assert_eq!(why, "a token of GitLab: glpat-... (26 characters)");
        for plain in [
            "",
            "hf_hub_download(repo_id, filename)",
            "AKIAIOSFODNN7EXAMPLE",
            "sk-proj-your-token-goes-here-and-not-anywhere-else",
        ] {
            assert!(super::why(plain).is_none(), "{plain}");
        }
    }
}
