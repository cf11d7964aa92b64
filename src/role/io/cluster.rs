//! The calls of etcd that a lease needs, by its HTTP and JSON gateway (etcd 3.4 and later).

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

/// How long one member may take to answer before the next is asked.
const PATIENCE: Duration = Duration::from_millis(700);
/// The longest answer that is read, in octets.
const LONGEST: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    /// No member answered; the last one's reason.
    #[error("no member of etcd answers: {0}")]
    Away(String),
    /// One answered that it will not.
    #[error("etcd refuses: {0}")]
    Refused(String),
    /// What was answered is not what etcd says.
    #[error("etcd does not answer as it should: {0}")]
    Garbled(&'static str),
}

/// Who has the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Holder {
    pub(super) name: String,
    /// The lease that it is under.
    pub(super) lease: String,
    /// The revision at which it was made.
    pub(super) term: u64,
}

/// The members, the one that answered last first.
pub(super) struct Cluster {
    endpoints: Vec<String>,
}

impl Cluster {
    pub(super) fn new(endpoints: &[String]) -> Self {
        Self { endpoints: endpoints.to_vec() }
    }

    /// A lease that lasts for that time, or longer: its id, and how long.
    pub(super) async fn grant(&mut self, ttl: Duration) -> Result<(String, Duration), Fault> {
        let answer = self.post("/v3/lease/grant", &json!({ "TTL": ttl.as_secs().to_string() })).await?;
        let id = answer["ID"].as_str().ok_or(Fault::Garbled("a lease without an id"))?;
        let ttl = number(&answer["TTL"]).ok_or(Fault::Garbled("a lease without a time"))?;
        Ok((id.to_owned(), Duration::from_secs(ttl)))
    }

    /// Renews a lease: how long it lasts now; `None` if it is over.
    pub(super) async fn keep_alive(&mut self, id: &str) -> Result<Option<Duration>, Fault> {
        let answer = self.post("/v3/lease/keepalive", &json!({ "ID": id })).await?;
        let ttl = number(&answer["result"]["TTL"]).unwrap_or(0);
        Ok((ttl > 0).then_some(Duration::from_secs(ttl)))
    }

    /// Ends a lease, and what is under it. One that is over is no fault.
    pub(super) async fn revoke(&mut self, id: &str) -> Result<(), Fault> {
        match self.post("/v3/lease/revoke", &json!({ "ID": id })).await {
            Err(Fault::Refused(text)) if text.contains("not found") => Ok(()),
            done => done.map(drop),
        }
    }

    /// Who has the key now.
    pub(super) async fn holder(&mut self, key: &str) -> Result<Option<Holder>, Fault> {
        let answer = self.post("/v3/kv/range", &json!({ "key": encode(key) })).await?;
        holder(&answer["kvs"][0])
    }

    /// Makes the key, if it is not there: at which revision; `None` if somebody was first.
    pub(super) async fn create(&mut self, key: &str, name: &str, lease: &str) -> Result<Option<u64>, Fault> {
        let key = encode(key);
        let request = json!({
            "compare": [{ "key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0" }],
            "success": [{ "request_put": { "key": key, "value": encode(name), "lease": lease } }],
        });
        let answer = self.post("/v3/kv/txn", &request).await?;
        if answer["succeeded"] != Value::Bool(true) {
            return Ok(None);
        }
        number(&answer["header"]["revision"]).map(Some).ok_or(Fault::Garbled("an answer without a revision"))
    }

    /// Asks one member after the other, until one answers.
    async fn post(&mut self, path: &str, body: &Value) -> Result<Value, Fault> {
        let mut last = Fault::Away("the file names none".to_owned());
        for at in 0..self.endpoints.len() {
            let Some(endpoint) = self.endpoints.get(at).cloned() else { break };
            let asked = timeout(PATIENCE, exchange(&endpoint, path, body)).await;
            match asked.unwrap_or_else(|_| Err(format!("nothing within {} ms", PATIENCE.as_millis()))) {
                Ok(answer) => {
                    self.endpoints.swap(0, at);
                    return judge(answer);
                }
                Err(reason) => last = Fault::Away(format!("{endpoint}: {reason}")),
            }
        }
        Err(last)
    }
}

/// An answer, unless it says that it is a fault.
fn judge(answer: Value) -> Result<Value, Fault> {
    match answer["error"].as_str() {
        Some(text) => Err(Fault::Refused(text.to_owned())),
        None if answer["error"].is_object() => {
            Err(Fault::Refused(answer["error"]["message"].as_str().unwrap_or("without a reason").to_owned()))
        }
        None => Ok(answer),
    }
}

fn holder(found: &Value) -> Result<Option<Holder>, Fault> {
    if found.is_null() {
        return Ok(None);
    }
    let term = number(&found["create_revision"]).ok_or(Fault::Garbled("a key without a revision"))?;
    let name = BASE64_STANDARD.decode(found["value"].as_str().unwrap_or_default());
    let name = name.map_err(|_| Fault::Garbled("a value that is no base64"))?;
    // A key that somebody else has put there may be under no lease.
    let lease = found["lease"].as_str().unwrap_or("0").to_owned();
    Ok(Some(Holder { name: String::from_utf8_lossy(&name).into_owned(), lease, term }))
}

/// Numbers of 64 bits are texts in its JSON.
fn number(value: &Value) -> Option<u64> {
    value.as_str().and_then(|text| text.parse().ok()).or_else(|| value.as_u64())
}

fn encode(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

/// One question, one connection, one answer: the first line of it, where it is a stream.
async fn exchange(endpoint: &str, path: &str, body: &Value) -> Result<Value, String> {
    let host = endpoint.strip_prefix("http://").unwrap_or(endpoint).trim_end_matches('/');
    let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driven = tokio::spawn(connection);
    let answer = async {
        let question = Request::post(path)
            .header(header::HOST, host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| error.to_string())?;
        let mut response = sender.send_request(question).await.map_err(|error| error.to_string())?;
        let mut text = Vec::new();
        while let Some(frame) = response.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            // A stream that renews a lease goes on; its first word is all there is to it.
            if let Ok(answer) = serde_json::from_slice::<Value>(&text) {
                return Ok(answer);
            }
            if text.len() > LONGEST {
                return Err("a longer answer than etcd has".to_owned());
            }
        }
        serde_json::from_slice(&text).map_err(|_| format!("HTTP status {} and no JSON", response.status()))
    };
    let answer = answer.await;
    driven.abort();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_key_is_read_as_etcd_writes_it() {
        let text = r#"{"key":"L3Q=","create_revision":"7","mod_revision":"7","version":"1","value":"aW4tMA==","lease":"7587862072098264324"}"#;
        let found = holder(&serde_json::from_str(text).unwrap()).unwrap().unwrap();
        assert_eq!(found, Holder { name: "in-0".into(), lease: "7587862072098264324".into(), term: 7 });
        assert_eq!(holder(&Value::Null), Ok(None));
    }

    #[test]
    fn what_etcd_refuses_is_said_in_its_own_words() {
        let old = json!({ "error": "etcdserver: requested lease not found", "code": 5 });
        assert_eq!(judge(old), Err(Fault::Refused("etcdserver: requested lease not found".to_owned())));
        let stream = json!({ "error": { "message": "etcdserver: no leader" } });
        assert_eq!(judge(stream), Err(Fault::Refused("etcdserver: no leader".to_owned())));
    }
}
