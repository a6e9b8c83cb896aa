//! Other machines, as far as functions ask them something: HTTP queries and TCP connections.

use std::path::PathBuf;
use std::time::Duration;

use super::{HostError, Observer};

/// One HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Where.
    pub url: String,
    /// Header lines.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// After how long it is given up, all in all.
    pub timeout: Option<Duration>,
    /// Whether the server must show a certificate that this machine trusts.
    pub verify_tls: bool,
    /// A file with the certificates that are trusted, in place of the machine's own.
    pub ca_bundle: Option<PathBuf>,
    /// Where the body is written to, for large ones; else it comes with the reply.
    pub save_to: Option<PathBuf>,
}

impl HttpRequest {
    /// Makes a request that only asks.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout: None,
            verify_tls: true,
            ca_bundle: None,
            save_to: None,
        }
    }
}

/// What a server answered; a status of 400 and more is an answer, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpReply {
    /// The status, 200.
    pub status: u16,
    /// Its header lines.
    pub headers: Vec<(String, String)>,
    /// The body; empty when it was saved to a file.
    pub body: Vec<u8>,
}

/// Other machines.
pub trait Remote: Send + Sync {
    /// Asks a web server.
    ///
    /// # Errors
    /// When there was no answer: the name is not known, nobody listens, the certificate is not trusted, time is up.
    fn http(&self, request: &HttpRequest, observer: &dyn Observer) -> Result<HttpReply, HostError>;

    /// Opens a TCP connection and closes it again.
    ///
    /// # Errors
    /// When the name is not known or nobody accepts within the time.
    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<(), HostError>;
}
