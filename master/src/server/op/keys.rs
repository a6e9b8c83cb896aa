//! `key …` and `token …`.

use lab_proto::Value;
use lab_proto::v1::op::{KeyRequest, RefusalKind, TokenRequest};

use super::{Answer, Request, refuse, whole};
use crate::core::KeyRecord;
use crate::server::keys::{key_value, token_value};

impl Request {
    pub(super) async fn key(&mut self, request: KeyRequest) -> Answer {
        let shared = self.shared.clone();
        let (by, now) = (format!("operator {}", self.operator), crate::server::wall_time());
        let deletes = matches!(request, KeyRequest::Delete { .. });
        let keys = match request {
            KeyRequest::List => shared.keys.matching("*").await,
            KeyRequest::Show { id } => {
                some(shared.keys.matching(id.as_str()).await, id.as_str(), "has a key")?
            }
            KeyRequest::Finger { pattern } => {
                let ca = shared.authority.fingerprint().to_string();
                self.data(Value::from([
                    ("id", "master CA".to_owned()),
                    ("state", "trusted".to_owned()),
                    ("fingerprint", ca),
                ]))
                .await?;
                match pattern {
                    Some(pattern) => some(shared.keys.matching(&pattern).await, &pattern, "has a key")?,
                    None => Vec::new(),
                }
            }
            KeyRequest::Accept { pattern } => {
                let asked = pattern.clone();
                let done = whole(async move { shared.keys.accept(&asked, &by, now).await }).await??;
                some(done, &pattern, "waits to be accepted")?
            }
            KeyRequest::Reject { pattern } => {
                let asked = pattern.clone();
                let done = whole(async move { shared.keys.reject(&asked, &by, now).await }).await??;
                some(done, &pattern, "can be rejected")?
            }
            KeyRequest::Delete { pattern } => {
                let asked = pattern.clone();
                let done = whole(async move { shared.keys.delete(&asked, &by).await }).await??;
                some(done, &pattern, "has a key")?
            }
        };
        for key in &keys {
            let mut value = key_value(key);
            if let Value::Map(map) = &mut value
                && deletes
            {
                map.insert("state".into(), "deleted".into());
            }
            self.data(value).await?;
        }
        Ok(())
    }

    pub(super) async fn token(&mut self, request: TokenRequest) -> Answer {
        let shared = self.shared.clone();
        let (by, now) = (format!("operator {}", self.operator), crate::server::wall_time());
        match request {
            TokenRequest::Create { pattern, ttl, uses } => {
                if uses == 0 || ttl.is_zero() {
                    return Err(refuse(
                        RefusalKind::Usage,
                        "a token needs at least one use and some time to live",
                    ));
                }
                let (token, record) =
                    whole(async move { shared.keys.create_token(&pattern, ttl, uses, &by, now).await })
                        .await??;
                let mut value = token_value(&record);
                if let Value::Map(map) = &mut value {
                    map.insert("token".into(), token.to_string().into());
                }
                self.data(value).await?;
            }
            TokenRequest::List => {
                for token in shared.keys.tokens(now).await {
                    self.data(token_value(&token)).await?;
                }
            }
            TokenRequest::Revoke { name } => {
                let asked = name.clone();
                let revoked = whole(async move { shared.keys.revoke_tokens(&asked, &by).await }).await??;
                if revoked.is_empty() {
                    let text = format!("no join token {name}; see `lab-master token list`");
                    return Err(refuse(RefusalKind::Refused, text));
                }
                for token in &revoked {
                    self.data(token_value(token)).await?;
                }
            }
        }
        Ok(())
    }
}

fn some(keys: Vec<KeyRecord>, pattern: &str, what: &str) -> Result<Vec<KeyRecord>, super::Stop> {
    if keys.is_empty() {
        let text = format!("no minion that matches {pattern} {what}; see `lab-master key list`");
        return Err(refuse(RefusalKind::Refused, text));
    }
    Ok(keys)
}
