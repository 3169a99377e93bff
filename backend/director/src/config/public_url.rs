//! The address under which people find the director.

use anyhow::{Context, ensure};
use axum::http::Uri;

/// `http(s)://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
    https: bool,
}

impl PublicUrl {
    /// Reads and checks it.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let uri: Uri = text.trim().parse().context("it is not a URL")?;
        let scheme = uri.scheme_str().unwrap_or_default();
        ensure!(matches!(scheme, "http" | "https"), "it must start with http:// or https://");
        let host = uri.host().context("it has no host name")?.to_ascii_lowercase();
        ensure!(uri.path() == "/" && uri.query().is_none(), "it must be a host without a path");
        Ok(Self { text: text.trim().trim_end_matches('/').to_owned(), host, https: scheme == "https" })
    }

    /// Without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Host name, lower case, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Browsers reach it encrypted.
    pub fn https(&self) -> bool {
        self.https
    }
}

#[cfg(test)]
mod tests {
    use super::PublicUrl;

    #[test]
    fn the_parts_are_found() {
        let url = PublicUrl::parse("https://Cloud.Example.org/").unwrap();
        assert_eq!((url.as_str(), url.host(), url.https()), ("https://Cloud.Example.org", "cloud.example.org", true));
        assert_eq!(PublicUrl::parse("http://[::1]:7700").unwrap().host(), "[::1]");
    }

    #[test]
    fn other_things_are_refused() {
        for text in ["", "localhost:7700", "ftp://x", "https://x/path", "https://x?y"] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
