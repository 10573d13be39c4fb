//! The flags of `skiff serve`. Values are texts here: they are checked together with those of the file, so that a wrong
//! one is refused in the same words wherever it was written.

/// Flags of `skiff serve`; the data dir and the credential are among those every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Every setting is also a key of skiff.toml, without the dashes in front: idle-timeout = 60.\n\
    The file is the one --config names, or the first there is of ./skiff.toml, DATA_DIR/skiff.toml and\n\
    /etc/skiff/skiff.toml. A flag wins over the environment, the environment over the file.\n\n\
    Exit code: 0 after a drain, 64 for a wrong setting, 1 for everything else that keeps the server from starting."
)]
pub(crate) struct ServeArgs {
    /// Configuration file
    #[arg(long, env = "SKIFF_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<String>,
    /// Address of the control API, its health pages and metrics [default: 127.0.0.1:9000]
    #[arg(long, env = "SKIFF_API_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    api_listen: Option<String>,
    /// Address of the gateway: direct invocation [default: 127.0.0.1:9080]
    #[arg(long, env = "SKIFF_GATEWAY_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    gateway_listen: Option<String>,
    /// Region that functions are told [default: local]
    #[arg(long, env = "SKIFF_REGION", hide_env_values = true, value_name = "NAME")]
    region: Option<String>,
    /// Account number that functions are told [default: 1250000000]
    #[arg(long, env = "SKIFF_APP_ID", hide_env_values = true, value_name = "NUMBER")]
    app_id: Option<String>,
    /// What is logged to stderr: a level or a tracing filter [default: info]
    #[arg(long, env = "SKIFF_LOG", hide_env_values = true, value_name = "FILTER")]
    log: Option<String>,
    /// Seconds an instance is kept with nothing to do [default: 180]
    #[arg(
        long,
        env = "SKIFF_IDLE_TIMEOUT",
        hide_env_values = true,
        value_name = "SECONDS",
        help_heading = "Tuning"
    )]
    idle_timeout: Option<String>,
    /// Stem cells kept ready per runtime and network mode when nothing happens [default: 4]
    #[arg(
        long,
        env = "SKIFF_POOL_MIN",
        hide_env_values = true,
        value_name = "NUMBER",
        help_heading = "Tuning"
    )]
    pool_min: Option<String>,
    /// Most stem cells kept ready per runtime and network mode [default: 64]
    #[arg(
        long,
        env = "SKIFF_POOL_MAX",
        hide_env_values = true,
        value_name = "NUMBER",
        help_heading = "Tuning"
    )]
    pool_max: Option<String>,
    /// Most instances and stem cells alive at once [default: 2000]
    #[arg(
        long,
        env = "SKIFF_SANDBOXES_MAX",
        hide_env_values = true,
        value_name = "NUMBER",
        help_heading = "Tuning"
    )]
    sandboxes_max: Option<String>,
    /// Memory of the host in MB below which no instance is started [default: 256]
    #[arg(
        long,
        env = "SKIFF_MEMORY_RESERVE",
        hide_env_values = true,
        value_name = "MB",
        help_heading = "Tuning"
    )]
    memory_reserve: Option<String>,
    /// Memory limits of all running calls together, in MB; a call beyond is answered 432 [default: 128000]
    #[arg(
        long,
        env = "SKIFF_CONCURRENCY_MEMORY",
        hide_env_values = true,
        value_name = "MB",
        help_heading = "Tuning"
    )]
    concurrency_memory: Option<String>,
    /// Memory for the events of all calls that wait or run, in MB; a call beyond is answered 429 [default: 512]
    #[arg(
        long,
        env = "SKIFF_EVENT_MEMORY",
        hide_env_values = true,
        value_name = "MB",
        help_heading = "Tuning"
    )]
    event_memory: Option<String>,
    /// Most calls of one function at once; a call beyond is answered 432 [default: 300]
    #[arg(
        long,
        env = "SKIFF_FUNCTION_CONCURRENCY",
        hide_env_values = true,
        value_name = "CALLS",
        help_heading = "Tuning"
    )]
    function_concurrency: Option<String>,
    /// Most functions in a namespace [default: 50]
    #[arg(
        long,
        env = "SKIFF_FUNCTIONS_MAX",
        hide_env_values = true,
        value_name = "NUMBER",
        help_heading = "Tuning"
    )]
    functions_max: Option<String>,
    /// Most namespaces, the one named default among them [default: 5]
    #[arg(
        long,
        env = "SKIFF_NAMESPACES_MAX",
        hide_env_values = true,
        value_name = "NUMBER",
        help_heading = "Tuning"
    )]
    namespaces_max: Option<String>,
    /// Days that logs of calls are kept [default: 7]
    #[arg(
        long,
        env = "SKIFF_LOG_RETENTION_DAYS",
        hide_env_values = true,
        value_name = "DAYS",
        help_heading = "Tuning"
    )]
    log_retention_days: Option<String>,
    /// Room in MB that logs of calls may take; the oldest go first [default: 2048]
    #[arg(
        long,
        env = "SKIFF_LOG_RETENTION_SIZE",
        hide_env_values = true,
        value_name = "MB",
        help_heading = "Tuning"
    )]
    log_retention_size: Option<String>,
}
