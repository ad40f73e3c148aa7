//! Where providers say that a purchase is paid.

use msgflash_billing::{CheckoutPage, ProviderError};
use serde_json::Value;

use crate::transport::text;

/// The page that an answer tells of, with the names of its fields there.
pub(crate) fn page(
    answer: &Value,
    reference: &str,
    url: &str,
) -> Result<CheckoutPage, ProviderError> {
    let page = text(&answer[reference]).zip(text(&answer[url]));
    let (reference, url) =
        page.ok_or_else(|| ProviderError::Refused("it tells no page".to_owned()))?;
    Ok(CheckoutPage { reference, url })
}
