//! One MsgFlash.

use evolution_simulator::{Options, Running, Simulator};
use msgflash_server::config::Config;
use msgflash_server::serve::Server;
use msgflash_testkit::TestDatabase;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::NoTls;
use tokio_postgres::types::ToSql;

use crate::client::Client;
use crate::{Account, Reply};

/// The key between the server and the simulator.
pub const GATEWAY_KEY: &str = "test-gateway-key";

/// A server with its database and its simulator. Fields drop in the order they are listed.
pub struct Stack {
    /// The running server; `None` after [`Stack::stop_server`].
    pub server: Option<Server>,
    /// The simulated gateway.
    pub simulator: Running,
    /// The database.
    pub database: TestDatabase,
    /// The address of the API.
    pub base: String,
    settings: Vec<(String, String)>,
    /// Where uploads lie.
    pub uploads: TempDir,
}

impl Stack {
    /// A stack whose simulator answers without delays and whose lanes do not pace.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of its own, by their names in `msgflash.toml`.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::on(TestDatabase::create().await, settings).await
    }

    /// The same on a database of the test's choice.
    pub async fn on(database: TestDatabase, settings: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let simulator = Simulator::start(Options {
            bind: "127.0.0.1:0".parse().expect("an address"),
            // Of its own, so that a gateway that is down refuses connections and still obeys.
            control_bind: Some("127.0.0.1:0".parse().expect("an address")),
            api_key: GATEWAY_KEY.to_owned(),
            time_scale: 0.0,
            ..Options::default()
        })
        .expect("the simulator starts");
        let uploads = TempDir::new().expect("a folder");
        let media_dir = uploads.path().join("media").display().to_string();
        let mut all = vec![
            ("media_dir".to_owned(), media_dir),
            ("database_url".to_owned(), database.url().to_owned()),
            ("database_pool".to_owned(), "8".to_owned()),
            ("bind".to_owned(), "127.0.0.1:0".to_owned()),
            ("evolution_url".to_owned(), simulator.url()),
            ("evolution_api_key".to_owned(), GATEWAY_KEY.to_owned()),
            ("allow_private_targets".to_owned(), "true".to_owned()),
            ("pace_ms".to_owned(), "0".to_owned()),
            ("rate_limit_per_second".to_owned(), "10000".to_owned()),
            ("shutdown_seconds".to_owned(), "2".to_owned()),
            ("drain_seconds".to_owned(), "0".to_owned()),
        ];
        for (name, value) in settings {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let mut stack = Self {
            server: None,
            simulator,
            database,
            base: String::new(),
            settings: all,
            uploads,
        };
        stack.start_server().await;
        stack
    }

    /// Starts the server (again) on the same database and simulator.
    pub async fn start_server(&mut self) {
        let config = Config::load(None, &self.settings).expect("valid settings");
        let server = Server::start(config).await.expect("the server starts");
        self.base = server.base();
        self.server = Some(server);
    }

    /// Stops the server in an orderly way.
    pub async fn stop_server(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Starts the server again with another setting.
    pub async fn restart_with(&mut self, name: &str, value: &str) {
        self.stop_server().await;
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self.start_server().await;
    }

    /// The settings the server runs with, for a process of its own.
    pub fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// The running server.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("the server runs")
    }

    /// A client without a key.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None)
    }

    /// A client with a key.
    pub fn client(&self, key: &str) -> Client {
        Client::new(&self.base, Some(key))
    }

    /// A fresh account on a plan, with a key.
    pub async fn account(&self, plan: &str) -> Account {
        Account::create(self, plan).await
    }

    /// Runs SQL for what has no route yet; answers the number of rows. The server in this process
    /// forgets what it remembers of callers and instances, as it does when its own commands change something.
    pub async fn sql(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> u64 {
        let done = self.connection().await.execute(text, values).await;
        if let Some(server) = &self.server {
            server.backend().principals.forget_all();
            server.backend().recent.forget_all();
        }
        done.expect("the statement runs")
    }

    /// Reads rows for what no route tells.
    pub async fn rows(
        &self,
        text: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Vec<tokio_postgres::Row> {
        self.connection()
            .await
            .query(text, values)
            .await
            .expect("the query runs")
    }

    /// A number from the database.
    pub async fn count(&self, text: &str, values: &[&(dyn ToSql + Sync)]) -> i64 {
        let rows = self.rows(text, values).await;
        rows.first().map_or(0, |row| row.get(0))
    }

    /// A session of its own; what it holds is let go when it is dropped.
    pub async fn connection(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(self.database.url(), NoTls)
            .await
            .expect("the database answers");
        tokio::spawn(connection);
        client
    }

    /// The simulator's control API.
    pub fn switchboard(&self) -> Client {
        Client::new(&self.simulator.control_url(), None)
    }

    /// Calls the simulator's control API.
    pub async fn control(&self, path: &str, body: Value) -> Reply {
        self.switchboard()
            .post(&format!("/simulator/{path}"), &body)
            .await
    }

    /// What really left the simulated phone to a number: each message as the simulator lists it.
    pub async fn received_by(&self, number: &str) -> Vec<Value> {
        let number = number.trim_start_matches('+');
        let path = format!("/simulator/messages?number={number}");
        let reply = self.switchboard().get(&path).await;
        let list = reply.json.get("messages").cloned().unwrap_or(reply.json);
        list.as_array().cloned().unwrap_or_default()
    }

    /// Lets the simulated phone scan an instance's code.
    pub async fn scan(&self, session: &str, number: &str) {
        let body = json!({ "number": number });
        let reply = self
            .control(&format!("instances/{session}/scan"), body)
            .await;
        assert!(reply.status < 300, "the scan was refused: {reply:?}");
    }
}
