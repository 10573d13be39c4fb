//! What this program does in a sandbox, instead of some interpreter.

use skiff_runtimes::native;
use skiff_sandbox::Waiting;

/// The tasks that this build knows, as templates of runtimes name them.
pub(crate) const TASKS: &[&str] = &[
    native::TASK,
    #[cfg(feature = "runtime-wasm")]
    skiff_runtimes::wasm::TASK,
];

/// Does the task, in a sandbox: a [`skiff_sandbox::Waiter`].
pub(crate) fn wait(waiting: Waiting) {
    #[cfg(feature = "runtime-wasm")]
    if waiting.task == skiff_runtimes::wasm::TASK {
        return skiff_wasm::run(waiting);
    }
    native::wait(waiting);
}
