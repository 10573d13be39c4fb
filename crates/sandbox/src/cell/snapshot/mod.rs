//! A runtime kept as it is once its code is initialised, and that same state brought about in other cells.
//!
//! The cell that is to be like it stands behind its own walls already, put up by nobody's code but ours, and is a child of
//! the same zygote: what both are copies of lies at the same addresses. It takes memory and registers of the other and
//! nothing else, so that nothing of a function ever runs with more rights than a function has.
//!
//! What is to be done is written by the server as a list of [`Act`]s at the beginning of a file, the memory behind it.

mod kernel;
mod number;
mod registers;

use core::ffi::CStr;

use self::kernel::Held;
use self::number::Number;
use super::raw;

/// Where the file lies inside.
pub const FILE: &CStr = c"/var/snapshot/memory";
/// Where a file lies inside that tells which pages are written to in any case, if that is known: starts and lengths.
const HOT: &CStr = c"/var/snapshot/hot";
/// Most of those.
pub const HOT_MAX: usize = 512;
/// Where the file is mapped while it is worked through. The kernel hands out no address near it by itself, and a snapshot
/// that has something there is not taken.
pub const AT: usize = 0x6000_0000_0000;
/// What is needed meanwhile, as the process's own memory is among what is replaced: a letter to the process that is
/// brought about, and above it a stack.
pub const MEANWHILE: usize = AT - (1 << 20);
/// Longest letter.
pub const LETTER_BYTES_MAX: usize = 1 << 16;
/// All of it.
const MEANWHILE_BYTES: usize = LETTER_BYTES_MAX + (1 << 16);
/// What a process ends with that could not become the other one half way.
const HALF_WAY: i32 = 124;

/// What an [`Act`] does.
pub mod act {
    /// The heap ends at `start`.
    pub const HEAP: u64 = 1;
    /// Memory of nobody's yet.
    pub const FRESH: u64 = 2;
    /// A file's content: its path is at `path` of the file, from `offset` on.
    pub const FILE: u64 = 3;
    /// What was changed here is forgotten.
    pub const FORGET: u64 = 4;
    /// Content from `offset` of this file on, changed for this process alone.
    pub const CONTENT: u64 = 5;
    /// The same by copying it, onto the stack, which must stay one that grows.
    pub const COPY: u64 = 6;
    /// Memory of nobody's yet that the kernel empties in copies, as it is here.
    pub const WIPED: u64 = 7;
}

/// One step, in the order they are done.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// One of [`act`].
    pub kind: u64,
    /// Where it begins.
    pub start: u64,
    /// How long it is.
    pub length: u64,
    /// What may be done with it, as `mmap` has it.
    pub rights: u64,
    /// Where in a file.
    pub offset: u64,
    /// Where in this file a path is.
    pub path: u64,
}

/// The beginning of the file.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the file.
    pub length: u64,
    /// How many acts follow.
    pub acts: u64,
}

static mut HELD: Held = Held::NONE;
static mut NUMBER: Number = Number::NONE;

/// Before the fork whose child is to be kept.
///
/// # Safety
/// The process has one thread, which is here.
pub unsafe fn before_fork() {
    // SAFETY: nobody else looks at it, and the caller's own.
    unsafe {
        let number = &raw mut NUMBER;
        (*number).note();
    }
}

/// Says a frame on descriptor 4 and waits to be kept, for ever: returns in no process but those that become what is kept.
/// There it is the length of the letter that it was given, and that is in `letter` as far as there is room.
///
/// # Safety
/// The process has one thread, which is here, and is a child of the one that called [`before_fork`].
pub unsafe fn keep(frame: &[u8], letter: &mut [u8]) -> Result<usize, raw::Errno> {
    const ENOSYS: raw::Errno = raw::Errno(38);
    let (held, number) = (&raw mut HELD, &raw mut NUMBER);
    // SAFETY: nobody else looks at them, by the caller's word.
    unsafe {
        if !(*number).learn() {
            return Err(ENOSYS);
        }
        (*held).save()?;
    }
    registers::keep(frame.as_ptr(), frame.len());
    // From here on it is another process, of the same memory.
    // SAFETY: it is mapped for this, and nothing uses it any more once it was read.
    unsafe {
        (*number).give();
        (*held).give()?;
        let length = core::ptr::with_exposed_provenance::<u64>(LENGTH).read() as usize;
        let from: *const u8 = core::ptr::with_exposed_provenance(MEANWHILE);
        core::ptr::copy_nonoverlapping(from, letter.as_mut_ptr(), length.min(letter.len()));
        let file = core::ptr::with_exposed_provenance::<u64>(AT).read() as usize;
        raw::unmap(AT, file)?;
        raw::unmap(MEANWHILE, MEANWHILE_BYTES)?;
        Ok(length)
    }
}

/// Where the letter's length is: below the stack, which never gets there.
const LENGTH: usize = MEANWHILE + LETTER_BYTES_MAX;

extern "C" fn wait(frame: *const u8, length: usize) -> ! {
    // SAFETY: the runtime hands in a live buffer and its length, and waits here for as long as it lives.
    let mut frame = unsafe { core::slice::from_raw_parts(frame, length) };
    while !frame.is_empty() {
        match raw::write(4, frame) {
            Ok(written) => frame = frame.get(written..).unwrap_or(&[]),
            Err(_) => raw::exit(1),
        }
    }
    // Whoever kept it ends it; without a server the pipe closes.
    while raw::read(3, &mut [0; 64]).is_ok_and(|read| read > 0) {}
    raw::exit(0)
}

/// Becomes the process that was kept, with a letter to it. Comes back with an error number where there is none; once
/// something was replaced, a failure is the end of this process.
///
/// # Safety
/// The process has one thread, and the file was made of a child of the same zygote.
pub unsafe fn restore(letter: &[u8]) -> raw::Errno {
    const E2BIG: raw::Errno = raw::Errno(7);
    const EINVAL: raw::Errno = raw::Errno(22);
    let opened = raw::open(FILE, raw::O_CLOEXEC).and_then(|file| {
        let mut head = [0; size_of::<Head>()];
        let read = raw::read(file, &mut head)?;
        let length = u64::from_ne_bytes(*head.first_chunk().ok_or(EINVAL)?) as usize;
        if read != head.len() || length < head.len() {
            return Err(EINVAL);
        }
        if letter.len() > LETTER_BYTES_MAX {
            return Err(E2BIG);
        }
        // SAFETY: nothing else is there, as in every child of the zygote.
        unsafe {
            raw::map(AT, length, 1, file, 0)?;
            raw::map(MEANWHILE, MEANWHILE_BYTES, 3, -1, 0)?;
            core::ptr::with_exposed_provenance_mut::<u64>(LENGTH).write(letter.len() as u64);
            let to: *mut u8 = core::ptr::with_exposed_provenance_mut(MEANWHILE);
            core::ptr::copy_nonoverlapping(letter.as_ptr(), to, letter.len());
        }
        Ok(file)
    });
    match opened {
        Ok(file) => registers::on_stack(file, MEANWHILE + MEANWHILE_BYTES),
        Err(errno) => errno,
    }
}

extern "C" fn become_it(file: i32) -> ! {
    // SAFETY: the server wrote a head and as many acts, and the file is mapped whole.
    let acts = unsafe {
        let head: *const Head = core::ptr::with_exposed_provenance(AT);
        core::slice::from_raw_parts(head.add(1).cast::<Act>(), (*head).acts as usize)
    };
    let mut files = Files { own: file, other: None };
    for one in acts {
        if do_it(one, &mut files).is_err() {
            raw::exit(HALF_WAY);
        }
    }
    files.close();
    take_hot_pages();
    registers::go_on()
}

/// A fault for each would take several times as long. Without them it goes as well.
fn take_hot_pages() {
    let Ok(file) = raw::open(HOT, raw::O_CLOEXEC) else {
        return;
    };
    let mut runs = [0_u64; HOT_MAX * 2];
    let read = raw::read_entries(file, &mut runs, 0).unwrap_or(0);
    raw::close(file);
    for [start, length] in runs.get(..read).unwrap_or(&[]).as_chunks::<2>().0 {
        let _ = raw::populate(*start as usize, *length as usize);
    }
}

/// Open files: the one that is worked through, and that which was mapped from last, by where its path is.
struct Files {
    own: i32,
    other: Option<(u64, i32)>,
}

impl Files {
    fn close(&mut self) {
        raw::close(self.own);
        self.other.take().into_iter().for_each(|(_, file)| raw::close(file));
    }

    /// # Safety
    /// There is a path.
    unsafe fn at(&mut self, path: u64) -> Result<i32, raw::Errno> {
        if let Some((of, file)) = self.other {
            if of == path {
                return Ok(file);
            }
            raw::close(file);
            self.other = None;
        }
        let text: *const core::ffi::c_char = core::ptr::with_exposed_provenance(AT + path as usize);
        // SAFETY: the caller's own.
        let file = raw::open(unsafe { CStr::from_ptr(text) }, raw::O_CLOEXEC)?;
        self.other = Some((path, file));
        Ok(file)
    }
}

fn do_it(one: &Act, files: &mut Files) -> Result<(), raw::Errno> {
    let (start, length) = (one.start as usize, one.length as usize);
    let rights = one.rights as usize;
    // SAFETY: the acts are the server's, made of what the kernel says of the process that was kept; this code, its stack
    // and the file are not among what they replace.
    unsafe {
        match one.kind {
            act::HEAP => raw::set_heap_end(start),
            act::FRESH => raw::map(start, length, rights, -1, 0),
            act::WIPED => {
                raw::map(start, length, rights, -1, 0)?;
                raw::wipe_in_copies(start, length)
            }
            act::FILE => {
                let from = files.at(one.path)?;
                raw::map(start, length, rights, from, one.offset as usize)
            }
            act::FORGET => raw::drop_pages(start, length),
            act::CONTENT => raw::map(start, length, rights, files.own, one.offset as usize),
            act::COPY => {
                let from: *const u8 = core::ptr::with_exposed_provenance(AT + one.offset as usize);
                core::ptr::copy_nonoverlapping(from, core::ptr::with_exposed_provenance_mut(start), length);
                Ok(())
            }
            _ => Err(raw::Errno(22)),
        }
    }
}
