//! Real namespaces on this machine, as root.

mod kit;
mod reach;
mod upkeep;
