//! Whether a folder is on a disk of this machine: SQLite's write-ahead log shares memory between processes and trusts
//! file locks, which network file systems do not give.

use std::fs;
use std::io;
use std::path::Path;

use crate::open::OpenError;

/// FUSE says nothing of what is behind it; `/proc/self/mountinfo` names the program.
const FUSE_MAGIC: u32 = 0x6573_5546;

/// File systems whose data is on another machine, by the number `statfs` gives (linux/magic.h and their sources).
const NETWORK_MAGIC: &[(u32, &str)] = &[
    (0x0000_6969, "nfs"),
    (0x0000_517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb3"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x0bd0_0bd0, "lustre"),
    (0x7461_636f, "ocfs2"),
    (0x0116_1970, "gfs2"),
    (0x4750_4653, "gpfs"),
];

/// What is behind FUSE and yet on this machine's disks.
const LOCAL_FUSE: &[&str] = &[
    "fuseblk",
    "virtiofs",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.cryfs",
    "fuse.lxcfs",
];

/// Refuses a folder on a network file system.
pub(crate) fn refuse_network(folder: &Path) -> Result<(), OpenError> {
    let looked = |source: io::Error| OpenError::Folder {
        path: folder.to_owned(),
        source,
    };
    let stat = rustix::fs::statfs(folder).map_err(|errno| looked(errno.into()))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers have 32 bits"
    )]
    let magic = stat.f_type as u32;
    let mount = if magic == FUSE_MAGIC {
        mount_kind(folder).map_err(looked)?
    } else {
        String::new()
    };
    match network_kind(magic, &mount) {
        None => Ok(()),
        Some(kind) => Err(OpenError::NetworkFileSystem {
            path: folder.to_owned(),
            kind,
        }),
    }
}

/// The file system's name when it is one of another machine. `mount` matters for FUSE alone.
fn network_kind(magic: u32, mount: &str) -> Option<String> {
    if magic == FUSE_MAGIC {
        return (!LOCAL_FUSE.contains(&mount)).then(|| mount.to_owned());
    }
    let known = NETWORK_MAGIC.iter().find(|(network, _)| *network == magic);
    known.map(|(_, name)| (*name).to_owned())
}

/// The type of the mount a folder is in, as `/proc/self/mountinfo` has it.
fn mount_kind(folder: &Path) -> io::Result<String> {
    let device = rustix::fs::stat(folder)?.st_dev;
    let wanted = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(kind_of_device(&mounts, &wanted).unwrap_or("fuse").to_owned())
}

/// A line is `id parent major:minor root point options [fields] - type source options` (proc_pid_mountinfo(5)).
fn kind_of_device<'a>(mounts: &'a str, wanted: &str) -> Option<&'a str> {
    mounts.lines().rev().find_map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        (head.split(' ').nth(2)? == wanted).then(|| tail.split(' ').next())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_file_systems_of_another_machine_are_refused() {
        for (magic, mount, refused) in [
            (0xef53, "", false),            // ext4
            (0x5846_5342, "", false),       // xfs
            (0x9123_683e, "", false),       // btrfs
            (0x0102_1994, "", false),       // tmpfs
            (0x794c_7630, "", false),       // overlayfs
            (0x6969, "", true),             // nfs
            (0xff53_4d42, "", true),        // cifs
            (0x0102_1997, "", true),        // 9p
            (FUSE_MAGIC, "fuseblk", false), // ntfs-3g on a disk
            (FUSE_MAGIC, "fuse.sshfs", true),
            (FUSE_MAGIC, "fuse.glusterfs", true),
        ] {
            assert_eq!(network_kind(magic, mount).is_some(), refused, "{magic:x} {mount}");
        }
    }

    #[test]
    fn a_mount_is_found_by_its_device() {
        let mounts = "36 35 98:0 /mnt1 /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw\n\
                      40 35 0:52 / /mnt/ssh rw shared:2 - fuse.sshfs me@host:/ rw,user_id=0\n";
        assert_eq!(kind_of_device(mounts, "0:52"), Some("fuse.sshfs"));
        assert_eq!(kind_of_device(mounts, "98:0"), Some("ext3"));
        assert_eq!(kind_of_device(mounts, "0:5"), None);
    }

    #[test]
    fn a_folder_of_a_test_is_local() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refuse_network(folder.path()).is_ok());
    }
}
