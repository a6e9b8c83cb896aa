//! `operator …`: who may give orders.

use lab_proto::Value;
use lab_proto::v1::op::RefusalKind;

use super::{Answer, Request, refuse, whole};
use crate::core::records::OperatorRecord;
use crate::pki::{self, OPERATOR_NAMES, Peer};
use crate::server::operators::{OperatorError, Standing};

impl Request {
    pub(super) async fn operator_issue(&mut self, name: String, csr: Vec<u8>) -> Answer {
        if !pki::is_operator_name(&name) {
            let text = format!("{name:?} cannot be an operator's name, which is {OPERATOR_NAMES}");
            return Err(refuse(RefusalKind::Usage, text));
        }
        let shared = self.shared.clone();
        let now = crate::server::wall_time();
        let usage = |e: &dyn std::error::Error| refuse(RefusalKind::Usage, crate::server::chain(e));
        let request = pki::Request::verify(&csr).map_err(|e| usage(&e))?;
        let peer = Peer::Operator(name.clone());
        let certificate = shared.authority.issue(&peer, &request, now).map_err(|e| usage(&e))?;
        let record = OperatorRecord {
            name: name.clone(),
            fingerprint: request.fingerprint(),
            since: now,
            by: format!("operator {}", self.operator),
        };
        whole(async move { shared.operators.issue(record).await }).await??;
        let value = Value::from([
            ("name", Value::from(name)),
            ("certificate", Value::Bytes(certificate)),
            ("ca", Value::Bytes(self.shared.authority.certificate().to_vec())),
        ]);
        Ok(self.data(value).await?)
    }

    pub(super) async fn operator_list(&mut self) -> Answer {
        for standing in self.shared.operators.list().await {
            self.data(describe(&standing)).await?;
        }
        Ok(())
    }

    pub(super) async fn operator_revoke(&mut self, name: String) -> Answer {
        if name == self.operator {
            // The answer would never arrive, and the last operator would be locked out.
            let text = format!(
                "you are {name}: let another operator revoke this name (see `lab-master operator list`)"
            );
            return Err(refuse(RefusalKind::Refused, text));
        }
        let (shared, asked) = (self.shared.clone(), name.clone());
        let (by, now) = (format!("operator {}", self.operator), crate::server::wall_time());
        let revoked = whole(async move { shared.operators.revoke(&asked, &by, now).await }).await??;
        if revoked.is_empty() {
            let text = format!("no operator {name} is accepted; see `lab-master operator list`");
            return Err(refuse(RefusalKind::Refused, text));
        }
        for record in revoked {
            self.data(describe(&Standing::Revoked(record))).await?;
        }
        Ok(())
    }
}

impl From<OperatorError> for super::Stop {
    fn from(e: OperatorError) -> Self {
        let kind = match e {
            OperatorError::Gone(_) | OperatorError::InUse { .. } | OperatorError::Revoked(_) => {
                RefusalKind::Refused
            }
            OperatorError::Store(_) => RefusalKind::Internal,
        };
        refuse(kind, crate::server::chain(&e))
    }
}

fn describe(standing: &Standing) -> Value {
    let (r, state, changed, by) = match standing {
        Standing::Accepted(r) => (r, "accepted", r.since, &r.by),
        Standing::Revoked(r) => (&r.operator, "revoked", r.at, &r.by),
    };
    Value::from([
        ("name", Value::from(r.name.as_str())),
        ("state", state.into()),
        ("fingerprint", r.fingerprint.to_string().into()),
        ("since", r.since.to_string().into()),
        ("changed", changed.to_string().into()),
        ("by", by.as_str().into()),
    ])
}
