//! SPDX licence expressions (SPDX 3.0.1, annex B).

use super::identifier;

/// The expression with its identifiers in their own case; `None` where the text is none.
pub(super) fn canonical(text: &str) -> Option<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let mut written: Vec<String> = Vec::new();
    let mut depth = 0_usize;
    loop {
        // A licence, behind any number of brackets.
        while words.next_if_eq(&"(").is_some() {
            depth = depth.saturating_add(1);
            written.push("(".into());
        }
        written.push(licence(words.next()?)?);
        if words.next_if(|word| is(word, "WITH")).is_some() {
            written.extend(["WITH".into(), exception(words.next()?)?.to_owned()]);
        }
        while words.next_if_eq(&")").is_some() {
            depth = depth.checked_sub(1)?;
            written.push(")".into());
        }
        match words.next() {
            None => break,
            Some(word) if is(word, "AND") => written.push("AND".into()),
            Some(word) if is(word, "OR") => written.push("OR".into()),
            Some(_) => return None,
        }
    }
    let whole = written.join(" ").replace("( ", "(").replace(" )", ")");
    (depth == 0).then_some(whole)
}

/// An identifier, with `+` for later versions, or a reference to a licence of no list.
fn licence(word: &str) -> Option<String> {
    if let Some(name) = word.strip_prefix("LicenseRef-") {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        return (plain && !name.is_empty()).then(|| word.to_owned());
    }
    match word.strip_suffix('+') {
        _ if identifier(word).is_some() => identifier(word).map(Into::into),
        Some(bare) => identifier(bare).map(|id| format!("{id}+")),
        None => None,
    }
}

fn exception(word: &str) -> Option<&'static str> {
    EXCEPTIONS.lines().find(|id| id.eq_ignore_ascii_case(word))
}

/// Operators are written in capitals, or without any.
fn is(word: &str, operator: &str) -> bool {
    word == operator || word == operator.to_ascii_lowercase()
}

/// SPDX licence exceptions as the schemas of CycloneDX 1.6 and 1.7 have them.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn expressions_are_written_in_their_own_case() {
        for (text, expression) in [
            ("mit and (apache-2.0 or isc)", "MIT AND (Apache-2.0 OR ISC)"),
            (
                "gpl-2.0-only with classpath-exception-2.0",
                "GPL-2.0-only WITH Classpath-exception-2.0",
            ),
            ("Apache-2.0+", "Apache-2.0+"),
            ("LicenseRef-own OR MIT", "LicenseRef-own OR MIT"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(expression));
        }
        for text in [
            "",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "llama2 OR MIT",
            "MIT WITH MIT",
            "MIT Or ISC",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
