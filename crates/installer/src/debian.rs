//! A root file system of a Debian suite with the interpreter in it, made by `mmdebstrap`.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use skiff_domain::RuntimeName;
use skiff_runtimes::{Family, Root, interpreter};

use crate::error::AddError;
use crate::trim::trim;

/// A PHP with the extensions that programs take for granted.
const PHP: &str = "php-cli,php-curl,php-mbstring,php-mysql,php-xml,php-zip";

/// What of this machine's settings of apt holds for the making of a root file system, too: a mirror that stands still is
/// taken for fresh where the machine itself takes it so.
fn trusting() -> Option<String> {
    let asked = Command::new("apt-config")
        .args(["shell", "VALUE", "Acquire::Check-Valid-Until/b"])
        .output()
        .ok()?;
    (asked.stdout.trim_ascii_end() == b"VALUE='false'")
        .then(|| "--aptopt=Acquire::Check-Valid-Until \"false\"".to_owned())
}

/// Makes the root file system. Takes a minute, most of it the download.
pub(crate) fn build(suite: &str, name: &RuntimeName, root: &Path, say: &dyn Fn(&str)) -> Result<(), AddError> {
    let package = match Family::of(name) {
        Family::Python { major: 2, .. } => "python2.7".to_owned(),
        Family::Python { .. } => "python3".to_owned(),
        Family::Node { .. } => "nodejs".to_owned(),
        Family::Java { major } => format!("openjdk-{major}-jre-headless"),
        Family::Php { .. } => PHP.to_owned(),
        Family::Custom | Family::Go | Family::Wasm | Family::Other => return Err(AddError::NotKnown(name.clone())),
    };
    say(&format!("making a root file system of Debian {suite} with {package}"));
    let failed = |what: String| AddError::Mmdebstrap(what);
    let output = Command::new("mmdebstrap")
        .args(["--mode=root", "--variant=essential"])
        .arg(format!("--include={package},ca-certificates"))
        .args(trusting())
        .arg(suite)
        .arg(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => failed("is missing: install it with `apt-get install mmdebstrap`".to_owned()),
            _ => failed(format!("did not start: {error}")),
        })?;
    if !output.status.success() {
        return Err(failed(format!(
            "failed: {}",
            cause(&String::from_utf8_lossy(&output.stderr))
        )));
    }
    if let Family::Php { .. } = Family::of(name) {
        name_php(root).map_err(AddError::io(root))?;
    }
    let program = interpreter(name, Root::System).ok_or_else(|| AddError::NotKnown(name.clone()))?;
    if !root.join(program.trim_start_matches('/')).exists() {
        return Err(AddError::NoInterpreter {
            place: format!("Debian {suite}"),
            what: program,
        });
    }
    trim(root).map_err(AddError::io(root))?;
    fs::set_permissions(root, Permissions::from_mode(0o755)).map_err(AddError::io(root))
}

/// Why it failed, of all it said: its first error, those after are of what that one brought down; with the mend where this
/// machine's apt does not know whose signatures to trust.
fn cause(said: &str) -> String {
    let mut errors = said.lines().filter_map(|line| line.strip_prefix("E: "));
    let first = errors.next().or(said.lines().last()).unwrap_or("without a word");
    if said.contains("NO_PUBKEY") {
        format!(
            "{first} Its keys are not known here; `apt-get install debian-archive-keyring gpg` brings those of suites no newer \
             than this system"
        )
    } else {
        first.to_owned()
    }
}

/// Names `usr/bin/php8.2` beside it: the suite's own link goes by way of an absolute path, which from outside the root leads
/// elsewhere.
fn name_php(root: &Path) -> io::Result<()> {
    let programs = root.join("usr/bin");
    for entry in fs::read_dir(&programs)? {
        let name = entry?.file_name();
        let version = name.to_str().and_then(|name| name.strip_prefix("php"));
        if version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())) {
            let link = programs.join("php");
            match fs::remove_file(&link) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return symlink(&name, link),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn the_first_error_is_the_cause_and_missing_keys_come_with_the_mend() {
        let missing = "I: running apt-get install...\nE: Package 'x' has no installation candidate\nE: setup failed\n";
        assert_eq!(cause(missing), "Package 'x' has no installation candidate");
        let unsigned =
            "W: GPG error: is not available: NO_PUBKEY 54404762BBB6E853\nE: The repository 'x' is not signed.\n";
        assert!(cause(unsigned).starts_with("The repository 'x' is not signed. "));
        assert!(cause(unsigned).contains("apt-get install debian-archive-keyring gpg"));
        assert_eq!(cause("killed\n"), "killed");
        assert_eq!(cause(""), "without a word");
    }
}
