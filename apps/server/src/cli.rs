//! The command line: one file per family of commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Flags};

mod backup;
mod billing;
mod config;
mod instance;
mod key;
mod output;
mod plans;
mod store;
mod team;
mod user;

pub use billing::{BillingCommand, ConfirmArgs};
pub use output::{Failure, Output};
pub use plans::PlansCommand;

/// Exit codes, as `msgflash --help` tells them.
pub mod exit {
    /// The command could not do its work.
    pub const FAILED: u8 = 1;
    /// The command line is wrong. clap uses it too.
    pub const USAGE: u8 = 2;
    /// A setting is wrong or missing.
    pub const CONFIG: u8 = 3;
    /// The thing named does not exist.
    pub const NOT_FOUND: u8 = 4;
    /// The database or the gateway is out of reach.
    pub const UNAVAILABLE: u8 = 5;
}

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "msgflash",
    version,
    about = "An open, self-hosted WhatsApp messaging server",
    after_help = "A first look: `msgflash demo` starts everything with a simulated phone.\n\
        With a real gateway:\n  \
        MSGFLASH_EVOLUTION_URL=http://127.0.0.1:8080 MSGFLASH_EVOLUTION_API_KEY=… msgflash serve\n  \
        msgflash user create --email you@example.com --password … --name 'Your Name'\n  \
        msgflash instance create --user you@example.com --name Shop\n  \
        msgflash instance connect <id>     (scan the QR code with the phone)\n  \
        msgflash key create --user you@example.com --name backend\n\n\
        Settings come from msgflash.toml, then the environment, then flags; `msgflash config print`\n\
        lists them all.\n\n\
        Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong configuration, 4 not found,\n\
        5 database or gateway out of reach."
)]
pub struct Cli {
    /// Settings and output, accepted by every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The configuration file, instead of ./msgflash.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Any setting by its name in the file, such as `--set pace_ms=500`; repeatable
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Answer in JSON, with the field names of the API
    #[arg(long, global = true)]
    pub json: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server: the API, the workers, or both
    ///
    /// Without `DATABASE_URL` a private PostgreSQL is started in the data directory and stopped at
    /// the end. Migrations that are missing are applied first. SIGTERM and Ctrl-C stop accepting,
    /// finish the calls in hand and leave.
    Serve(ServeArgs),
    /// Start everything with a simulated phone and send messages through the public API
    ///
    /// Starts the server, the Evolution simulator and a webhook receiver in this process, makes a
    /// demo account, an instance and an API key, sends a text, an image and a scheduled message,
    /// verifies the signed webhooks and prints what happened to each message.
    Demo(DemoArgs),
    /// Bring the database schema up to date
    Migrate(MigrateArgs),
    /// Copy everything in the database into one file, while the server runs
    ///
    /// The file is one consistent moment, checked when it is restored, and holds secrets: phone
    /// numbers, message texts, hashes of keys and passwords, keys that sign sessions. It appears under its name when it is
    /// whole, and takes the place of one that is there.
    Backup(BackupArgs),
    /// Fill an empty database from a backup of this version or an older one
    ///
    /// All or nothing. Stop the server the backup came from first, and do not start it again. Queued
    /// messages may have been sent since the backup was made, so none is sent by itself: the server
    /// looks each of them up at the gateway.
    Restore(RestoreArgs),
    /// Print the OpenAPI document of the running code
    Openapi,
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make accounts and choose their plans
    #[command(subcommand)]
    User(UserCommand),
    /// Check a file of plans, and list those on offer
    #[command(subcommand)]
    Plans(PlansCommand),
    /// Confirm payments made by hand, and look at what payment providers told
    #[command(subcommand)]
    Billing(BillingCommand),
    /// Change the key that signs sessions
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Make WhatsApp numbers and link phones to them
    #[command(subcommand)]
    Instance(InstanceCommand),
    /// Look at teams, and at what was done in them
    #[command(subcommand)]
    Team(TeamCommand),
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// What this process does: api, worker, or api,worker
    #[arg(long, value_name = "ROLES")]
    pub roles: Option<String>,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<String>,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Leave when every step was seen; exit code 0 only then
    #[arg(long)]
    pub once: bool,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    pub bind: Option<String>,
}

/// `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Take every migration back, newest first. This deletes all data
    #[arg(long)]
    pub revert_all: bool,
}

/// `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Where to write it; `-` for standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The gateway has lost nothing since the backup was made, and was not restored itself: send the
    /// queued messages it does not show. Without this they fail, for they may have been sent
    #[arg(long)]
    pub gateway_intact: bool,
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check every setting, and that the database and the gateway answer
    Check,
    /// Print every setting with its value, secrets hidden
    Print,
}

/// `user`.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account, on the free plan unless told otherwise
    Create {
        /// The address the person signs in with
        #[arg(long)]
        email: String,
        /// At least 8 characters
        #[arg(long)]
        password: String,
        /// Full name, 2 to 100 characters
        #[arg(long)]
        name: String,
        /// The plan's code, such as pro
        #[arg(long)]
        plan: Option<String>,
    },
    /// Put an account on a plan at once, without a payment and without an end
    ///
    /// What a payment provider charges for ends. A plan that allows less takes what is beyond it: instances
    /// are suspended, API keys revoked, webhooks switched off.
    SetPlan {
        /// The account: its address or id
        #[arg(long)]
        user: String,
        /// The plan's code, such as pro
        #[arg(long)]
        plan: String,
    },
    /// Shut an account: its keys open nothing, its sessions end, and nobody signs in to it
    Suspend {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
    /// End every session of an account: whoever is signed in signs in anew
    SignOut {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
    /// Open an account that was shut; its keys work again, and people sign in anew
    Reactivate {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
}

/// `signing-key`.
#[derive(Debug, Subcommand)]
pub enum SigningKeyCommand {
    /// Let a new key sign, in every process within a minute. The one before verifies until its last
    /// session has ended, so nobody is signed out
    Rotate,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make an API key; its secret is shown once
    Create {
        /// The account: its address or id
        #[arg(long)]
        user: String,
        /// A label, 1 to 100 characters
        #[arg(long)]
        name: String,
    },
    /// List an account's keys
    List {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
    /// Revoke a key; it stops working at once
    Revoke {
        /// The key's id
        id: String,
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
}

/// `team`.
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// List the teams an account owns or joined
    List {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
    /// Show a team: its seats, its members and who is invited
    Show {
        /// The team's id
        id: String,
    },
    /// Show what was done in a team, the newest first: by whom, to whom or what, and when. Also of a
    /// team that was deleted
    Log {
        /// The team's id
        id: String,
        /// How many entries
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only what is older than the entry with this id
        #[arg(long, value_name = "ID")]
        before: Option<uuid::Uuid>,
    },
}

/// `instance`.
#[derive(Debug, Subcommand)]
pub enum InstanceCommand {
    /// Make an instance, here and at the gateway
    Create {
        /// The account: its address or id
        #[arg(long)]
        user: String,
        /// A label, 1 to 100 characters
        #[arg(long)]
        name: String,
    },
    /// Link a phone: shows the QR code here and waits until it was scanned
    Connect {
        /// The instance's id
        id: String,
        /// The account: its address or id. Needed only when you have several accounts' ids at hand
        #[arg(long)]
        user: Option<String>,
        /// Ask for a pairing code for this number instead of a QR code
        #[arg(long)]
        phone: Option<String>,
        /// Print the code and leave without waiting
        #[arg(long)]
        no_wait: bool,
    },
    /// Say how an instance sends
    Set {
        /// The instance's id
        id: String,
        /// The account: its address or id
        #[arg(long)]
        user: Option<String>,
        /// Send buttons natively instead of as numbered text. Many phones do not show them
        #[arg(long)]
        native_buttons: Option<bool>,
        /// Whether the number is a WhatsApp Business account; `false` refuses buttons
        #[arg(long)]
        business: Option<bool>,
    },
    /// List an account's instances
    List {
        /// The account: its address or id
        #[arg(long)]
        user: String,
    },
}

impl Cli {
    /// The settings the command line brings.
    fn flags(&self) -> Flags {
        let mut flags = self.global.set.clone();
        let mut add = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                flags.push((name.to_owned(), value.clone()));
            }
        };
        match &self.command {
            Command::Serve(args) => {
                add("roles", args.roles.as_ref());
                add("bind", args.bind.as_ref());
            }
            Command::Demo(args) => add("bind", args.bind.as_ref()),
            _ => {}
        }
        flags
    }

    /// Does what was asked.
    pub async fn run(self) -> Result<(), Failure> {
        let out = Output::new(self.global.json);
        if matches!(self.command, Command::Openapi) {
            return out.document(&crate::openapi::document());
        }
        if let Command::Plans(PlansCommand::Check { file }) = &self.command {
            return plans::check(file, out);
        }
        let config = Config::load(self.global.config.as_deref(), &self.flags())
            .map_err(|error| Failure::config(&error))?;
        let _logging = crate::logging::start(&config, matches!(self.command, Command::Serve(_)));
        match self.command {
            Command::Openapi | Command::Plans(PlansCommand::Check { .. }) => Ok(()),
            Command::Plans(PlansCommand::List) => plans::list(&config, out).await,
            Command::Billing(command) => billing::run(&config, command, out).await,
            Command::Serve(_) => crate::serve::run(config).await.map_err(Failure::from),
            Command::Demo(args) => crate::demo::run(config, args.once, out).await,
            Command::Migrate(args) => store::migrate(&config, args.revert_all, out).await,
            Command::Backup(args) => backup::back_up(&config, &args.file, out).await,
            Command::Restore(args) => {
                backup::restore(&config, &args.file, args.gateway_intact, out).await
            }
            Command::Config(ConfigCommand::Print) => config::print(&config, out),
            Command::Config(ConfigCommand::Check) => config::check(&config, out).await,
            Command::User(command) => user::run(&config, command, out).await,
            Command::SigningKey(SigningKeyCommand::Rotate) => {
                user::rotate_signing_key(&config, out).await
            }
            Command::Key(command) => key::run(&config, command, out).await,
            Command::Instance(command) => instance::run(&config, command, out).await,
            Command::Team(command) => team::run(&config, command, out).await,
        }
    }
}
