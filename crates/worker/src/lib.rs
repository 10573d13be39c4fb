//! Owns a machine's instances: pools, birth, assignment, reuse, freezing, death, accounting.
