//! Several real processes on one database, behind no load balancer: tests choose whom they ask.

use std::net::TcpListener;

use crate::process::Program;
use crate::{Client, Stack, eventually};

/// One process of a fleet, running or not.
pub struct Member {
    /// Where its API answers, or its operations port when it has no API.
    pub base: String,
    settings: Vec<(String, String)>,
    program: Option<Program>,
}

impl Member {
    /// Starts it, and waits until it is ready.
    pub async fn start(&mut self) {
        self.launch().await;
        let probe = Client::new(&self.base, None);
        eventually("the process is ready", async || {
            (probe.try_get("/readyz").await?.status == 200).then_some(())
        })
        .await;
    }

    /// Starts it, and waits until it listens; it may not be ready.
    pub async fn launch(&mut self) {
        self.program = Some(Program::serve(&self.settings).await);
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        self.program.take().expect("a running process").kill();
    }

    /// Asks it to end, and waits until it has; it must end well.
    pub async fn terminate(&mut self) {
        let program = self.program.take().expect("a running process");
        let status = program.terminate().await;
        assert!(status.success(), "{status:?}");
    }

    /// Asks it to end, and does not wait.
    pub fn ask_to_end(&self) {
        let program = self.program.as_ref().expect("a running process");
        program.ask_to_end();
    }
}

/// Processes that accept, and processes that work.
pub struct Fleet {
    /// Those with the API alone.
    pub apis: Vec<Member>,
    /// Those without it.
    pub workers: Vec<Member>,
}

impl Fleet {
    /// Takes over from a stack's own server, on the same database and simulator. The first API
    /// process has the server's address, to which the gateway posts.
    pub async fn over(stack: &mut Stack, apis: usize, workers: usize) -> Self {
        let first = stack.base.trim_start_matches("http://").to_owned();
        stack.stop_server().await;
        let mut fleet = Self {
            apis: (0..apis)
                .map(|n| match n {
                    0 => member(stack, "api", "bind", first.clone()),
                    _ => member(stack, "api", "bind", free_address()),
                })
                .collect(),
            workers: (0..workers)
                .map(|_| member(stack, "worker", "ops_bind", free_address()))
                .collect(),
        };
        for member in fleet.apis.iter_mut().chain(&mut fleet.workers) {
            member.start().await;
        }
        fleet
    }

    /// The same client at each process with the API.
    pub fn clients(&self, client: &Client) -> Vec<Client> {
        self.apis.iter().map(|api| client.at(&api.base)).collect()
    }
}

fn member(stack: &Stack, roles: &str, setting: &str, address: String) -> Member {
    let mut settings = stack.settings().to_vec();
    settings.retain(|(name, _)| name != "bind" && name != "roles");
    let base = format!("http://{address}");
    settings.push(("roles".to_owned(), roles.to_owned()));
    settings.push((setting.to_owned(), address));
    Member {
        base,
        settings,
        program: None,
    }
}

/// An address nobody listens on at this moment.
pub fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").to_string()
}
