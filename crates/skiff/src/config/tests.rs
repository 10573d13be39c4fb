//! Who wins, what is refused and how it is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use clap::{Args, Command};

use super::*;

/// Reads flags and a file in a data dir of its own.
fn read(flags: &[&str], toml: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    if !toml.is_empty() {
        fs::write(folder.path().join("skiff.toml"), toml).expect("a file");
    }
    read_in(flags, &folder)
}

fn read_in(flags: &[&str], folder: &tempfile::TempDir) -> Result<Config, ConfigError> {
    let nowhere = folder.path().join("nowhere");
    let places = Places {
        here: nowhere.clone(),
        data_dir: folder.path().to_owned(),
        etc: nowhere,
    };
    Config::read_in(&matches(flags), &places)
}

fn matches(flags: &[&str]) -> clap::ArgMatches {
    let command = ServeArgs::augment_args(skiff_cli::Global::augment_args(Command::new("serve")));
    // The environment of the test's caller is not the test's.
    let command = command.mut_args(|arg| arg.env(None));
    command
        .try_get_matches_from(std::iter::once(&"serve").chain(flags))
        .expect("known flags")
}

#[test]
fn without_settings_the_defaults_are_the_documented_ones() {
    let config = read(&[], "").expect("valid");
    assert_eq!(config.api_listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.gateway_listen.to_string(), "127.0.0.1:9080");
    assert_eq!(
        (config.identity.region.as_str(), config.identity.app_id.as_str()),
        ("local", "1250000000")
    );
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.quotas, Quotas::default());
    assert_eq!(
        (
            config.pool.stem_cells_min,
            config.pool.stem_cells_max,
            config.pool.sandboxes_max
        ),
        (4, 64, 2000)
    );
    assert_eq!(
        config.logs,
        LogRetention {
            age: 7 * DAY,
            bytes: 2048 * MB
        }
    );
    assert!(config.credentials.is_none());
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
    let toml = "region = \"ap-guangzhou\"\nidle-timeout = 60\nsecret-id = \"AKIDfile\"\nsecret-key = \"filekey\"\n";
    let config = read(&["--idle-timeout", "5", "--secret-id", "AKIDflag"], toml).expect("valid");
    assert_eq!(config.identity.region, "ap-guangzhou");
    assert_eq!(config.limits.idle_timeout, Duration::from_secs(5));
    let credentials = config.credentials.expect("given");
    assert_eq!(
        (credentials.secret_id.as_str(), credentials.secret_key.reveal()),
        ("AKIDflag", "filekey")
    );
}

#[test]
fn every_setting_can_be_written_in_the_file() {
    let toml = r#"
data-dir = "/srv/skiff"
secret-id = "AKIDx"
secret-key = "k"
api-listen = "127.0.0.1:1"
gateway-listen = "localhost:2"
region = "r"
app-id = "12"
log = "warn,skiff_worker=debug"
idle-timeout = 1
pool-min = 2
pool-max = 3
sandboxes-max = 4
memory-reserve = 5
concurrency-memory = 640
event-memory = 64
function-concurrency = 7
functions-max = 70
namespaces-max = 9
log-retention-days = 8
log-retention-size = 90
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("any.toml");
    fs::write(&file, toml).expect("a file");
    let config = read_in(&["--config", file.to_str().expect("UTF-8")], &folder).expect("valid");
    assert_eq!(config.data_dir, Path::new("/srv/skiff"));
    assert_eq!((config.api_listen.port(), config.gateway_listen.port()), (1, 2));
    assert_eq!(
        (
            config.pool.stem_cells_min,
            config.pool.stem_cells_max,
            config.pool.sandboxes_max
        ),
        (2, 3, 4)
    );
    assert_eq!(
        (config.pool.memory_reserve_bytes, config.limits.account_concurrency_mb),
        (5 * MB, 640)
    );
    let quotas = Quotas {
        namespaces_max: 9,
        functions_per_namespace_max: 70,
        concurrency_mb: 640,
        function_concurrency_max: 7,
    };
    assert_eq!(config.quotas, quotas);
    assert_eq!(
        (config.limits.function_concurrency_max, config.limits.idle_timeout),
        (7, Duration::from_secs(1))
    );
    assert_eq!(
        (config.limits.event_memory_bytes, config.limits.event_bytes_max),
        (64 << 20, 6 << 20)
    );
    assert_eq!(
        config.logs,
        LogRetention {
            age: 8 * DAY,
            bytes: 90 * MB
        }
    );
    assert_eq!(config.log, "warn,skiff_worker=debug");
    assert_eq!(config.file, Some(file));
    let keys = toml.lines().filter(|line| line.contains('=')).count();
    assert_eq!(
        keys,
        setting::NAMES.len() - 1,
        "every name but `config` is in this test"
    );
}

#[test]
fn a_wrong_value_is_refused_with_its_place_and_its_rule() {
    for (flags, toml, says) in [
        (
            &["--api-listen", "nowhere"][..],
            "",
            "--api-listen: \"nowhere\" is not valid: give an address",
        ),
        (
            &["--idle-timeout=-1"],
            "",
            "--idle-timeout: \"-1\" is not valid: use a whole number from 0",
        ),
        (&[], "idle-timeout = \"soon\"", "idle-timeout in "),
        (&["--region", "Über"], "", "--region"),
        (&["--app-id", "1x"], "", "use 1 to 19 digits"),
        (
            &["--pool-min", "9", "--pool-max", "8"],
            "",
            "pool-min 9 is more than pool-max 8",
        ),
        (&["--log-retention-days", "0"], "", "from 1 to 3650"),
        (&["--log", "skiff=loud"], "", "--log"),
        (&["--log", "loud"], "", "off, error, warn, info, debug, trace"),
        (&["--log", "info,loud"], "", "--log"),
        (&["--secret-id", "AKIDx"], "", "secret-id comes with secret-key"),
        (&["--secret-id", "no id", "--secret-key", "k"], "", "--secret-id"),
        (
            &["--config", "/nowhere/skiff.toml"],
            "",
            "cannot read /nowhere/skiff.toml",
        ),
        (
            &[],
            "idel-timeout = 3",
            "skiff.toml:1: no setting is called \"idel-timeout\": did you mean idle-timeout?",
        ),
        (&[], "\nregion = [1]", "skiff.toml:2: region is array"),
        (&[], "region = \n", "skiff.toml:1:"),
        (&[], "config = \"x\"", "no setting is called \"config\""),
        (&[], "data-dir = \"/srv\"", "sets data-dir, and it lies in a data dir"),
    ] {
        let error = read(flags, toml).expect_err(says).to_string();
        assert!(error.contains(says), "{flags:?} {toml:?}: {error}");
        assert!(!error.contains('\n'), "one line: {error}");
    }
}

#[test]
fn a_secret_key_is_never_repeated() {
    let error = read(&["--secret-id", "AKIDx", "--secret-key", "two words"], "")
        .expect_err("a space")
        .to_string();
    assert!(
        error.contains("--secret-key") && !error.contains("two words"),
        "{error}"
    );
    let config = read(&["--secret-id", "AKIDx", "--secret-key", "hush"], "").expect("valid");
    assert!(!format!("{config:?}").contains("hush"));
}

#[test]
fn a_file_that_others_could_have_written_is_not_read_unasked() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("skiff.toml");
    fs::write(&file, "region = \"theirs\"").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("a mode");
    assert!(matches!(read_in(&[], &folder), Err(ConfigError::Foreign { .. })));
    let named = read_in(&["--config", file.to_str().expect("UTF-8")], &folder).expect("asked for");
    assert_eq!(named.identity.region, "theirs");
}

#[test]
fn a_server_has_one_name_per_data_dir() {
    let name = |dir: &str| read(&["--data-dir", dir], "").expect("valid").server_name();
    assert_eq!(name("/srv/a"), name("/srv/a"));
    assert_ne!(name("/srv/a"), name("/srv/b"));
}

#[test]
fn levels_and_filters_of_levels_are_taken_for_the_log() {
    for filter in ["off", "WARN", "info,skiff_worker=debug", "skiff_api=trace, warn"] {
        assert_eq!(read(&["--log", filter], "").expect(filter).log, filter);
    }
}
