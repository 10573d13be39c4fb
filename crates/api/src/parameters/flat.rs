//! Parameters of a form or a query: `Filters.0.Name=Type` to a tree.

use std::collections::BTreeMap;

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
