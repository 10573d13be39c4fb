//! Births that go wrong between the server and its zygote, which here is the test.

use super::*;
use crate::cgroup::Cgroups;
use crate::network::{NetworkConfig, NetworkMode, Networks};

/// A zygote that is nobody, and the other end of its socket.
fn zygote() -> (Arc<Zygote>, OwnedFd) {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair");
    rustix::io::ioctl_fionbio(&ours, true).expect("non-blocking");
    let shared = Arc::new(Shared {
        socket: watched(ours).expect("watched"),
        ledger: Mutex::default(),
        gone: watch::Sender::new(false),
    });
    let listener = Arc::clone(&shared);
    let zygote = Zygote {
        shared,
        ids: AtomicU64::new(1),
        filter: seccomp::filter(),
        silent: AtomicBool::new(false),
        pid: 0,
        notices: tokio::task::spawn(async move { listener.listen().await }),
    };
    (Arc::new(zygote), theirs)
}

fn parts(test: &str) -> Parts {
    let server = format!("test-{}-{test}", std::process::id());
    let cgroups = Cgroups::open(&server).expect("root, and a machine with cgroups");
    let networks = Networks::open(NetworkConfig {
        server,
        subnet: None,
        endpoints: Vec::new(),
        nameservers: Vec::new(),
    });
    Parts {
        cgroup: Arc::new(cgroups.create().expect("a group")),
        network: networks
            .expect("networks")
            .create(NetworkMode::None)
            .expect("a network"),
        uid: 1_900_000_000,
    }
}

fn spec() -> BirthSpec {
    BirthSpec {
        hostname: "test".to_owned(),
        tmp_bytes: 1 << 20,
        tmp_inodes: 64,
        open_files: 64,
        pids: 16,
        warm: false,
    }
}

/// The first order has the id 1.
fn born() -> Notice {
    Notice {
        kind: kind::BORN,
        step: 0,
        id: 1,
        value: 4_000_000,
    }
}

#[tokio::test]
async fn a_birth_whose_descriptor_was_lost_fails_and_gives_its_parts_back() {
    let (zygote, theirs) = zygote();
    let (zygote_again, parts) = (Arc::clone(&zygote), parts("lost"));
    let stillborn = tokio::time::timeout(Duration::from_secs(10), async move {
        // What the kernel does with a descriptor for which the receiver has no room: it leaves it out. The first
        // notices may come before the birth is awaited.
        let birth = tokio::spawn(async move { zygote_again.bear(parts, &spec()).await.map(drop) });
        while !birth.is_finished() {
            rustix::io::write(&theirs, born().as_bytes()).expect("sent");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        birth.await.expect("no panic").expect_err("nothing was born")
    });
    let stillborn = stillborn.await.expect("an end");
    assert!(stillborn.error.is_exhaustion(), "{}", stillborn.error);
    assert_eq!(stillborn.parts.uid, 1_900_000_000);
    assert!(zygote.is_alive(), "the zygote has done nothing wrong");
}

#[tokio::test(start_paused = true)]
async fn a_zygote_that_does_not_answer_costs_one_birth_and_gets_no_further_order() {
    let (zygote, _theirs) = zygote();
    let stillborn = zygote
        .bear(parts("silent"), &spec())
        .await
        .map(drop)
        .expect_err("no answer");
    assert!(matches!(stillborn.error, BirthError::TooSlow), "{}", stillborn.error);
    assert!(!zygote.is_alive());
}
