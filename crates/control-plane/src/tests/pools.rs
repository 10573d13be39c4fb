//! Which stem cells are asked for.

use super::*;

fn kind(network: NetworkMode) -> StemKind {
    StemKind {
        runtime: runtime("Python3.11"),
        purpose: Purpose::Events,
        network,
    }
}

#[tokio::test]
async fn stem_cells_are_asked_for_while_there_are_functions_of_their_kind_and_a_new_function_waits_for_one() {
    let bed = Bed::new().await;
    let used = |bed: &Bed| Vec::from_iter(bed.around.used.lock().clone());
    assert!(used(&bed).is_empty());
    bed.create("one").await.unwrap();
    bed.create("two").await.unwrap();
    let private = CreateFunction {
        network: NetworkMode::Private,
        ..creation("three")
    };
    bed.control.create_function(private).await.unwrap();
    let (public, private) = (kind(NetworkMode::Public), kind(NetworkMode::Private));
    assert_eq!(used(&bed), [private.clone(), public.clone()]);
    assert_eq!(
        *bed.around.awaited.lock(),
        [public.clone(), public.clone(), private.clone()]
    );

    bed.around.used.lock().clear();
    let bed = bed.restart().await;
    assert_eq!(used(&bed), [private, public.clone()], "a server that starts asks, too");
    let delete = async |name: &str| {
        let deletion = DeleteFunction {
            key: key(name),
            qualifier: None,
        };
        bed.control.delete_function(deletion).await.unwrap();
    };
    delete("one").await;
    delete("three").await;
    assert_eq!(used(&bed), [public]);
    delete("two").await;
    assert!(used(&bed).is_empty());
}
