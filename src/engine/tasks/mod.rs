//! Reading, scoring, decomposing, staging and converting legacy tasks.
