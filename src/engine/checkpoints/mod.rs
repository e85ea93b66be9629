//! Legacy pickles to MAOS checkpoints, executing nothing.
