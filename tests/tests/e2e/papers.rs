//! Certificates that tests come by honestly: by enrolling, by being the operator.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use lab_tests::alone::Alone;
use lab_tests::peer::Papers;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Returns the local operator's papers.
pub(crate) fn operator(master: &Alone) -> Papers {
    operator_in(&master.operator())
}

/// Returns the certificate of the master's CA.
pub(crate) fn ca(master: &Alone) -> CertificateDer<'static> {
    certificate(&master.operator().join("ca.crt"))
}

/// Returns the operator's papers that lie in a directory.
pub(crate) fn operator_in(dir: &Path) -> Papers {
    papers(dir, "operator")
}

/// Enrols a minion with a token, by the real command, and returns its papers.
pub(crate) fn minion(master: &Alone, id: &str) -> Papers {
    minion_of(master.address(), &master.operator(), &master.path(""), id)
}

/// As [`minion`], of any master; its files go below `dir`.
pub(crate) fn minion_of(address: SocketAddr, operator: &Path, dir: &Path, id: &str) -> Papers {
    let (binaries, address) = (lab_tests::kubic::binaries().expect("built"), address.to_string());
    let dir = dir.join(format!("minion-{id}"));
    let mut token = Command::new(binaries.join("lab-master"));
    token.args(["--master", &address, "token", "create", "--id", id]).arg("--identity").arg(operator);
    let token = succeed(&mut token);
    let mut enrol = Command::new(binaries.join("lab-minion"));
    enrol.args(["enrol", "--id", id, "--master", &address, "--token", token.trim()]);
    enrol.arg("--config-dir").arg(&dir).arg("--data-dir").arg(dir.join("data"));
    succeed(&mut enrol);
    papers(&dir.join("pki"), "minion")
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the binary runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn papers(dir: &Path, name: &str) -> Papers {
    let key = dir.join(format!("{name}.key"));
    Papers {
        certificate: certificate(&dir.join(format!("{name}.crt"))),
        key: PrivateKeyDer::from_pem_slice(&read(&key)).expect("a PEM key"),
    }
}

/// Reads a certificate.
pub(crate) fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&read(&PathBuf::from(path))).expect("a PEM certificate")
}

fn read(path: &PathBuf) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
