//! The master's certificate authority and what it takes for trust.
//!
//! The server shell makes one [`Authority`] at start and keeps a [`Trust`] table that mirrors the accepted keys of
//! the store. Nothing here talks to the network or to the store.

mod authority;
mod files;
mod names;
mod request;
mod tls;
mod trust;

pub use authority::{Authority, CsrError, IssueError, Request};
pub use files::{
    OperatorFiles, PkiFileError, certificate_in, make_data_dir, open_or_create, write_operator, write_secret,
};
pub use names::{OPERATOR_NAMES, Peer, is_operator_name, peer_of};
pub use request::{operator_request, save_operator};
pub use tls::{Witness, client_config, server_config};
pub use trust::{NotTrusted, Trust};
