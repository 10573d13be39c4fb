//! Which file a folder is deployed by, and which format it has.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{FILE_NAME, Manifest, ManifestError, foreign, parse, serverless, template};

/// What SCF's own tools read, where there is no `skiff.yaml`.
const FOREIGN_NAMES: [&str; 4] = ["template.yaml", "template.yml", "serverless.yml", "serverless.yaml"];

/// What tells a file of another tool.
#[derive(Deserialize)]
struct Shape {
    component: Option<IgnoredAny>,
    service: Option<IgnoredAny>,
    provider: Option<IgnoredAny>,
    #[serde(rename = "Resources")]
    resources: Option<IgnoredAny>,
    #[serde(rename = "Globals")]
    globals: Option<IgnoredAny>,
}

/// Reads the file of this folder, or this file. Paths in it are relative to its own folder.
pub(crate) fn read(path: &Path) -> Result<Manifest, ManifestError> {
    let file = if path.is_dir() { find(path)? } else { path.to_owned() };
    let text = fs::read_to_string(&file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ManifestError::NotFound { path: file.clone() },
        _ => ManifestError::Read {
            path: file.clone(),
            source,
        },
    })?;
    parse_any(&text, &file, &|name| std::env::var(name).ok())
}

/// The folder's file: its `skiff.yaml`, or else the only one of another tool.
fn find(folder: &Path) -> Result<PathBuf, ManifestError> {
    let own = folder.join(FILE_NAME);
    let others = FOREIGN_NAMES.map(|name| folder.join(name));
    let mut others = others.into_iter().filter(|path| path.is_file());
    match (own.exists(), others.next(), others.next()) {
        (true, _, _) | (false, None, _) => Ok(own),
        (false, Some(only), None) => Ok(only),
        (false, Some(one), Some(other)) => Err(ManifestError::Ambiguous { one, other }),
    }
}

/// Reads a text in the format its first fields tell. `env` knows the caller's environment variables.
pub(super) fn parse_any(text: &str, file: &Path, env: foreign::Env<'_>) -> Result<Manifest, ManifestError> {
    let shape: Shape = serde_saphyr::from_str(text).map_err(|error| ManifestError::yaml(file, text, &error))?;
    if shape.component.is_some() {
        return serverless::parse(text, file, env);
    }
    if shape.resources.is_some() || shape.globals.is_some() {
        return template::parse(text, file);
    }
    if shape.service.is_some() || shape.provider.is_some() {
        let message =
            "this is not of the component scf: rewrite it with `component: scf` and `inputs:`, or as skiff.yaml";
        return Err(ManifestError::invalid(file, 1, "service", message));
    }
    Ok(Manifest {
        functions: parse(text, file)?,
        notes: Vec::new(),
    })
}
