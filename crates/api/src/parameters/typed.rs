//! A parameter as what its field is: texts are taken for numbers where nothing but texts can be sent, and what has names
//! is an object, never an array whose elements are taken for its fields by their places.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Error, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::Value;

use super::Spelling;

/// A value that is read as a field's type.
pub(super) struct Typed {
    pub(super) value: Value,
    pub(super) spelling: Spelling,
}

impl<'de> IntoDeserializer<'de, serde_json::Error> for Typed {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl Typed {
    /// A text of a form as `T`: "5" as 5. Anything else is left to the visitor, which says what it wanted.
    fn coerce<'de, T, V: Visitor<'de>>(
        self,
        visitor: V,
        parse: impl FnOnce(&str) -> Option<T>,
        visit: impl FnOnce(V, T) -> Result<V::Value, serde_json::Error>,
    ) -> Result<V::Value, serde_json::Error> {
        let text = self.value.as_str().filter(|_| self.spelling == Spelling::Flat);
        match text.and_then(parse) {
            Some(value) => visit(visitor, value),
            None => self.deserialize_any(visitor),
        }
    }
}

fn to_bool(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => text.to_ascii_lowercase().parse().ok(),
    }
}

impl<'de> Deserializer<'de> for Typed {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let Self { value, spelling } = self;
        let typed = |value| Self { value, spelling };
        match value {
            Value::Array(elements) => visitor.visit_seq(SeqDeserializer::new(elements.into_iter().map(typed))),
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| (name, typed(value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            leaf => leaf.deserialize_any(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.coerce(visitor, to_bool, V::visit_bool)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.coerce(visitor, |text| text.parse().ok(), V::visit_i64)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.coerce(visitor, |text| text.parse().ok(), V::visit_f64)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if self.value.is_array() {
            return Err(Error::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}
