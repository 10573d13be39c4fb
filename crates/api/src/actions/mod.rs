//! One action, one file. Parses, calls a core, maps; decides nothing.
