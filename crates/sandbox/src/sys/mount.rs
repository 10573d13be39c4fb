//! The mount calls of kernel 5.12 that rustix lacks.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// `struct mount_attr` of `include/uapi/linux/mount.h`.
#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

const ATTR_RDONLY: u64 = 0x1;
const ATTR_NOSUID: u64 = 0x2;
const ATTR_NODEV: u64 = 0x4;

/// Makes a detached tree read-only, without set-user-id and without devices.
pub(crate) fn seal(tree: impl AsFd) -> io::Result<()> {
    let attributes = MountAttr {
        set: ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV,
        clear: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the descriptor is open for the whole call, the path is an empty C string that AT_EMPTY_PATH asks for,
    // and the structure is `repr(C)` with the size that is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_fd().as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
