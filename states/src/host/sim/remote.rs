//! Simulated other machines: each answers what a test told it to; all others are not there.

use std::time::Duration;

use super::super::{Cause, Files, HostError, HttpReply, HttpRequest, Observer, Remote, WriteOptions};
use super::SimHost;

/// What stands at an address: a URL, or `host:port`.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    address: String,
    reply: HttpReply,
    /// How many questions go unanswered first.
    after: u32,
}

impl SimHost {
    /// Lets a URL be answered, after that many questions got no answer.
    #[must_use]
    pub fn with_url(self, url: &str, status: u16, body: impl Into<Vec<u8>>, after: u32) -> Self {
        let reply = HttpReply { status, headers: Vec::new(), body: body.into() };
        self.lock().web.push(Answer { address: url.to_owned(), reply, after });
        self
    }

    /// Lets somebody accept connections at `host:port`, after that many were refused.
    #[must_use]
    pub fn with_listener(self, address: &str, after: u32) -> Self {
        self.with_url(address, 200, "", after)
    }

    fn ask(&self, action: &'static str, address: &str) -> Result<HttpReply, HostError> {
        let refused = || HostError::other(action, address, "simulation: connection refused");
        let mut state = self.lock();
        let answer = state.web.iter_mut().find(|a| a.address == address).ok_or_else(refused)?;
        if answer.after > 0 {
            answer.after -= 1;
            return Err(refused());
        }
        Ok(answer.reply.clone())
    }
}

impl Remote for SimHost {
    fn http(&self, request: &HttpRequest, observer: &dyn Observer) -> Result<HttpReply, HostError> {
        if observer.cancelled() {
            return Err(HostError::new("query", &request.url, Cause::Cancelled));
        }
        let mut reply = self.ask("query", &request.url)?;
        if let Some(path) = &request.save_to
            && reply.status < 400
        {
            self.write(path, &std::mem::take(&mut reply.body), WriteOptions::default())?;
        }
        Ok(reply)
    }

    fn connect(&self, host: &str, port: u16, _timeout: Duration) -> Result<(), HostError> {
        self.ask("connect to", &format!("{host}:{port}")).map(drop)
    }
}
