//! Version 1 of everything that crosses the wire.
