//! The shared object an interpreter loads to be a zygote: the C face of `src/cell`.
//!
//! One zygote lives in a process, and an interpreter calls from one thread, so the state is a single static.
#![no_std]
#![allow(dead_code, clippy::missing_safety_doc, reason = "the C face names only what interpreters call")]

#[path = "../src/cell/mod.rs"]
mod cell;

use cell::sharing::Sharing;
use cell::{Next, Zygote};

static mut ZYGOTE: Zygote = Zygote::CLOSED;
static mut SHARING: Sharing = Sharing::NONE;

fn zygote() -> &'static mut Zygote {
    // SAFETY: the interpreter calls in from its only thread, and no call keeps the reference.
    unsafe { &mut *(&raw mut ZYGOTE) }
}

/// Takes orders from descriptor `control`. 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_open(control: i32, pid: i32) -> i32 {
    zygote().open(control, pid).map_or_else(|errno| -errno.0, |()| 0)
}

/// Waits for an order: 1 with an order, 2 with one for a warm runtime, 0 when the server is gone, or a negative error
/// number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_next() -> i32 {
    match zygote().next() {
        Ok(Next::Order { warm }) => 1 + i32::from(warm),
        Ok(Next::Closed) => 0,
        Err(errno) => -errno.0,
    }
}

/// In the zygote after the fork. 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_born(pid: i32) -> i32 {
    zygote().born(pid).map_or_else(|errno| -errno.0, |()| 0)
}

/// In init: the walls. Returns only when all stand.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_enter() {
    zygote().enter();
}

/// In init after the second fork. Never returns.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_init(runtime: i32) {
    Zygote::deafen();
    // SAFETY: the interpreter forked, so there is one thread. It takes no signal, and never gets control back.
    unsafe { cell::slim::keep_this_code_alone() };
    Zygote::init(runtime)
}

/// In the runtime. 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_settle() -> i32 {
    Zygote::settle().map_or_else(|errno| -errno.0, |()| 0)
}

/// In the zygote: counts the references to these objects for good, and says of each whether that is new.
///
/// # Safety
/// Each address is that of a live object, which begins with its count; both arrays are live and of this length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skiff_count_for_good(objects: *const usize, news: *mut u8, length: usize) {
    // SAFETY: the caller's own.
    unsafe {
        let objects = core::slice::from_raw_parts(objects, length);
        cell::counts::count_for_good(objects, core::slice::from_raw_parts_mut(news, length));
    }
}

/// In the zygote before the first fork: what its copies share stays shared. 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_share() -> i32 {
    // SAFETY: as for the zygote; and the interpreter has one thread, which is here, and handles no signal.
    let begun = unsafe { (*(&raw mut SHARING)).begin() };
    begun.map_or_else(|errno| -errno.0, |()| 0)
}

/// In the runtime between two events: gives back memory that is again what the zygote's was, and waits until there is
/// something to read from the descriptor, where it is one. Coming back makes the interpreter write again. How many pages,
/// or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_give_back(requests: i32) -> i32 {
    // SAFETY: nobody writes to it after the zygote has.
    let given = unsafe { (*(&raw const SHARING)).give_back() };
    if requests >= 0 {
        // A signal ends it, too: there is something to do then.
        let _ = cell::raw::poll_two(requests, -1);
    }
    given.map_or_else(|errno| -errno.0, |pages| pages as i32)
}

/// Says a frame on descriptor 4 and waits to be kept. Returns in those processes alone that become what is kept: how long
/// the letter is that it was given, and that is in `letter` as far as there is room. A negative error number where it
/// cannot be kept.
///
/// # Safety
/// Both are live buffers of these lengths, and the process has one thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skiff_keep(frame: *const u8, length: usize, letter: *mut u8, room: usize) -> isize {
    // SAFETY: the caller's own.
    let kept = unsafe {
        let frame = core::slice::from_raw_parts(frame, length);
        cell::snapshot::keep(frame, core::slice::from_raw_parts_mut(letter, room))
    };
    kept.map_or_else(|errno| -errno.0 as isize, |length| length as isize)
}

/// Before the fork whose child is to be kept.
#[unsafe(no_mangle)]
pub extern "C" fn skiff_before_fork() {
    // SAFETY: the interpreter has one thread, which is here.
    unsafe { cell::snapshot::before_fork() }
}

/// Becomes the process that was kept, with a letter to it. A negative error number where there is none.
///
/// # Safety
/// The letter is a live buffer of this length; the process has one thread, and the server gives it nothing but a file made
/// of a child of the same zygote.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn skiff_restore(letter: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's own.
    -unsafe { cell::snapshot::restore(core::slice::from_raw_parts(letter, length)) }.0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cell::raw::exit(125)
}
