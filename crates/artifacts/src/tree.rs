//! What a package's folder will look like, decided before a byte is written.
//!
//! Owns which paths, links and combinations of them are allowed. Pure: links are followed in the tree itself, the way
//! the kernel would follow them on disk, so that a chain of links out is found as surely as a single one.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use skiff_domain::COMPILED_SUFFIX;
use skiff_domain::limits::PACKAGE_ENTRIES_MAX;

use crate::error::{BadPackage, PathRule};

/// Longest name of one file or folder, in bytes: what Linux file systems take.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// Longest path inside a package, in bytes: leaves room below `PATH_MAX` for where it is mounted.
pub(crate) const PATH_BYTES_MAX: usize = 1024;
/// Deepest path, in parts: `node_modules` and Java packages stay far below.
pub(crate) const DEPTH_MAX: usize = 64;
/// Most symbolic links, so that following each is a bounded amount of work.
pub(crate) const LINKS_MAX: usize = 2000;
/// Most links followed for one path; the kernel gives up at 40.
pub(crate) const LINK_HOPS_MAX: usize = 16;

/// One place in a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// A folder, named in the zip or implied by what is below it.
    Folder,
    /// A regular file.
    File {
        /// Its position in the zip.
        index: usize,
        /// Whether its execution bits are kept.
        executable: bool,
    },
    /// A symbolic link.
    Link {
        /// What it points to, as written.
        target: String,
    },
}

/// A package's content. Paths are relative, normalised and in an order in which parents come first.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: BTreeMap<String, Node>,
    links: usize,
}

impl Tree {
    /// Adds an entry under its name in the zip.
    pub(crate) fn insert(&mut self, name: &str, node: Node) -> Result<(), BadPackage> {
        let path = normalise(name)?;
        if path.is_empty() {
            // "./", which some tools write for the root.
            return match node {
                Node::Folder => Ok(()),
                Node::File { .. } | Node::Link { .. } => Err(BadPackage::Path {
                    path: shown(name),
                    rule: PathRule::Length,
                }),
            };
        }
        if path.ends_with(COMPILED_SUFFIX) {
            return Err(BadPackage::Reserved(shown(name)));
        }
        for (end, _) in path.match_indices('/') {
            let above = &path[..end];
            match self.nodes.get(above) {
                Some(Node::Folder) => {}
                Some(Node::File { .. } | Node::Link { .. }) => return Err(BadPackage::BelowFile(shown(above))),
                None => {
                    self.nodes.insert(above.to_owned(), Node::Folder);
                }
            }
        }
        self.links += usize::from(matches!(node, Node::Link { .. }));
        match self.nodes.entry(path) {
            Entry::Vacant(place) => {
                place.insert(node);
            }
            Entry::Occupied(place) => match (place.get(), &node) {
                (Node::Folder, Node::Folder) => {}
                (Node::Folder, _) | (_, Node::Folder) => return Err(BadPackage::BelowFile(shown(place.key()))),
                _ => return Err(BadPackage::Duplicate(shown(place.key()))),
            },
        }
        if self.links > LINKS_MAX {
            return Err(BadPackage::TooManyLinks);
        }
        if self.nodes.len() > PACKAGE_ENTRIES_MAX {
            return Err(BadPackage::TooManyEntries);
        }
        Ok(())
    }

    /// Checks what can only be seen once everything is known: that there is a file, and that no link leads out.
    pub(crate) fn check(&self) -> Result<(), BadPackage> {
        if !self.nodes.values().any(|node| matches!(node, Node::File { .. })) {
            return Err(BadPackage::Empty);
        }
        for (path, node) in &self.nodes {
            if let Node::Link { target } = node {
                self.follow(path, target)?;
            }
        }
        Ok(())
    }

    /// Every place, parents first.
    pub(crate) fn nodes(&self) -> impl DoubleEndedIterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// Walks a link as the kernel would. What is not in the package is taken for a folder: stricter than the kernel,
    /// which would answer that it does not exist.
    fn follow(&self, link: &str, target: &str) -> Result<(), BadPackage> {
        let out = || BadPackage::LinkOut {
            path: shown(link),
            target: shown(target),
        };
        let mut here: Vec<&str> = link.split('/').collect();
        here.pop();
        let mut ahead: Vec<&str> = Vec::new();
        let mut hops = 0;
        let mut next = Some(target);
        loop {
            if let Some(target) = next.take() {
                hops += 1;
                if hops > LINK_HOPS_MAX {
                    return Err(BadPackage::LinkLoop(shown(link)));
                }
                if target.starts_with('/') || target.is_empty() || target.len() > PATH_BYTES_MAX {
                    return Err(out());
                }
                ahead.extend(target.split('/').rev());
            }
            match ahead.pop() {
                None => return Ok(()),
                Some("" | ".") => {}
                Some("..") => {
                    here.pop().ok_or_else(out)?;
                }
                Some(name) => {
                    here.push(name);
                    if let Some(Node::Link { target }) = self.nodes.get(&here.join("/")) {
                        here.pop();
                        next = Some(target);
                    }
                }
            }
        }
    }
}

/// The path an entry's name means: no `.`, no empty part, no trailing `/`.
fn normalise(name: &str) -> Result<String, BadPackage> {
    let broken = |rule| BadPackage::Path {
        path: shown(name),
        rule,
    };
    if name.chars().any(char::is_control) {
        return Err(broken(PathRule::Control));
    }
    if name.contains('\\') {
        return Err(broken(PathRule::Backslash));
    }
    if name.starts_with('/') {
        return Err(BadPackage::PathOut(shown(name)));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return Err(BadPackage::PathOut(shown(name)));
    }
    if parts.len() > DEPTH_MAX {
        return Err(broken(PathRule::Depth));
    }
    let path = parts.join("/");
    if path.len() > PATH_BYTES_MAX || parts.iter().any(|part| part.len() > NAME_BYTES_MAX) {
        return Err(broken(PathRule::Length));
    }
    Ok(path)
}

/// A name for an error's text: cut, because the caller chose it.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(120).collect()
}

#[cfg(test)]
mod tests;
