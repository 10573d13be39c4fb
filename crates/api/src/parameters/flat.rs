//! Parameters of a form or a query: `Filters.0.Name=Type` to a tree, and texts to what a field is.

use std::collections::BTreeMap;

use serde::Deserializer;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use crate::error::ApiError;

/// Most names between the dots of one parameter. The deepest documented one has 5.
const DEPTH_MAX: usize = 8;
/// Most elements of one array, so that an index costs no more than what is sent.
const INDEX_MAX: u32 = 1000;

/// A tree whose inner nodes are not yet known to be objects or arrays.
enum Node {
    Leaf(String),
    Inner(BTreeMap<String, Node>),
}

/// Builds the tree of all pairs.
pub(super) fn unflatten(pairs: Vec<(String, String)>) -> Result<Map<String, Value>, ApiError> {
    let mut root = BTreeMap::new();
    for (name, value) in pairs {
        insert(&mut root, &name, value).map_err(|what| {
            let name: String = name.chars().take(80).collect();
            ApiError::new("InvalidParameter", format!("the parameter {name} {what}"))
        })?;
    }
    root.into_iter()
        .map(|(name, node)| Ok((name, node.into_value()?)))
        .collect()
}

fn insert(root: &mut BTreeMap<String, Node>, name: &str, value: String) -> Result<(), &'static str> {
    if name.split('.').count() > DEPTH_MAX {
        return Err("has more than 8 names between its dots");
    }
    let (path, last) = name
        .rsplit_once('.')
        .map_or((None, name), |(path, last)| (Some(path), last));
    let mut level = root;
    for step in path.into_iter().flat_map(|path| path.split('.')) {
        level = match level
            .entry(step.to_owned())
            .or_insert_with(|| Node::Inner(BTreeMap::new()))
        {
            Node::Inner(inner) => inner,
            Node::Leaf(_) => return Err("is a value and a structure at once"),
        };
    }
    match level.insert(last.to_owned(), Node::Leaf(value)) {
        None => Ok(()),
        Some(Node::Leaf(_)) => Err("is given twice"),
        Some(Node::Inner(_)) => Err("is a value and a structure at once"),
    }
}

impl Node {
    fn into_value(self) -> Result<Value, ApiError> {
        let children = match self {
            Self::Leaf(text) => return Ok(Value::String(text)),
            Self::Inner(children) => children,
        };
        if !children
            .keys()
            .all(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let fields = children.into_iter().map(|(name, node)| Ok((name, node.into_value()?)));
            return Ok(Value::Object(fields.collect::<Result<_, ApiError>>()?));
        }
        // Indices count up, but need not begin at 0 or come in order.
        let mut elements = BTreeMap::new();
        for (index, node) in children {
            let place = index
                .parse::<u32>()
                .ok()
                .filter(|place| *place < INDEX_MAX)
                .ok_or_else(|| {
                    ApiError::new(
                        "InvalidParameter",
                        format!("the array index {index} is too large: use 0 to 999"),
                    )
                })?;
            elements.insert(place, node.into_value()?);
        }
        Ok(Value::Array(elements.into_values().collect()))
    }
}

/// A tree of texts that reads each as what the field is: "5" as 5 where a number is wanted.
pub(super) struct Texts(pub(super) Value);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Texts {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

impl Texts {
    /// The text as `T`; anything else is left to the visitor, which says what it wanted.
    fn coerce<'de, T, V: Visitor<'de>>(
        self,
        visitor: V,
        parse: impl FnOnce(&str) -> Option<T>,
        visit: impl FnOnce(V, T) -> Result<V::Value, serde_json::Error>,
    ) -> Result<V::Value, serde_json::Error> {
        match self.0.as_str().and_then(parse) {
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

impl<'de> Deserializer<'de> for Texts {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(elements) => visitor.visit_seq(SeqDeserializer::new(elements.into_iter().map(Texts))),
            Value::Object(fields) => visitor.visit_map(MapDeserializer::new(
                fields.into_iter().map(|(name, value)| (name, Texts(value))),
            )),
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
        visitor.visit_some(self)
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
        tuple_struct map struct enum identifier ignored_any
    }
}
