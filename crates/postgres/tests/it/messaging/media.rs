//! Uploaded files: who finds them, how many fit, and what is cleared away.

use msgflash_kernel::{Id, Ids as _, RandomIds, Secret, WorkspaceId};
use msgflash_messaging::media::ports::{Held, MediaReader as _, MediaUnits};
use msgflash_messaging::media::{LIFETIME, Media, MediaType};
use msgflash_postgres::Postgres;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::stage::{NOW, Stage};

fn media(workspace: WorkspaceId) -> Media {
    Media {
        id: Id::new(RandomIds.next()),
        workspace,
        created_by: Id::new(RandomIds.next()),
        kind: MediaType::Docx,
        size: 100,
        original_name: "Größe ' 1.docx".to_owned(),
        created_at: NOW,
        expires_at: NOW + LIFETIME,
    }
}

fn token(of: &Media) -> [u8; 32] {
    let id = of.id.uuid().into_bytes();
    std::array::from_fn(|at| id[at % 16])
}

fn somewhere() -> WorkspaceId {
    Id::new(RandomIds.next())
}

async fn insert(postgres: &Postgres, it: &Media, until: OffsetDateTime) {
    let mut unit = MediaUnits::begin(postgres).await.expect("a unit");
    let inserted = unit.media().insert(it, &token(it), until).await;
    inserted.expect("inserted");
    unit.commit().await.expect("committed");
}

async fn store(postgres: &Postgres, it: &Media) -> bool {
    let mut unit = MediaUnits::begin(postgres).await.expect("a unit");
    let known = unit.media().mark_stored(it).await.expect("marked");
    unit.commit().await.expect("committed");
    known
}

async fn delete(postgres: &Postgres, workspace: WorkspaceId, it: &Media) -> Option<Media> {
    let mut unit = MediaUnits::begin(postgres).await.expect("a unit");
    let gone = unit.media().delete(workspace, it.id).await.expect("asked");
    unit.commit().await.expect("committed");
    gone
}

async fn expired(postgres: &Postgres, now: OffsetDateTime) -> Vec<Media> {
    let mut unit = MediaUnits::begin(postgres).await.expect("a unit");
    let gone = unit.media().take_expired(now, 10).await.expect("asked");
    unit.commit().await.expect("committed");
    gone
}

async fn held(postgres: &Postgres, workspace: WorkspaceId) -> Held {
    let mut unit = MediaUnits::begin(postgres).await.expect("a unit");
    unit.media().lock_held(workspace).await.expect("counted")
}

#[tokio::test]
async fn a_file_is_found_once_its_bytes_are_kept_and_deleted_in_its_workspace_only() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let file = media(somewhere());
    insert(postgres, &file, NOW + Duration::HOUR).await;
    let find = async || {
        let found = postgres.find_by_token(&token(&file)).await;
        found.expect("read")
    };
    assert_eq!(find().await, None, "its bytes are on their way");
    assert!(store(postgres, &file).await);
    assert_eq!(find().await, Some(file.clone()));
    assert_eq!(delete(postgres, somewhere(), &file).await, None);
    assert_eq!(find().await, Some(file.clone()));
    let gone = delete(postgres, file.workspace, &file).await;
    assert_eq!(gone, Some(file.clone()));
    assert_eq!(find().await, None);
    assert!(!store(postgres, &file).await, "there is nothing to mark");
}

#[tokio::test]
async fn what_is_past_its_time_goes_also_what_never_arrived() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let (kept, lost) = (media(somewhere()), media(somewhere()));
    insert(postgres, &kept, NOW + Duration::HOUR).await;
    assert!(store(postgres, &kept).await);
    insert(postgres, &lost, NOW + Duration::HOUR).await;
    let ids = |all: Vec<Media>| all.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(expired(postgres, NOW).await, []);
    assert_eq!(
        ids(expired(postgres, NOW + Duration::HOUR).await),
        [lost.id]
    );
    assert_eq!(ids(expired(postgres, NOW + LIFETIME).await), [kept.id]);
    assert_eq!(expired(postgres, NOW + LIFETIME).await, []);
}

#[tokio::test]
async fn twenty_uploads_at_once_never_pass_the_bound() {
    const MOST: u64 = 750;
    let stage = Stage::new().await;
    let workspace = somewhere();
    insert(&stage.postgres, &media(somewhere()), NOW).await;
    let mut uploads = JoinSet::new();
    for _ in 0..20 {
        let postgres = stage.postgres.clone();
        uploads.spawn(async move {
            let file = media(workspace);
            let mut unit = MediaUnits::begin(&postgres).await.expect("a unit");
            let held = unit.media().lock_held(workspace).await.expect("counted");
            assert_eq!(held.bytes, held.files * file.size);
            if held.bytes + file.size > MOST {
                return false;
            }
            let until = NOW + Duration::HOUR;
            let done = unit.media().insert(&file, &token(&file), until).await;
            done.expect("inserted");
            unit.commit().await.expect("committed");
            true
        });
    }
    let taken = uploads.join_all().await;
    assert_eq!(taken.iter().filter(|it| **it).count(), 7);
    let all = Held {
        files: 7,
        bytes: 700,
        next_expiry: Some(NOW + Duration::HOUR),
    };
    assert_eq!(held(&stage.postgres, workspace).await, all);
    let empty = held(&stage.postgres, Id::new(Uuid::nil())).await;
    assert_eq!((empty.files, empty.bytes, empty.next_expiry), (0, 0, None));
}

#[tokio::test]
async fn all_processes_sign_with_the_key_that_was_made_first() {
    let stage = Stage::new().await;
    let mut processes = JoinSet::new();
    for n in 0..8 {
        let postgres = stage.postgres.clone();
        let fresh = Secret::new([n; 32]);
        processes.spawn(async move { postgres.link_key(&fresh).await.expect("a key") });
    }
    let keys = processes.join_all().await;
    assert!(keys.iter().all(|key| key.reveal() == keys[0].reveal()));
}
