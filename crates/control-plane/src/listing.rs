//! What all listings have in common: order, and a part of the whole.

use std::cmp::Ordering;
use std::str::FromStr;

/// Entries of a listing when no limit is given (CONTRACT 2.5).
const LIMIT_DEFAULT: usize = 20;

/// In which direction a listing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The smallest first.
    #[default]
    Ascending,
    /// The largest first.
    Descending,
}

/// An `Order` that is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Order {0:?} is not valid: use ASC or DESC")]
pub struct InvalidOrder(pub String);

impl InvalidOrder {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.Order"
    }
}

impl FromStr for Order {
    type Err = InvalidOrder;
    fn from_str(text: &str) -> Result<Self, InvalidOrder> {
        match text {
            _ if text.eq_ignore_ascii_case("ASC") => Ok(Self::Ascending),
            _ if text.eq_ignore_ascii_case("DESC") => Ok(Self::Descending),
            _ => Err(InvalidOrder(text.chars().take(80).collect())),
        }
    }
}

impl Order {
    pub(crate) fn apply(self, ordering: Ordering) -> Ordering {
        match self {
            Self::Ascending => ordering,
            Self::Descending => ordering.reverse(),
        }
    }
}

/// An `Orderby` that names no field to order by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Orderby {given:?} is not valid: use {allowed}")]
pub struct InvalidOrderBy {
    /// What was given.
    pub given: String,
    /// What is allowed.
    pub allowed: &'static str,
}

impl InvalidOrderBy {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        "InvalidParameterValue.Orderby"
    }
}

/// Which part of the whole is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many to pass over.
    pub offset: usize,
    /// How many to return at most.
    pub limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            offset: 0,
            limit: LIMIT_DEFAULT,
        }
    }
}

/// A part of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The part.
    pub items: Vec<T>,
    /// How many there are in the whole: `TotalCount`.
    pub total: usize,
}

impl<T> Listing<T> {
    pub(crate) fn cut(whole: Vec<T>, page: Page) -> Self {
        Self {
            total: whole.len(),
            items: whole.into_iter().skip(page.offset).take(page.limit).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_from_the_whole_and_says_how_large_the_whole_is() {
        for (offset, limit, items) in [(0, 2, vec![1, 2]), (2, 5, vec![3]), (3, 1, vec![]), (0, 0, vec![])] {
            let listing = Listing::cut(vec![1, 2, 3], Page { offset, limit });
            assert_eq!(listing, Listing { items, total: 3 }, "offset {offset}, limit {limit}");
        }
    }

    #[test]
    fn an_order_is_asc_or_desc_in_any_letter_case() {
        assert_eq!("asc".parse(), Ok(Order::Ascending));
        assert_eq!("DESC".parse(), Ok(Order::Descending));
        assert_eq!("acs".parse::<Order>(), Err(InvalidOrder("acs".to_owned())));
    }
}
