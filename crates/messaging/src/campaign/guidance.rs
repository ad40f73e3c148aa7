//! The safety guidance for a campaign: that for its number, and what its audience adds.

use time::OffsetDateTime;

use super::ports::AudienceShare;
use crate::instance::Instance;
use crate::safety::{Policy, RiskLevel, Safety, SafetyState, Window};

/// The guidance for a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignSafety {
    /// For the number, with the reasons of the audience.
    pub safety: Safety,
    /// The caps of its state.
    pub limits: Policy,
    /// To whom it goes.
    pub audience: AudienceShare,
}

impl AudienceShare {
    /// A count as a share of all, to three places.
    pub fn ratio(&self, count: u64) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "counts of people")]
        let share = count as f64 / self.total as f64;
        (share * 1000.0).round() / 1000.0
    }
}

/// Assesses a campaign.
pub fn assess(
    instance: &Instance,
    window: &Window,
    audience: AudienceShare,
    now: OffsetDateTime,
) -> CampaignSafety {
    let mut safety = instance.safety(window, now);
    let limits = safety.state.policy();
    let mut add = |reason: String, advice: &str| {
        safety.reasons.push(reason);
        safety.recommendations.push(advice.to_owned());
    };
    if audience.total > limits.max_campaign_recipients {
        add(
            format!(
                "The audience of {} is above the recommended {} recipients of one campaign.",
                audience.total, limits.max_campaign_recipients
            ),
            "Split the audience, and begin with people who have written to you.",
        );
    }
    if audience.ratio(audience.cold) > limits.max_cold_ratio {
        add(
            format!(
                "{:.0} % of the audience were never written to; up to {:.0} % are recommended.",
                audience.ratio(audience.cold) * 100.0,
                limits.max_cold_ratio * 100.0
            ),
            "Leave out people who do not know the number, or write to them little by little.",
        );
    }
    if audience.blocked > 0 {
        add(
            format!(
                "{} of the audience could not be reached the last two times.",
                audience.blocked
            ),
            "Remove the numbers that cannot be reached.",
        );
    }
    let trouble = matches!(safety.state, SafetyState::AtRisk | SafetyState::Restricted);
    safety.risk = match safety.reasons.len() {
        0 => RiskLevel::Low,
        1 if !trouble => RiskLevel::Medium,
        _ => RiskLevel::High,
    };
    CampaignSafety {
        safety,
        limits,
        audience,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, instance};

    fn reasons(audience: AudienceShare) -> (usize, RiskLevel) {
        let it = assess(&instance(), &Window::default(), audience, NOW);
        assert_eq!(it.safety.reasons.len(), it.safety.recommendations.len());
        (it.safety.reasons.len(), it.safety.risk)
    }

    #[test]
    fn people_who_know_the_number_are_no_risk() {
        let known = AudienceShare {
            total: 2000,
            warm: 400,
            cold: 1600,
            ..AudienceShare::default()
        };
        assert_eq!(reasons(known), (0, RiskLevel::Low));
    }

    #[test]
    fn each_thing_that_speaks_against_an_audience_is_a_reason() {
        let large = AudienceShare {
            total: 2001,
            warm: 2001,
            ..AudienceShare::default()
        };
        assert_eq!(reasons(large), (1, RiskLevel::Medium));
        let strangers = AudienceShare {
            total: 100,
            cold: 81,
            warm: 17,
            unknown: 1,
            blocked: 1,
        };
        assert_eq!(reasons(strangers), (2, RiskLevel::High));
    }

    #[test]
    fn shares_have_three_places_and_nobody_is_no_share() {
        let it = AudienceShare {
            total: 120,
            cold: 75,
            unknown: 27,
            ..AudienceShare::default()
        };
        assert_eq!((it.ratio(75), it.ratio(27)), (0.625, 0.225));
        let nobody = AudienceShare::default().ratio(0);
        let third = AudienceShare { total: 3, ..it }.ratio(1);
        assert_eq!((nobody, third), (0.0, 0.333));
    }
}
