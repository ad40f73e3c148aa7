//! Messages that people send in a team: who they are is looked at when a message is recorded.

use std::sync::Arc;

use msgflash_kernel::{Fault as _, Workspace};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::NoWake;
use msgflash_messaging::message::accept::{AcceptPorts, Acceptor, Application, acceptor};
use msgflash_messaging::message::ports::{AcceptUnits, Wait};
use msgflash_teams::ports::InstanceRef;
use msgflash_teams::{AssignInstances, ManageMembers};
use tokio::task::JoinHandle;

use super::keeping::Desk;
use crate::messaging::sample::{entry, instance_of, message, phone};
use crate::stage::clock;

/// Lea is in the team and has one of two instances.
struct Scene {
    desk: Desk,
    given: InstanceId,
    other: InstanceId,
    acceptor: Acceptor,
}

impl Scene {
    async fn new() -> Self {
        let desk = Desk::new().await;
        desk.join(&desk.lea).await;
        let home = Workspace::personal(desk.max.id);
        let given = instance_of(&desk.stage, home).await.id;
        let other = instance_of(&desk.stage, home).await.id;
        let max = desk.actor(&desk.max).await;
        AssignInstances::new(desk.ports.clone())
            .assign(&max, InstanceRef::new(given.uuid()), desk.lea.id)
            .await
            .expect("given");
        let (acceptor, workers) = acceptor(1);
        for worker in workers {
            tokio::spawn(worker.run(AcceptPorts {
                units: Arc::new(desk.stage.postgres.clone()),
                clock: clock(),
                wake: Arc::new(NoWake),
            }));
        }
        Self {
            desk,
            given,
            other,
            acceptor,
        }
    }

    /// A message of Lea's, as it was when she was let in.
    fn application(&self, instance: InstanceId, n: u32) -> Application {
        let workspace = Workspace::team(self.desk.team, self.desk.max.id);
        let mut message = message(workspace, instance, phone(n));
        message.acting_user = self.desk.lea.id;
        let entry = QueueEntry {
            message: message.id,
            workspace: workspace.id,
            account: workspace.account,
            ..entry(instance, n)
        };
        Application {
            key: None,
            message,
            entry,
            once: None,
        }
    }

    async fn sends(&self, instance: InstanceId, n: u32) -> Result<(), &'static str> {
        let joined = self.acceptor.join(self.application(instance, n)).await;
        joined.map(drop).map_err(|refused| refused.code())
    }

    /// Takes the instance back.
    async fn take_back(&self) -> JoinHandle<()> {
        let assign = AssignInstances::new(self.desk.ports.clone());
        let max = self.desk.actor(&self.desk.max).await;
        let (given, lea) = (InstanceRef::new(self.given.uuid()), self.desk.lea.id);
        tokio::spawn(async move {
            assign.unassign(&max, given, lea).await.expect("taken back");
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_recorded_only_for_who_is_in_the_team_and_has_the_instance() {
    let scene = Scene::new().await;
    assert_eq!(scene.sends(scene.given, 1).await, Ok(()));
    let other = scene.sends(scene.other, 2).await;
    assert_eq!(other, Err("INSTANCE_NOT_ASSIGNED"));
    scene.take_back().await.await.expect("no panic");
    let late = scene.sends(scene.given, 3).await;
    assert_eq!(late, Err("INSTANCE_NOT_ASSIGNED"));
    let max = scene.desk.actor(&scene.desk.max).await;
    let members = ManageMembers::new(scene.desk.ports.clone());
    members
        .remove(&max, scene.desk.lea.id)
        .await
        .expect("removed");
    assert_eq!(scene.sends(scene.given, 4).await, Err("TEAM_NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_an_instance_back_waits_for_messages_that_are_being_recorded() {
    let scene = Scene::new().await;
    let person = [(scene.desk.team, scene.desk.lea.id)];
    let postgres = &scene.desk.stage.postgres;
    let mut unit = AcceptUnits::begin(postgres).await.expect("a unit");
    let held = unit.acceptance().hold_members(&person, Wait::No).await;
    assert_eq!(held.expect("held").len(), 1);
    let taking = scene.take_back().await;
    scene.desk.stage.until_somebody_waits().await;
    assert!(!taking.is_finished());
    unit.commit().await.expect("recorded");
    taking.await.expect("taken back");
}
