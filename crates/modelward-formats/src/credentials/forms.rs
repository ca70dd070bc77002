//! The forms, by who gave them out.

use super::Form;

/// Every family.
pub const FAMILIES: [&[Form]; 4] = [CLOUD_KEYS, HUB_TOKENS, PRIVATE_KEYS, SERVICE_TOKENS];

/// Keys of cloud providers.
pub const CLOUD_KEYS: &[Form] = &[
    form("an access key of Amazon Web Services", "AKIA", is_capital, 16, 16),
    form("a temporary access key of Amazon Web Services", "ASIA", is_capital, 16, 16),
    form("a key of Google's interfaces", "AIza", is_word, 35, 35),
];

/// Tokens of hubs and model services.
pub const HUB_TOKENS: &[Form] = &[
    form("a token of Hugging Face", "hf_", is_letter, 30, 40),
    form("a token of a Hugging Face organisation", "api_org_", is_letter, 30, 40),
    form("a token of Replicate", "r8_", is_letter, 37, 37),
];

/// Private keys in PEM.
pub const PRIVATE_KEYS: &[Form] = &[
    form("a private key", "-----BEGIN PRIVATE KEY-----", is_body, 64, usize::MAX),
    form("an RSA private key", "-----BEGIN RSA PRIVATE KEY-----", is_body, 64, usize::MAX),
    form("an EC private key", "-----BEGIN EC PRIVATE KEY-----", is_body, 64, usize::MAX),
    form(
        "a private key of OpenSSH",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        is_body,
        64,
        usize::MAX,
    ),
];

/// Tokens of services that texts are gathered from, and of those that gather them.
pub const SERVICE_TOKENS: &[Form] = &[
    form("a personal token of GitHub", "ghp_", is_letter, 36, 36),
    form("a token of a GitHub application", "gho_", is_letter, 36, 36),
    form("a token of a GitHub application", "ghs_", is_letter, 36, 36),
    form("a token of a GitHub application", "ghu_", is_letter, 36, 36),
    form("a token of GitHub", "github_pat_", is_word, 82, 82),
    form("a token of GitLab", "glpat-", is_word, 20, 20),
    form("a token of Slack", "xoxb-", is_word, 40, 80),
    form("a token of Slack", "xoxp-", is_word, 40, 80),
    form("a key of OpenAI", "sk-proj-", is_word, 40, 200),
    form("a key of Anthropic", "sk-ant-", is_word, 80, 120),
    form("a secret key of Stripe", "sk_live_", is_letter, 24, 99),
    form("a token of npm", "npm_", is_letter, 36, 36),
    form("a token of PyPI", "pypi-", is_word, 100, 300),
    form("a key of SendGrid", "SG.", |byte| is_word(byte) || byte == b'.', 66, 66),
];

const fn form(
    what: &'static str,
    prefix: &'static str,
    alphabet: fn(u8) -> bool,
    least: usize,
    most: usize,
) -> Form {
    Form { what, prefix, alphabet, length: (least, most) }
}

fn is_capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Base64, its line breaks also as JSON writes them.
fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\')
}
