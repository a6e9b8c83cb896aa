//! Other machines, asked by this one: HTTP with ureq over rustls, and plain TCP connections.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use lab_states::host::{Cause, HostError, HttpReply, HttpRequest, Observer, Remote};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body, http};

use super::LinuxHost;

/// What a reply may hold that is kept in memory.
const MAX_BODY: u64 = 64 << 20;
/// For how long one question is asked when nobody said.
const LIMIT: Duration = Duration::from_secs(60);

impl Remote for LinuxHost {
    fn http(&self, request: &HttpRequest, observer: &dyn Observer) -> Result<HttpReply, HostError> {
        let fail = |cause| HostError::new("query", &request.url, cause);
        if observer.cancelled() {
            return Err(fail(Cause::Cancelled));
        }
        let agent = agent(request)?;
        let mut builder = http::Request::builder().method(request.method.as_str()).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let bad = |e: http::Error| fail(Cause::Other(format!("it is no request that can be made: {e}")));
        let response = match &request.body {
            Some(body) => agent.run(builder.body(body.as_slice()).map_err(bad)?),
            None => agent.run(builder.body(()).map_err(bad)?),
        };
        let response = response.map_err(|e| fail(cause(&e)))?;
        let (head, body) = response.into_parts();
        let headers = head
            .headers
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut reply = HttpReply { status: head.status.as_u16(), headers, body: Vec::new() };
        match &request.save_to {
            Some(path) if reply.status < 400 => save(body, path, observer).map_err(fail)?,
            _ => reply.body = read(body).map_err(fail)?,
        }
        Ok(reply)
    }

    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<(), HostError> {
        let fail = |cause| HostError::new("connect to", format!("{host}:{port}"), cause);
        let end = Instant::now() + timeout;
        let addresses = (host, port).to_socket_addrs().map_err(|e| fail(Cause::Other(e.to_string())))?;
        let mut last = Cause::Other("the name has no address".to_owned());
        for address in addresses {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(fail(Cause::TimedOut));
            }
            match TcpStream::connect_timeout(&address, left) {
                Ok(_) => return Ok(()),
                Err(e) => last = Cause::from(&e),
            }
        }
        Err(fail(last))
    }
}

fn agent(request: &HttpRequest) -> Result<Agent, HostError> {
    let mut tls = TlsConfig::builder()
        .disable_verification(!request.verify_tls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    // Nobody needs the machine's certificates for what is not encrypted, and there may be none.
    if request.verify_tls && request.url.starts_with("https:") {
        let certificates = match &request.ca_bundle {
            Some(path) => bundle(path)?,
            None => machine_certificates().to_vec(),
        };
        tls = tls.root_certs(RootCerts::from(certificates));
    }
    let timeout = request.timeout.unwrap_or(LIMIT);
    // A large download may take its time as long as it moves.
    let whole = request.save_to.is_none().then_some(timeout);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .timeout_global(whole)
        .timeout_connect(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .user_agent(concat!("lab-minion/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls.build());
    Ok(config.build().new_agent())
}

fn machine_certificates() -> &'static [Certificate<'static>] {
    static FOUND: OnceLock<Vec<Certificate<'static>>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!(%error, "some of this machine's certificates cannot be read");
        }
        found.certs.iter().map(|c| Certificate::from_der(c).to_owned()).collect()
    })
}

fn bundle(path: &Path) -> Result<Vec<Certificate<'static>>, HostError> {
    let pem = std::fs::read(path).map_err(|e| HostError::io("read", path, &e))?;
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(&pem) {
        match item {
            Ok(PemItem::Certificate(certificate)) => found.push(certificate),
            Ok(_) => {}
            Err(e) => return Err(HostError::other("read", path.display().to_string(), e.to_string())),
        }
    }
    if found.is_empty() {
        return Err(HostError::other("read", path.display().to_string(), "it holds no certificate in PEM"));
    }
    Ok(found)
}

fn read(mut body: Body) -> Result<Vec<u8>, Cause> {
    body.with_config().limit(MAX_BODY).read_to_vec().map_err(|e| cause(&e))
}

/// Writes a body to a file in constant memory; what could not be written whole does not stay.
fn save(mut body: Body, path: &Path, observer: &dyn Observer) -> Result<(), Cause> {
    let written = copy(&mut body.as_reader(), path, observer);
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(path);
    }
    written
}

fn copy(body: &mut impl Read, path: &Path, observer: &dyn Observer) -> Result<(), Cause> {
    let mut file = File::create(path).map_err(|e| Cause::from(&e))?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        if observer.cancelled() {
            return Err(Cause::Cancelled);
        }
        let n = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Cause::from(&e)),
        };
        file.write_all(buffer.get(..n).unwrap_or_default()).map_err(|e| Cause::from(&e))?;
    }
    file.sync_all().map_err(|e| Cause::from(&e))
}

fn cause(e: &ureq::Error) -> Cause {
    match e {
        ureq::Error::Timeout(_) => Cause::TimedOut,
        ureq::Error::Io(e) => Cause::from(e),
        ureq::Error::HostNotFound => Cause::Other("there is no host of that name".to_owned()),
        other => Cause::Other(crate::chain(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_states::host::Silent;
    use std::io::BufRead;
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Answers one question with these bytes, and returns the question.
    fn serve(answer: &'static [u8]) -> (u16, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            let mut length = 0;
            let mut reader = io::BufReader::new(stream.try_clone().unwrap());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                asked.push_str(&line);
                if line == "\r\n" || line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            asked.push_str(&String::from_utf8_lossy(&body));
            stream.write_all(answer).unwrap();
            asked
        });
        (port, thread)
    }

    #[test]
    fn a_question_is_asked_and_any_status_is_an_answer() {
        let (port, asked) = serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-A: b\r\n\r\ngone");
        let mut request = HttpRequest::get(format!("http://127.0.0.1:{port}/x?y=1"));
        request.method = "POST".to_owned();
        request.headers.push(("X-Token".to_owned(), "t".to_owned()));
        request.body = Some(b"hello".to_vec());
        let reply = LinuxHost::new().http(&request, &Silent).unwrap();
        assert_eq!((reply.status, reply.body.as_slice()), (404, &b"gone"[..]));
        assert!(reply.headers.contains(&("x-a".to_owned(), "b".to_owned())), "{:?}", reply.headers);
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /x?y=1 HTTP/1.1\r\n") && asked.ends_with("\r\n\r\nhello"), "{asked}");
        assert!(asked.to_lowercase().contains("x-token: t\r\n"), "{asked}");
    }

    #[test]
    fn a_body_is_saved_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let get = |answer| {
            let (port, asked) = serve(answer);
            let mut request = HttpRequest::get(format!("http://127.0.0.1:{port}/"));
            request.save_to = Some(path.clone());
            let reply = LinuxHost::new().http(&request, &Silent);
            asked.join().unwrap();
            reply
        };
        assert!(get(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut").is_err());
        assert!(!path.exists());
        assert_eq!(get(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole").map(|r| r.status), Ok(200));
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn nobody_there_and_no_encryption_are_errors_that_name_the_place() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = LinuxHost::new();
        assert_eq!(host.connect("127.0.0.1", port, Duration::from_secs(5)), Ok(()));
        drop(listener);
        let refused = host.connect("127.0.0.1", port, Duration::from_secs(5)).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{refused}");
        let url = format!("http://127.0.0.1:{port}/");
        let refused = host.http(&HttpRequest::get(&url), &Silent).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("cannot query {url}: ")), "{refused}");
        let (port, asked) = serve(b"this is no TLS");
        let mut request = HttpRequest::get(format!("https://127.0.0.1:{port}/"));
        request.verify_tls = false;
        assert!(host.http(&request, &Silent).is_err());
        drop(asked);
    }
}
