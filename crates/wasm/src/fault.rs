//! How an error of WebAssembly is told to whoever wrote it.

use skiff_domain::UserFault;
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// The status a program has asked to end with, where that is what ended it.
pub(crate) fn exit_status(error: &Error) -> Option<i32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0)
}

/// A trap, or what else went wrong, with the stack of the program.
pub(crate) fn of(error: &Error) -> UserFault {
    let message = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let stack_trace = match error.downcast_ref::<WasmBacktrace>() {
        Some(stack) => format!("{message}\n{stack}"),
        None => String::new(),
    };
    UserFault { message, stack_trace }
}

/// An error that is a sentence and nothing more.
pub(crate) fn text(message: impl Into<String>) -> UserFault {
    UserFault {
        message: message.into(),
        stack_trace: String::new(),
    }
}
