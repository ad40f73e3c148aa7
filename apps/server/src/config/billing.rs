//! How plans are offered and who takes the money: the settings as written, and as meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use msgflash_billing::{BillingProvider, Catalogue, Offer};
use msgflash_kernel::Secret;
use msgflash_payments::{DodoConfig, StripeConfig};
use url::Url;

use super::load::Raw;
use super::{Billing, Config};

/// Where Dodo Payments answers.
const DODO: &str = "https://live.dodopayments.com";
/// Where Stripe does.
const STRIPE: &str = "https://api.stripe.com";

impl Billing {
    /// Reads the settings about plans and payments, and the file of plans.
    pub(super) fn read(raw: &Raw) -> Result<Self> {
        let given = (&raw.dodo_api_key, &raw.dodo_webhook_secret, &raw.dodo_url);
        let dodo = Account::read("dodo", DODO, given)?;
        let dodo = dodo.map(|it| DodoConfig {
            base: it.base,
            api_key: it.api_key,
            webhook_secret: it.webhook_secret,
        });
        if let Some(dodo) = &dodo {
            dodo.check().context(settings_of("dodo"))?;
        }
        let given = (
            &raw.stripe_api_key,
            &raw.stripe_webhook_secret,
            &raw.stripe_url,
        );
        let stripe = Account::read("stripe", STRIPE, given)?;
        let stripe = stripe.map(|it| StripeConfig {
            base: it.base,
            api_key: it.api_key,
            webhook_secret: it.webhook_secret,
        });
        if let Some(stripe) = &stripe {
            stripe.check().context(settings_of("stripe"))?;
        }
        let is_set_up = |provider| match provider {
            BillingProvider::Dodo => dodo.is_some(),
            BillingProvider::Stripe => stripe.is_some(),
            BillingProvider::None | BillingProvider::Manual => true,
        };
        let provider = provider(raw.billing_provider.as_deref())?;
        if !is_set_up(provider) {
            let name = provider.as_str().to_uppercase();
            bail!(
                "billing_provider (MSGFLASH_BILLING_PROVIDER) = {} needs MSGFLASH_{name}_API_KEY and \
                 MSGFLASH_{name}_WEBHOOK_SECRET too",
                provider.as_str()
            );
        }
        let catalogue = raw
            .billing_catalogue
            .as_deref()
            .map(catalogue)
            .transpose()?;
        Ok(Self {
            provider,
            catalogue_file: raw.billing_catalogue.clone(),
            catalogue: Arc::new(catalogue.unwrap_or_default()),
            dodo,
            stripe,
        })
    }

    /// Plans on offer that cost something and cannot be bought where purchases are paid: the catalogue
    /// does not say what they are called there.
    pub fn unsellable(&self) -> Vec<&Offer> {
        if self.provider == BillingProvider::Manual {
            return Vec::new();
        }
        let offers = self.catalogue.offers().iter();
        let sold = offers.filter(|it| !it.is_retired && it.price > 0);
        sold.filter(|it| it.product(self.provider).is_none())
            .collect()
    }
}

/// Reads a file of plans. Everything that is wrong with it is told, each with its place.
fn catalogue(file: &Path) -> Result<Catalogue> {
    let named = || {
        format!(
            "billing_catalogue (MSGFLASH_BILLING_CATALOGUE) {}",
            file.display()
        )
    };
    let text = std::fs::read_to_string(file).with_context(named)?;
    Catalogue::parse(&text).with_context(named)
}

fn provider(name: Option<&str>) -> Result<BillingProvider> {
    match name {
        None | Some("manual") => Ok(BillingProvider::Manual),
        Some("dodo") => Ok(BillingProvider::Dodo),
        Some("stripe") => Ok(BillingProvider::Stripe),
        Some(other) => bail!(
            "billing_provider (MSGFLASH_BILLING_PROVIDER) is manual, dodo or stripe, not {other:?}"
        ),
    }
}

fn settings_of(name: &str) -> String {
    let env = format!("MSGFLASH_{}", name.to_uppercase());
    format!(
        "{name}_api_key, {name}_webhook_secret and {name}_url ({env}_API_KEY, {env}_WEBHOOK_SECRET, \
         {env}_URL)"
    )
}

/// A key, the secret of a webhook endpoint and an address, as written.
type Given<'a> = (&'a Option<String>, &'a Option<String>, &'a Option<String>);

/// What every provider needs.
struct Account {
    base: String,
    api_key: Secret<String>,
    webhook_secret: Secret<String>,
}

impl Account {
    /// All of it or nothing; the address has a default.
    fn read(name: &str, usual: &str, given: Given<'_>) -> Result<Option<Self>> {
        let env = format!("MSGFLASH_{}", name.to_uppercase());
        let (api_key, webhook_secret) = match given {
            (Some(key), Some(secret), _) => (key.clone(), secret.clone()),
            (None, None, None) => return Ok(None),
            (Some(_), None, _) => bail!("{env}_API_KEY needs {env}_WEBHOOK_SECRET too"),
            (None, Some(_), _) => bail!("{env}_WEBHOOK_SECRET needs {env}_API_KEY too"),
            (None, None, Some(_)) => bail!("{env}_URL needs {env}_API_KEY too"),
        };
        let base = given.2.clone().unwrap_or_else(|| usual.to_owned());
        // What is printed of settings must hold no key.
        let has_key = |it: &Url| !it.username().is_empty() || it.password().is_some();
        if Url::parse(&base).is_ok_and(|it| has_key(&it)) {
            bail!("{name}_url ({env}_URL) must hold no key");
        }
        Ok(Some(Self {
            base,
            api_key: Secret::new(api_key),
            webhook_secret: Secret::new(webhook_secret),
        }))
    }
}

impl Config {
    /// A setting about plans and payments as it is shown; `None` for other settings.
    pub(super) fn shown_billing(&self, name: &str) -> Option<String> {
        let Billing { dodo, stripe, .. } = &self.billing;
        let hidden = |is_set: bool| if is_set { "(set)" } else { "" }.to_owned();
        let file = |it: &PathBuf| it.display().to_string();
        Some(match name {
            "billing_provider" => self.billing.provider.as_str().to_owned(),
            "billing_catalogue" => self
                .billing
                .catalogue_file
                .as_ref()
                .map(file)
                .unwrap_or_default(),
            "dodo_api_key" | "dodo_webhook_secret" => hidden(dodo.is_some()),
            "dodo_url" => dodo.as_ref().map_or(DODO, |it| it.base.as_str()).to_owned(),
            "stripe_api_key" | "stripe_webhook_secret" => hidden(stripe.is_some()),
            "stripe_url" => stripe
                .as_ref()
                .map_or(STRIPE, |it| it.base.as_str())
                .to_owned(),
            _ => return None,
        })
    }
}
