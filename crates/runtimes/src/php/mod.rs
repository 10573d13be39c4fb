//! PHP 7 and 8: what their root file system is made of and how they boot.

use std::path::{Path, PathBuf};

use skiff_sandbox::{Bind, Boot, Command, Template, TextFile};

use crate::host;

/// The runtime; it needs nothing but PHP itself.
const BOOTSTRAP: &str = include_str!("bootstrap.php");
/// Where it stands inside.
const PLACE: &str = "/var/runtime/php/bootstrap.php";
/// Settings and scripts of a distribution's PHP.
const DISTRIBUTED: [&str; 2] = ["/etc/php", "/usr/share/php"];
/// Where users bring extensions and settings (CONTRACT 1.3).
const EXTENSIONS: &str = "/var/user/php_extension:/opt/php_extension";

/// Settings that are the platform's, whatever files say: errors go to the log, and what limits memory and time is the
/// sandbox.
const SETTINGS: [&str; 6] = [
    "memory_limit=-1",
    "max_execution_time=0",
    "display_errors=stderr",
    "log_errors=0",
    "html_errors=0",
    "register_argc_argv=1",
];

/// The contract's own path (CONTRACT 1.4): `php74` of 7.4, `php7` of 7.
fn program_inside(major: u32, minor: Option<u32>) -> String {
    let minor = minor.map(|minor| minor.to_string()).unwrap_or_default();
    format!("/var/lang/php{major}{minor}/bin/php")
}

/// The variables that are PHP's own (CONTRACT 1.3).
pub(crate) fn environment(major: u32, minor: Option<u32>) -> [(&'static str, String); 2] {
    [
        ("PHP_INI_SCAN_DIR", EXTENSIONS.to_owned()),
        ("_", program_inside(major, minor)),
    ]
}

/// The suite of Debian that has it.
pub(crate) fn usual_source(major: u32) -> String {
    let suite = if major == 7 { "bullseye" } else { "bookworm" };
    format!("debian:{suite}")
}

/// Puts a PHP into a root that has its libraries: `program` is where it is on the host, in this tree.
pub(crate) fn install(
    mut template: Template,
    (major, minor): (u32, Option<u32>),
    program: &Path,
    tree: &Path,
) -> Template {
    template
        .binds
        .extend(DISTRIBUTED.iter().filter_map(|path| host::bind(tree, path)));
    let php = program_inside(major, minor);
    template.binds.push(Bind {
        source: program.to_owned(),
        target: PathBuf::from(&php),
    });
    template.files.push(TextFile {
        path: PLACE.into(),
        text: BOOTSTRAP.to_owned(),
    });
    let settings = SETTINGS
        .iter()
        .flat_map(|setting| ["-d".to_owned(), (*setting).to_owned()]);
    template.boot = Boot::Exec(Command {
        argv: std::iter::once(php).chain(settings).chain([PLACE.to_owned()]).collect(),
        // The loader and PHP read these once, when the program starts. An empty place is PHP's own folder of settings;
        // the user's are not there yet, and where they come, the runtime starts anew.
        environment: vec![
            "LD_LIBRARY_PATH=/var/user:/opt".to_owned(),
            format!("PHP_INI_SCAN_DIR=:{EXTENSIONS}"),
            "LC_ALL=C.UTF-8".to_owned(),
        ],
    });
    template
}
