//! What of a root file system functions can never see, and need not lie on the disk.

use std::fs;
use std::io;
use std::path::Path;

/// `opt` is not among them: images have interpreters there.
const UNSEEN: [&str; 15] = [
    "boot",
    "dev",
    "home",
    "media",
    "mnt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "var",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
];

/// Removes it, never through a link.
pub(crate) fn trim(root: &Path) -> io::Result<()> {
    for folder in UNSEEN {
        let path = root.join(folder);
        let mut own = path.ancestors().take_while(|above| *above != root);
        if own.all(|above| fs::symlink_metadata(above).is_ok_and(|about| about.is_dir())) {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_never_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        for path in ["var/cache", "usr/share/doc", "usr/bin", "opt/java"] {
            fs::create_dir_all(root.join(path)).expect("a folder");
        }
        fs::create_dir_all(outside.join("man")).expect("a folder");
        symlink(&outside, root.join("home")).expect("a link");
        trim(&root).expect("trimmed");
        for (path, stays) in [
            ("var", false),
            ("usr/share/doc", false),
            ("usr/bin", true),
            ("opt/java", true),
        ] {
            assert_eq!(root.join(path).exists(), stays, "{path}");
        }
        fs::remove_dir_all(root.join("usr/share")).expect("a folder");
        symlink(&outside, root.join("usr/share")).expect("a link");
        trim(&root).expect("trimmed");
        assert!(outside.join("man").exists());
    }
}
