//! Licences that are recognised by their whole text, and by nothing less: a text with one more
//! clause is another licence.

use crate::digest::{self, Function};

/// The SPDX identifier of a licence's text.
pub(in crate::bom) fn recognise(text: &str) -> Option<&'static str> {
    let words = words(text);
    let bare = TITLES.iter().find_map(|title| words.strip_prefix(title)?.strip_prefix(' '));
    let digest = digest::of(Function::Sha256, bare.unwrap_or(&words).as_bytes()).to_string();
    TEXTS.iter().find(|(known, _)| *known == digest).map(|(_, id)| *id)
}

/// The words of a text in lower case, without the lines that name who holds the rights: what the
/// matching guidelines of SPDX (3.0.1, annex C) have decide.
fn words(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim().to_ascii_lowercase());
    let lines = lines.filter(|line| !names_holder(line)).collect::<Vec<_>>().join(" ");
    let words = lines.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn names_holder(line: &str) -> bool {
    let holder = line.strip_prefix("copyright ").is_some_and(|rest| {
        rest.starts_with("(c)")
            || rest.starts_with(|c: char| c.is_ascii_digit() || "©[<{".contains(c))
    });
    holder || line.trim_end_matches('.') == "all rights reserved"
}

/// Titles that stand over a text or do not.
const TITLES: &[&str] = &[
    "the mit license mit",
    "mit license mit",
    "the mit license",
    "mit license",
    "bsd 3 clause license",
    "bsd 2 clause license",
    "the bsd 3 clause license",
    "isc license",
    "new bsd license",
    "the unlicense",
];

/// SHA-256 of the words of each text.
const TEXTS: &[(&str, &str)] = &[
    ("0cf21bdfd1964a97a8615e128534845826afbc887edc95aa5c925cbf64386b5c", "MIT"),
    // With its appendix, and without.
    ("e87dea5078ce2faaea46d3475af18d30a5c0ac0f09425b60b3e0c6569f72f8d2", "Apache-2.0"),
    ("f45538b138cf9aea39fa205de037a0bede8305e68281650e7ab809a8b3ebb2f0", "Apache-2.0"),
    // With marks before the clauses, and with their numbers.
    ("53075742228962c7ea381b8242c64602fa32e7b8f52facb6d13ee4f9c596ddfa", "BSD-3-Clause"),
    ("9b83d3dee0616d07b82a272dd9bf5134a9f402b750f5ee6188458073b0a32ff2", "BSD-3-Clause"),
    ("a56fee4b2f66331ed54da4950ef9c9391453fd1490b4d8ea202bc29683bcbd30", "BSD-2-Clause"),
    ("7be8178e4e9d0dea6ff4b04bd52bd086d7ea8386a5a6e09760df916bae5d42d2", "BSD-2-Clause"),
    ("986c3c3199a93b916c8f2e0aeed57819bcbdcb2cd9d99902dcc9d74b53f93a74", "BSD-2-Clause"),
    ("280d76b420aeff51730e96577a2466120c91213f03dd50d60107078c498c5b29", "ISC"),
    ("5fcf89bde8c0c2deb999f4cc626e1aebf90e80fdc5cd334dae008152ef4a1ded", "BSL-1.0"),
    ("7a4d92cdb11d254973a073803be1148a5402f1b2ca67808cdb3ef78b596102cd", "Unlicense"),
    ("96bdc7f63190fb4bd1ae584b890300ed7517d858b34c945642a3b9b2f1612a5f", "CC0-1.0"),
    ("f82071285728ca3ec7685ee9bc4acdae0b8267142a4d20b8f1805eabedb4a98a", "MPL-2.0"),
];

#[cfg(test)]
mod tests {
    use super::recognise;

    const APACHE: &str = include_str!("../../../../../LICENSE");

    #[test]
    fn a_text_is_recognised_whole_or_not_at_all() {
        assert_eq!(recognise(APACHE), Some("Apache-2.0"));
        let end = APACHE.find("END OF TERMS AND CONDITIONS").unwrap();
        assert_eq!(recognise(&APACHE[..end]), None);
        assert_eq!(recognise(&format!("{APACHE}\nThe model may not be sold.")), None);
        let other = APACHE.replace("[yyyy] [name of copyright owner]", "2026 Somebody");
        assert_eq!(recognise(&other.replace('\n', "\r\n")), Some("Apache-2.0"));
    }

    #[test]
    fn the_mit_licence_has_many_titles_and_holders() {
        let text = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the \"Software\"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";
        for head in [
            "",
            "MIT License\n\nCopyright (c) 2026 Ada\n\n",
            "The MIT License (MIT)\nCopyright 2026 B\n",
        ] {
            assert_eq!(recognise(&format!("{head}{text}")), Some("MIT"));
        }
        assert_eq!(recognise(&text.replace("without restriction", "without fee")), None);
    }
}
