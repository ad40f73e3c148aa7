//! Opening a connection, over TLS where the address asks for it.
//!
//! | `sslmode` | what happens |
//! |---|---|
//! | `disable` | plain |
//! | `prefer`, or nothing | TLS when the server offers it; plain on this machine |
//! | `require`, `verify-ca`, `verify-full` | TLS, or no connection |
//!
//! Wherever there is TLS, the certificate must be valid for the host by the machine's own list of
//! authorities: encryption without that protects from nobody who can reach the line. A private
//! authority joins the list through `SSL_CERT_FILE`. Unix sockets are always plain.

use std::net::IpAddr;
use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use diesel::QueryableByName;
use diesel::result::{ConnectionError, ConnectionResult};
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, poll_fn};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::warn;

use crate::sql::sql;
use crate::watch;

/// How long reaching the server may take.
const REACH: Duration = Duration::from_secs(5);
/// How long sent bytes may go unacknowledged before the line counts as cut.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// A line that is silent for so long is asked whether anybody is there, and how often.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);
/// What the driver has for "the system's keepalive"; anything else was asked for in the address.
const NOT_ASKED: Duration = Duration::from_hours(2);
/// Longer than any wait for a row that is going well.
const LOCK: Duration = Duration::from_secs(10);
/// A transaction left open holds its locks and keeps dead rows from being cleared away.
const IDLE_IN_TRANSACTION: Duration = Duration::from_mins(1);

/// So many rows are looked up by key in some hundredths of a second.
const LOOK: u32 = 5000;

/// Every statement of ours goes through an index. The planner believes otherwise about tables that
/// were empty when it looked last, as queues are most of the time, and would read them from end to
/// end for each row once they have grown; and it would compile that, which takes longer than any
/// of our statements runs.
const BY_KEY: &str = "-c jit=off -c enable_seqscan=off -c enable_hashjoin=off \
                      -c enable_mergejoin=off";

/// How much may be asked of the database at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One statement; the server ends it then.
    pub statement: Duration,
    /// One answer. Longer than `statement`: it is for a server that cannot even say that it ended
    /// a statement, and costs the connection.
    pub answer: Duration,
    /// How many rows of a list are looked at for one page, whatever few of them fit.
    pub look: u32,
}

impl Limits {
    /// Limits around the time one statement may take.
    pub fn of_statement(statement: Duration) -> Self {
        let answer = statement + Duration::from_secs(5);
        Self {
            statement,
            answer,
            look: LOOK,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of_statement(Duration::from_secs(30))
    }
}

/// What the server says. Nothing moves on a session whose messages nobody reads.
pub(crate) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

/// Opens a connection to `url` for everyday statements.
pub(crate) async fn connect(url: &str, limits: Limits) -> ConnectionResult<AsyncPgConnection> {
    let mut config = parse(url)?;
    named(&mut config, "msgflash");
    // What the address asks for comes later, and the later wins.
    let ours = format!(
        "{BY_KEY} -c statement_timeout={} -c lock_timeout={} \
         -c idle_in_transaction_session_timeout={} {}",
        limits.statement.as_millis(),
        LOCK.as_millis(),
        IDLE_IN_TRANSACTION.as_millis(),
        config.get_options().unwrap_or_default(),
    );
    config.options(ours);
    let (client, messages) = open(&config).await?;
    let mut conn = watch::drive(client, messages, Some(limits.answer)).await?;
    speak_english(&mut conn).await?;
    Ok(conn)
}

/// Asks the server for its own words: `error.rs` knows some errors by their text alone, because the
/// driver hides their codes. This is no start parameter, since the server closes the door on who
/// sends it without the right to set it.
async fn speak_english(conn: &mut AsyncPgConnection) -> ConnectionResult<()> {
    static TOLD: Once = Once::new();
    let language: LanguageRow = sql("SELECT CASE \
           WHEN has_parameter_privilege('lc_messages', 'SET') \
           THEN set_config('lc_messages', 'C', false) \
           ELSE current_setting('lc_messages') END AS language")
    .get_result(conn)
    .await
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    let LanguageRow { language } = language;
    if !is_english(&language) {
        TOLD.call_once(|| {
            warn!(
                lc_messages = language,
                "the database does not speak English to us: errors that pass are taken for failures"
            );
        });
    }
    Ok(())
}

/// Whether a server with this setting speaks English. One without any speaks as its environment
/// does, which nobody can see from here.
fn is_english(lc_messages: &str) -> bool {
    let language = lc_messages.split(['.', '_']).next().unwrap_or_default();
    ["", "C", "POSIX", "en"].contains(&language)
}

#[derive(QueryableByName)]
struct LanguageRow {
    #[diesel(sql_type = Text)]
    language: String,
}

/// Opens a connection to `url` whose statements may take their time, as migrations do.
pub(crate) async fn connect_patient(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let mut config = parse(url)?;
    named(&mut config, "msgflash migrate");
    let (client, messages) = open(&config).await?;
    watch::drive(client, messages, None).await
}

/// Opens a session to `url` that is to hear what others say.
pub(crate) async fn connect_listener(url: &str) -> ConnectionResult<(Client, Messages)> {
    let mut config = parse(url)?;
    named(&mut config, "msgflash listen");
    open(&config).await
}

/// Opens a session to `url` that copies whole tables, in a transaction that may take hours.
pub(crate) async fn connect_copier(url: &str, name: &str) -> ConnectionResult<Client> {
    let mut config = parse(url)?;
    named(&mut config, name);
    let ours = format!(
        "-c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 {}",
        config.get_options().unwrap_or_default(),
    );
    config.options(ours);
    let (client, mut messages) = open(&config).await?;
    // Ends with the client, and tells it of errors.
    tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
    Ok(client)
}

/// So that whoever looks at the server's sessions knows ours, unless the address names them.
fn named(config: &mut Config, name: &str) {
    if config.get_application_name().is_none() {
        config.application_name(name);
    }
}

async fn open(config: &Config) -> ConnectionResult<(Client, Messages)> {
    if config.get_ssl_mode() == SslMode::Disable {
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        return Ok((client, messages(connection)));
    }
    let (client, connection) = config.connect(tls()?).await.map_err(refused)?;
    Ok((client, messages(connection)))
}

fn messages<S>(mut connection: Connection<Socket, S>) -> Messages
where
    S: TlsStream + Unpin + Send + 'static,
{
    poll_fn(move |context| connection.poll_message(context)).boxed()
}

/// Reads an address, settles whether it means TLS, and how a dead line is noticed.
pub(crate) fn parse(url: &str) -> ConnectionResult<Config> {
    let mut config: Config =
        without_verify_modes(url)
            .parse()
            .map_err(|error: tokio_postgres::Error| {
                ConnectionError::InvalidConnectionUrl(why(&error))
            })?;
    let is_socket = config
        .get_hosts()
        .iter()
        .all(|host| !matches!(host, Host::Tcp(_)));
    if (is_socket && config.get_hostaddrs().is_empty())
        || (config.get_ssl_mode() == SslMode::Prefer && is_local(&config))
    {
        config.ssl_mode(SslMode::Disable);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(REACH);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if config.get_keepalives_idle() == NOT_ASKED {
        let (idle, interval, retries) = KEEPALIVE;
        config.keepalives_idle(idle);
        config.keepalives_interval(interval);
        config.keepalives_retries(retries);
    }
    Ok(config)
}

/// The driver knows no `verify-…`. Ours always verifies, so `require` says the same.
fn without_verify_modes(url: &str) -> String {
    let settings = url.find('?').filter(|_| url.contains("://")).unwrap_or(0);
    let (address, settings) = url.split_at(settings);
    let settings = settings
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    format!("{address}{settings}")
}

/// Whether the line never leaves this machine.
fn is_local(config: &Config) -> bool {
    let is_local_host = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_local_host)
        && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// Reads the machine's authorities once: that takes longer than connecting does.
fn tls() -> ConnectionResult<MakeRustlsConnect> {
    static TLS: OnceLock<MakeRustlsConnect> = OnceLock::new();
    if let Some(ready) = TLS.get() {
        return Ok(ready.clone());
    }
    let failed = |error: rustls::Error| {
        ConnectionError::BadConnection(format!("cannot set up TLS: {error}"))
    };
    let mut client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_platform_verifier()
        .map_err(failed)?
        .with_no_client_auth();
    client.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(TLS.get_or_init(|| MakeRustlsConnect::new(client)).clone())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function in map_err"
)]
fn refused(error: tokio_postgres::Error) -> ConnectionError {
    ConnectionError::BadConnection(why(&error))
}

/// The error with its cause, which the driver keeps apart. Neither holds the password.
pub(crate) fn why(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).expect("an address").get_ssl_mode()
    }

    #[test]
    fn the_address_decides_about_tls() {
        for (url, expected) in [
            ("postgres://me@db.example.com/one", SslMode::Prefer),
            (
                "postgres://me@db.example.com/one?sslmode=disable",
                SslMode::Disable,
            ),
            (
                "postgres://me@db.example.com/one?sslmode=require",
                SslMode::Require,
            ),
            (
                "postgres://me@db.example.com/one?sslmode=verify-full",
                SslMode::Require,
            ),
            (
                "postgres://me@db.example.com/one?port=1&sslmode=verify-ca",
                SslMode::Require,
            ),
            (
                "host=db.example.com user=me sslmode=verify-full",
                SslMode::Require,
            ),
            ("postgres://me@127.0.0.1/one", SslMode::Disable),
            ("postgres://me@localhost/one", SslMode::Disable),
            (
                "postgres://me@127.0.0.1/one?sslmode=require",
                SslMode::Require,
            ),
            (
                "postgres://me@localhost,db.example.com/one",
                SslMode::Prefer,
            ),
            ("host=localhost hostaddr=192.0.2.1 user=me", SslMode::Prefer),
            (
                "hostaddr=192.0.2.1 user=me sslmode=require",
                SslMode::Require,
            ),
            ("postgres://me@%2Frun%2Fpg/one", SslMode::Disable),
            (
                "postgres://me@%2Frun%2Fpg/one?sslmode=require",
                SslMode::Disable,
            ),
        ] {
            assert_eq!(mode(url), expected, "{url}");
        }
    }

    #[test]
    fn languages_other_than_english_are_told() {
        for english in ["C", "POSIX", "C.UTF-8", "en_US.utf8", "en", ""] {
            assert!(is_english(english), "{english}");
        }
        for other in ["de_DE.UTF-8", "French_France.1252", "cs", "pt_BR"] {
            assert!(!is_english(other), "{other}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_read_does_not_show_its_password() {
        let refused =
            parse("postgres://me:hunter42@host/one?sslmode=perhaps").expect_err("no mode");
        assert!(!refused.to_string().contains("hunter42"), "{refused}");
    }

    /// Plays a server that answers the question for TLS, and answers the first byte it is sent then.
    async fn first_byte_after(answer: u8) -> (String, tokio::task::JoinHandle<Option<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut question = [0; 8];
            stream
                .read_exact(&mut question)
                .await
                .expect("the question");
            stream.write_all(&[answer]).await.expect("the answer");
            stream.read_u8().await.ok()
        });
        (
            format!("postgres://me@127.0.0.1:{port}/one?sslmode=require"),
            server,
        )
    }

    #[tokio::test]
    async fn nothing_is_said_in_the_clear_when_tls_is_required() {
        let (url, server) = first_byte_after(b'N').await;
        assert!(connect(&url, Limits::default()).await.is_err());
        assert_eq!(server.await.expect("no panic"), None);
    }

    #[tokio::test]
    async fn a_server_that_agrees_is_greeted_in_tls() {
        const HANDSHAKE: u8 = 0x16;
        let (url, server) = first_byte_after(b'S').await;
        assert!(
            connect(&url, Limits::default()).await.is_err(),
            "this server knows no more than that"
        );
        assert_eq!(server.await.expect("no panic"), Some(HANDSHAKE));
    }
}
