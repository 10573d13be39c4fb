//! Who this machine is to a registry: what `docker login` and its like have written.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Logins {
    #[serde(default)]
    auths: HashMap<String, Login>,
}

#[derive(Deserialize)]
struct Login {
    auth: Option<String>,
}

/// The login for a registry as `Authorization` says it, if there is one. Helpers that keep keys elsewhere are not asked.
pub(super) fn of(registry: &str) -> Option<String> {
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".docker")));
    let text = folder.and_then(|folder| fs::read(folder.join("config.json")).ok());
    read(&text?, registry)
}

fn read(text: &[u8], registry: &str) -> Option<String> {
    let logins: Logins = serde_json::from_slice(text).ok()?;
    let host = |key: &str| {
        let key = key.trim_start_matches("https://").trim_start_matches("http://");
        key.split('/').next().unwrap_or_default().to_owned()
    };
    let mut found = logins.auths.into_iter().filter(|(key, _)| host(key) == registry);
    let encoded = found.find_map(|(_, login)| login.auth)?;
    let is_login = STANDARD.decode(&encoded).ok()?.contains(&b':');
    is_login.then(|| format!("Basic {encoded}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_of_the_registry_it_was_made_for_and_of_no_other() {
        let text = br#"{"auths": {"https://one.example/v1/": {"auth": "bWU6c2VjOnJldA=="}, "two.example:5000": {}}}"#;
        let one = "Basic bWU6c2VjOnJldA==".to_owned();
        assert_eq!(read(text, "one.example"), Some(one));
        assert_eq!(read(text, "two.example:5000"), None, "kept by a helper");
        assert_eq!(read(text, "three.example"), None);
        assert_eq!(read(b"{", "one.example"), None);
    }
}
