//! Where the server is and who is calling: flags, then the environment, then what a server on this machine left in its
//! data dir.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use skiff_auth::Credentials;

use crate::client::{Client, Endpoint};
use crate::console::Format;
use crate::error::CliError;

/// Where the control API listens when nothing says otherwise.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:9000";
/// The data dir of a server that runs as root.
const ROOT_DATA_DIR: &str = "/var/lib/skiff";

/// Where help lists what every command takes.
const HEADING: &str = "Global options";

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Address of the control API, e.g. http://127.0.0.1:9000 [default: that of the server on this machine]
    #[arg(
        long,
        global = true,
        env = "SKIFF_ENDPOINT",
        hide_env_values = true,
        value_name = "URL",
        help_heading = HEADING
    )]
    pub endpoint: Option<String>,
    /// Secret id of the credential [default: that of the server on this machine]
    #[arg(
        long,
        global = true,
        env = "SKIFF_SECRET_ID",
        hide_env_values = true,
        value_name = "ID",
        help_heading = HEADING
    )]
    pub secret_id: Option<String>,
    /// Secret key of the credential; better given in the environment, where other users cannot see it
    #[arg(
        long,
        global = true,
        env = "SKIFF_SECRET_KEY",
        value_name = "KEY",
        hide_env_values = true,
        help_heading = HEADING
    )]
    pub secret_key: Option<String>,
    /// Data folder of the server [default: /var/lib/skiff as root, $XDG_DATA_HOME/skiff otherwise]
    #[arg(
        long,
        global = true,
        env = "SKIFF_DATA_DIR",
        hide_env_values = true,
        value_name = "DIR",
        help_heading = HEADING
    )]
    pub data_dir: Option<PathBuf>,
    /// How to print results: table or json
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true,
        help_heading = HEADING
    )]
    pub output: Format,
}

/// The data dir when none is given: `/var/lib/skiff` for root, `$XDG_DATA_HOME/skiff` for everybody else.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from(ROOT_DATA_DIR);
    }
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    folder("XDG_DATA_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
        .map_or_else(|| PathBuf::from(ROOT_DATA_DIR), |data| data.join("skiff"))
}

/// `listen.json`, as far as a client needs it.
#[derive(Deserialize)]
struct Listen {
    api: String,
    /// Of the credential the server goes by.
    secret_id: Option<String>,
}

impl Global {
    /// A client for what the flags, the environment and the data dir say.
    pub(crate) fn client(&self) -> Result<Client, CliError> {
        self.client_from(&self.data_dirs())
    }

    /// Where a server may have left its address: the given folder alone, or the usual ones.
    fn data_dirs(&self) -> Vec<PathBuf> {
        match given(self.data_dir.as_ref().and_then(|path| path.to_str())) {
            Some(folder) => vec![PathBuf::from(folder)],
            None => {
                let mut folders = vec![default_data_dir()];
                let root = Path::new(ROOT_DATA_DIR);
                if folders[0] != root {
                    folders.push(root.to_owned());
                }
                folders
            }
        }
    }

    fn client_from(&self, data_dirs: &[PathBuf]) -> Result<Client, CliError> {
        let (endpoint, known_id) = match given(self.endpoint.as_deref()) {
            Some(endpoint) => (endpoint.to_owned(), None),
            None => find::<Listen>(data_dirs, "listen.json").map_or_else(
                || (DEFAULT_ENDPOINT.to_owned(), None),
                |found| (found.api, found.secret_id),
            ),
        };
        let endpoint = Endpoint::parse(&endpoint)?;
        let credentials = match (given(self.secret_id.as_deref()), given(self.secret_key.as_deref())) {
            (Some(id), Some(key)) => {
                Credentials::new(id, key).map_err(|error| CliError::argument("--secret-id", id, error.to_string()))?
            }
            (Some(_), None) => return Err(half("--secret-id", "--secret-key")),
            (None, Some(_)) => return Err(half("--secret-key", "--secret-id")),
            (None, None) => created(data_dirs, known_id)?,
        };
        Ok(Client::new(endpoint, credentials))
    }
}

/// The credential a server made for itself; not the one of an earlier start, when it now has another by its settings.
fn created(data_dirs: &[PathBuf], known_id: Option<String>) -> Result<Credentials, CliError> {
    let found: Option<Credentials> = find(data_dirs, "credentials.json");
    match (found, known_id) {
        (Some(found), None) => Ok(found),
        (Some(found), Some(known)) if found.secret_id.as_str() == known => Ok(found),
        (_, Some(secret_id)) => Err(CliError::GivenCredential { secret_id }),
        (None, None) => Err(CliError::NoCredential {
            looked: data_dirs.iter().map(|folder| folder.join("credentials.json")).collect(),
        }),
    }
}

fn half(have: &'static str, lack: &'static str) -> CliError {
    CliError::argument(have, "", format!("it comes with {lack}: give both or none"))
}

/// An empty setting is none: `SKIFF_ENDPOINT= skiff …` switches it off.
fn given(setting: Option<&str>) -> Option<&str> {
    setting.filter(|text| !text.is_empty())
}

fn find<T: serde::de::DeserializeOwned>(folders: &[PathBuf], file: &str) -> Option<T> {
    folders
        .iter()
        .find_map(|folder| serde_json::from_slice(&fs::read(folder.join(file)).ok()?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> Global {
        Global {
            endpoint: None,
            secret_id: None,
            secret_key: None,
            data_dir: None,
            output: Format::Table,
        }
    }

    fn served() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(
            folder.path().join("listen.json"),
            r#"{"api":"127.0.0.1:4123","gateway":"127.0.0.1:1"}"#,
        )
        .expect("file");
        fs::write(
            folder.path().join("credentials.json"),
            r#"{"secret_id":"AKIDx","secret_key":"k"}"#,
        )
        .expect("file");
        folder
    }

    #[test]
    fn flags_win_over_what_a_server_left_in_its_data_dir() {
        let folder = served();
        let folders = [folder.path().to_owned()];
        let found = global().client_from(&folders).expect("a client");
        assert_eq!(
            (found.endpoint(), found.secret_id()),
            ("http://127.0.0.1:4123", "AKIDx")
        );

        let flags = Global {
            endpoint: Some("skiff.example:8000".to_owned()),
            secret_id: Some("AKIDy".to_owned()),
            secret_key: Some("z".to_owned()),
            ..global()
        };
        let found = flags.client_from(&folders).expect("a client");
        assert_eq!(
            (found.endpoint(), found.secret_id()),
            ("http://skiff.example:8000", "AKIDy")
        );
    }

    #[test]
    fn without_credentials_the_error_says_where_it_looked() {
        let empty = tempfile::tempdir().expect("a folder");
        let error = global()
            .client_from(&[empty.path().to_owned()])
            .expect_err("no credential");
        assert_eq!(error.exit() as u8, 2);
        assert!(
            error
                .hint()
                .expect("a hint")
                .contains(empty.path().to_str().expect("UTF-8")),
            "{error:?}"
        );
    }

    #[test]
    fn a_credential_the_server_does_not_go_by_is_not_sent() {
        let folder = served();
        let folders = [folder.path().to_owned()];
        let say = |id: &str| {
            let listen = format!(r#"{{"api":"127.0.0.1:1","gateway":"127.0.0.1:2","secret_id":"{id}"}}"#);
            fs::write(folder.path().join("listen.json"), listen).expect("file");
        };
        say("AKIDx");
        assert_eq!(global().client_from(&folders).expect("its own").secret_id(), "AKIDx");
        say("AKIDgiven");
        for _ in ["an earlier one is there", "none is there"] {
            let error = global().client_from(&folders).expect_err("not its own");
            assert!(error.to_string().contains("AKIDgiven"), "{error}");
            assert!(error.hint().expect("a hint").contains("SKIFF_SECRET_KEY"), "{error:?}");
            drop(fs::remove_file(folder.path().join("credentials.json")));
        }
    }

    #[test]
    fn half_a_credential_is_refused() {
        let half = Global {
            secret_id: Some("AKIDx".to_owned()),
            ..global()
        };
        let error = half.client_from(&[]).expect_err("half");
        assert!(error.to_string().contains("--secret-key"), "{error}");
    }
}
