//! Layers made by hand, honest and otherwise.

use tar::{Builder, Header};

use super::*;

/// An entry: a path, what it is, and its content or where it leads.
type Made<'a> = (&'a str, EntryType, &'a str);

const FILE: EntryType = EntryType::Regular;
const FOLDER: EntryType = EntryType::Directory;
const LINK: EntryType = EntryType::Symlink;
const NAME: EntryType = EntryType::Link;

fn layer(entries: &[Made<'_>]) -> File {
    let mut builder = Builder::new(tempfile::tempfile().expect("a file"));
    for (path, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o4711);
        header.set_mtime(1_000_000_000);
        // Names that the builder would refuse are what is tried here.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        let content = if *kind == FILE {
            header.set_size(content.len() as u64);
            content.as_bytes()
        } else {
            header.set_size(0);
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            &[]
        };
        header.set_cksum();
        builder.append(&header, content).expect("a layer");
    }
    builder.into_inner().expect("a layer")
}

/// Unpacks layers over each other, beside a file that no layer may change. What is there then, each as `path=content`,
/// `path/` or `path->target`.
fn unpacked(layers: &[&[Made<'_>]]) -> io::Result<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
    fs::create_dir(&root).expect("a folder");
    fs::write(&outside, "untouched").expect("a file");
    let mut tree = Tree::open(&root).expect("a tree");
    let done = layers
        .iter()
        .try_for_each(|entries| tree.apply(&mut layer(entries), Compression::None));
    assert_eq!(fs::read_to_string(&outside).expect("there"), "untouched");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2);
    done?;
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(&root).expect("inside").display().to_string();
            let kind = entry.file_type().expect("a kind");
            found.push(if kind.is_dir() {
                folders.push(path);
                format!("{name}/")
            } else if kind.is_symlink() {
                format!("{name}->{}", fs::read_link(path).expect("a link").display())
            } else {
                format!("{name}={}", fs::read_to_string(path).expect("a file"))
            });
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn a_layer_adds_and_replaces_files_folders_and_links() {
    let found = unpacked(&[
        &[
            ("./usr/", FOLDER, ""),
            ("usr/a", FILE, "1"),
            ("usr/b", LINK, "a"),
            ("usr/c", FOLDER, ""),
            ("usr/c/d", FILE, "2"),
        ],
        &[
            ("usr/a", FILE, "3"),
            ("usr/b", FOLDER, ""),
            ("/usr/c", FILE, "4"),
            ("made/by/name", NAME, "usr/a"),
        ],
    ]);
    assert_eq!(
        found.expect("unpacked"),
        [
            "made/",
            "made/by/",
            "made/by/name=3",
            "usr/",
            "usr/a=3",
            "usr/b/",
            "usr/c=4"
        ]
    );
}

#[test]
fn a_layer_takes_away_what_lower_ones_have_and_nothing_of_its_own() {
    let lower: &[Made<'_>] = &[
        ("a", FILE, "1"),
        ("b/c", FILE, "1"),
        ("b/d", FILE, "1"),
        ("e/f/g", FILE, "1"),
        ("h", LINK, "a"),
    ];
    for (upper, expected) in [
        (
            &[
                (".wh.a", FILE, ""),
                (".wh.absent", FILE, ""),
                ("nowhere/.wh.x", FILE, ""),
            ][..],
            vec!["b/", "b/c=1", "b/d=1", "e/", "e/f/", "e/f/g=1", "h->a"],
        ),
        (
            &[
                ("a", FILE, "2"),
                (".wh.a", FILE, ""),
                (".wh.h", FILE, ""),
                (".wh.e", FILE, ""),
            ],
            vec!["a=2", "b/", "b/c=1", "b/d=1"],
        ),
        (
            &[
                ("b/new", FILE, "2"),
                ("b/.wh..wh..opq", FILE, ""),
                ("e/.wh.f", FILE, ""),
            ],
            vec!["a=1", "b/", "b/new=2", "e/", "h->a"],
        ),
    ] {
        assert_eq!(unpacked(&[lower, upper]).expect("unpacked"), expected, "{upper:?}");
    }
}

#[test]
fn links_lead_within_the_tree_and_nowhere_else() {
    // As container engines have it: a later layer's path goes through the links of an earlier one.
    let found = unpacked(&[
        &[
            ("usr/lib/x", FILE, "1"),
            ("lib", LINK, "/usr/lib"),
            ("up", LINK, "../../../usr"),
        ],
        &[("lib/y", FILE, "2"), ("up/lib/z", FILE, "3"), ("lib/.wh.x", FILE, "")],
    ]);
    assert_eq!(
        found.expect("unpacked"),
        [
            "lib->/usr/lib",
            "up->../../../usr",
            "usr/",
            "usr/lib/",
            "usr/lib/y=2",
            "usr/lib/z=3"
        ]
    );
    // What is written to a link is written in its place.
    let found = unpacked(&[
        &[("a", LINK, "../outside"), ("b", LINK, "/etc/passwd")],
        &[("a", FILE, "1"), ("b", FILE, "2")],
    ]);
    assert_eq!(found.expect("unpacked"), ["a=1", "b=2"]);
    let found = unpacked(&[&[
        ("a", LINK, "../outside"),
        ("b", NAME, "a"),
        ("c", LINK, ".."),
        (".wh.c", FILE, ""),
    ]]);
    assert_eq!(found.expect("unpacked"), ["a->../outside", "b->../outside", "c->.."]);
}

#[test]
fn what_climbs_or_makes_no_sense_is_refused() {
    for entries in [
        &[("../outside", FILE, "2")][..],
        &[("a/../../outside", FILE, "2")],
        &[("a", NAME, "../outside")],
        &[("a", NAME, "/absent")],
        &[(".wh.", FILE, "")],
        &[(".wh..", FILE, "")],
        &[(".wh...", FILE, "")],
        &[("a", LINK, "absent"), ("a/b", FILE, "2")],
        &[("a", FILE, "1"), ("a/b", FILE, "2")],
    ] {
        unpacked(&[entries]).expect_err(&format!("{entries:?}"));
    }
}

#[test]
fn all_layers_together_are_bounded_and_what_is_read_twice_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = Tree::open(folder.path()).expect("a tree");
    let mut layer = layer(&[("a", FILE, &"x".repeat(4000))]);
    let one = layer.metadata().expect("a file").len();
    tree.room = Room::of(one + 3000);
    tree.apply(&mut layer, Compression::None).expect("within bounds");
    let error = tree.apply(&mut layer, Compression::None).expect_err("too large");
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[test]
fn modes_are_for_everybody_to_read_and_times_are_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tree = Tree::open(folder.path()).expect("a tree");
    let entries = [
        ("d", FOLDER, ""),
        ("d/run", FILE, "x"),
        ("pipe", EntryType::Fifo, ""),
        ("disk", EntryType::Block, ""),
    ];
    tree.apply(&mut layer(&entries), Compression::None).expect("unpacked");
    let about = fs::metadata(folder.path().join("d/run")).expect("there");
    assert_eq!(about.permissions().mode() & 0o7777, 0o755);
    assert_eq!(
        about.modified().expect("a time"),
        UNIX_EPOCH + Duration::from_secs(1_000_000_000)
    );
    assert_eq!(
        fs::metadata(folder.path().join("d"))
            .expect("there")
            .permissions()
            .mode()
            & 0o7777,
        0o755
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no devices");
    assert_eq!(tree.resolve(Path::new("/d/./run")).expect("there"), Path::new("d/run"));
}

#[test]
fn layers_of_both_makers_are_known_by_their_type() {
    for (kind, expected) in [
        ("application/vnd.oci.image.layer.v1.tar", Some(Compression::None)),
        ("application/vnd.oci.image.layer.v1.tar+gzip", Some(Compression::Gzip)),
        ("application/vnd.oci.image.layer.v1.tar+zstd", Some(Compression::Zstd)),
        (
            "application/vnd.docker.image.rootfs.diff.tar.gzip",
            Some(Compression::Gzip),
        ),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", None),
        ("application/vnd.example.tar+gzip", None),
        ("text/plain", None),
    ] {
        assert_eq!(Compression::of(kind), expected, "{kind}");
    }
}
