//! Gives back the memory that a process does not need to wait for its children: init is a copy of an interpreter.
//!
//! What the copy shares with its zygote costs nothing, but the runtime is a copy of init, and whatever the runtime
//! writes to leaves init with a page of its own. Page tables come on top. Without all that init is a few pages.

use super::raw;

/// What is kept around each place that is needed: more than this object, a thread's block or a few frames take. Also
/// the largest page there is.
const KEPT: usize = 256 * 1024;
/// Nothing is mapped below.
const LOWEST: usize = 64 * 1024;

/// Unmaps everything but this object, the thread's block, which the kernel writes to, and the stack and what is above.
///
/// # Safety
/// The process has one thread, takes no signal and never again touches or runs anything outside this object and its
/// stack: it must not return to the caller of this object.
pub unsafe fn keep_this_code_alone() {
    let here: fn(usize) -> usize = down;
    let mark = 0_u8;
    let mut kept = [
        around(here as usize),
        around(raw::thread_pointer()),
        (down((&raw const mark) as usize - KEPT), usize::MAX),
    ];
    // Three, and no allocator: sorted by hand.
    if kept[0].0 > kept[1].0 {
        kept.swap(0, 1);
    }
    // A stack below the code is a layout nobody has; it would be cut off.
    if kept[2].0 < kept[1].0 {
        return;
    }
    let mut at = LOWEST;
    for (from, to) in kept {
        if from > at {
            // SAFETY: by this function's own conditions nothing there is needed. A refusal leaves it mapped.
            let _ = unsafe { raw::unmap(at, from - at) };
        }
        at = at.max(to);
    }
}

fn around(place: usize) -> (usize, usize) {
    (down(place.saturating_sub(KEPT)), down(place.saturating_add(2 * KEPT)))
}

fn down(place: usize) -> usize {
    place & !(KEPT - 1)
}
