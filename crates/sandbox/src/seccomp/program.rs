//! From one rule per system call number to instructions: ranges, a binary search over them, argument checks.

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// It is made.
    Allow,
    /// It does nothing and says 0.
    Succeed,
    /// It fails with this error number.
    Errno(u16),
    /// Its arguments decide.
    Check(Check),
}

/// Argument checks. Each looks at the low word of one or two arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// `clone` without any new namespace.
    CloneFlags,
    /// `socket` of Unix, of IPv4 and IPv6 with TCP, UDP or pings, or, for address look-ups, of route netlink.
    Socket,
    /// `socketpair` of Unix.
    SocketPair,
    /// `fcntl` without `F_NOTIFY`, which tells what happens in a folder of the host.
    FileControl,
    /// `personality` asking, or setting the plain one.
    Personality,
}

/// Offsets into `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const fn argument(index: u32) -> u32 {
    16 + 8 * index + if cfg!(target_endian = "big") { 4 } else { 0 }
}

const KILL: u32 = 0x8000_0000;
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

/// `AUDIT_ARCH_*` of `include/uapi/linux/audit.h`.
#[cfg(target_arch = "x86_64")]
pub(super) const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(super) const AUDIT_ARCH: u32 = 0xc000_00b7;

const ENOSYS: u16 = libc::ENOSYS as u16;
const EPERM: u16 = libc::EPERM as u16;
const EAFNOSUPPORT: u16 = libc::EAFNOSUPPORT as u16;
const EPROTONOSUPPORT: u16 = libc::EPROTONOSUPPORT as u16;
const EINVAL: u16 = libc::EINVAL as u16;

/// `struct sock_filter` as one word: code, jump if true, jump if false, constant.
fn instruction(code: u32, jump_true: usize, jump_false: usize, constant: u32) -> u64 {
    let jump = |by: usize| u64::try_from(by).unwrap_or(u64::MAX).min(255);
    u64::from(code) | (jump(jump_true) << 16) | (jump(jump_false) << 24) | (u64::from(constant) << 32)
}

const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;

fn load(offset: u32) -> u64 {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, offset)
}
fn give(verdict: u32) -> u64 {
    instruction(libc::BPF_RET | libc::BPF_K, 0, 0, verdict)
}
fn fail(errno: u16) -> u64 {
    give(ERRNO | u32::from(errno))
}
/// Goes on when equal, skips `otherwise` instructions when not.
fn when_equal(constant: u32, otherwise: usize) -> u64 {
    instruction(EQUAL, 0, otherwise, constant)
}

/// The whole program. Numbers past the table, those of the x32 interface among them, do not exist.
pub(super) fn compile(rules: &[Rule]) -> Vec<u64> {
    // A call in another architecture's numbering is an attack on this filter.
    let own_numbers = instruction(EQUAL, 1, 0, AUDIT_ARCH);
    let mut program = vec![load(ARCH), own_numbers, give(KILL), load(NUMBER)];
    let mut ranges: Vec<(u32, Rule)> = Vec::new();
    for (number, rule) in (0_u32..).zip(rules) {
        if ranges.last().is_none_or(|(_, last)| last != rule) {
            ranges.push((number, *rule));
        }
    }
    ranges.push((u32::try_from(rules.len()).unwrap_or(u32::MAX), Rule::Errno(ENOSYS)));
    program.extend(search(&ranges));
    program
}

/// Binary search: at each node, numbers from the middle on go right.
fn search(ranges: &[(u32, Rule)]) -> Vec<u64> {
    if let [(_, rule)] = ranges {
        return leaf(*rule);
    }
    let (left, right) = ranges.split_at(ranges.len() / 2);
    let middle = right.first().map_or(u32::MAX, |(start, _)| *start);
    let left = search(left);
    let mut node = if left.len() <= 255 {
        vec![instruction(
            libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K,
            left.len(),
            0,
            middle,
        )]
    } else {
        // Conditional jumps reach 255 instructions; a plain one reaches all.
        vec![
            instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, middle),
            instruction(
                libc::BPF_JMP | libc::BPF_JA,
                0,
                0,
                u32::try_from(left.len()).unwrap_or(u32::MAX),
            ),
        ]
    };
    node.extend(left);
    node.extend(search(right));
    node
}

fn leaf(rule: Rule) -> Vec<u64> {
    match rule {
        Rule::Allow => vec![give(ALLOW)],
        Rule::Succeed => vec![fail(0)],
        Rule::Errno(errno) => vec![fail(errno)],
        Rule::Check(Check::CloneFlags) => {
            let namespaces = libc::CLONE_NEWNS
                | libc::CLONE_NEWCGROUP
                | libc::CLONE_NEWUTS
                | libc::CLONE_NEWIPC
                | libc::CLONE_NEWUSER
                | libc::CLONE_NEWPID
                | libc::CLONE_NEWNET;
            let any_of = libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K;
            vec![
                load(argument(0)),
                instruction(any_of, 0, 1, namespaces.cast_unsigned()),
                fail(EPERM),
                give(ALLOW),
            ]
        }
        Rule::Check(Check::Socket) => {
            // Others, MPTCP and UDP-Lite among them, are kernel code that hardly anybody runs.
            const PROTOCOLS: [i32; 5] = [
                libc::IPPROTO_IP,
                libc::IPPROTO_TCP,
                libc::IPPROTO_UDP,
                libc::IPPROTO_ICMP,
                libc::IPPROTO_ICMPV6,
            ];
            let mut internet = vec![load(argument(2))];
            for protocol in PROTOCOLS {
                internet.extend([when_equal(protocol.cast_unsigned(), 1), give(ALLOW)]);
            }
            internet.push(fail(EPROTONOSUPPORT));
            let mut check = vec![
                load(argument(0)),
                when_equal(libc::AF_UNIX.cast_unsigned(), 1),
                give(ALLOW),
                when_equal(libc::AF_NETLINK.cast_unsigned(), 4),
                load(argument(2)),
                when_equal(libc::NETLINK_ROUTE.cast_unsigned(), 1),
                give(ALLOW),
                fail(EAFNOSUPPORT),
                // To `internet`, past the refusal of families.
                instruction(EQUAL, 2, 0, libc::AF_INET.cast_unsigned()),
                instruction(EQUAL, 1, 0, libc::AF_INET6.cast_unsigned()),
                fail(EAFNOSUPPORT),
            ];
            check.extend(internet);
            check
        }
        Rule::Check(Check::SocketPair) => vec![
            load(argument(0)),
            when_equal(libc::AF_UNIX.cast_unsigned(), 1),
            give(ALLOW),
            fail(EAFNOSUPPORT),
        ],
        Rule::Check(Check::FileControl) => vec![
            load(argument(1)),
            when_equal(libc::F_NOTIFY.cast_unsigned(), 1),
            fail(EINVAL),
            give(ALLOW),
        ],
        Rule::Check(Check::Personality) => {
            const ASK: u32 = 0xffff_ffff;
            vec![
                load(argument(0)),
                when_equal(0, 1),
                give(ALLOW),
                when_equal(ASK, 1),
                give(ALLOW),
                fail(EPERM),
            ]
        }
    }
}
