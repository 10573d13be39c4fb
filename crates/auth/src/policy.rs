//! What a role lets do: actions of the API, on functions.

use std::collections::HashMap;
use std::sync::Arc;

/// Every role there is, by its name.
pub type Roles = HashMap<String, Arc<Policy>>;

/// What a role lets do. Whatever it does not name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    grants: Vec<Grant>,
}

/// These actions on these functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Names of actions, such as `Invoke` or `Get*`.
    pub actions: Vec<Pattern>,
    /// Functions as `namespace/name`, such as `default/*`. What is not of one function is granted by `*` alone, and what
    /// is of a whole namespace by `namespace/*`.
    pub functions: Vec<Pattern>,
}

/// A text in which `*` stands for any text, an empty one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else {
            return self.0 == text;
        };
        let Some(mut text) = text.strip_prefix(head) else {
            return false;
        };
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return text.ends_with(part);
            }
            // The first place is as good as any: what follows has the most room then.
            match text.find(part) {
                Some(place) => text = &text[place + part.len()..],
                None => return false,
            }
        }
        true
    }
}

impl Policy {
    /// A policy of these grants.
    #[must_use]
    pub fn new(grants: Vec<Grant>) -> Self {
        Self { grants }
    }

    /// Whether an action may be done to this: `namespace/name` of a function, `namespace/` of all in a namespace, or
    /// nothing of what is neither.
    #[must_use]
    pub fn allows(&self, action: &str, target: &str) -> bool {
        self.grants.iter().any(|grant| {
            grant.actions.iter().any(|pattern| pattern.matches(action))
                && grant.functions.iter().any(|pattern| pattern.matches(target))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, matches) in [
            ("Invoke", "Invoke", true),
            ("Invoke", "InvokeFunction", false),
            ("Invoke*", "Invoke", true),
            ("Invoke*", "InvokeFunction", true),
            ("*Function", "GetFunction", true),
            ("*Function", "GetFunctionLogs", false),
            ("Get*Logs", "GetFunctionLogs", true),
            ("Get*Logs", "GetLog", false),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a*b*a", "abba", true),
            ("a*b*b", "ab", false),
            ("*", "", true),
            ("default/*", "default/hello", true),
            ("default/*", "default/", true),
            ("default/*", "prod/default/x", false),
            ("", "", true),
        ] {
            assert_eq!(Pattern(pattern.to_owned()).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn one_grant_has_to_name_both_the_action_and_the_function() {
        let patterns = |texts: &[&str]| texts.iter().map(|text| Pattern((*text).to_owned())).collect();
        let grant = |actions: &[&str], functions: &[&str]| Grant {
            actions: patterns(actions),
            functions: patterns(functions),
        };
        let policy = Policy::new(vec![
            grant(&["Invoke"], &["default/*"]),
            grant(&["Get*", "List*"], &["prod/a", "prod/b"]),
        ]);
        for (action, target, allowed) in [
            ("Invoke", "default/x", true),
            ("Invoke", "prod/a", false),
            ("GetFunction", "prod/b", true),
            ("GetFunction", "default/x", false),
            ("GetAccount", "", false),
        ] {
            assert_eq!(policy.allows(action, target), allowed, "{action} {target}");
        }
        assert!(!Policy::default().allows("Invoke", "default/x"));
    }
}
