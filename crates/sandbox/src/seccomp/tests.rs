//! The filter, run by a machine of a few lines, against the table it was made from.

use super::*;

/// Runs a filter as the kernel does; the verdict.
fn run(filter: &[u64], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let word = |offset: u32| match offset {
        0 => number,
        4 => arch,
        _ => {
            let argument = arguments[(offset as usize - 16) / 8];
            u32::try_from(argument >> (8 * ((offset - 16) % 8)) & 0xffff_ffff).expect("masked")
        }
    };
    let (mut at, mut accumulator) = (0_usize, 0_u32);
    loop {
        let instruction = filter[at];
        let (yes, no) = ((instruction >> 16 & 255) as usize, (instruction >> 24 & 255) as usize);
        let constant = (instruction >> 32) as u32;
        at += 1;
        match (instruction & 0xffff) as u32 {
            0x20 => accumulator = word(constant),
            0x15 => at += if accumulator == constant { yes } else { no },
            0x35 => at += if accumulator >= constant { yes } else { no },
            0x45 => at += if accumulator & constant != 0 { yes } else { no },
            0x05 => at += constant as usize,
            0x06 => return constant,
            code => panic!("instruction {code:#x}"),
        }
    }
}

fn check(number: i64, arguments: [u64; 6]) -> u32 {
    run(
        &filter(),
        program::AUDIT_ARCH,
        u32::try_from(number).expect("a number"),
        arguments,
    )
}

const ALLOW: u32 = 0x7fff_0000;
fn errno(number: i32) -> u32 {
    0x0005_0000 | number.cast_unsigned()
}

#[test]
fn every_number_gets_what_the_table_says() {
    let filter = filter();
    for (number, rule) in rules().into_iter().enumerate() {
        let verdict = run(
            &filter,
            program::AUDIT_ARCH,
            u32::try_from(number).expect("small"),
            [0; 6],
        );
        match rule {
            Rule::Allow => assert_eq!(verdict, ALLOW, "{number}"),
            Rule::Succeed => assert_eq!(verdict, errno(0), "{number}"),
            Rule::Errno(code) => assert_eq!(verdict, errno(i32::from(code)), "{number}"),
            Rule::Check(_) => {}
        }
    }
}

#[test]
fn numbers_nobody_knows_do_not_exist() {
    for number in [
        i64::from(LAST_KNOWN) + 1,
        1000,
        0x4000_0000,
        0x4000_0001,
        i64::from(u32::MAX),
    ] {
        assert_eq!(check(number, [0; 6]), errno(libc::ENOSYS), "{number}");
    }
}

#[test]
fn another_architectures_numbering_is_the_end() {
    assert_eq!(run(&filter(), 0x4000_0003, 1, [0; 6]), 0x8000_0000);
}

#[test]
fn a_clone_is_a_thread_or_process_and_never_a_namespace() {
    let thread = (libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND) as u64;
    assert_eq!(check(libc::SYS_clone, [thread, 0, 0, 0, 0, 0]), ALLOW);
    assert_eq!(check(libc::SYS_clone, [libc::SIGCHLD as u64, 0, 0, 0, 0, 0]), ALLOW);
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWPID,
    ] {
        assert_eq!(check(libc::SYS_clone, [flag as u64, 0, 0, 0, 0, 0]), errno(libc::EPERM));
    }
    assert_eq!(check(libc::SYS_clone3, [0; 6]), errno(libc::ENOSYS));
}

#[test]
fn a_socket_is_unix_inet_or_route_netlink() {
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK] {
        assert_eq!(
            check(libc::SYS_socket, [family as u64, 1, 0, 0, 0, 0]),
            ALLOW,
            "{family}"
        );
    }
    for family in [
        libc::AF_PACKET,
        libc::AF_VSOCK,
        libc::AF_ALG,
        libc::AF_BLUETOOTH,
        libc::AF_KEY,
    ] {
        assert_eq!(
            check(libc::SYS_socket, [family as u64, 1, 0, 0, 0, 0]),
            errno(libc::EAFNOSUPPORT),
            "{family}"
        );
    }
    let audit = [libc::AF_NETLINK as u64, 3, libc::NETLINK_AUDIT as u64, 0, 0, 0];
    assert_eq!(check(libc::SYS_socket, audit), errno(libc::EAFNOSUPPORT));
}

#[test]
fn an_internet_socket_has_a_protocol_that_computing_needs() {
    for family in [libc::AF_INET, libc::AF_INET6] {
        let verdict = |protocol: i32| check(libc::SYS_socket, [family as u64, 1, protocol as u64, 0, 0, 0]);
        for protocol in [
            libc::IPPROTO_IP,
            libc::IPPROTO_TCP,
            libc::IPPROTO_UDP,
            libc::IPPROTO_ICMP,
        ] {
            assert_eq!(verdict(protocol), ALLOW, "{protocol}");
        }
        for protocol in [
            libc::IPPROTO_MPTCP,
            libc::IPPROTO_UDPLITE,
            libc::IPPROTO_SCTP,
            libc::IPPROTO_DCCP,
            libc::IPPROTO_RAW,
        ] {
            assert_eq!(verdict(protocol), errno(libc::EPROTONOSUPPORT), "{protocol}");
        }
    }
}

#[test]
fn a_pair_of_sockets_is_unix() {
    assert_eq!(
        check(libc::SYS_socketpair, [libc::AF_UNIX as u64, 1, 0, 0, 0, 0]),
        ALLOW
    );
    for family in [
        libc::AF_INET,
        libc::AF_NETLINK,
        libc::AF_VSOCK,
        libc::AF_TIPC,
        libc::AF_RDS,
        -1,
    ] {
        let verdict = check(libc::SYS_socketpair, [family as u32 as u64, 1, 0, 0, 0, 0]);
        assert_eq!(verdict, errno(libc::EAFNOSUPPORT), "{family}");
    }
}

#[test]
fn what_tells_of_the_hosts_folders_or_takes_from_all_of_the_machine_does_not_exist() {
    for call in [
        libc::SYS_inotify_init1,
        libc::SYS_inotify_add_watch,
        libc::SYS_io_setup,
        libc::SYS_io_submit,
        libc::SYS_io_getevents,
        IO_PGETEVENTS,
    ] {
        assert_eq!(check(call, [0; 6]), errno(libc::ENOSYS), "{call}");
    }
    assert_eq!(check(libc::SYS_quotactl_fd, [0; 6]), errno(libc::EPERM));
    let fcntl = |command: i32| check(libc::SYS_fcntl, [3, command as u64, 0, 0, 0, 0]);
    assert_eq!(fcntl(libc::F_NOTIFY), errno(libc::EINVAL));
    for command in [libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC, libc::F_SETLK] {
        assert_eq!(fcntl(command), ALLOW, "{command}");
    }
}

#[test]
fn writing_back_what_others_wrote_does_nothing_and_succeeds() {
    for call in [libc::SYS_sync, libc::SYS_syncfs] {
        assert_eq!(check(call, [0; 6]), errno(0), "{call}");
    }
}

#[test]
fn the_filter_fits_an_order() {
    let length = filter().len();
    assert!(length <= crate::cell::abi::FILTER_MAX, "{length} instructions");
}
