//! The score from 0 to 100: four dimensions, gaps, blockers, next actions.
