//! Token by which a client is known, as a file that only its user reads.

use std::{fmt, fs, net::IpAddr};

use crate::{
    modes,
    settings::{Fault, FileCause},
    tls::PemFile,
};

/// Shortest token. Those of `phuxanh pki token` have 72 letters.
const LETTERS_MIN: usize = 32;
const LETTERS_MAX: usize = 512;

/// Token; it is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads the token that a file holds.
    pub fn read(file: &PemFile) -> Result<Self, Fault> {
        let fault = |cause: FileCause| Fault::of_file(file.setting, &file.path, cause);
        modes::check_secret(&file.path).map_err(|refused| fault(refused.into()))?;
        let text = fs::read_to_string(&file.path).map_err(|error| fault(error.into()))?;
        let token = text.trim_end_matches(['\r', '\n']);
        let is_token = (LETTERS_MIN..=LETTERS_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token { Ok(Self(token.to_owned())) } else { Err(fault(FileCause::NoToken)) }
    }

    /// Value of the header field `authorization`.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// True if a token may be sent there: over TLS, or within the machine.
#[must_use]
pub fn may_go(scheme: Option<&str>, host: Option<&str>) -> bool {
    let host = host.unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_local = host.parse::<IpAddr>().map_or(host == "localhost", |it| it.is_loopback());
    scheme == Some("https") || is_local
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_token_is_one_line_that_only_its_user_reads() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        writeln!(file, "phuxanh_0123456789abcdef0123456789abcdef").expect("written");
        let named = PemFile { setting: "--token-file", path: file.path().to_owned() };
        let token = Token::read(&named).expect("a token");
        assert_eq!(token.bearer(), "Bearer phuxanh_0123456789abcdef0123456789abcdef");
        assert!(!format!("{token:?}").contains("phuxanh"));
        writeln!(file, "and another line").expect("written");
        let fault = Token::read(&named).expect_err("two lines");
        assert!(fault.message.ends_with("of 32 letters or more"), "{}", fault.message);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).expect("set");
        let fault = Token::read(&named).expect_err("open to all");
        assert!(fault.message.contains("found mode 644"), "{}", fault.message);
    }

    #[test]
    fn a_token_goes_by_tls_or_stays_on_the_machine() {
        for (scheme, host, may) in [
            ("https", "centre.example", true),
            ("http", "centre.example", false),
            ("http", "10.0.0.1", false),
            ("http", "127.0.0.1", true),
            ("http", "[::1]", true),
            ("http", "localhost", true),
        ] {
            assert_eq!(may_go(Some(scheme), Some(host)), may, "{scheme}://{host}");
        }
    }
}
