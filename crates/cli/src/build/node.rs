//! Node.js: what `package.json` names, installed by the machine's npm; as the lock file has it where there is one.

use std::fs;
use std::path::Path;

use super::{BuildError, Recipe, tool};

/// The file that names the dependencies.
pub(super) const FILE: &str = "package.json";
/// The files that fix their versions, the one npm prefers first.
const LOCKS: [&str; 2] = ["npm-shrinkwrap.json", "package-lock.json"];
/// The first npm that knows `--omit`.
const OMITS_SINCE: u32 = 7;

/// How the folder's dependencies are installed for this runtime.
pub(super) fn recipe(folder: &Path, runtime: &str) -> Result<Option<Recipe>, BuildError> {
    let file = folder.join(FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let missing = |tool: &str| BuildError::Missing {
        file: file.clone(),
        tool: tool.to_owned(),
        how: "install Node.js with npm (`apt-get install npm`), or deploy from a machine that has it".to_owned(),
    };
    let npm = tool::ask("npm", &["--version"]).ok_or_else(|| missing("npm"))?;
    let node = tool::ask("node", &["-p", "process.version + process.arch"]).ok_or_else(|| missing("node"))?;
    let mut key = format!("node {runtime} {node} {npm}\n").into_bytes();
    let mut local = false;
    for name in [FILE, LOCKS[0], LOCKS[1], ".npmrc"] {
        let Ok(text) = fs::read_to_string(folder.join(name)) else {
            continue;
        };
        local |= ["\"file:", "\"link:", "\"./", "\"../", "\"workspaces\""]
            .iter()
            .any(|mark| text.contains(mark));
        key.extend(format!("{name}\n{text}\0").into_bytes());
    }
    let locked = LOCKS.iter().any(|name| folder.join(name).is_file());
    let major = npm.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    let omit = if major >= OMITS_SINCE {
        "--omit=dev"
    } else {
        "--production"
    };
    let command = [
        "npm",
        if locked { "ci" } else { "install" },
        omit,
        "--no-audit",
        "--no-fund",
    ];
    Ok(Some(Recipe {
        file,
        key,
        local,
        tool: format!("npm {npm} of Node.js {node}"),
        command: command.map(Into::into).to_vec(),
        output: "node_modules",
        inside: "node_modules",
        instead_of: Some("/node_modules"),
    }))
}
