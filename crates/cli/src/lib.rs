//! Commands for people: a client of the public API, nothing more.
