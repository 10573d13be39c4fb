//! What an operator sets, checked once: to hold a [`Config`] is to hold a valid one.
//!
//! Every setting is a flag, a `SKIFF_…` variable and a key of `skiff.toml`; a flag wins over a variable, a variable over
//! the file, the file over the default. Each part of the server is handed its own piece.

mod file;
mod flags;
mod setting;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use skiff_auth::{Credentials, SecretId, SecretKey};
use skiff_control_plane::Quotas;
use skiff_domain::limits::{self, FUNCTIONS_PER_NAMESPACE_MAX, NAMESPACES_MAX};
use skiff_invoker::{Identity, Limits};
use skiff_worker::PoolConfig;

pub(crate) use flags::ServeArgs;
pub(crate) use setting::ConfigError;

use self::file::{File, Places};
use self::setting::{Settings, number, text};

/// How long records of calls are kept (CONTRACT 5.2: 7 to 30 days).
const LOG_RETENTION_DAYS: u64 = 7;
/// How much room they may take, in MB.
const LOG_RETENTION_MB: u64 = 2048;
const MB: u64 = 1 << 20;
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Longest region name taken: it is part of bucket names and of every function's environment.
const REGION_CHARS_MAX: usize = 32;

/// A valid configuration.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) api_listen: SocketAddr,
    pub(crate) gateway_listen: SocketAddr,
    /// The root credential, where the operator gives one.
    pub(crate) credentials: Option<Credentials>,
    /// Whose functions these are.
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) quotas: Quotas,
    pub(crate) pool: PoolConfig,
    pub(crate) logs: LogRetention,
    /// What is logged, in the syntax of `tracing_subscriber::EnvFilter`.
    pub(crate) log: String,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
}

/// How long and how much of the records of calls is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogRetention {
    pub(crate) age: Duration,
    pub(crate) bytes: u64,
}

impl Config {
    /// Reads everything. `matches` are those of `skiff serve`, which know where each value came from.
    pub(crate) fn read(matches: &clap::ArgMatches) -> Result<Self, ConfigError> {
        Self::read_in(matches, &Places::of_this_process())
    }

    fn read_in(matches: &clap::ArgMatches, places: &Places) -> Result<Self, ConfigError> {
        let mut settings = Settings::from_matches(matches);
        let file = File::find(settings.path("config"), settings.path("data-dir"), places)?;
        if let Some(file) = &file {
            settings.add_file(file)?;
        }
        Self::check(&settings, file.map(|file| file.path))
    }

    fn check(settings: &Settings, file: Option<PathBuf>) -> Result<Self, ConfigError> {
        let data_dir = match settings.get("data-dir") {
            Some(written) => PathBuf::from(&written.text),
            None => skiff_cli::default_data_dir(),
        };
        let data_dir = std::path::absolute(&data_dir).unwrap_or(data_dir);
        let pool = PoolConfig::default();
        let pool = PoolConfig {
            stem_cells_min: number(settings, "pool-min", 0..=1000, pool.stem_cells_min as u64)? as usize,
            stem_cells_max: number(settings, "pool-max", 0..=1000, pool.stem_cells_max as u64)? as usize,
            sandboxes_max: number(settings, "sandboxes-max", 1..=100_000, u64::from(pool.sandboxes_max))? as u32,
            memory_reserve_bytes: number(settings, "memory-reserve", 0..=1 << 24, pool.memory_reserve_bytes / MB)? * MB,
            ..pool
        };
        if pool.stem_cells_min > pool.stem_cells_max {
            return Err(ConfigError::order(
                "pool-min",
                "pool-max",
                pool.stem_cells_min,
                pool.stem_cells_max,
            ));
        }
        let defaults = Limits::default();
        let concurrency = u64::from(defaults.function_concurrency_max);
        let concurrency = number(settings, "function-concurrency", 1..=100_000, concurrency)? as u32;
        let event_memory_mb = defaults.event_memory_bytes as u64 / MB;
        let concurrency_mb = number(
            settings,
            "concurrency-memory",
            64..=1 << 30,
            defaults.account_concurrency_mb,
        )?;
        Ok(Self {
            data_dir,
            api_listen: listen(settings, "api-listen", "127.0.0.1:9000")?,
            gateway_listen: listen(settings, "gateway-listen", "127.0.0.1:9080")?,
            credentials: credentials(settings)?,
            identity: identity(settings)?,
            limits: Limits {
                function_concurrency_max: concurrency,
                function_waiting_max: concurrency,
                account_concurrency_mb: concurrency_mb,
                idle_timeout: Duration::from_secs(number(
                    settings,
                    "idle-timeout",
                    0..=30 * 24 * 3600,
                    limits::IDLE_TIMEOUT.as_secs(),
                )?),
                event_memory_bytes: (number(settings, "event-memory", 8..=1 << 30, event_memory_mb)? * MB) as usize,
                ..defaults
            },
            quotas: Quotas {
                namespaces_max: number(settings, "namespaces-max", 1..=10_000, NAMESPACES_MAX as u64)? as usize,
                functions_per_namespace_max: number(
                    settings,
                    "functions-max",
                    1..=100_000,
                    FUNCTIONS_PER_NAMESPACE_MAX as u64,
                )? as usize,
                concurrency_mb,
                function_concurrency_max: concurrency,
            },
            pool,
            logs: LogRetention {
                age: DAY * number(settings, "log-retention-days", 1..=3650, LOG_RETENTION_DAYS)? as u32,
                bytes: number(settings, "log-retention-size", 16..=1 << 30, LOG_RETENTION_MB)? * MB,
            },
            log: log_filter(settings)?,
            file,
        })
    }
}

fn listen(settings: &Settings, name: &'static str, default: &str) -> Result<SocketAddr, ConfigError> {
    text(
        settings,
        name,
        default,
        "give an address and a port like 127.0.0.1:9000; port 0 takes a free one",
        |text| {
            // A name is not resolved: which of its addresses would be listened at is nothing to guess.
            let text = text
                .strip_prefix("localhost:")
                .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
            text.parse().ok()
        },
    )
}

fn credentials(settings: &Settings) -> Result<Option<Credentials>, ConfigError> {
    let (id, key) = (settings.get("secret-id"), settings.get("secret-key"));
    let (id, key) = match (id, key) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(ConfigError::half("secret-id", "secret-key")),
        (None, Some(_)) => return Err(ConfigError::half("secret-key", "secret-id")),
        (Some(id), Some(key)) => (id, key),
    };
    let secret_id = id
        .text
        .parse::<SecretId>()
        .map_err(|error| ConfigError::value("secret-id", id, error.to_string()))?;
    // The key itself is not repeated in the message.
    let secret_key = key
        .text
        .parse::<SecretKey>()
        .map_err(|error| ConfigError::secret("secret-key", key, error.to_string()))?;
    Ok(Some(Credentials { secret_id, secret_key }))
}

fn identity(settings: &Settings) -> Result<Identity, ConfigError> {
    let region = text(settings, "region", "local", "use up to 32 of a-z, 0-9 and -", |text| {
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (!text.is_empty() && text.len() <= REGION_CHARS_MAX && text.chars().all(legal)).then(|| text.to_owned())
    })?;
    let app_id = text(settings, "app-id", "1250000000", "use 1 to 19 digits", |text| {
        let legal = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        legal.then(|| text.to_owned())
    })?;
    // One account, one owner: the account's own number stands for its owner's.
    Ok(Identity {
        region,
        uin: app_id.clone(),
        app_id,
    })
}

fn log_filter(settings: &Settings) -> Result<String, ConfigError> {
    text(
        settings,
        "log",
        "info",
        "give a level (off, error, warn, info, debug, trace) or a filter of levels such as info,skiff_worker=debug",
        |text| {
            let is_filter = text.split(',').all(is_directive) && tracing_subscriber::EnvFilter::try_new(text).is_ok();
            is_filter.then(|| text.to_owned())
        },
    )
}

/// A level, or what says of whom it is the level. To the library a single word it does not know is the name of a part
/// nobody logs from, and everything else falls silent.
fn is_directive(text: &str) -> bool {
    text.contains(['=', '[']) || text.trim().parse::<tracing::level_filters::LevelFilter>().is_ok()
}

impl Config {
    /// The name by which the host knows this server's groups and networks: the same for every start on one data dir,
    /// so that what a killed one left is found, and another for every other.
    pub(crate) fn server_name(&self) -> String {
        let digest = skiff_domain::CodeDigest::of(self.data_dir.as_os_str().as_encoded_bytes()).to_string();
        digest[..8].to_owned()
    }

    /// Where this file of the data dir is.
    pub(crate) fn in_data_dir(&self, name: impl AsRef<Path>) -> PathBuf {
        self.data_dir.join(name)
    }
}

#[cfg(test)]
mod tests;
