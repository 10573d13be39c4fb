//! The part of a root file system that comes from a distribution, mostly the host's own: programs and libraries,
//! read-only.
//!
//! Nothing of `/etc` but what programs need to find libraries, certificates and time; nothing of `/home`, `/root`,
//! `/var` or `/usr/local`.

use std::fs;
use std::path::{Path, PathBuf};

use skiff_sandbox::{Bind, Boot, CODE_TARGET, Command, LAYERS_TARGET, Link, SNAPSHOT_TARGET, Template, TextFile};

/// Folders of programs, libraries and the data they need.
const FOLDERS: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/share/zoneinfo",
    "/usr/share/ca-certificates",
    "/etc/alternatives",
    "/etc/ssl/certs",
];
/// What images have beside it, and a host's owner for himself.
const LOCAL: &[&str] = &["/usr/local/bin", "/usr/local/lib", "/usr/local/share"];
/// Folders that a merged `/usr` has as links and an older one as folders.
const TOP: &[&str] = &["/bin", "/sbin", "/lib", "/lib32", "/lib64"];
/// Files of `/etc` that tell nothing about the host.
const FILES: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ssl/openssl.cnf",
    "/etc/services",
    "/etc/protocols",
];

/// Where the C library finds the locale that functions are told of.
pub(crate) const LOCALES: &str = "/var/runtime/locale";

/// The name by which a function reaches Skiff's own endpoints.
pub const ENDPOINT_HOST: &str = "skiff.internal";

/// A root with the programs of the distribution unpacked in this folder, `/` for the host's, and no runtime yet.
#[must_use]
pub fn base(tree: &Path) -> Template {
    let mut template = Template {
        binds: FOLDERS
            .iter()
            .chain(FILES)
            .chain(if tree == Path::new("/") { &[] } else { LOCAL })
            .filter_map(|path| bind(tree, path))
            .collect(),
        links: Vec::new(),
        files: vec![
            text(
                "/etc/hosts",
                &format!("127.0.0.1 localhost {ENDPOINT_HOST}\n::1 localhost\n"),
            ),
            text(
                "/etc/nsswitch.conf",
                "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
            ),
            text("/etc/os-release", "NAME=Skiff\nID=skiff\n"),
            text("/etc/timezone", "Etc/UTC\n"),
        ],
        blobs: Vec::new(),
        folders: [CODE_TARGET, LAYERS_TARGET, SNAPSHOT_TARGET, "/home/qcloud", "/var/lang"]
            .map(PathBuf::from)
            .to_vec(),
        boot: Boot::Exec(Command {
            argv: Vec::new(),
            environment: Vec::new(),
        }),
    };
    template.links.extend(locales(tree));
    for path in TOP {
        match fs::read_link(inside(tree, path)) {
            Ok(target) => template.links.push(Link {
                path: path.into(),
                target,
            }),
            Err(_) => template.binds.extend(bind(tree, path)),
        }
    }
    template
}

/// `en_US.UTF8` of the documented environment (CONTRACT 1.3) by what every distribution has: without it programs that ask
/// for their locale would be told that there is none, and older ones take all text for ASCII.
fn locales(tree: &Path) -> impl Iterator<Item = Link> {
    let mut own = ["/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8"].into_iter();
    let own = own.find(|path| inside(tree, path).exists());
    ["en_US.utf8", "C.utf8"].into_iter().filter_map(move |name| {
        Some(Link {
            path: Path::new(LOCALES).join(name),
            target: own?.into(),
        })
    })
}

/// A folder or file at its own path, when the distribution has it itself: a link of an image may lead anywhere.
pub(crate) fn bind(tree: &Path, path: &str) -> Option<Bind> {
    let source = inside(tree, path);
    let own = source.canonicalize().ok()?.starts_with(tree.canonicalize().ok()?);
    own.then(|| Bind {
        source,
        target: path.into(),
    })
}

/// A path of the distribution as the host sees it.
pub(crate) fn inside(tree: &Path, path: &str) -> PathBuf {
    tree.join(path.trim_start_matches('/'))
}

fn text(path: &str, text: &str) -> TextFile {
    TextFile {
        path: path.into(),
        text: text.to_owned(),
    }
}

/// The resolver's configuration, for roots whose functions may reach the outside.
#[must_use]
pub fn resolv_conf(text: &str) -> TextFile {
    self::text("/etc/resolv.conf", text)
}
