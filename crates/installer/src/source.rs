//! Where a runtime is to come from, as users write it: `npm:18.15`, `dir:/opt/node`, `debian:bullseye`,
//! `oci:registry.example/python:3.12`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use oci_spec::distribution::Reference;

/// Where a runtime is to come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The release packages of Node in an npm registry: this version, or the newest that begins so.
    Npm(VersionPrefix),
    /// A folder of this machine with the interpreter in `bin`.
    Folder(PathBuf),
    /// A root file system of this suite of Debian.
    Debian(String),
    /// A root file system from an image.
    Oci(Image),
}

/// An OCI image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// Of a registry.
    Registry(Reference),
    /// Of a layout on this machine.
    Layout {
        /// Where the layout is.
        folder: PathBuf,
        /// Which of its images; none for the only one.
        tag: Option<String>,
    },
}

impl Image {
    /// A path begins with a slash or a dot, and nothing else does.
    fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(['/', '.']) {
            return text.parse().ok().map(Self::Registry);
        }
        let (folder, tag) = match text.rsplit_once(':') {
            Some((folder, tag)) if !tag.contains('/') => (folder, Some(tag)),
            _ => (text, None),
        };
        let folder = PathBuf::from(folder);
        let tag = tag.map(str::to_owned);
        tag.as_deref()
            .is_none_or(|tag| !tag.is_empty())
            .then_some(Self::Layout { folder, tag })
    }

    /// The source that means these very bytes, whatever its tag will mean.
    pub(crate) fn at(&self, digest: &str) -> String {
        match self {
            Self::Registry(reference) => {
                let (registry, repository) = (reference.registry(), reference.repository());
                format!("oci:{registry}/{repository}@{digest}")
            }
            Self::Layout { .. } => format!("{self}@{digest}"),
        }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => write!(f, "oci:{reference}"),
            Self::Layout { folder, tag: None } => write!(f, "oci:{}", folder.display()),
            Self::Layout { folder, tag: Some(tag) } => write!(f, "oci:{}:{tag}", folder.display()),
        }
    }
}

/// What was given is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no source: use npm:VERSION such as npm:18.15, dir:PATH such as dir:/opt/node, debian:SUITE such as \
     debian:bookworm, or oci:IMAGE such as oci:registry.example/python:3.12 or oci:/path/to/layout:tag"
)]
pub struct InvalidSource(String);

/// One to three numbers of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPrefix(Vec<u64>);

impl VersionPrefix {
    /// Its first number.
    pub(crate) fn major(&self) -> u64 {
        self.0.first().copied().unwrap_or_default()
    }

    /// The one version it means, where it says all of it.
    pub(crate) fn exact(&self) -> Option<String> {
        (self.0.len() == 3).then(|| self.to_string())
    }

    /// The newest of these versions that begins so. What is no plain release is none.
    pub(crate) fn newest<'a>(&self, versions: impl Iterator<Item = &'a str>) -> Option<&'a str> {
        let parsed = versions.filter_map(|text| Some((numbers(text).filter(|numbers| numbers.len() == 3)?, text)));
        let matching = parsed.filter(|(numbers, _)| numbers.starts_with(&self.0));
        matching.max().map(|(_, text)| text)
    }
}

impl fmt::Display for VersionPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&numbers.join("."))
    }
}

impl FromStr for Source {
    type Err = InvalidSource;
    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let invalid = || InvalidSource(text.chars().take(80).collect());
        let (kind, what) = text.split_once(':').ok_or_else(invalid)?;
        match kind {
            "npm" => numbers(what)
                .filter(|numbers| (1..=3).contains(&numbers.len()))
                .map(|numbers| Self::Npm(VersionPrefix(numbers)))
                .ok_or_else(invalid),
            "dir" if !what.is_empty() => Ok(Self::Folder(PathBuf::from(what))),
            // It becomes an argument of a command.
            "debian" if is_word(what) => Ok(Self::Debian(what.to_owned())),
            "oci" => Image::parse(what).map(Self::Oci).ok_or_else(invalid),
            _ => Err(invalid()),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_kind_and_a_place_and_nothing_else_is_one() {
        let npm = |numbers: &[u64]| Ok(Source::Npm(VersionPrefix(numbers.to_vec())));
        assert_eq!("npm:18".parse(), npm(&[18]));
        assert_eq!("npm:18.15.0".parse(), npm(&[18, 15, 0]));
        assert_eq!("dir:/opt/node".parse(), Ok(Source::Folder("/opt/node".into())));
        assert_eq!("debian:trixie".parse(), Ok(Source::Debian("trixie".to_owned())));
        let layout = |folder: &str, tag: Option<&str>| {
            Ok(Source::Oci(Image::Layout {
                folder: folder.into(),
                tag: tag.map(str::to_owned),
            }))
        };
        assert_eq!("oci:/a:b/c".parse(), layout("/a:b/c", None));
        assert_eq!("oci:./a:3.12".parse(), layout("./a", Some("3.12")));
        let Ok(Source::Oci(image)) = "oci:registry.example:5000/team/python:3.12".parse() else {
            panic!("an image");
        };
        assert_eq!(image.to_string(), "oci:registry.example:5000/team/python:3.12");
        assert_eq!(image.at("sha256:7"), "oci:registry.example:5000/team/python@sha256:7");
        for bad in [
            "",
            "npm",
            "npm:",
            "npm:latest",
            "npm:1.2.3.4",
            "npm:^18",
            "dir:",
            "debian:",
            "debian:--x",
            "oci:",
            "oci:Upper/Case",
            "oci:a b",
            "oci:/layout:",
        ] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_newest_version_that_begins_so_is_by_number_and_no_preview() {
        let versions = ["18.9.1", "18.15.0", "18.15.1-rc.1", "18.2.0", "19.0.0", "nightly"];
        let newest = |text: &str| match text.parse() {
            Ok(Source::Npm(prefix)) => prefix.newest(versions.into_iter()),
            other => panic!("{other:?}"),
        };
        assert_eq!(newest("npm:18"), Some("18.15.0"));
        assert_eq!(newest("npm:18.2"), Some("18.2.0"));
        assert_eq!(newest("npm:18.1"), None, "a number is matched whole");
        assert_eq!(newest("npm:20"), None);
    }
}
