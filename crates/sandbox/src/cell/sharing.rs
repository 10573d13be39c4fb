//! Keeps shared what the copies of a process share.
//!
//! Whatever a copy writes to leaves it with a page of its own, and an interpreter writes to every object it looks at,
//! because it counts references. Most such pages are afterwards what they were before. So a zygote moves its memory into
//! a file in memory that nobody can write to any more, mapped privately where the memory was; and a copy with nothing to
//! do gives back the pages that are again what the file says, but for counts that nobody needs to know ([`super::counts`]).

use core::ptr;

use super::counts::is_for_good;
use super::raw::{self, Errno};

const PAGE: usize = 4096;
/// Most ranges of memory taken; the rest stays as it is.
const REGIONS_MAX: usize = 512;
/// Text of `/proc/self/smaps` read; some hundred parts of a thousand bytes are usual.
const MAPS_BYTES_MAX: usize = 2048 * 1024;
/// Text of `/proc/self/maps` read when memory is given back; what is not read of it keeps its pages.
const NOW_BYTES_MAX: usize = 512 * 1024;
/// Left alone around the calling thread's block: the kernel writes there on its own.
const THREAD_BLOCK: usize = 2 * PAGE;
/// Pages looked at in one go.
const LOOK: usize = 256;

/// Bits of an entry of `/proc/self/pagemap` (`Documentation/admin-guide/mm/pagemap.rst`).
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_A_FILE: u64 = 1 << 61;

#[derive(Clone, Copy)]
struct Region {
    from: usize,
    to: usize,
    /// Where in the file.
    at: usize,
    /// Mapped for writing; what a loader has written to and closed since is not.
    writable: bool,
    /// A page that is not there is not empty: it is some file's.
    of_a_file: bool,
}

impl Region {
    const NONE: Self = Self {
        from: 0,
        to: 0,
        at: 0,
        writable: false,
        of_a_file: false,
    };
}

/// The memory of a zygote that its copies share.
pub struct Sharing {
    regions: *const Region,
    count: usize,
    /// Where the whole file is mapped, to compare with.
    reference: usize,
    length: usize,
}

impl Sharing {
    /// Nothing is shared by a file yet.
    pub const NONE: Self = Self {
        regions: ptr::null(),
        count: 0,
        reference: 0,
        length: 0,
    };

    /// In the zygote, as root, before its first fork.
    ///
    /// # Safety
    /// The process has one thread, takes no signal, and nothing else maps or unmaps its memory meanwhile.
    pub unsafe fn begin(&mut self) -> Result<(), Errno> {
        raw::mount(Some(c"proc"), c"/proc", Some(c"proc"), 0, None)?;
        // SAFETY: the caller's own.
        let begun = unsafe { self.begin_with_proc() };
        raw::unmount(c"/proc").and(begun)
    }

    unsafe fn begin_with_proc(&mut self) -> Result<(), Errno> {
        let text = raw::map_anonymous(MAPS_BYTES_MAX)?;
        let table = raw::map_anonymous(REGIONS_MAX * size_of::<Region>())?;
        // SAFETY: both were just mapped, are zeroed, of these sizes, and known to nobody else.
        let (text, table) = unsafe {
            (
                core::slice::from_raw_parts_mut(text as *mut u8, MAPS_BYTES_MAX),
                core::slice::from_raw_parts_mut(table as *mut Region, REGIONS_MAX),
            )
        };
        let maps = read_whole(c"/proc/self/smaps", text)?;
        let mark = 0_u8;
        let count = choose(maps, table, (&raw const mark) as usize, raw::thread_pointer());
        let pagemap = raw::open(c"/proc/self/pagemap", raw::O_CLOEXEC)?;
        let moved = raw::memory_file(c"skiff-zygote").and_then(|file| {
            // SAFETY: the caller's own; the chosen leave out the stack this runs on.
            let moved = unsafe { move_into(file, &mut table[..count], pagemap) };
            raw::close(file);
            moved
        });
        raw::close(pagemap);
        let (reference, length) = moved?;
        *self = Self {
            regions: table.as_ptr(),
            count,
            reference,
            length,
        };
        // SAFETY: the text was this function's alone.
        unsafe { raw::unmap(text.as_ptr() as usize, MAPS_BYTES_MAX) }
    }

    /// In a copy, between two events: gives back what is again as it was. How many pages; none where another thread
    /// might write meanwhile.
    pub fn give_back(&self) -> Result<usize, Errno> {
        let signals = raw::block_signals()?;
        let given = self.give_back_undisturbed();
        raw::restore_signals(signals)?;
        given
    }

    fn give_back_undisturbed(&self) -> Result<usize, Errno> {
        if self.count == 0 || threads()? != 1 {
            return Ok(0);
        }
        // SAFETY: the table was made with so many regions and is never written to again.
        let regions = unsafe { core::slice::from_raw_parts(self.regions, self.count) };
        let text = raw::map_anonymous(NOW_BYTES_MAX)?;
        // SAFETY: just mapped, zeroed, of this size, and known to nobody else.
        let buffer = unsafe { core::slice::from_raw_parts_mut(text as *mut u8, NOW_BYTES_MAX) };
        let given = read_whole(c"/proc/self/maps", buffer).and_then(|maps| {
            let pagemap = raw::open(c"/proc/self/pagemap", raw::O_CLOEXEC)?;
            let mut given = 0;
            let looked = each_unmoved(maps, regions, self.reference, |part| {
                given += self.give_back_of(&part, pagemap)?;
                Ok(())
            });
            raw::close(pagemap);
            looked.map(|()| given)
        });
        // SAFETY: the text was this function's alone.
        let _ = unsafe { raw::unmap(text, NOW_BYTES_MAX) };
        // What was looked at for comparison is not to be kept either.
        // SAFETY: the mapping is read only, so its pages are the file's.
        let _ = unsafe { raw::drop_pages(self.reference, self.length) };
        given
    }

    fn give_back_of(&self, region: &Region, pagemap: i32) -> Result<usize, Errno> {
        let mut given = 0;
        for_each_page(region, pagemap, |place, entry| {
            if entry & PRESENT == 0 || entry & OF_A_FILE != 0 {
                return Ok(());
            }
            let reference = self.reference + region.at + (place - region.from);
            // SAFETY: both are mapped and readable: the one is a present page of ours, the other of the file, which has
            // a page for it. Nothing writes to either: there is one thread, without signals.
            if unsafe { same(place as *const u64, reference as *const u64) } {
                // SAFETY: the mapping here is the file's, of this page of it: the page comes back with the very content it
                // had, but for counts that nobody needs to know.
                unsafe { raw::drop_pages(place, PAGE)? };
                given += 1;
            }
            Ok(())
        })?;
        Ok(given)
    }
}

/// Moves what the regions hold into the file, which is then mapped where it was. Where the whole of it is mapped, too, and
/// how long it is.
///
/// # Safety
/// That of [`Sharing::begin`]; the regions are private memory of this process, none of it where this function's stack is.
unsafe fn move_into(file: i32, regions: &mut [Region], pagemap: i32) -> Result<(usize, usize), Errno> {
    let length = lay_out(regions, pagemap)?;
    raw::truncate(file, length)?;
    for region in regions.iter().filter(|region| region.from < region.to) {
        copy(region, pagemap, file)?;
        // From the copy on nothing wrote there: what runs here writes to its stack alone.
        // SAFETY: private and writable before and after, and of the same content.
        unsafe { raw::map_file(region.from, region.to - region.from, file, region.at, region.writable)? };
    }
    raw::seal(file)?;
    // SAFETY: a new place, which nothing refers to.
    let reference = unsafe { raw::map_file(0, length, file, 0, false)? };
    Ok((reference, length))
}

/// A line of `/proc/self/maps`.
struct Mapping<'a> {
    from: usize,
    to: usize,
    /// Where in its file.
    at: usize,
    readable: bool,
    /// The file: device and number.
    file: (&'a [u8], &'a [u8]),
}

impl<'a> Mapping<'a> {
    fn read(line: &'a [u8]) -> Option<Self> {
        let (from, to, rest) = range(line)?;
        let mut fields = rest.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
        let readable = fields.next()?.starts_with(b"r");
        let (at, _) = hexadecimal(fields.next()?)?;
        Some(Self {
            from,
            to,
            at,
            readable,
            file: (fields.next()?, fields.next()?),
        })
    }
}

/// The parts of the regions where the file is still mapped as it was: what has run here since may have put other memory in
/// its place. The file is the one at `reference`.
fn each_unmoved(
    maps: &[u8],
    regions: &[Region],
    reference: usize,
    mut each: impl FnMut(Region) -> Result<(), Errno>,
) -> Result<(), Errno> {
    // What the text was cut off in is no line.
    let end = maps.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let mappings = || maps[..end].split(|byte| *byte == b'\n').filter_map(Mapping::read);
    let file = mappings().find(|mapping| (mapping.from..mapping.to).contains(&reference));
    let Some(file) = file.map(|mapping| mapping.file) else {
        return Ok(());
    };
    for mapping in mappings().filter(|mapping| mapping.file == file && mapping.readable) {
        for region in regions {
            let (from, to) = (mapping.from.max(region.from), mapping.to.min(region.to));
            if from >= to {
                continue;
            }
            let at = region.at + (from - region.from);
            if mapping.at + (from - mapping.from) == at {
                each(Region {
                    from,
                    to,
                    at,
                    ..*region
                })?;
            }
        }
    }
    Ok(())
}

/// Whether a page is what it was, or as good as that.
///
/// # Safety
/// Both are mapped, readable and not written to meanwhile.
unsafe fn same(is: *const u64, was: *const u64) -> bool {
    (0..PAGE / size_of::<u64>()).all(|word| {
        // SAFETY: the caller's own; a page is so many words.
        let (is, was) = unsafe { (is.add(word).read(), was.add(word).read()) };
        is == was || (is_for_good(is) && is_for_good(was))
    })
}

/// Reads a file as far as it goes into the buffer.
fn read_whole<'a>(path: raw::CStr<'_>, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let file = raw::open(path, raw::O_CLOEXEC)?;
    let mut length = 0;
    loop {
        match raw::read(file, &mut buffer[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(errno) => {
                raw::close(file);
                return Err(errno);
            }
        }
    }
    raw::close(file);
    Ok(&buffer[..length])
}

/// The ranges of memory to share: private data, without the stack this runs on and the thread's block. How many.
fn choose(maps: &[u8], table: &mut [Region], stack: usize, thread: usize) -> usize {
    let thread = thread & !(PAGE - 1);
    let mut count = 0;
    let mut add = |from: usize, to: usize, of_a_file: bool, writable: bool| {
        if from < to && count < table.len() {
            table[count] = Region {
                from,
                to,
                at: 0,
                writable,
                of_a_file,
            };
            count += 1;
        }
    };
    // Known by the line that begins it, and taken when none of those after it forbids that.
    let mut found = None;
    for line in maps.split(|byte| *byte == b'\n').chain([&b"0-0 "[..]]) {
        if line.strip_prefix(b"VmFlags:").is_some_and(is_wiped) {
            found = None;
        }
        let Some((from, to, rest)) = range(line) else { continue };
        if let Some((from, to, of_a_file, writable)) = found.take() {
            // Without the thread's block there may be something before it and after it.
            add(
                from,
                usize::min(to, thread.saturating_sub(THREAD_BLOCK)),
                of_a_file,
                writable,
            );
            add(usize::max(from, thread + PAGE + THREAD_BLOCK), to, of_a_file, writable);
        }
        let mut fields = rest.split(|byte| *byte == b' ').filter(|field| !field.is_empty());
        let writable = match fields.next() {
            Some(b"rw-p") => true,
            Some(b"r--p") => false,
            _ => continue,
        };
        if (from..to).contains(&stack) {
            continue;
        }
        // After the offset and the device: the number of the file.
        let of_a_file = fields.nth(2).is_some_and(|file| file != b"0");
        // The kernel's own, which cannot be mapped by us.
        if !of_a_file && !writable {
            continue;
        }
        found = Some((from, to, of_a_file, writable));
    }
    count
}

/// What the kernel empties in a copy, so that no two have the same: the C library keeps there what it makes random numbers
/// of.
fn is_wiped(flags: &[u8]) -> bool {
    flags
        .split(|byte| *byte == b' ')
        .any(|flag| flag == b"wf" || flag == b"dp")
}

/// Leaves out at the ends of the regions what was never touched, or is a file's still, and says where each is to stand.
/// How long the whole is.
fn lay_out(regions: &mut [Region], pagemap: i32) -> Result<usize, Errno> {
    let mut length = 0;
    for region in regions {
        let (mut from, mut to) = (region.to, region.from);
        for_each_page(region, pagemap, |place, entry| {
            if entry & (PRESENT | SWAPPED) != 0 && entry & OF_A_FILE == 0 {
                from = from.min(place);
                to = place + PAGE;
            }
            Ok(())
        })?;
        *region = Region {
            from: from.min(to),
            to,
            at: length,
            ..*region
        };
        length += region.to - region.from;
    }
    Ok(length)
}

/// The addresses a line of `/proc/self/maps` begins with, and the rest of it.
fn range(line: &[u8]) -> Option<(usize, usize, &[u8])> {
    let (from, rest) = hexadecimal(line)?;
    let (to, rest) = hexadecimal(rest.strip_prefix(b"-")?)?;
    Some((from, to, rest))
}

fn hexadecimal(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = text.split_at(digits);
    let number = core::str::from_utf8(digits).ok()?;
    Some((usize::from_str_radix(number, 16).ok()?, rest))
}

/// Puts what a region holds into the file; what it never held stays a hole.
fn copy(region: &Region, pagemap: i32, file: i32) -> Result<(), Errno> {
    for_each_page(region, pagemap, |place, entry| {
        if entry & (PRESENT | SWAPPED) == 0 && !region.of_a_file {
            return Ok(());
        }
        let at = region.at + (place - region.from);
        // SAFETY: a page of ours that is mapped and readable, and not written to meanwhile.
        let content = unsafe { core::slice::from_raw_parts(place as *const u8, PAGE) };
        match raw::write_at(file, content, at) {
            Ok(PAGE) => Ok(()),
            // A file in memory takes a page or has no room.
            Ok(_) => Err(Errno(28)),
            Err(errno) => Err(errno),
        }
    })
}

fn for_each_page(
    region: &Region,
    pagemap: i32,
    mut each: impl FnMut(usize, u64) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut place = region.from;
    while place < region.to {
        let mut entries = [0_u64; LOOK];
        let wanted = LOOK.min((region.to - place) / PAGE);
        let read = raw::read_entries(pagemap, &mut entries[..wanted], place / PAGE)?;
        for entry in entries.iter().take(read) {
            each(place, *entry)?;
            place += PAGE;
        }
        if read == 0 {
            return Ok(());
        }
    }
    Ok(())
}

/// How many threads this process has: the eighteenth field of `/proc/self/stat` after the name in brackets.
fn threads() -> Result<usize, Errno> {
    let mut buffer = [0; 1024];
    let stat = read_whole(c"/proc/self/stat", &mut buffer)?;
    let rest = stat.rsplit(|byte| *byte == b')').next().unwrap_or(stat);
    let field = rest
        .split(|byte| *byte == b' ')
        .filter(|field| !field.is_empty())
        .nth(17);
    let count = field.and_then(|field| core::str::from_utf8(field).ok()?.parse().ok());
    // EINVAL: a kernel that says it otherwise.
    count.ok_or(Errno(22))
}

#[cfg(test)]
mod tests {
    use super::super::counts::FOR_GOOD;
    use super::*;

    #[test]
    fn private_writable_memory_is_chosen_without_the_stack_the_threads_block_and_what_copies_must_not_share() {
        let (stack, thread) = (0x7fff_0000_0000, 0x7f00_0000_0000);
        let maps = format!(
            "1000-3000 rw-p 00000000 00:00 0\n\
             3000-5000 r-xp 00001000 08:01 77 /usr/lib/x.so\n\
             5000-6000 r--p 00002000 08:01 77 /usr/lib/x.so\n\
             6000-7000 r--p 00000000 00:00 0 [vvar]\n\
             7000-8000 rw-s 00000000 00:05 9 /dev/x\n\
             8000-9000 rw-p 00000000 00:00 0\n\
             Size:                  4 kB\n\
             VmFlags: rd wr mr mw me dp wf nr \n\
             9000-a000 rw-p 00000000 00:00 0\n\
             VmFlags: rd wr mr mw me ac \n\
             {:x}-{:x} rw-p 00000000 00:00 0 [stack]\n\
             {:x}-{:x} rw-p 00000000 00:00 0\n",
            stack - 64 * PAGE,
            stack + 64 * PAGE,
            thread - 8 * PAGE,
            thread + 8 * PAGE,
        );
        let mut table = [Region::NONE; 8];
        let count = choose(maps.as_bytes(), &mut table, stack + 8, thread + 0x740);
        let chosen: Vec<_> = table[..count]
            .iter()
            .map(|region| (region.from, region.to, region.of_a_file, region.writable))
            .collect();
        let (before, after) = (thread - THREAD_BLOCK, thread + PAGE + THREAD_BLOCK);
        let expected = [
            (0x1000, 0x3000, false, true),
            (0x5000, 0x6000, true, false),
            (0x9000, 0xa000, false, true),
            (thread - 8 * PAGE, before, false, true),
            (after, thread + 8 * PAGE, false, true),
        ];
        assert_eq!(chosen, expected);
    }

    #[test]
    fn only_where_the_file_still_is_memory_is_given_back() {
        let region = |from: usize, to: usize, at: usize| Region {
            from,
            to,
            at,
            ..Region::NONE
        };
        let regions = [region(0x1000, 0x5000, 0), region(0x8000, 0xa000, 0x4000)];
        let maps = b"1000-2000 rw-p 00000000 00:01 7 /memfd:x\n\
            2000-3000 rw-p 00000000 00:00 0\n\
            3000-4000 ---p 00002000 00:01 7 /memfd:x\n\
            4000-5000 r--p 00003000 00:01 7 /memfd:x\n\
            8000-9000 rw-p 00000000 00:01 7 /memfd:x\n\
            9000-b000 rw-p 00005000 00:01 8 /memfd:y\n\
            20000-30000 r--p 00000000 00:01 7 /memfd:x\n\
            30000-40000 r--p 000";
        let mut found = Vec::new();
        let each = |part: Region| {
            found.push((part.from, part.to, part.at));
            Ok(())
        };
        assert!(each_unmoved(maps, &regions, 0x20000, each).is_ok());
        assert_eq!(found, [(0x1000, 0x2000, 0), (0x4000, 0x5000, 0x3000)]);
        let nothing = |_: Region| panic!("there is no such file");
        assert!(each_unmoved(maps, &regions, 0x30000, nothing).is_ok());
    }

    #[test]
    fn memory_that_came_in_the_place_of_what_was_shared_is_never_given_back() {
        let content = [0x5a_u8; PAGE];
        let file = raw::memory_file(c"test").expect("a file");
        raw::truncate(file, PAGE).expect("a page");
        assert!(matches!(raw::write_at(file, &content, 0), Ok(PAGE)));
        // SAFETY: new places, which nothing refers to.
        let map = |writable| unsafe { raw::map_file(0, PAGE, file, 0, writable) }.expect("a mapping");
        let (place, reference) = (map(true), map(false));
        let regions = [Region {
            from: place,
            to: place + PAGE,
            writable: true,
            ..Region::NONE
        }];
        let sharing = Sharing {
            regions: regions.as_ptr(),
            count: 1,
            reference,
            length: PAGE,
        };
        // SAFETY: a writable page of this process, which nothing else refers to.
        let write = || unsafe { ptr::copy(content.as_ptr(), place as *mut u8, PAGE) };
        // In a copy, which has one thread.
        let child = raw::fork().expect("a copy");
        if child == 0 {
            write();
            let first = sharing.give_back();
            // SAFETY: in place of a page that is this test's own.
            let replaced = unsafe {
                libc::mmap(
                    place as *mut libc::c_void,
                    PAGE,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                    -1,
                    0,
                )
            };
            write();
            let second = sharing.give_back();
            // SAFETY: a page that was just written.
            let kept = unsafe { same(place as *const u64, content.as_ptr().cast()) };
            let is_so = matches!((first, second), (Ok(1), Ok(0))) && replaced as usize == place && kept;
            raw::exit(i32::from(!is_so));
        }
        let (_, status) = raw::wait(child, true).expect("its end").expect("an end");
        assert_eq!(status, 0);
    }

    #[test]
    fn a_page_on_which_references_were_counted_for_good_is_as_good_as_it_was() {
        const WORDS: usize = PAGE / size_of::<u64>();
        let mut was = [7_u64; WORDS];
        (was[3], was[4]) = (FOR_GOOD, FOR_GOOD - 9);
        let counted = |word: usize, is: u64| {
            let mut page = was;
            (page[3], page[4]) = (FOR_GOOD - 5, FOR_GOOD + 70_000);
            page[word] = is;
            // SAFETY: two arrays as large as a page.
            unsafe { same(page.as_ptr(), was.as_ptr()) }
        };
        assert!(counted(0, 7) && counted(3, FOR_GOOD));
        for (word, is) in [(0, 8), (3, 1), (0, FOR_GOOD), (WORDS - 1, 0)] {
            assert!(!counted(word, is), "{word} {is:x}");
        }
    }

    #[test]
    fn the_threads_of_a_process_are_counted() {
        let before = threads().expect("a number");
        let (stay, leave) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || leave.recv());
        // Other tests run beside this one.
        assert!(threads().expect("a number") >= 2.min(before + 1));
        drop(stay);
        assert!(thread.join().is_ok());
    }
}
