//! The near name: what a mistyped word was probably meant to be.

/// The candidate nearest to what was given, if it is near enough to be a slip: at most a third of its letters changed,
/// letter case not counted, or the whole word given as a prefix.
#[must_use]
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&given, &lower);
            let prefix = given.len() >= 3 && lower.starts_with(&given);
            let near = distance <= (given.chars().count().max(3)) / 3;
            (near || prefix).then_some((distance, candidate))
        })
        .min_by(|one, other| one.cmp(other))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant_and_a_stranger_finds_none() {
        let names = ["hello-python", "hello", "probe", "thumbnails"];
        for (given, meant) in [
            ("helo", Some("hello")),
            ("hello-pyhton", Some("hello-python")),
            ("HELLO", Some("hello")),
            ("thumb", Some("thumbnails")),
            ("prob", Some("probe")),
            ("billing", None),
            ("x", None),
        ] {
            assert_eq!(nearest(given, names), meant, "{given}");
        }
    }
}
