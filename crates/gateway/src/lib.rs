//! HTTP in: direct invocation.
