//! Reference counts of objects that are there for good: nobody counts them down to nothing, so nobody needs to know them.
//!
//! An interpreter that counts references writes to every object it looks at. Most of what it looks at is the zygote's and
//! stays for as long as the process, so those objects are given one and the same count, so high that it is never used up;
//! and a page on which nothing but such counts differs from what it was is as good as what it was.

/// What such an object's count is set to. Its upper half is an arbitrary number that nothing else holds, no address and no
/// small number; shifted by the two bits that collectors of garbage need it is still one. From its lower half it can be
/// counted a thousand million times in either direction.
pub const FOR_GOOD: u64 = 0x0b5c_49e2_4000_0000;

/// Counts these objects for good, those that are not yet, and says of each whether it was one of those.
///
/// # Safety
/// Each address is that of a live object, which begins with its count.
pub unsafe fn count_for_good(objects: &[usize], news: &mut [u8]) {
    for (object, news) in objects.iter().zip(news) {
        let count = *object as *mut u64;
        // SAFETY: the caller's own.
        unsafe {
            let is_new = !is_for_good(count.read());
            if is_new {
                count.write(FOR_GOOD);
            }
            *news = u8::from(is_new);
        }
    }
}

/// Whether a word is such a count.
pub fn is_for_good(word: u64) -> bool {
    word >> 32 == FOR_GOOD >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_counted_for_good_once() {
        let (mut first, mut second) = ([3_u64, 7], [FOR_GOOD + 5, 9]);
        let objects = [
            (&raw mut first) as usize,
            (&raw mut second) as usize,
            (&raw mut first) as usize,
        ];
        let mut news = [9; 3];
        // SAFETY: three times an array of this test, which begins with a count.
        unsafe { count_for_good(&objects, &mut news) };
        assert_eq!((first, second, news), ([FOR_GOOD, 7], [FOR_GOOD + 5, 9], [1, 0, 0]));
    }

    #[test]
    fn a_count_for_good_is_known_however_it_was_counted_since() {
        for count in [FOR_GOOD, FOR_GOOD + 3, FOR_GOOD - (1 << 30), FOR_GOOD + (3 << 30) - 1] {
            assert!(is_for_good(count), "{count:x}");
        }
        // No count yet, an address, and what nobody counts up to.
        for word in [0, 3, 0x7f2e_24e2_4930, FOR_GOOD - (1 << 30) - 1, FOR_GOOD + (3 << 30)] {
            assert!(!is_for_good(word), "{word:x}");
        }
    }
}
