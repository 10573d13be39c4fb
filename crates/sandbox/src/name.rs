//! The name of a server, by which its groups, tables and interfaces are told from another's.

/// Longest name: it is part of the name of a folder and of a table.
const LENGTH_MAX: usize = 32;

/// A name that would not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("server name {given:?}: use 1 to 32 of a-z, 0-9 and -")]
pub struct InvalidServerName {
    /// What was given, or its beginning.
    pub given: String,
}

/// Checks a server's name.
pub(crate) fn check(name: &str) -> Result<(), InvalidServerName> {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.is_empty() && name.len() <= LENGTH_MAX && name.bytes().all(legal) {
        return Ok(());
    }
    Err(InvalidServerName {
        given: name.chars().take(80).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_name_can_leave_no_folder() {
        for (name, good) in [
            ("a", true),
            ("node-1", true),
            ("", false),
            ("..", false),
            ("a/b", false),
            ("A", false),
        ] {
            assert_eq!(check(name).is_ok(), good, "{name:?}");
        }
        assert!(check(&"a".repeat(33)).is_err());
    }
}
