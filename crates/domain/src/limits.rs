//! The numbers users meet. Each with its source; SPEC.md lists them with their tests.

use std::time::Duration;

/// Largest event of a synchronous call, in bytes: 6 MB (CONTRACT 4.8).
pub const EVENT_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Largest event of an asynchronous call, in bytes: 128 KB (CONTRACT 4.8).
pub const ASYNC_EVENT_BYTES_MAX: usize = 128 * 1024;
/// What the events of all calls that wait or run may take of memory, in bytes: 85 of the largest.
pub const EVENT_MEMORY_BYTES: usize = 512 * 1024 * 1024;
/// Largest result of a synchronous call, in bytes: 6 MB (CONTRACT 4.8).
pub const RESULT_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Longest log tail returned with a call, in bytes: 4 KB (CONTRACT 4.1).
pub const LOG_TAIL_BYTES_MAX: usize = 4 * 1024;
/// Longest log line kept, in bytes: 8 KB (CONTRACT 4.8).
pub const LOG_LINE_BYTES_MAX: usize = 8 * 1024;
/// Most log bytes kept of what one invocation writes, and of what loading the code does, after lines were cut: 1 MB
/// (CONTRACT 4.8, "1 MB or 5000 lines per 5 s").
pub const LOG_BYTES_MAX: usize = 1024 * 1024;
/// Most log lines kept, likewise (CONTRACT 4.8).
pub const LOG_LINES_MAX: usize = 5000;
/// Memory of a function in MB: 64, or a multiple of 128 up to 3072 (CONTRACT 2.5).
pub const MEMORY_MB_DEFAULT: u32 = 128;
/// Largest memory of a function, in MB.
pub const MEMORY_MB_MAX: u32 = 3072;
/// A function's time limit when none is given, in seconds.
pub const TIMEOUT_S_DEFAULT: u32 = 3;
/// Longest time limit, in seconds.
pub const TIMEOUT_S_MAX: u32 = 900;
/// Time for initialisation when none is given, in seconds.
pub const INIT_TIMEOUT_S_DEFAULT: u32 = 65;
/// Longest time for initialisation, in seconds (CONTRACT 2.5: CLI 3 to 300).
pub const INIT_TIMEOUT_S_MAX: u32 = 300;
/// Total size of a function's environment variables, keys and values, in bytes: 4 KB.
pub const ENVIRONMENT_BYTES_MAX: usize = 4 * 1024;
/// Largest zip accepted in a request, in bytes before base64: 50 MB.
pub const ZIP_BYTES_MAX: usize = 50 * 1024 * 1024;
/// Largest unpacked package, in bytes: 500 MB; and of a function's code and layers together (CONTRACT 1.13).
pub const UNPACKED_BYTES_MAX: u64 = 500 * 1024 * 1024;
/// Most files and folders in a package.
pub const PACKAGE_ENTRIES_MAX: usize = 50_000;
/// Functions in a namespace (CONTRACT 4.8).
pub const FUNCTIONS_PER_NAMESPACE_MAX: usize = 50;
/// Published versions of a function. The contract has a code and no number; each keeps its package.
pub const VERSIONS_PER_FUNCTION_MAX: usize = 200;
/// Aliases of a function, `$DEFAULT` among them. The contract has a code and no number.
pub const ALIASES_PER_FUNCTION_MAX: usize = 100;
/// Layers of a function (CONTRACT 1.13).
pub const LAYERS_PER_FUNCTION_MAX: usize = 5;
/// Layers of the account. The contract has a code and no number.
pub const LAYERS_MAX: usize = 500;
/// Versions of a layer. The contract has a code and no number; each keeps its package.
pub const VERSIONS_PER_LAYER_MAX: usize = 200;
/// Namespaces, `default` among them (CONTRACT 4.8).
pub const NAMESPACES_MAX: usize = 5;
/// Account concurrency, as the sum of the memory of running calls, in MB (CONTRACT 4.5).
pub const ACCOUNT_CONCURRENCY_MB: u64 = 128_000;
/// Running calls of one function (CONTRACT 4.5: 300 in 2018).
pub const FUNCTION_CONCURRENCY_MAX: u32 = 300;
/// Private writable `/tmp`, in bytes: 512 MB (CONTRACT 4.8).
pub const TMP_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Files and folders in `/tmp`.
pub const TMP_INODES_MAX: u64 = 65_536;
/// Open files of one process (CONTRACT 1.1).
pub const OPEN_FILES_MAX: u64 = 1024;
/// Processes and threads of one instance (CONTRACT 1.1).
pub const PIDS_MAX: u64 = 1024;
/// How long an idle instance is kept: "3 min covers 95 %" (CONTRACT 4.5).
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(180);
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 1000;
