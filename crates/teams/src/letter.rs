//! The mails about teams.
//!
//! Whoever invites chooses the team's name and gives an address that may be a stranger's: the mail
//! names the team, in quotation marks, and the inviter by the address they proved to have. It carries no
//! other words of theirs.

use msgflash_accounts::{Draft, OneTimeSecret, PortalLinks};

use crate::invitation::LIFE;
use crate::role::Role;

/// Asks somebody to come.
pub(crate) fn invitation(
    links: &PortalLinks,
    team: &str,
    inviter: &str,
    role: Role,
    secret: &OneTimeSecret,
) -> Draft {
    let product = links.product();
    let team = named(team);
    let page = links.page(&format!("/teams/invite?token={}", secret.reveal()));
    Draft {
        kind: "team_invitation",
        subject: format!("Invitation to {team} at {product}"),
        before: vec![format!(
            "{inviter} invites you to {team} at {product}, as {}. The link \
             works once, within 24 hours, for the account with this address; without an account, you \
             can make one.",
            in_words(role)
        )],
        link: Some(("Answer the invitation".to_owned(), page)),
        after: vec!["If you do not know the sender, ignore this mail.".to_owned()],
        counts_for: Some(LIFE),
    }
}

/// Tells whoever asked that somebody came.
pub(crate) fn accepted(links: &PortalLinks, team: &str, member: &str, role: Role) -> Draft {
    let team = named(team);
    notice(
        "team_invitation_accepted",
        format!("{member} joined {team}"),
        format!(
            "{member} accepted the invitation and is now {} of {team} at {}.",
            in_words(role),
            links.product()
        ),
        Some(("Open the team".to_owned(), links.page("/teams"))),
    )
}

/// Tells somebody that they were sent away.
pub(crate) fn removed(links: &PortalLinks, team: &str) -> Draft {
    let (product, team) = (links.product(), named(team));
    notice(
        "team_member_removed",
        format!("You were removed from {team}"),
        format!(
            "You were removed from {team} at {product} and cannot open its \
             workspace any more. Your own workspace stays as it is."
        ),
        None,
    )
}

/// The team by its name, in quotation marks. A name that mail programs would make a link of, or that
/// steps out of the quotation marks, is left out: the link and the inviter tell enough.
fn named(team: &str) -> String {
    // A host is names with dots between them, of which the last is longer than an initial and no number.
    let is_host = |piece: &str| {
        piece.rsplit_once('.').is_some_and(|(before, top)| {
            !before.is_empty() && top.chars().count() > 1 && top.chars().any(char::is_alphabetic)
        })
    };
    let is_part = |it: char| it.is_alphanumeric() || it == '.' || it == '-';
    let dotted = team.replace(['\u{3002}', '\u{ff0e}', '\u{ff61}'], ".");
    let has_host = dotted
        .split(|it| !is_part(it))
        .map(|it| it.trim_matches('.'))
        .any(is_host);
    let is_link = has_host || team.contains('@') || team.contains("://");
    let quotes = |it: char| "\"\u{201c}\u{201d}\u{201e}\u{201f}\u{ab}\u{bb}".contains(it);
    if is_link || team.contains(quotes) {
        "a team".to_owned()
    } else {
        format!("the team \u{201c}{team}\u{201d}")
    }
}

fn in_words(role: Role) -> &'static str {
    match role {
        Role::Owner => "the owner",
        Role::Admin => "an admin",
        Role::Collaborator => "a collaborator",
    }
}

fn notice(
    kind: &'static str,
    subject: String,
    text: String,
    link: Option<(String, String)>,
) -> Draft {
    Draft {
        kind,
        subject,
        before: vec![text],
        link,
        after: Vec::new(),
        counts_for: None,
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;

    use super::*;

    #[test]
    fn a_name_that_would_become_a_link_or_more_words_of_ours_is_left_out() {
        for name in [
            "Desk",
            "Ben & Jerry\u{2019}s",
            "Dr. Who",
            "v1.2",
            "A.B",
            "24/7 desk",
        ] {
            assert_eq!(
                named(name),
                format!("the team \u{201c}{name}\u{201d}"),
                "{name}"
            );
        }
        for name in [
            "see evil.example",
            "https://evil.example/x",
            "x\u{201d} is closed, call \u{201c}",
            "pay@evil.test",
            "(evil.example)",
            "evil.example/win",
            "evil.example:8080,now",
            "evil.example?x",
            "evil.xn--p1ai",
            "evil\u{3002}example",
        ] {
            assert_eq!(named(name), "a team", "{name}");
        }
    }

    #[test]
    fn an_invitation_leads_to_the_page_that_answers_it_and_counts_for_a_day() {
        let links = PortalLinks::new("https://app.shop.test/");
        let secret = OneTimeSecret::generate(&CountingRandom::default());
        let draft = invitation(&links, "Desk <b>", "max@shop.test", Role::Admin, &secret);
        let page = format!(
            "https://app.shop.test/teams/invite?token={}",
            secret.reveal()
        );
        let mail = draft.render();
        assert!(mail.text.contains(&page) && mail.html.contains(&page));
        assert!(mail.text.contains("max@shop.test") && mail.text.contains("an admin"));
        assert!(mail.html.contains("Desk &lt;b&gt;") && !mail.html.contains("<b>"));
        assert_eq!(draft.counts_for, Some(LIFE));
    }
}
