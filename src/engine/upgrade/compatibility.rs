//! The table of releases. To add one: a line in `assets/upgrade/compatibility.yml`.

use serde::Deserialize;

use crate::engine::error::{Error, Result};
use crate::engine::yaml;

const SHIPPED: &str = include_str!("../../../assets/upgrade/compatibility.yml");

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Its version.
    pub version: String,
    /// The oldest Python it runs on.
    pub python: String,
    /// What its own `version` command says when that is wrong.
    #[serde(default)]
    pub reports: Option<String>,
    /// Packages that have to be installed beside it, as pip reads them.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Why it cannot be used at all.
    #[serde(default)]
    pub broken: Option<String>,
}

/// All releases that are known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compatibility {
    /// The distribution on the package index.
    pub distribution: String,
    /// Oldest first.
    pub versions: Vec<Release>,
}

impl Compatibility {
    /// The workspace's own table, else the shipped one.
    ///
    /// # Errors
    /// A finding with line and column; a distribution named `maos`, which is another product's name.
    pub fn read(name: &str, own: Option<&str>) -> Result<Self> {
        let table: Self = yaml::from_str(name, own.unwrap_or(SHIPPED))?;
        if table.distribution == "maos" {
            return Err(Error::input(format!(
                "{name}: \"maos\" on the package index is not this product"
            ))
            .hint("The distribution is maos-cli."));
        }
        Ok(table)
    }

    /// The release of a version.
    #[must_use]
    pub fn of(&self, version: &str) -> Option<&Release> {
        self.versions.iter().find(|release| release.version == version)
    }
}

/// The dotted numbers of a version, so that 0.10 comes after 0.9.
#[must_use]
pub(super) fn numbers(version: &str) -> Vec<u64> {
    version
        .split('.')
        .map_while(|part| {
            part.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>()
                .parse()
                .ok()
        })
        .collect()
}

/// Whether `text` can be given to an installer as a version: digits, letters, dots and the marks of pre-releases.
#[must_use]
pub fn is_version(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_reads_and_is_in_order() {
        let table = Compatibility::read("compatibility.yml", None).unwrap();
        assert!(
            table
                .versions
                .is_sorted_by_key(|release| numbers(&release.version))
        );
        assert!(table.of("0.9.4").unwrap().broken.is_none());
        assert!(table.of("0.1.0").unwrap().broken.is_some());
        assert!(Compatibility::read("own", Some("distribution: maos\nversions: []\n")).is_err());
    }

    #[test]
    fn a_version_is_no_option_and_no_other_package() {
        assert!(is_version("0.8.9.1") && is_version("1.0rc1"));
        for bad in ["", "--index-url", "0.9 ; rm", "https://x", "0.9\n"] {
            assert!(!is_version(bad), "{bad:?}");
        }
    }
}
