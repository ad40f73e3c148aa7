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
    let page = links.page(&format!("/teams/invite?token={}", secret.reveal()));
    Draft {
        kind: "team_invitation",
        subject: format!("Invitation to the team \u{201c}{team}\u{201d} at {product}"),
        before: vec![format!(
            "{inviter} invites you to the team \u{201c}{team}\u{201d} at {product}, as {}. The link \
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
    notice(
        "team_invitation_accepted",
        format!("{member} joined the team \u{201c}{team}\u{201d}"),
        format!(
            "{member} accepted the invitation and is now {} of the team \u{201c}{team}\u{201d} at {}.",
            in_words(role),
            links.product()
        ),
        Some(("Open the team".to_owned(), links.page("/teams"))),
    )
}

/// Tells somebody that they were sent away.
pub(crate) fn removed(links: &PortalLinks, team: &str) -> Draft {
    let product = links.product();
    notice(
        "team_member_removed",
        format!("You were removed from the team \u{201c}{team}\u{201d}"),
        format!(
            "You were removed from the team \u{201c}{team}\u{201d} at {product} and cannot open its \
             workspace any more. Your own workspace stays as it is."
        ),
        None,
    )
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
