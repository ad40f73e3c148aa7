//! A database that is cut off, slow or silent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use msgflash_accounts::{AccountReader, AccountUnits};
use msgflash_kernel::{StoreError, Workspace};
use msgflash_postgres::{Limits, Postgres};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::stage::{SOON, Stage, fresh};

const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'msgflash' AND datname = current_database()";

fn is_away<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

#[tokio::test]
async fn after_every_connection_was_cut_the_next_calls_work() {
    let stage = Stage::new().await;
    let pool = stage.pool(4);
    let user = stage.user("lea@shop.test").await;
    let session = stage.session().await;
    for _ in 0..3 {
        let mut calls = JoinSet::new();
        for _ in 0..4 {
            let pool = pool.clone();
            calls.spawn(async move { pool.ping().await });
        }
        calls.join_all().await;
        session.query(CUT, &[]).await.expect("cut");
        // Those whose end was not seen yet fail once each, as unavailable; none fails twice.
        let mut failures = 0;
        loop {
            let found = AccountReader::find(&pool, user.id).await;
            if let Ok(found) = found {
                assert!(found.is_some());
                break;
            }
            assert!(is_away(&found), "{found:?}");
            failures += 1;
            assert!(failures <= 4);
        }
    }
}

#[tokio::test]
async fn a_unit_whose_connection_was_cut_is_undone_and_the_next_one_works() {
    let stage = Stage::new().await;
    let pool = stage.pool(1);
    let user = stage.user("lea@shop.test").await;
    let account = Workspace::personal(user.id).account;
    let session = stage.session().await;
    for _ in 0..2 {
        let mut unit = AccountUnits::begin(&pool).await.expect("a unit");
        unit.keys()
            .count_locked(account, None)
            .await
            .expect("the lock");
        session.query(CUT, &[]).await.expect("cut");
        assert!(is_away(&unit.commit().await));
    }
    let mut unit = timeout(SOON, AccountUnits::begin(&pool))
        .await
        .expect("no waiting")
        .expect("a unit");
    unit.keys()
        .count_locked(account, None)
        .await
        .expect("the lock");
    unit.commit().await.expect("committed");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_and_may_be_repeated() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let pool = stage.limited(2, Limits::of_statement(Duration::from_millis(100)));
    let mut holder = AccountUnits::begin(&stage.postgres).await.expect("a unit");
    holder
        .keys()
        .count_locked(account, None)
        .await
        .expect("the lock");

    let mut waiter = AccountUnits::begin(&pool).await.expect("a unit");
    let refused = timeout(SOON, waiter.keys().count_locked(account, None)).await;
    assert!(is_away(&refused.expect("no waiting")));
    drop(waiter);

    drop(holder);
    let mut waiter = AccountUnits::begin(&pool).await.expect("a unit");
    // The holder's end is on its way.
    while waiter.keys().count_locked(account, None).await.is_err() {
        waiter = AccountUnits::begin(&pool).await.expect("a unit");
    }
}

/// Writes the language of the session into the name of each new user.
const ACCENT: &str = "CREATE FUNCTION accent() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     NEW.full_name := current_setting('lc_messages'); RETURN NEW; END $$; \
     CREATE TRIGGER accent BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION accent()";

#[tokio::test]
async fn a_server_of_another_language_speaks_english_to_us() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let name = session.query_one("SELECT current_database()", &[]).await;
    let name: String = name.expect("read").get(0);
    // Not every machine has these; the last is on all, and is not what we ask for either.
    let mut foreign = None;
    for language in ["de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"] {
        let change = format!("ALTER DATABASE \"{name}\" SET lc_messages = '{language}'");
        if session.batch_execute(&change).await.is_ok() {
            foreign = Some(language);
            break;
        }
    }
    let Some(foreign) = foreign else {
        eprintln!("skipped: this server's language is not ours to choose");
        return;
    };
    session.batch_execute(ACCENT).await.expect("a trigger");
    let heard: String = stage
        .session()
        .await
        .query_one("SHOW lc_messages", &[])
        .await
        .expect("read")
        .get(0);
    assert_eq!(heard, foreign, "it proves nothing");

    let user = stage.user("lea@shop.test").await;
    let kept = AccountReader::find(&stage.postgres, user.id).await;
    assert_eq!(kept.expect("read").expect("there").full_name, "C");
    // And what is known by its text is recognised.
    let account = Workspace::personal(user.id).account;
    let mut holder = AccountUnits::begin(&stage.postgres).await.expect("a unit");
    holder
        .keys()
        .count_locked(account, None)
        .await
        .expect("the lock");
    let pool = stage.limited(1, Limits::of_statement(Duration::from_millis(50)));
    let mut waiter = AccountUnits::begin(&pool).await.expect("a unit");
    assert!(is_away(&waiter.keys().count_locked(account, None).await));
}

#[tokio::test]
async fn whoever_may_not_choose_the_language_is_served_all_the_same() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let role = format!("plain_{}", fresh::<()>().uuid().simple());
    let make = format!("CREATE ROLE {role} LOGIN PASSWORD 'plain'");
    if session.batch_execute(&make).await.is_err() {
        eprintln!("skipped: this server lets nobody make roles");
        return;
    }
    let config: Config = stage.url().parse().expect("an address");
    let host = match &config.get_hosts()[0] {
        Host::Unix(folder) => folder.display().to_string(),
        Host::Tcp(name) => name.clone(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let name = config.get_dbname().expect("a database");
    let address = format!("host={host} port={port} dbname={name} user={role} password=plain");
    let pool = Postgres::new(&address, 1).expect("an address");
    let answer = pool.ping().await;
    drop(pool);
    let end = format!("DROP ROLE {role}");
    session.batch_execute(&end).await.expect("dropped");
    answer.expect("it answers");
}

#[tokio::test]
async fn sessions_have_a_name_that_the_address_may_change() {
    let stage = Stage::new().await;
    let address = stage.url();
    let join = if address.contains('?') { '&' } else { '?' };
    let named = format!("{address}{join}application_name=shop");
    let session = stage.session().await;
    for (address, name) in [(address, "msgflash"), (&named, "shop")] {
        let pool = Postgres::new(address, 1).expect("an address");
        pool.ping().await.expect("it answers");
        let open = "SELECT count(*) FROM pg_stat_activity \
                    WHERE application_name = $1 AND datname = current_database()";
        let open = session.query_one(open, &[&name]).await.expect("read");
        assert_eq!(open.get::<_, i64>(0), 1, "{name}");
    }
}

#[tokio::test]
async fn the_address_may_set_limits_of_its_own() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let mut holder = AccountUnits::begin(&stage.postgres).await.expect("a unit");
    holder
        .keys()
        .count_locked(account, None)
        .await
        .expect("the lock");
    let join = if stage.url().contains('?') { '&' } else { '?' };
    let address = format!("{}{join}options=-c%20lock_timeout%3D50", stage.url());
    let pool = Postgres::new(&address, 1).expect("an address");
    let mut unit = AccountUnits::begin(&pool).await.expect("a unit");
    let begun = Instant::now();
    assert!(is_away(&unit.keys().count_locked(account, None).await));
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "ours is ten seconds"
    );
}

/// A line to the database that can fall silent: it stays open, and nothing passes any more.
struct QuietLine {
    address: String,
    is_silent: watch::Sender<bool>,
}

impl QuietLine {
    async fn to(url: &str) -> Self {
        let config: Config = url.parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let name = config.get_dbname().expect("a database");
        let user = config.get_user().expect("a user");
        let password = config.get_password().map(String::from_utf8_lossy);
        let password = password.map_or_else(String::new, |it| format!(":{it}"));
        let address = format!("postgres://{user}{password}@127.0.0.1:{port}/{name}");
        let (is_silent, silent) = watch::channel(false);
        let host = config.get_hosts()[0].clone();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, host.clone(), port, silent.clone()));
            }
        });
        Self { address, is_silent }
    }
}

async fn pass(mut near: TcpStream, host: Host, port: u16, mut silent: watch::Receiver<bool>) {
    let until_silent = async {
        drop(silent.wait_for(|silent| *silent).await);
    };
    match host {
        Host::Unix(folder) => {
            let socket: PathBuf = folder.join(format!(".s.PGSQL.{port}"));
            let mut far = UnixStream::connect(socket).await.expect("the database");
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                () = until_silent => std::future::pending().await,
            }
        }
        Host::Tcp(name) => {
            let far = TcpStream::connect((name.as_str(), port)).await;
            let mut far = far.expect("the database");
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                () = until_silent => std::future::pending().await,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_falls_silent_is_given_up_and_found_again() {
    let stage = Stage::new().await;
    let line = QuietLine::to(stage.url()).await;
    let limits = Limits {
        statement: Duration::from_secs(30),
        answer: Duration::from_millis(400),
        ..Limits::default()
    };
    let pool = Postgres::limited(&line.address, 2, limits).expect("an address");
    let mut unit = AccountUnits::begin(&pool).await.expect("a unit");
    pool.ping().await.expect("it answers");

    line.is_silent.send_replace(true);
    let begun = Instant::now();
    let account = Workspace::personal(msgflash_kernel::Id::new(uuid::Uuid::nil())).account;
    let (locked, pinged) = tokio::join!(unit.keys().count_locked(account, None), pool.ping());
    assert!(
        is_away(&locked) && is_away(&pinged),
        "{locked:?} {pinged:?}"
    );
    // Connecting has a bound of its own.
    assert!(is_away(&pool.ping().await));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");

    line.is_silent.send_replace(false);
    pool.ping().await.expect("it is found again");
}
