//! Commands about teams.

use msgflash_accounts::KeptEntry;
use msgflash_kernel::TeamId;
use msgflash_messaging::events::timestamp;
use msgflash_teams::{Role, Seats, TeamDetail, TeamSummary};
use serde_json::{Value, json};

use super::TeamCommand;
use super::output::{Failure, Output};
use super::user::{find, open};
use crate::api::console::teams::view::{DetailView, SummaryView};
use crate::config::Config;

pub(super) async fn run(config: &Config, command: TeamCommand, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    let desk = &backend.teams;
    match command {
        TeamCommand::List { user } => {
            let user = find(&backend, &user).await?;
            let teams = desk.read.list(user.id).await?;
            let rows: Vec<_> = teams.iter().map(row).collect();
            let values: Vec<_> = teams
                .iter()
                .map(|it| json!(SummaryView::from(it)))
                .collect();
            out.table(&["ID", "NAME", "ROLE", "SEATS", "SINCE"], &rows, &values)
        }
        TeamCommand::Show { id } => {
            let detail = desk.read.detail(team(&id)?).await?;
            out.result(&shown(&detail), text(&detail))
        }
        TeamCommand::Log { id, limit, before } => {
            let entries = desk.audit.of_team(team(&id)?, before, limit).await?;
            let rows: Vec<_> = entries.iter().map(line).collect();
            let values: Vec<_> = entries.iter().map(entry).collect();
            out.table(
                &["TIME", "WHO", "WHAT", "TARGET", "DETAILS"],
                &rows,
                &values,
            )
        }
    }
}

fn team(id: &str) -> Result<TeamId, Failure> {
    TeamId::parse(id).ok_or_else(|| Failure::not_found(format!("there is no team {id}")))
}

fn taken(seats: Seats) -> String {
    let limit = seats
        .limit
        .map_or("no limit".to_owned(), |it| it.to_string());
    format!("{} of {limit}", seats.used())
}

fn row(it: &TeamSummary) -> Vec<String> {
    vec![
        it.team.id.to_string(),
        it.team.name.clone(),
        it.role.as_str().to_owned(),
        taken(it.seats),
        timestamp(it.joined_at),
    ]
}

/// The API's own, without what it says of whoever asks.
fn shown(it: &TeamDetail) -> Value {
    let mut shown = json!(DetailView::new(it, Role::Owner));
    if let Some(members) = shown.as_object_mut() {
        members.remove("role");
        members.remove("isOwner");
    }
    shown
}

fn text(it: &TeamDetail) -> String {
    let mut lines = vec![
        format!("{} ({})", it.team.name, it.team.id),
        format!("seats  {}", taken(it.seats)),
    ];
    lines.extend(it.members.iter().map(|member| {
        let since = timestamp(member.joined_at);
        format!("{}  {}  since {since}", member.role.as_str(), member.email)
    }));
    lines.extend(it.pending.iter().map(|asked| {
        let until = timestamp(asked.invitation.expires_at);
        let email = &asked.invitation.email;
        format!("invited  {email}  until {until}")
    }));
    lines.join("\n")
}

fn line(it: &KeptEntry) -> Vec<String> {
    vec![
        timestamp(it.at),
        it.by_email
            .clone()
            .unwrap_or_else(|| "the operator".to_owned()),
        it.action.clone(),
        format!("{} {}", it.target_kind, it.target_id),
        it.data.to_string(),
    ]
}

fn entry(it: &KeptEntry) -> Value {
    json!({
        "id": it.id.to_string(), "at": timestamp(it.at), "actorUserId": it.by.map(|it| it.to_string()),
        "actorEmail": it.by_email, "action": it.action, "targetKind": it.target_kind,
        "targetId": it.target_id.to_string(), "data": it.data,
    })
}
