//! Parameters of features that are not there yet: refused when they ask for something, never accepted and dropped.

use serde_json::{Map, Value};

use crate::error::ApiError;

/// One such parameter.
#[derive(Debug)]
pub(crate) struct Unserved {
    /// Its path, e.g. `Code.ImageConfig`.
    pub(crate) field: &'static str,
    /// The documented code of the refusal.
    pub(crate) code: &'static str,
    /// Values that ask for nothing, in any letter case. Empty texts, arrays and objects, `null` and `false` never do; an
    /// object in an array is one of what the array lists, whatever it says.
    pub(crate) off: &'static [&'static str],
    /// What it is and what to do instead, as the end of "the parameter X is not served: …".
    pub(crate) reason: &'static str,
}

impl Unserved {
    /// A parameter that is refused whenever it has a value.
    pub(crate) const fn new(field: &'static str, code: &'static str, reason: &'static str) -> Self {
        Self {
            field,
            code,
            off: &[],
            reason,
        }
    }

    /// The same, but these values are fine.
    pub(crate) const fn unless(mut self, off: &'static [&'static str]) -> Self {
        self.off = off;
        self
    }

    pub(super) fn check(&self, parameters: &Map<String, Value>) -> Result<(), ApiError> {
        let mut steps = self.field.split('.');
        let first = steps.next().and_then(|step| parameters.get(step));
        match steps.fold(first, |value, step| value?.get(step)) {
            Some(value) if !self.asks_for_nothing(value) => Err(ApiError::new(
                self.code,
                format!("the parameter {} is not served: {}", self.field, self.reason),
            )),
            _ => Ok(()),
        }
    }

    fn asks_for_nothing(&self, value: &Value) -> bool {
        let is_off = |text: &str| self.off.iter().any(|off| off.eq_ignore_ascii_case(text));
        match value {
            Value::Null | Value::Bool(false) => true,
            Value::Bool(true) => is_off("true"),
            Value::Number(number) => is_off(&number.to_string()),
            Value::String(text) => text.is_empty() || is_off(text),
            Value::Array(elements) => elements
                .iter()
                .all(|element| !element.is_object() && self.asks_for_nothing(element)),
            Value::Object(fields) => fields.values().all(|field| self.asks_for_nothing(field)),
        }
    }
}
