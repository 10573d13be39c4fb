//! Names in parameters, each with its default and its documented code.

use skiff_domain::{FunctionKey, FunctionName, NamespaceName, Qualifier};

use crate::error::ApiError;

/// A required function name.
pub(crate) fn function(given: Option<String>, field: &str) -> Result<FunctionName, ApiError> {
    let text = given
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing(field))?;
    text.parse()
        .map_err(|error| ApiError::name("InvalidParameterValue.FunctionName", &error))
}

/// A namespace; `default` when none is given.
pub(crate) fn namespace(given: Option<String>) -> Result<NamespaceName, ApiError> {
    match given.filter(|text| !text.is_empty()) {
        None => Ok(NamespaceName::default()),
        Some(text) => text
            .parse()
            .map_err(|error| ApiError::name("InvalidParameterValue.Namespace", &error)),
    }
}

/// A required namespace.
pub(crate) fn required_namespace(given: Option<String>) -> Result<NamespaceName, ApiError> {
    let text = given
        .filter(|text| !text.is_empty())
        .ok_or_else(|| ApiError::missing("Namespace"))?;
    text.parse()
        .map_err(|error| ApiError::name("InvalidParameterValue.Namespace", &error))
}

/// A function's full name from `FunctionName` and `Namespace`.
pub(crate) fn key(name: Option<String>, namespace_given: Option<String>) -> Result<FunctionKey, ApiError> {
    Ok(FunctionKey {
        name: function(name, "FunctionName")?,
        namespace: namespace(namespace_given)?,
    })
}

/// A qualifier, or what is meant when none is given.
pub(crate) fn qualifier(given: Option<String>, default: &'static str) -> Result<Qualifier, ApiError> {
    let given = given.filter(|text| !text.is_empty());
    parse_qualifier(given.as_deref().unwrap_or(default))
}

/// A qualifier that may be left out.
pub(crate) fn optional_qualifier(given: Option<String>) -> Result<Option<Qualifier>, ApiError> {
    given
        .filter(|text| !text.is_empty())
        .map(|text| parse_qualifier(&text))
        .transpose()
}

fn parse_qualifier(text: &str) -> Result<Qualifier, ApiError> {
    text.parse()
        .map_err(|error| ApiError::name("InvalidParameterValue.Qualifier", &error))
}
