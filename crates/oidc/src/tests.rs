//! What a provider may answer, and what is believed of it.

mod fake;
mod limits;
mod tokens;

use msgflash_accounts::{ExternalIdentity, ProviderError};

/// The words of a refusal.
fn refusal(outcome: Result<ExternalIdentity, ProviderError>) -> String {
    match outcome {
        Err(ProviderError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}
