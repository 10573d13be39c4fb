//! Code packages: safe unpacking, content addressing, precompilation.
