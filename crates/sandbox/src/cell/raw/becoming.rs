//! Calls by which a process takes the place of another: its memory, and what the kernel holds for it.

use super::*;

/// Maps a file from `offset` on, or without one memory of nobody's yet, changed for this process alone, in place of
/// whatever is there.
///
/// # Safety
/// Nothing that is still needed is there.
pub unsafe fn map(start: usize, length: usize, rights: usize, file: i32, offset: usize) -> Result<(), Errno> {
    const MAP_FIXED: usize = 0x10;
    const MAP_ANONYMOUS: usize = 0x20;
    const MAP_NORESERVE: usize = 0x4000;
    let anonymous = if file < 0 { MAP_ANONYMOUS } else { 0 };
    let kind = MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE | anonymous;
    call!(MMAP, start, length, rights, kind, file as isize, offset).map(drop)
}

/// Has the kernel empty a range of memory in every copy of the process.
pub fn wipe_in_copies(start: usize, length: usize) -> Result<(), Errno> {
    const MADV_WIPEONFORK: usize = 18;
    call!(MADVISE, start, length, MADV_WIPEONFORK).map(drop)
}

/// Has all pages of a range there, as if each had been written to. A kernel before 5.14 refuses, and gives them one by one
/// when they are.
pub fn populate(start: usize, length: usize) -> Result<(), Errno> {
    const MADV_POPULATE_WRITE: usize = 23;
    call!(MADVISE, start, length, MADV_POPULATE_WRITE).map(drop)
}

/// Moves the end of the heap.
///
/// # Safety
/// Whoever manages the heap is told.
pub unsafe fn set_heap_end(end: usize) -> Result<(), Errno> {
    match call!(BRK, end) {
        Ok(now) if now == end => Ok(()),
        // It says where the end is instead.
        Ok(_) => Err(Errno(12)),
        Err(errno) => Err(errno),
    }
}

/// How a signal is taken: `struct sigaction` of the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalAction {
    handler: usize,
    flags: usize,
    restorer: usize,
    blocked: u64,
}

impl SignalAction {
    /// As in a new process.
    pub const DEFAULT: Self = Self {
        handler: 0,
        flags: 0,
        restorer: 0,
        blocked: 0,
    };
}

/// How a signal is taken.
pub fn signal_action(signal: i32) -> Result<SignalAction, Errno> {
    let mut action = SignalAction::DEFAULT;
    call!(RT_SIGACTION, signal, 0, &raw mut action, 8).map(|_| action)
}

/// Takes a signal so from now on.
///
/// # Safety
/// The handler is there and may be called at any time.
pub unsafe fn set_signal_action(signal: i32, action: &SignalAction) -> Result<(), Errno> {
    call!(RT_SIGACTION, signal, core::ptr::from_ref(action), 0, 8).map(drop)
}

/// Where signals are taken instead of on the thread's stack: `stack_t` of the kernel.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignalStack {
    start: usize,
    flags: i32,
    length: usize,
}

impl SignalStack {
    /// None.
    pub const NONE: Self = Self {
        start: 0,
        flags: 2,
        length: 0,
    };
}

/// Where the calling thread takes signals.
pub fn signal_stack() -> Result<SignalStack, Errno> {
    let mut stack = SignalStack::NONE;
    call!(SIGALTSTACK, 0, &raw mut stack).map(|_| stack)
}

/// Takes signals there from now on.
///
/// # Safety
/// The memory is there for as long as the thread, and nobody uses it for something else.
pub unsafe fn set_signal_stack(stack: &SignalStack) -> Result<(), Errno> {
    call!(SIGALTSTACK, core::ptr::from_ref(stack), 0).map(drop)
}

/// The working directory, with a NUL behind it.
pub fn current_folder(into: &mut [u8]) -> Result<(), Errno> {
    call!(GETCWD, into.as_mut_ptr(), into.len()).map(drop)
}
