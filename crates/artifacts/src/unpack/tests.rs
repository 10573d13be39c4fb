use std::os::unix::fs::MetadataExt;

use proptest::prelude::*;

use super::*;
use crate::zips::{FILE, LINK, PROGRAM, Raw, honest, raw};

/// Unpacks into a folder of its own and says what is there then, as `path mode`.
fn check(zip: &Bytes) -> Result<Vec<String>, BadPackage> {
    let root = tempfile::tempdir().unwrap();
    match unpack(zip, root.path()) {
        Ok(()) => Ok(seen(root.path(), root.path())),
        Err(UnpackError::Bad(bad)) => Err(bad),
        Err(UnpackError::Disk(error)) => panic!("the disk is well, and yet: {error}"),
    }
}

fn seen(root: &Path, folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        assert_eq!(metadata.mtime(), MTIME_SECS, "{}", path.display());
        let shown = path.strip_prefix(root).unwrap().display();
        lines.push(format!("{shown} {:o}", metadata.mode()));
        if metadata.is_dir() {
            lines.extend(seen(root, &path));
        }
    }
    lines.sort();
    lines
}

fn deflated(name: &str, data: &[u8]) -> Bytes {
    honest(&[(name, data)])
}

#[test]
fn files_keep_their_execution_bits_and_nothing_else_of_their_modes() {
    let zip = raw(&[
        Raw::new("run.sh", "x", PROGRAM),
        Raw::new("setuid", "x", 0o104_755),
        Raw::new("secret", "x", 0o100_600),
        Raw::new("dos", "x", 0),
        Raw::new("lib/a.py", "x", 0o100_666),
        Raw::new("open/", "", 0o040_777),
        Raw::new("link", "lib/a.py", LINK),
    ]);
    let expected = [
        "dos 100644",
        "lib 40755",
        "lib/a.py 100644",
        "link 120777",
        "open 40755",
        "run.sh 100755",
        "secret 100644",
        "setuid 100755",
    ];
    assert_eq!(check(&zip).unwrap(), expected);
}

#[test]
fn bytes_come_out_as_they_went_in_whatever_their_size() {
    for size in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 1_000_000] {
        let data: Vec<u8> = (0..size).map(|i| (i * 31 + i / 251) as u8).collect();
        let root = tempfile::tempdir().unwrap();
        unpack(&deflated("a/b.bin", &data), root.path()).unwrap();
        assert!(
            std::fs::read(root.path().join("a/b.bin")).unwrap() == data,
            "{size} bytes"
        );
    }
}

#[test]
fn what_is_no_zip_is_refused() {
    let good = deflated("a.py", b"print()");
    for bad in [
        Bytes::new(),
        Bytes::from_static(b"hello"),
        Bytes::from(vec![0; 1000]),
        good.slice(..good.len() / 2),
        good.slice(good.len() / 2..),
    ] {
        let error = check(&bad).unwrap_err();
        assert!(matches!(error, BadPackage::NotZip(_)), "{bad:?}: {error}");
    }
    assert_eq!(check(&raw(&[])), Err(BadPackage::Empty));
}

#[test]
fn an_entry_whose_bytes_are_not_what_its_header_says_is_refused() {
    let lie = |change: fn(&mut Raw)| {
        let mut entry = Raw::new("a.py", "0123456789", FILE);
        change(&mut entry);
        raw(&[entry])
    };
    for zip in [
        lie(|e| e.crc ^= 1),
        lie(|e| e.claims = 9),
        lie(|e| e.claims = 11),
        lie(|e| e.claims = 0),
    ] {
        assert_eq!(check(&zip), Err(BadPackage::Damaged("a.py".to_owned())));
    }
    // Said to be deflated, and is not.
    assert_eq!(
        check(&lie(|e| e.method = 8)),
        Err(BadPackage::Damaged("a.py".to_owned()))
    );
}

#[test]
fn a_zip_bomb_is_refused_by_what_it_says_and_by_what_comes_out() {
    let zeros = vec![0; usize::try_from(RATIO_FREE_BYTES).unwrap() + 1];
    let bomb = deflated("zeros", &zeros);
    assert_eq!(check(&bomb), Err(BadPackage::Bomb));
    // The same, claiming to be small: caught when the bytes come.
    let honest_size = u32::try_from(zeros.len()).unwrap().to_le_bytes();
    let mut lying = bomb.to_vec();
    for at in 0..lying.len() - 4 {
        if lying[at..at + 4] == honest_size {
            lying[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
        }
    }
    let error = check(&lying.into()).unwrap_err();
    assert!(matches!(error, BadPackage::Bomb | BadPackage::Damaged(_)), "{error}");
    // Claiming to be larger than anything allowed.
    let mut huge = Raw::file("huge");
    huge.claims = u32::MAX;
    assert_eq!(check(&raw(&[huge])), Err(BadPackage::Bomb));
    // Zeros that are no bomb.
    assert!(check(&deflated("zeros", &zeros[1..])).is_ok());
}

#[test]
fn entries_that_share_bytes_are_refused() {
    let mut again = Raw::file("b");
    again.at = Some(0);
    assert_eq!(check(&raw(&[Raw::file("a"), again])), Err(BadPackage::Overlap));
}

#[test]
fn an_entry_name_given_twice_is_refused() {
    assert_eq!(
        check(&raw(&[Raw::file("a.py"), Raw::file("a.py")])),
        Err(BadPackage::RepeatedName)
    );
    let error = check(&raw(&[Raw::file("a.py"), Raw::file("./a.py")])).unwrap_err();
    assert_eq!(error, BadPackage::Duplicate("a.py".to_owned()));
}

#[test]
fn an_encrypted_entry_or_an_unknown_compression_is_refused() {
    let mut encrypted = Raw::file("a.py");
    encrypted.flags = 1;
    assert_eq!(check(&raw(&[encrypted])), Err(BadPackage::Encrypted("a.py".to_owned())));
    let mut lzma = Raw::file("a.py");
    lzma.method = 14;
    let error = check(&raw(&[lzma])).unwrap_err();
    assert!(matches!(error, BadPackage::Method { .. }), "{error}");
}

#[test]
fn devices_pipes_and_sockets_are_refused() {
    for kind in [0o020_000, 0o060_000, 0o010_000, 0o140_000] {
        let zip = raw(&[Raw::file("a.py"), Raw::new("special", "", kind | 0o666)]);
        assert_eq!(check(&zip), Err(BadPackage::Special("special".to_owned())), "{kind:o}");
    }
}

#[test]
fn a_name_with_nul_or_not_in_utf8_is_refused() {
    let nul = check(&raw(&[Raw::new("a.py\0.txt", "x", FILE)])).unwrap_err();
    assert!(
        matches!(
            nul,
            BadPackage::Path {
                rule: PathRule::Control,
                ..
            }
        ),
        "{nul}"
    );
    let gbk = check(&raw(&[Raw::new(b"\xc4\xe3.py", "x", FILE)])).unwrap_err();
    assert!(
        matches!(
            gbk,
            BadPackage::Path {
                rule: PathRule::Utf8,
                ..
            }
        ),
        "{gbk}"
    );
    assert!(check(&raw(&[Raw::new("你好.py", "x", FILE)])).is_ok());
}

#[test]
fn paths_and_links_out_are_refused_and_touch_nothing() {
    for entries in [
        vec![Raw::file("../out")],
        vec![Raw::file("/tmp/out")],
        vec![Raw::file("a.py"), Raw::link("out", "../../etc")],
        vec![Raw::link("dir", "/tmp"), Raw::file("dir/out")],
        vec![Raw::link("here", "."), Raw::link("out", "here/.."), Raw::file("a.py")],
        vec![Raw::link("nul", "a\0b"), Raw::file("a.py")],
    ] {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("root");
        std::fs::create_dir(&root).unwrap();
        let error = unpack(&raw(&entries), &root).unwrap_err();
        assert!(matches!(error, UnpackError::Bad(_)), "{error}");
        assert_eq!(
            std::fs::read_dir(&root).unwrap().count(),
            0,
            "refused before anything is written"
        );
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 1);
    }
}

/// Names and targets as an attacker would combine them.
fn hostile_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => Just("a"), 4 => Just("b"), 3 => Just(".."), 2 => Just("."), 1 => Just(""), 1 => Just("c\0d"), 1 => Just("e\\f"),
    ];
    proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
}

fn hostile_entry() -> impl Strategy<Value = Raw> {
    let kind = prop_oneof![3 => Just(FILE), 3 => Just(LINK), 1 => Just(0o040_755), 1 => Just(0o010_644)];
    (hostile_path(), hostile_path(), kind).prop_map(|(name, content, mode)| Raw::new(name, content, mode))
}

/// The canary's content; whatever is unpacked, it stays.
const CANARY: &str = "canary";

/// Unpacks next to a canary. Whatever the zip, all that is new is inside the root, and no link in it leads out.
fn stays_inside(zip: &Bytes) {
    let base = tempfile::tempdir().unwrap();
    let (above, root) = (base.path().join("above"), base.path().join("above/root"));
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(above.join("a"), CANARY).unwrap();
    match unpack(zip, &root) {
        Ok(()) => every_link_leads_inside(&root, &root.canonicalize().unwrap()),
        Err(UnpackError::Bad(_)) => {}
        Err(UnpackError::Disk(error)) => panic!("what is allowed can be written: {error}"),
    }
    assert_eq!(std::fs::read_to_string(above.join("a")).unwrap(), CANARY);
    assert_eq!(std::fs::read_dir(&above).unwrap().count(), 2);
    assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 1);
}

fn every_link_leads_inside(folder: &Path, root: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // A link to nothing leads nowhere.
        if let Ok(real) = path.canonicalize() {
            assert!(real.starts_with(root), "{} is {}", path.display(), real.display());
        }
        if std::fs::symlink_metadata(&path).unwrap().is_dir() {
            every_link_leads_inside(&path, root);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_its_entries_a_package_stays_inside(entries in proptest::collection::vec(hostile_entry(), 1..8)) {
        stays_inside(&raw(&entries));
    }

    #[test]
    fn whatever_is_done_to_its_bytes_a_package_stays_inside(
        entries in proptest::collection::vec(hostile_entry(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut zip = raw(&entries).to_vec();
        for (at, byte) in damage {
            let at = at.index(zip.len());
            zip[at] = byte;
        }
        stays_inside(&zip.into());
    }
}
