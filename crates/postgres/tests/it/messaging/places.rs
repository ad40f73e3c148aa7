//! How many instances an account may have.

use std::sync::Arc;

use msgflash_kernel::{Actor, CountingRandom, RandomIds, Workspace};
use msgflash_messaging::instance::connection::RecordConnection;
use msgflash_messaging::instance::provision::{NewInstance, ProvisionInstance, ProvisionPorts};
use msgflash_messaging::provider::MockWhatsAppProvider;
use msgflash_messaging::{Instance, MessagingError};

use super::sample::number;
use crate::stage::{Stage, clock};

/// Makes an instance at a gateway that makes so many.
async fn make(
    stage: &Stage,
    workspace: Workspace,
    cap: Option<u32>,
    made: usize,
) -> Result<Instance, MessagingError> {
    let store = Arc::new(stage.postgres.clone());
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_create().times(made).returning(|_| Ok(()));
    let record = RecordConnection::new(store.clone(), clock(), Arc::new(RandomIds));
    let provision = ProvisionInstance::new(ProvisionPorts {
        units: store.clone(),
        instances: store,
        provider: Arc::new(provider),
        record: Arc::new(record),
        clock: clock(),
        ids: Arc::new(RandomIds),
        random: Arc::new(CountingRandom::default()),
        callback_base: "http://us".to_owned(),
    });
    let order = NewInstance {
        actor: Actor::new(workspace, workspace.owner()),
        name: "Shop".to_owned(),
        cap,
    };
    provision.create(order).await
}

#[tokio::test]
async fn the_cap_of_a_plan_that_was_makes_none_here_or_at_the_gateway() {
    let stage = Stage::new().await;
    let (_, workspace) = number(&stage, "lea@shop.test").await;
    for known in [Some(20), None] {
        let refused = make(&stage, workspace, known, 0).await;
        let full = matches!(refused, Err(MessagingError::TooManyInstances));
        assert!(full, "{refused:?}");
    }
    let session = stage.session().await;
    let instances = "SELECT count(*) FROM instances";
    let instances = session.query_one(instances, &[]).await.expect("a count");
    assert_eq!(instances.get::<_, i64>(0), 1);

    stage.everybody_on("pro").await;
    let made = make(&stage, workspace, Some(20), 1).await;
    made.expect("there is room");
}
