//! Commands about teams.

use msgflash_accounts::KeptEntry;
use msgflash_kernel::TeamId;
use msgflash_messaging::events::timestamp;
use msgflash_teams::{Seats, TeamDetail, TeamSummary};
use serde_json::{Value, json};

use super::TeamCommand;
use super::output::{Failure, Output};
use super::user::{find, open};
use crate::config::Config;

pub(super) async fn run(config: &Config, command: TeamCommand, out: Output) -> Result<(), Failure> {
    let (_database, backend) = open(config).await?;
    let desk = &backend.teams;
    match command {
        TeamCommand::List { user } => {
            let user = find(&backend, &user).await?;
            let teams = desk.read.list(user.id).await?;
            let rows: Vec<_> = teams.iter().map(row).collect();
            let values: Vec<_> = teams.iter().map(summary).collect();
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

fn summary(it: &TeamSummary) -> Value {
    json!({
        "id": it.team.id.to_string(), "name": it.team.name, "role": it.role.as_str(),
        "ownerUserId": it.team.owner.to_string(), "seats": seats(it.seats),
        "joinedAt": timestamp(it.joined_at), "createdAt": timestamp(it.team.created_at),
    })
}

fn seats(it: Seats) -> Value {
    json!({
        "limit": it.limit, "active": it.active, "pending": it.pending, "used": it.used(),
        "available": it.available(),
    })
}

fn shown(it: &TeamDetail) -> Value {
    let members = it.members.iter().map(|member| {
        json!({
            "id": member.user.to_string(), "email": member.email, "fullName": member.full_name,
            "role": member.role.as_str(), "joinedAt": timestamp(member.joined_at),
        })
    });
    let pending = it.pending.iter().map(|asked| {
        json!({
            "id": asked.invitation.id.to_string(), "email": asked.invitation.email,
            "role": asked.invitation.role.as_str(),
            "expiresAt": timestamp(asked.invitation.expires_at),
        })
    });
    json!({
        "id": it.team.id.to_string(), "name": it.team.name,
        "ownerUserId": it.team.owner.to_string(), "seats": seats(it.seats),
        "createdAt": timestamp(it.team.created_at), "members": members.collect::<Vec<_>>(),
        "pendingInvitations": pending.collect::<Vec<_>>(),
    })
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
