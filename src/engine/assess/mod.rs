//! The questionnaire, its probes, the baseline and the two assessment files.
