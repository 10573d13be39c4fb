//! A request's parameters, however they were sent, and the one way to read them.
//!
//! JSON keeps its types; a form or a query has texts only, which are read as what the field is (CONTRACT 2.1). Names
//! nobody knows are ignored, because real clients send such (CONTRACT 0.6).

mod flat;
mod typed;
mod unserved;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use self::typed::Typed;
use crate::error::ApiError;
pub(crate) use unserved::Unserved;

/// Most values of a JSON body, in it or in each other: one of a few bytes takes some 75 times as many when it is read.
const VALUES_MAX: usize = 100_000;

/// The parameters of one request.
#[derive(Debug)]
pub(crate) struct Parameters {
    fields: Map<String, Value>,
    spelling: Spelling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    /// A JSON object.
    Json,
    /// `Filters.0.Name=Type`: every leaf is a text.
    Flat,
}

impl Parameters {
    /// Reads a JSON body. An empty one is an empty object.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        let invalid = |what: String| ApiError::new("InvalidParameter", what);
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self {
                fields: Map::new(),
                spelling: Spelling::Json,
            });
        }
        if values(body) > VALUES_MAX {
            return Err(invalid(format!("the body has more than {VALUES_MAX} JSON values")));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self {
                fields,
                spelling: Spelling::Json,
            }),
            Ok(_) => Err(invalid(
                "the body is JSON but not an object: send {\"Name\": value, …}".to_owned(),
            )),
            Err(error) => Err(invalid(format!("the body is not JSON: {error}"))),
        }
    }

    /// Reads the decoded pairs of a form or a query.
    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, ApiError> {
        Ok(Self {
            fields: flat::unflatten(pairs)?,
            spelling: Spelling::Flat,
        })
    }

    /// A parameter that is a text, as it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    /// Whether a parameter was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// Refuses what was asked of a feature that is not there.
    pub(crate) fn refuse(&self, unserved: &[Unserved]) -> Result<(), ApiError> {
        unserved.iter().try_for_each(|field| field.check(&self.fields))
    }

    /// The same of what was asked within the object of this name.
    pub(crate) fn refuse_within(&self, outer: &str, unserved: &[Unserved]) -> Result<(), ApiError> {
        let Some(Value::Object(fields)) = self.fields.get(outer) else {
            return Ok(());
        };
        let within = |mut error: ApiError| {
            error.message = error
                .message
                .replacen("the parameter ", &format!("the parameter {outer}."), 1);
            error
        };
        let refused = unserved.iter().try_for_each(|field| field.check(fields));
        refused.map_err(within)
    }

    /// Reads all parameters as `T`, whose fields are options. Leaves none.
    pub(crate) fn parse<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        let parsed = serde_path_to_error::deserialize(Typed {
            value: Value::Object(std::mem::take(&mut self.fields)),
            spelling: self.spelling,
        });
        parsed.map_err(|error| {
            let field = error.path().to_string();
            ApiError::new(
                "InvalidParameter",
                format!("the parameter {field} has a wrong type: {}", in_words(error.inner())),
            )
        })
    }
}

/// How many values a JSON text has at most: what is not in a string and begins one, or stands between two.
fn values(json: &[u8]) -> usize {
    let (mut values, mut bytes) = (1, json.iter());
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' | b',' => values += 1,
            b'"' => {
                while let Some(byte) = bytes.find(|byte| matches!(byte, b'"' | b'\\')) {
                    if *byte == b'"' {
                        break;
                    }
                    bytes.next();
                }
            }
            _ => {}
        }
    }
    values
}

/// The parser's complaint in the words of JSON instead of Rust's.
fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let Some((found, expected)) = text.rsplit_once(", expected ") else {
        return text;
    };
    let found = match found {
        "invalid type: sequence" => "invalid type: array",
        "invalid type: map" => "invalid type: object",
        other => other,
    };
    let expected = match expected {
        "i64" => "an integer",
        "f64" => "a number",
        "a sequence" => "an array",
        kind if kind.starts_with("struct ") => "an object",
        other => other,
    };
    format!("{found}, expected {expected}")
}

#[cfg(test)]
mod tests;
