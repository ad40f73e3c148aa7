//! Asking about numbers: what is known first, the provider about the rest.

use std::collections::HashMap;
use std::sync::Arc;

use msgflash_kernel::{Clock, Phone, StoreError};
use time::Duration;

use super::ports::CheckReader;
use super::{PART, Verdict};
use crate::instance::Instance;
use crate::provider::{Address, NumberCheck, ProviderError, WhatsAppProvider};

/// How long somebody may be kept waiting for all answers. No further call is begun after that.
const PATIENCE: Duration = Duration::seconds(40);

/// Asks about numbers.
pub struct AskNumbers {
    checks: Arc<dyn CheckReader>,
    provider: Arc<dyn WhatsAppProvider>,
    clock: Arc<dyn Clock>,
}

/// What was found out.
#[derive(Debug)]
pub(super) struct Answers {
    /// What is known of each number, in the order asked; of all of them when nothing failed.
    pub(super) verdicts: Vec<Verdict>,
    /// Those that nobody knew before.
    pub(super) fresh: Vec<Verdict>,
    /// Why the others are not known.
    pub(super) failure: Option<ProviderError>,
}

impl AskNumbers {
    /// Wires it.
    pub fn new(
        checks: Arc<dyn CheckReader>,
        provider: Arc<dyn WhatsAppProvider>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            checks,
            provider,
            clock,
        }
    }

    /// Asks about numbers that all differ, call after call, until one fails. No unit may be open.
    pub(super) async fn ask(
        &self,
        instance: &Instance,
        phones: &[Phone],
    ) -> Result<Answers, StoreError> {
        let begun = self.clock.now();
        let known = self.checks.known(instance.account, phones, begun).await?;
        let mut known: HashMap<Phone, Option<Phone>> =
            known.into_iter().map(|it| (it.asked, it.found)).collect();
        let unknown: Vec<Phone> = phones
            .iter()
            .filter(|phone| !known.contains_key(phone))
            .copied()
            .collect();
        let (mut fresh, mut failure) = (Vec::new(), None);
        for part in unknown.chunks(PART) {
            if self.clock.now() - begun > PATIENCE {
                failure = Some(ProviderError::Timeout);
                break;
            }
            let answered = match self.provider.check_numbers(&instance.session, part).await {
                Ok(answers) => answers.iter().filter_map(verdict).collect::<Vec<_>>(),
                Err(cause) => {
                    failure = Some(cause);
                    break;
                }
            };
            let before = fresh.len();
            for verdict in answered {
                if part.contains(&verdict.asked) && !known.contains_key(&verdict.asked) {
                    known.insert(verdict.asked, verdict.found);
                    fresh.push(verdict);
                }
            }
            if fresh.len() - before < part.len() {
                let cause = "numbers were left out of an answer".to_owned();
                failure = Some(ProviderError::Failed(cause));
                break;
            }
        }
        let verdicts = phones.iter().filter_map(|&asked| {
            let found = *known.get(&asked)?;
            Some(Verdict { asked, found })
        });
        Ok(Answers {
            verdicts: verdicts.collect(),
            fresh,
            failure,
        })
    }
}

/// What one answer says. A number known by an opaque address alone is reached by the one asked.
fn verdict(check: &NumberCheck) -> Option<Verdict> {
    let asked = Phone::from_e164(&check.asked).ok()?;
    let found = check.address.as_ref().map(|address| match address {
        Address::Phone(phone) => *phone,
        Address::Lid(_) | Address::Other => asked,
    });
    Some(Verdict { asked, found })
}
