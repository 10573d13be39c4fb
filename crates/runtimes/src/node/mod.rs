//! Node.js: what its root file system is made of and how it boots.

use std::path::{Path, PathBuf};

use skiff_domain::limits::MEMORY_MB_MAX;
use skiff_sandbox::{Bind, Boot, Command, Template, TextFile};

use crate::host;

/// The runtime; it needs nothing but Node itself.
const FILES: [(&str, &str); 10] = [
    ("bootstrap.js", include_str!("bootstrap.js")),
    ("call.js", include_str!("call.js")),
    ("code.js", include_str!("code.js")),
    ("faults.js", include_str!("faults.js")),
    ("import.js", include_str!("import.js")),
    ("output.js", include_str!("output.js")),
    ("scope.js", include_str!("scope.js")),
    ("together.js", include_str!("together.js")),
    ("warm.js", include_str!("warm.js")),
    ("wire.js", include_str!("wire.js")),
];

/// The contract's own folder for a version (CONTRACT 1.4).
fn folder(major: u32) -> String {
    format!("/var/lang/node{major}")
}

/// The variables that are Node's own (CONTRACT 1.3).
pub(crate) fn environment(major: u32) -> [(&'static str, String); 2] {
    let folder = folder(major);
    [("NODE_PATH", search_path(major)), ("_", format!("{folder}/bin/node"))]
}

fn search_path(major: u32) -> String {
    let folder = folder(major);
    format!("/var/user:/var/user/node_modules:{folder}/lib/node_modules:/opt:/opt/node_modules")
}

/// What Node builds of distributions read at their start, where they are built so.
const DISTRIBUTED: &str = "/usr/share/nodejs";

/// Puts a Node into a root that has its libraries: `program` is where it is on the host, in this tree.
pub(crate) fn install(mut template: Template, major: u32, program: &Path, tree: &Path) -> Template {
    template.binds.extend(host::bind(tree, DISTRIBUTED));
    let node = format!("{}/bin/node", folder(major));
    template.binds.push(Bind {
        source: program.to_owned(),
        target: PathBuf::from(&node),
    });
    template.files.extend(FILES.map(|(name, text)| TextFile {
        path: Path::new("/var/runtime/node").join(name),
        text: text.to_owned(),
    }));
    template.boot = Boot::Exec(Command {
        argv: vec![
            node,
            // V8 takes this when it starts, before anybody knows the function. With that of the largest function it is
            // in nobody's way, and what ends a function is the memory limit of its sandbox.
            format!("--max-old-space-size={MEMORY_MB_MAX}"),
            "/var/runtime/node/bootstrap.js".to_owned(),
        ],
        // The loader and Node read these once, when the program starts (CONTRACT 1.3).
        environment: vec![
            "LD_LIBRARY_PATH=/var/user:/opt".to_owned(),
            format!("NODE_PATH={}", search_path(major)),
        ],
    });
    template
}
