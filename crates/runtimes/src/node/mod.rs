//! Node.js: what its root file system is made of and how it boots.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use skiff_domain::limits::MEMORY_MB_MAX;
use skiff_sandbox::{Bind, Boot, Command, Template, TextFile};

use crate::host;
use crate::load::{COMMON, Variable};

/// The runtime; it needs nothing but Node itself.
const FILES: [(&str, &str); 9] = [
    ("bootstrap.js", include_str!("bootstrap.js")),
    ("call.js", include_str!("call.js")),
    ("code.js", include_str!("code.js")),
    ("faults.js", include_str!("faults.js")),
    ("import.js", include_str!("import.js")),
    ("output.js", include_str!("output.js")),
    ("scope.js", include_str!("scope.js")),
    ("together.js", include_str!("together.js")),
    ("wire.js", include_str!("wire.js")),
];

/// What stands for the code of functions while the runtime warms itself; and how often: V8 has learnt then what it can, and
/// has collected what was left behind once, so that what is allocated next is memory of the process's own.
const WARM: &str = include_str!("warm.js");
const WARM_ROUNDS: usize = 12;

/// The contract's own folder for a version (CONTRACT 1.4).
fn folder(major: u32) -> String {
    format!("/var/lang/node{major}")
}

/// The variables that are Node's own (CONTRACT 1.3).
fn environment(major: u32) -> [(&'static str, String); 2] {
    let folder = folder(major);
    [("NODE_PATH", search_path(major)), ("_", format!("{folder}/bin/node"))]
}

/// What every function finds in its environment, and so what its process is started with.
fn started_with(major: u32) -> impl Iterator<Item = Variable<'static>> {
    let common = COMMON.iter().map(|(key, value)| (*key, Cow::Borrowed(*value)));
    common.chain(environment(major).map(|(key, value)| (key, Cow::Owned(value))))
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
    template.files.extend((0..WARM_ROUNDS).map(|round| TextFile {
        path: Path::new("/var/runtime/node/warm").join(format!("{round:02}/index.js")),
        text: WARM.to_owned(),
    }));
    template.boot = Boot::Exec(Command {
        argv: vec![
            node,
            // V8 takes this when it starts, before anybody knows the function. With that of the largest function it is
            // in nobody's way, and what ends a function is the memory limit of its sandbox.
            format!("--max-old-space-size={MEMORY_MB_MAX}"),
            "/var/runtime/node/bootstrap.js".to_owned(),
        ],
        // So there is less to be said of each function. The loader and Node read some of it once, when the program starts.
        environment: started_with(major)
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
    });
    template
}
