//! Messages of JSON-RPC 1.0 (RFC 7047 section 4).

use serde_json::{Map, Value, json};

use crate::value::excerpt;

/// What a peer sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Wants an answer.
    Request {
        method: String,
        params: Vec<Value>,
        id: Value,
    },
    Notification {
        method: String,
        params: Vec<Value>,
    },
    /// An answer: the result, or the error.
    Reply {
        id: Value,
        outcome: Result<Value, Value>,
    },
}

/// Bytes that are no message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    #[error("a message is not JSON")]
    Json(#[source] serde_json::Error),
    #[error("a message is neither request, notification nor reply: {found}")]
    Shape { found: String },
}

impl Message {
    pub fn parse(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut parts: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(MessageError::Json)?;
        let id = parts.remove("id").unwrap_or(Value::Null);
        match (parts.remove("method"), parts.remove("params")) {
            (Some(Value::String(method)), Some(Value::Array(params))) => Ok(if id.is_null() {
                Self::Notification { method, params }
            } else {
                Self::Request { method, params, id }
            }),
            (None, None) if !id.is_null() => {
                match (parts.remove("result"), parts.remove("error")) {
                    (Some(result), None | Some(Value::Null)) => {
                        Ok(Self::Reply { id, outcome: Ok(result) })
                    }
                    (_, Some(error)) => Ok(Self::Reply { id, outcome: Err(error) }),
                    (None, None) => Err(MessageError::Shape {
                        found: excerpt(&json!({ "id": id, "…": parts })),
                    }),
                }
            }
            (method, params) => Err(MessageError::Shape {
                found: excerpt(&json!({ "id": id, "method": method, "params": params })),
            }),
        }
    }
}

pub(crate) fn request(method: &str, params: Value, id: Value) -> Value {
    let mut parts = Map::new();
    parts.insert("method".to_owned(), method.into());
    parts.insert("params".to_owned(), params);
    parts.insert("id".to_owned(), id);
    Value::Object(parts)
}

pub(crate) fn echo_reply(params: Vec<Value>, id: Value) -> Value {
    let mut parts = Map::new();
    parts.insert("id".to_owned(), id);
    parts.insert("result".to_owned(), Value::Array(params));
    parts.insert("error".to_owned(), Value::Null);
    Value::Object(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &Value) -> Result<Message, MessageError> {
        Message::parse(json.to_string().as_bytes())
    }

    #[test]
    fn requests_notifications_and_replies_are_told_apart() {
        let request = parse(&json!({"method": "echo", "params": [], "id": "echo"})).unwrap();
        assert_eq!(
            request,
            Message::Request { method: "echo".into(), params: vec![], id: json!("echo") }
        );
        let update =
            parse(&json!({"method": "update2", "params": [null, {}], "id": null})).unwrap();
        assert_eq!(
            update,
            Message::Notification {
                method: "update2".into(),
                params: vec![json!(null), json!({})]
            }
        );
        let reply = parse(&json!({"id": 1, "result": [], "error": null})).unwrap();
        assert_eq!(reply, Message::Reply { id: json!(1), outcome: Ok(json!([])) });
        let refusal = parse(&json!({"id": 1, "result": null, "error": "no"})).unwrap();
        assert_eq!(refusal, Message::Reply { id: json!(1), outcome: Err(json!("no")) });
    }

    #[test]
    fn anything_else_is_refused() {
        for json in [
            json!({}),
            json!([]),
            json!({"id": 1}),
            json!({"id": null, "result": 1, "error": null}),
            json!({"method": "echo", "id": 1}),
            json!({"method": 5, "params": [], "id": 1}),
            json!({"method": "echo", "params": {}, "id": 1}),
        ] {
            assert!(parse(&json).is_err(), "{json}");
        }
        assert!(matches!(Message::parse(b"{\"a\":\xff}"), Err(MessageError::Json(_))));
    }
}
