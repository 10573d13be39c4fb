//! Where a text may be cut.

/// The longest beginning of `text` of at most `bytes_max` bytes that does not end inside a UTF-8 character.
#[must_use]
pub fn cut(text: &[u8], bytes_max: usize) -> &[u8] {
    if text.len() <= bytes_max {
        return text;
    }
    let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
    // A character is at most four bytes long: what goes back further is not UTF-8 and is cut where it is.
    let end = (bytes_max.saturating_sub(3)..=bytes_max)
        .rev()
        .find(|end| !is_continuation(text[*end]));
    &text[..end.unwrap_or(bytes_max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character_and_never_loses_more_than_one() {
        let text = "a界b".as_bytes();
        let cuts: Vec<_> = (0..=5).map(|bytes_max| cut(text, bytes_max).len()).collect();
        assert_eq!(cuts, [0, 1, 1, 1, 4, 5]);
        assert_eq!(cut(&[0x80; 9], 6).len(), 6, "not UTF-8: cut where it is");
    }
}
