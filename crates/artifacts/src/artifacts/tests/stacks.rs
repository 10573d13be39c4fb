//! Packages laid over each other.

use super::*;

async fn three(shelf: &Shelf) -> [Package; 3] {
    let mut packages = Vec::new();
    for n in ["1", "2", "3"] {
        let zip = honest(&[("same.txt", n.as_bytes()), (&format!("own{n}.txt"), n.as_bytes())]);
        packages.push(shelf.artifacts.admit(zip).await.unwrap());
    }
    packages.try_into().unwrap()
}

fn stack(packages: &[Package]) -> LayerStack {
    LayerStack::new(packages.iter().map(|package| package.digest).collect())
}

fn stacks(shelf: &Shelf) -> usize {
    std::fs::read_dir(shelf.path("code/stacks")).unwrap().count()
}

#[tokio::test]
async fn a_stack_is_made_once_however_many_ask_and_shows_the_later_package() {
    let shelf = Shelf::new().await;
    let packages = three(&shelf).await;
    let whole = stack(&packages);
    let made = futures::future::try_join_all((0..8).map(|_| shelf.artifacts.stack(&whole)));
    let folders: Vec<_> = made.await.unwrap().into_iter().flatten().collect();
    assert_eq!(folders.len(), 8);
    assert_eq!(stacks(&shelf), 1);
    let read = |name: &str| std::fs::read_to_string(folders[0].join(name)).unwrap();
    assert_eq!(
        [read("same.txt"), read("own1.txt"), read("own2.txt"), read("own3.txt")],
        ["3", "1", "2", "3"]
    );
    let [a, b, _] = packages;
    let other = shelf.artifacts.stack(&stack(&[b, a])).await.unwrap().unwrap();
    assert_eq!(
        std::fs::read_to_string(other.join("same.txt")).unwrap(),
        "1",
        "in their order"
    );
}

#[tokio::test]
async fn one_package_is_its_own_folder_and_none_is_none() {
    let shelf = Shelf::new().await;
    let [one, ..] = three(&shelf).await;
    let folder = one.folder.clone();
    assert_eq!(shelf.artifacts.stack(&stack(&[one])).await.unwrap(), Some(folder));
    assert_eq!(shelf.artifacts.stack(&LayerStack::default()).await.unwrap(), None);
    assert_eq!(stacks(&shelf), 0);
}

#[tokio::test]
async fn an_unused_stack_is_collected_and_a_used_or_held_one_stays() {
    let shelf = Shelf::new().await;
    let packages = three(&shelf).await;
    let digests: HashSet<_> = packages.iter().map(|package| package.digest).collect();
    let whole = stack(&packages);
    drop(packages);
    let held = shelf.artifacts.stack(&whole).await.unwrap();
    assert_eq!(
        shelf.artifacts.collect(|digest| digests.contains(digest)).await.removed,
        0
    );
    drop(held);
    let used = |digest: &CodeDigest| digests.contains(digest) || Some(*digest) == whole.whole();
    assert_eq!(shelf.artifacts.collect(used).await.removed, 0);
    assert_eq!(
        shelf.artifacts.collect(|digest| digests.contains(digest)).await.removed,
        1
    );
    assert_eq!((stacks(&shelf), shelf.kept().await), (0, [3, 0, 3]));
    let again = shelf.artifacts.stack(&whole).await.unwrap().unwrap();
    assert!(again.join("own1.txt").exists());
}

#[tokio::test]
async fn a_stack_is_trusted_after_a_restart_and_made_again_after_a_reboot() {
    let shelf = Shelf::new().await;
    let whole = stack(&three(&shelf).await);
    shelf.artifacts.stack(&whole).await.unwrap();
    let shelf = shelf.reopen("boot 1").await;
    assert_eq!(stacks(&shelf), 1);
    let shelf = shelf.reopen("boot 2").await;
    assert_eq!((stacks(&shelf), shelf.kept().await), (0, [0, 0, 3]));
    let folder = shelf.artifacts.stack(&whole).await.unwrap().unwrap();
    assert!(folder.join("own2.txt").exists());
}

#[tokio::test]
async fn a_stack_is_not_laid_while_something_is_added_to_a_layer() {
    let shelf = Shelf::new().await;
    let packages = three(&shelf).await;
    let adding = Arc::clone(&shelf.artifacts.inner.slots.of(packages[1].digest).gate);
    let adding = adding.lock_owned().await;
    let whole = stack(&packages);
    let mut laid = std::pin::pin!(shelf.artifacts.stack(&whole));
    for _ in 0..50 {
        assert!(futures::poll!(laid.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(stacks(&shelf), 0);
    drop(adding);
    laid.await.unwrap();
    // A layer may be there twice, under two names.
    let twice = stack(&[packages[0].clone(), packages[0].clone()]);
    shelf.artifacts.stack(&twice).await.unwrap();
}

#[tokio::test]
async fn a_stack_gets_what_was_added_to_its_layers_once_nobody_holds_it() {
    let shelf = Shelf::new().await;
    let packages = three(&shelf).await;
    let whole = stack(&packages);
    let path = "__pycache__/index.cpython-311.pyc";
    let add = async |package: &Package, path: &str| {
        let files = vec![(path.to_owned(), Bytes::from_static(b"compiled"))];
        shelf.artifacts.add_compiled(package.digest, files).await.unwrap();
        shelf.artifacts.renew_stack(&whole).await;
    };
    let stack = async || shelf.artifacts.stack(&whole).await.unwrap().unwrap();
    drop(stack().await);
    add(&packages[0], path).await;
    let held = stack().await;
    assert!(held.join(path).exists(), "nobody held it");
    let other = "__pycache__/other.cpython-311.pyc";
    add(&packages[2], other).await;
    assert!(
        held.join(path).exists() && !stack().await.join(other).exists(),
        "it stays for who has it"
    );
    shelf.artifacts.collect(|_| true).await;
    assert!(held.join(path).exists());
    drop(held);
    assert_eq!(shelf.artifacts.collect(|_| true).await.removed, 1);
    let folder = stack().await;
    assert!(folder.join(path).exists() && folder.join(other).exists());
    drop(folder);
    assert_eq!(
        shelf.artifacts.collect(|_| true).await.removed,
        0,
        "it is as it should be"
    );
}

#[tokio::test]
async fn a_stack_of_a_package_that_is_not_there_is_no_stack() {
    let shelf = Shelf::new().await;
    let [one, ..] = three(&shelf).await;
    let stack = LayerStack::new(vec![one.digest, CodeDigest::of(b"nobody stored it")]);
    assert!(matches!(
        shelf.artifacts.stack(&stack).await,
        Err(FolderError::Missing(_))
    ));
    assert_eq!((stacks(&shelf), shelf.kept().await), (0, [3, 0, 3]));
}

#[tokio::test]
async fn the_size_of_what_is_in_a_package_is_known_also_when_it_is_there_already() {
    let shelf = Shelf::new().await;
    let zip = honest(&[("zeros", &vec![0; 100_000]), ("one", b"1")]);
    for _ in 0..2 {
        assert_eq!(
            shelf.artifacts.admit(zip.clone()).await.unwrap().unpacked_bytes,
            100_001
        );
    }
}
