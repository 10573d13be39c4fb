//! Blocks of IPv4 addresses, and the pairs of addresses dealt out of one.

use std::collections::HashSet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A block of IPv4 addresses, `10.201.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subnet {
    address: Ipv4Addr,
    prefix: u8,
}

/// A text that is no block of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no IPv4 subnet: use the form 10.201.0.0/16, with nothing after the prefix's bits")]
pub struct InvalidSubnet {
    /// What was given, or its beginning.
    pub given: String,
}

impl Subnet {
    /// All addresses.
    pub(super) const EVERYTHING: Self = Self {
        address: Ipv4Addr::UNSPECIFIED,
        prefix: 0,
    };

    /// The block at `address`; `None` when the prefix is too long or bits are set past it.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        let subnet = Self { address, prefix };
        (prefix <= 32 && address.to_bits() & !subnet.mask() == 0).then_some(subnet)
    }

    /// The first address.
    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        self.address
    }

    /// How many leading bits all addresses share.
    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether an address is in the block.
    #[must_use]
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.address.to_bits()
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.contains(other.address) || other.contains(self.address)
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = InvalidSubnet;
    fn from_str(text: &str) -> Result<Self, InvalidSubnet> {
        let parse = || {
            let (address, prefix) = text.split_once('/')?;
            Self::new(address.parse().ok()?, prefix.parse().ok()?)
        };
        parse().ok_or_else(|| InvalidSubnet {
            given: text.chars().take(80).collect(),
        })
    }
}

/// The addresses of the two ends of a cable: a /31, so that no address is lost to the network or a broadcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// Which of its subnet.
    pub(super) slot: u32,
    /// The host's.
    pub(super) gateway: Ipv4Addr,
    /// The cell's.
    pub(super) cell: Ipv4Addr,
}

impl Pair {
    /// The prefix both addresses share.
    pub(super) const PREFIX: u8 = 31;
}

/// Deals pairs of addresses. One given back is dealt again only when all others have been: packets for its former
/// owner may still be on the way.
#[derive(Debug)]
pub(super) struct Pairs {
    subnet: Subnet,
    next: u32,
    used: HashSet<u32>,
}

impl Pairs {
    pub(super) fn new(subnet: Subnet) -> Self {
        Self {
            subnet,
            next: 0,
            used: HashSet::new(),
        }
    }

    pub(super) fn take(&mut self) -> Option<Pair> {
        let slots = 1_u32.checked_shl(31 - u32::from(self.subnet.prefix.clamp(1, 31)))?;
        // Slot 0 is left alone: its first address looks like the network's own.
        let slot = (0..slots)
            .map(|step| (self.next + step) % slots)
            .find(|slot| *slot > 0 && !self.used.contains(slot))?;
        self.next = (slot + 1) % slots;
        self.used.insert(slot);
        let first = self.subnet.address.to_bits() + 2 * slot;
        Some(Pair {
            slot,
            gateway: Ipv4Addr::from_bits(first),
            cell: Ipv4Addr::from_bits(first + 1),
        })
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        self.used.remove(&slot);
    }
}

#[cfg(test)]
mod tests {
    use super::{Pairs, Subnet};

    fn subnet(text: &str) -> Subnet {
        text.parse().expect("a subnet")
    }

    #[test]
    fn subnets_are_read_as_they_are_written() {
        for text in ["10.201.0.0/16", "0.0.0.0/0", "192.0.2.1/32"] {
            assert_eq!(subnet(text).to_string(), text);
        }
        for text in ["", "10.0.0.0", "10.0.0.1/16", "10.0.0.0/33", "10.0.0/8", "::/0"] {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }

    #[test]
    fn overlap_goes_both_ways() {
        for (one, other, overlap) in [
            ("10.0.0.0/8", "10.201.0.0/16", true),
            ("10.201.0.0/16", "10.202.0.0/16", false),
            ("0.0.0.0/0", "192.0.2.0/24", true),
            ("10.201.255.254/32", "10.201.0.0/16", true),
        ] {
            assert_eq!(subnet(one).overlaps(subnet(other)), overlap, "{one} {other}");
            assert_eq!(subnet(other).overlaps(subnet(one)), overlap, "{other} {one}");
        }
    }

    #[test]
    fn pairs_are_distinct_and_come_back_last() {
        let mut pairs = Pairs::new(subnet("10.9.0.0/28"));
        let taken: Vec<_> = std::iter::from_fn(|| pairs.take()).collect();
        let cells: Vec<_> = taken.iter().map(|pair| pair.cell.to_string()).collect();
        assert_eq!(
            cells,
            [
                "10.9.0.3",
                "10.9.0.5",
                "10.9.0.7",
                "10.9.0.9",
                "10.9.0.11",
                "10.9.0.13",
                "10.9.0.15"
            ]
        );
        assert!(
            taken
                .iter()
                .all(|pair| pair.gateway.to_bits() + 1 == pair.cell.to_bits())
        );
        pairs.give_back(taken[4].slot);
        pairs.give_back(taken[1].slot);
        assert_eq!(
            pairs.take(),
            Some(taken[1]),
            "the one after the last dealt, going round"
        );
        assert_eq!(pairs.take(), Some(taken[4]));
        assert_eq!(pairs.take(), None);
    }
}
