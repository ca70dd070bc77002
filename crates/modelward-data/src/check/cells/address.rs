//! Addresses that lead to bad places: into the network of whoever fetches them, to collectors of what was
//! sent, or elsewhere than they seem to lead.
//!
//! Nothing is looked up. What is told lies in the address itself: a host that no public text leads to, a
//! number in disguise, a name before an `@`, letters of two scripts. An ordinary link is none, whatever it
//! leads to.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ahead::Ahead;

/// What is wrong with an address in a text, or `None`.
pub(super) fn why(text: &str) -> Option<String> {
    if !text.contains(':') && !text.starts_with("\\\\") {
        return None;
    }
    if text.contains("${jndi:") {
        return Some("a look-up that Log4j runs (CVE-2021-44228)".to_owned());
    }
    if let Some(host) = text.strip_prefix("\\\\").and_then(|rest| rest.split('\\').next())
        && (host.parse::<Ipv4Addr>().is_ok_and(is_public) || host.contains('@'))
    {
        let why =
            "a share of another machine: opening it sends the reader's name and password hash";
        return Some(why.to_owned());
    }
    let mut reader = Reader::of(text);
    memchr::memchr_iter(b':', text.as_bytes()).find_map(|colon| reader.of_scheme(colon))
}

/// Reads the addresses of a text from left to right. What ends them is sought ahead and kept, so that a text of
/// nothing but beginnings is walked once and not from each of them.
struct Reader<'a> {
    text: &'a str,
    quote: Ahead<'a>,
    code: Ahead<'a>,
    comma: Ahead<'a>,
    bracket: Ahead<'a>,
    path: Ahead<'a>,
}

impl<'a> Reader<'a> {
    fn of(text: &'a str) -> Self {
        let ahead = |wanted| Ahead::new(text.as_bytes(), wanted);
        Self {
            text,
            quote: ahead(b"\">\n"),
            code: ahead(b"(=`"),
            comma: ahead(b","),
            bracket: ahead(b")\n"),
            path: ahead(b"?# \"\n)>"),
        }
    }

    /// What is wrong with the address whose scheme ends at a colon.
    fn of_scheme(&mut self, colon: usize) -> Option<String> {
        let from = colon.checked_add(1)?;
        let (before, behind) = (self.text.get(..colon)?, self.text.get(from..)?);
        let letters = before.bytes().rev().take(LONGEST_SCHEME);
        let letters = letters.take_while(u8::is_ascii_alphanumeric).count();
        let at = colon.checked_sub(letters)?;
        let scheme = before.get(at..)?.to_ascii_lowercase();
        let lead = before.get(..at)?;
        let opens = lead.is_empty() || lead.ends_with(['"', '\'', '(', '=', '<']);
        match scheme.as_str() {
            "javascript" | "vbscript" if opens && !behind.starts_with([' ', '\n']) => {
                let end = self.quote.from(from);
                let runs = self.code.from(from) < end && !is_idle(behind);
                runs.then(|| "a script in the place of an address".to_owned())
            }
            "data" if opens => {
                let kind = behind.get(..behind.floor_char_boundary(LONGEST_KIND))?;
                let kind = kind.split([',', ';']).next()?.trim().to_ascii_lowercase();
                let page = kind == "text/html" || kind == "application/xhtml+xml";
                (page && self.comma.from(from) < self.text.len())
                    .then(|| "a page inside an address".to_owned())
            }
            "file" => {
                let host = behind.strip_prefix("//")?.split(['/', ' ', '"']).next()?;
                let far = host.contains('.') && host.parse::<Ipv4Addr>().map_or(true, is_public);
                far.then(|| {
                    "a file of another machine: opening it sends the reader's name".to_owned()
                })
            }
            "http" | "https" | "ftp" | "ws" | "wss" | "gopher" | "dict" | "ldap" | "ldaps"
            | "rmi" => {
                let rest = behind.strip_prefix("//")?;
                let begins = from.checked_add(2)?;
                if is_picture(lead) {
                    let end = self.bracket.from(begins).min(begins.saturating_add(LONGEST_QUERY));
                    let url = self.text.get(begins..self.text.floor_char_boundary(end))?;
                    if carries_away(url) {
                        let why =
                            "a picture whose address carries away what a model writes into it";
                        return Some(why.to_owned());
                    }
                }
                self.of_authority(rest, begins)
            }
            _ => None,
        }
    }

    /// What is wrong with the part of an address that names its host.
    fn of_authority(&mut self, rest: &str, begins: usize) -> Option<String> {
        let authority = match rest.strip_prefix('[') {
            Some(six) => {
                let six = six.get(..six.floor_char_boundary(LONGEST_NUMBER))?;
                rest.get(..six.find(']')?.checked_add(2)?)?
            }
            // A `//` stands in no authority, so that of two addresses one may overlap the other's path alone.
            None => rest.get(..rest.find(ends_authority).unwrap_or(rest.len()))?,
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let host = match host.strip_prefix('[') {
            Some(six) => six.strip_suffix(']').unwrap_or(six),
            None => host
                .rsplit_once(':')
                .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
                .map_or(host, |(host, _)| host),
        };
        let host = host.trim_end_matches('.').to_lowercase();
        let user = user.map(|user| user.split(':').next().unwrap_or(user));
        let told = brief(&host);
        if let Some(user) = user.filter(|user| is_site(user) && is_name(&host) && *user != host) {
            let user = brief(user);
            return Some(format!(
                "an address that seems to lead to `{user}` and leads to `{told}`"
            ));
        }
        if METADATA.contains(&host.as_str())
            || host.parse().is_ok_and(|six: Ipv6Addr| {
                six.to_ipv4_mapped() == Some(Ipv4Addr::new(169, 254, 169, 254))
            })
        {
            return Some(format!(
                "the service `{told}` that gives a machine of a cloud its credentials"
            ));
        }
        if is_disguised(&host) {
            return Some(format!("a number in disguise, `{told}`, in the place of a host"));
        }
        if let Some(collector) = COLLECTORS.iter().find(|known| {
            host == **known || host.strip_suffix(**known).is_some_and(|head| head.ends_with('.'))
        }) {
            return Some(format!("`{collector}`, a collector of what others are made to send"));
        }
        if host.split('.').any(mixes_scripts) {
            return Some(format!("a host with letters of two scripts, `{told}`"));
        }
        if !host.parse::<Ipv4Addr>().is_ok_and(is_public) {
            return None;
        }
        let from = begins.checked_add(authority.len())?;
        let path = self.text.get(from..self.path.from(from))?.as_bytes();
        let runs = PROGRAMS.iter().any(|ending| {
            let last = path.len().checked_sub(ending.len()).and_then(|at| path.get(at..));
            last.is_some_and(|last| last.eq_ignore_ascii_case(ending.as_bytes()))
        });
        runs.then(|| format!("a program from the bare number `{told}`"))
    }
}

/// Whether a script does nothing, or what a page's own buttons do: pages that were gathered are full of them.
fn is_idle(behind: &str) -> bool {
    let code = behind.trim_start();
    IDLE.iter().any(|idle| {
        let rest = code.get(..idle.len()).filter(|head| head.eq_ignore_ascii_case(idle));
        let rest = rest.and_then(|_| code.get(idle.len()..));
        let rest = rest.map(|rest| rest.trim_start_matches([';', ' ']));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['"', '\'', '>', ')', '\n']))
    })
}

/// Whether the address of a picture in Markdown begins behind these words.
fn is_picture(lead: &str) -> bool {
    let Some(words) = lead.strip_suffix("](") else { return false };
    let near = words.len().saturating_sub(LONGEST_WORDS);
    words.get(words.ceil_char_boundary(near)..).is_some_and(|words| words.contains("!["))
}

/// Whether the address of a picture has a gap in its query that a model is to fill.
fn carries_away(url: &str) -> bool {
    let Some((_, query)) = url.split_once('?') else { return false };
    let mut values =
        query.split('&').filter_map(|pair| pair.split_once('=').map(|(_, value)| value));
    values.any(|value| {
        value.starts_with(['{', '[', '<', '$']) && value.trim_start_matches('$').len() > 2
    })
}

fn ends_authority(c: char) -> bool {
    let ends = ['/', '?', '#', '"', '\'', '<', '>', ')', ']', '}', '|', ',', ';', '`', '\\'];
    c.is_whitespace() || ends.contains(&c)
}

/// As much of a host as tells which it is: a cell may be one host of any length.
fn brief(host: &str) -> String {
    match host.get(..host.floor_char_boundary(MOST_SHOWN)) {
        Some(head) if head.len() < host.len() => format!("{head}…"),
        _ => host.to_owned(),
    }
}

/// Whether the name of a user is that of a site: one of a top-level domain that sites are known under. Names of
/// people have points too (`jane.smith@`).
fn is_site(user: &str) -> bool {
    let top = user.rsplit_once('.').map(|(_, top)| top.to_ascii_lowercase());
    is_name(user) && top.is_some_and(|top| TOP.contains(&top.as_str()))
}

/// Whether a word is the name of a host with a top-level domain of letters.
fn is_name(word: &str) -> bool {
    let Some((head, top)) = word.rsplit_once('.') else { return false };
    let ends = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    ends && !head.is_empty()
        && head.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

fn is_public(address: Ipv4Addr) -> bool {
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_unspecified()
        || address.is_broadcast())
}

/// Whether a host is a number of 32 bits, or four of which some are hexadecimal or octal: parsers of addresses
/// read these as hosts, readers do not.
fn is_disguised(host: &str) -> bool {
    let parts = host.split('.').collect::<Vec<_>>();
    let number = |part: &str| {
        let hexadecimal = part.strip_prefix("0x").is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        hexadecimal || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if parts.len() > 4 || !parts.iter().all(|part| number(part)) {
        return false;
    }
    let odd = |part: &&str| part.starts_with("0x") || (part.len() > 1 && part.starts_with('0'));
    match parts.as_slice() {
        [one] => one.starts_with("0x") || one.parse().is_ok_and(|number: u64| number > 0x00ff_ffff),
        parts => parts.iter().any(odd),
    }
}

/// Whether a part of a host has letters of Latin and such of Greek or Cyrillic that look like them.
fn mixes_scripts(label: &str) -> bool {
    let latin = label.bytes().any(|byte| byte.is_ascii_alphabetic());
    latin && label.chars().any(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}'))
}

/// Where machines of clouds ask for their credentials (Amazon, Google, Azure, Alibaba, Oracle).
const METADATA: [&str; 6] = [
    "169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "metadata.google.internal",
    "100.100.100.200",
    "192.0.0.192",
];
/// Services whose purpose is to record whoever calls them.
const COLLECTORS: [&str; 16] = [
    "webhook.site",
    "requestbin.net",
    "requestbin.com",
    "m.pipedream.net",
    "requestcatcher.com",
    "burpcollaborator.net",
    "oastify.com",
    "oast.fun",
    "oast.live",
    "oast.me",
    "oast.online",
    "oast.pro",
    "oast.site",
    "interact.sh",
    "dnslog.cn",
    "ceye.io",
];
/// Endings of what runs once it is opened.
const PROGRAMS: [&str; 10] =
    [".exe", ".scr", ".ps1", ".bat", ".msi", ".hta", ".vbs", ".sh", ".elf", ".dll"];
/// Scripts in the place of an address that lead nowhere.
const IDLE: [&str; 7] = [
    "void(0)",
    "void 0",
    "void(null)",
    "history.back()",
    "history.go(-1)",
    "window.print()",
    "print()",
];
/// Top-level domains that names of well-known sites end in.
const TOP: [&str; 24] = [
    "com", "net", "org", "gov", "edu", "mil", "int", "info", "biz", "io", "app", "dev", "ai",
    "cloud", "bank", "uk", "de", "fr", "eu", "ru", "cn", "jp", "br", "us",
];
/// Letters of a scheme, of the kind of data, of an IPv6 address.
const LONGEST_SCHEME: usize = 16;
const LONGEST_KIND: usize = 64;
const LONGEST_NUMBER: usize = 64;
/// Bytes of the words that stand for a picture, and of its address.
const LONGEST_WORDS: usize = 200;
const LONGEST_QUERY: usize = 2048;
/// Bytes of a host that are shown.
const MOST_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::why;

    #[test]
    fn bad_places_are_told_from_links() {
        for bad in [
            "see http://169.254.169.254/latest/meta-data/",
            "http://[::ffff:169.254.169.254]/x",
            "curl http://metadata.google.internal/computeMetadata/v1/",
            "http://2130706433/admin",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.01/",
            "https://accounts.google.com@evil.example.net/login",
            "https://abc123.oastify.com/?q=1",
            "https://webhook.site/0f8b",
            "http://p\u{430}ypal.com/",
            "<a href=\"javascript:alert(1)\">",
            "javascript:fetch('x')",
            "[x](data:text/html,<b>x</b>)",
            "![x](https://host.example/p.png?q={conversation})",
            "${jndi:ldap://x.example/a}",
            "http://45.12.33.4/payload/run.sh",
            "file://files.evil.example/share/a",
            "\\\\45.12.33.4\\share\\a",
            "<a href=\"javascript:void(0)+fetch(1)\">",
            "http://45.12.33.4/A.EXE?x=1",
        ] {
            assert!(why(bad).is_some(), "{bad}");
        }
        for plain in [
            "https://example.org/path?a=b:c@d",
            "mailto:someone@example.org",
            "http://localhost:8000/docs and http://127.0.0.1:5000",
            "http://192.168.0.1/setup.exe",
            "postgres://user:secret@db.internal:5432/x",
            "ftp://user@ftp.example.org/file",
            "https://user:pass@example.org/",
            "JavaScript: The Good Parts (2008)",
            "the data: text/html, or so",
            "at 10:30 in 1999: nothing",
            "![plot](https://host.example/p.png?size=10)",
            "https://example.org/?next=https://example.org/@user",
            "http://8.8.8.8/",
            "http://\u{43f}\u{440}\u{438}\u{43c}\u{435}\u{440}.\u{440}\u{444}/",
            "https://medium.com/@name/story",
            "file:///etc/hosts",
            "http://127.1/",
            "http://",
            "http://[",
            "://@:",
            "https://jane.smith@bitbucket.org/team/repository.git",
            "<a href=\"javascript:void(0);\">more</a>",
            "<a href='javascript:history.back()'>",
        ] {
            assert!(why(plain).is_none(), "{plain}: {:?}", why(plain));
        }
    }

    #[test]
    fn a_text_of_beginnings_is_walked_once_and_to_its_end() {
        // From each beginning to the end these were 10^10 steps and more.
        for begun in [
            "http://",
            "http://[",
            "<javascript:",
            "=data:text/html;",
            "file:///",
            "](http://a?",
            "http://1.2.3.4/",
            "http://a@b.c@",
            ":::::::",
            "![a](http://x?a&",
        ] {
            let text = begun.repeat((1 << 20) / begun.len());
            assert_eq!(why(&text), None, "{begun}");
            let told = why(&format!("{text} http://169.254.169.254/"));
            assert!(told.is_some_and(|told| told.contains("169.254")), "{begun}");
        }
        let long = why(&format!("http://p\u{430}{}/", "a".repeat(1 << 20))).unwrap();
        assert!(long.len() < 200);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in "\\PC{0,60}", lead in "(http|file|data|javascript|x)?(:|://|:\\[)") {
            let _ = why(&format!("{lead}{text}"));
        }
    }
}
