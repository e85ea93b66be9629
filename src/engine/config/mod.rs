//! Legacy configuration to MAOS configuration.
