//! Acceptance tests: the built binary, used the way its users use it.
