//! Whom a URL names, and whether that one may be asked.

#![warn(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, ToSocketAddrs};

use modelward_engine::{Kind, Result, Trouble};
use ureq::http::Uri;

use super::form::Form;

/// A URL that may be asked.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) url: String,
    path: String,
}

impl Address {
    pub(super) fn read(url: &str, allowed: Option<&str>) -> Result<Self> {
        let wrong = |why: String| Trouble::new(Kind::Input, why);
        let uri =
            url.parse::<Uri>().map_err(|error| wrong(format!("`{url}` is no URL: {error}")))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(Trouble::unsupported("this program speaks plain HTTP, not HTTPS")
                    .help("end TLS on this machine, for example by `socat` or an SSH tunnel, and name that port"));
            }
            _ => {
                return Err(wrong(format!(
                    "expected a URL that begins with `http://`, got `{url}`"
                )));
            }
        }
        let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
        if authority.contains('@') {
            return Err(wrong("a URL holds no password".into()));
        }
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let named = allowed.is_some_and(|allowed| bare(allowed).eq_ignore_ascii_case(bare(&host)));
        if !named && !is_here(bare(&host), uri.port_u16().unwrap_or(80)) {
            return Err(Trouble::new(
                Kind::Outside,
                format!("`{host}` is another machine than this one"),
            )
            .help(format!("if its owner agrees to the queries, name it: `--host {host}`")));
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { path: uri.path().trim_end_matches('/').to_owned(), url })
    }

    /// What is spoken at such a path.
    pub(super) fn form(&self) -> Form {
        Form::of(&self.path)
    }
}

/// An address of IPv6 without its brackets.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether a host is this machine: an address of its loopback, or `localhost` where that is one.
fn is_here(host: &str, port: u16) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return address.is_loopback();
    }
    let found = || (host, port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
    host == "localhost"
        && found().is_ok_and(|all| !all.is_empty() && all.iter().all(|one| one.ip().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_another_is_named() {
        for url in
            ["http://127.0.0.1:9/x", "http://[::1]:9", "http://127.9.9.9", "http://localhost:9/"]
        {
            assert!(Address::read(url, None).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://127.0.0.1.example.org/",
            "http://localhost.example.org/",
            "http://[::2]/",
            "http://2130706433/",
        ] {
            assert_eq!(Address::read(url, None).unwrap_err().kind, Kind::Outside, "{url}");
        }
        assert!(Address::read("http://models.example.org/", Some("Models.example.org")).is_ok());
        assert!(Address::read("http://[2001:db8::1]/", Some("2001:db8::1")).is_ok());
        assert!(Address::read("http://models.example.org/", Some("example.org")).is_err());
    }

    #[test]
    fn what_is_no_plain_url_is_refused() {
        for url in [
            "https://127.0.0.1/",
            "ftp://127.0.0.1/",
            "127.0.0.1:80",
            "",
            "http://",
            "http://u:p@127.0.0.1/",
        ] {
            assert!(Address::read(url, None).is_err(), "{url}");
        }
    }

    #[test]
    fn a_path_says_what_is_spoken() {
        let form =
            |path: &str| Address::read(&format!("http://127.0.0.1{path}"), None).unwrap().form();
        assert_eq!(form("/v2/models/iris/versions/2/infer"), Form::OpenInference);
        assert_eq!(form("/v1/models/iris:predict"), Form::Instances);
        assert_eq!(form("/score"), Form::Simple);
    }
}
