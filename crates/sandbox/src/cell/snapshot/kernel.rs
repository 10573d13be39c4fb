//! What the kernel holds for a process and gives to another that asks: how it takes signals, its folder, its mask.

use super::super::raw::{self, Errno, SignalAction, SignalStack};

/// Signals are numbered from 1 on.
const SIGNALS: usize = 64;
/// Longest path the kernel gives.
const PATH_BYTES_MAX: usize = 4096;

/// In the memory of the process that is kept.
pub struct Held {
    actions: [SignalAction; SIGNALS],
    stack: SignalStack,
    blocked: u64,
    mask: u32,
    folder: [u8; PATH_BYTES_MAX],
}

impl Held {
    /// Of no process yet.
    pub const NONE: Self = Self {
        actions: [SignalAction::DEFAULT; SIGNALS],
        stack: SignalStack::NONE,
        blocked: 0,
        mask: 0,
        folder: [0; PATH_BYTES_MAX],
    };

    /// Of the calling process.
    pub fn save(&mut self) -> Result<(), Errno> {
        for (action, signal) in self.actions.iter_mut().zip(1..) {
            *action = raw::signal_action(signal)?;
        }
        self.stack = raw::signal_stack()?;
        self.blocked = raw::block_signals()?;
        raw::restore_signals(self.blocked)?;
        self.mask = raw::umask(0o022);
        raw::umask(self.mask);
        raw::current_folder(&mut self.folder)
    }

    /// Gives it to the calling process.
    ///
    /// # Safety
    /// The memory of the process that it was saved in is that of this one now: handlers are there.
    pub unsafe fn give(&self) -> Result<(), Errno> {
        for (action, signal) in self.actions.iter().zip(1..) {
            if raw::signal_action(signal)? != *action {
                // SAFETY: the caller's own.
                unsafe { raw::set_signal_action(signal, action)? };
            }
        }
        // SAFETY: the caller's own.
        unsafe { raw::set_signal_stack(&self.stack)? };
        raw::umask(self.mask);
        let folder = core::ffi::CStr::from_bytes_until_nul(&self.folder).map_err(|_| Errno(36))?;
        raw::chdir(folder)?;
        raw::restore_signals(self.blocked)
    }
}
