//! What we give providers at checkout, so that each of their events says where it began.

use msgflash_billing::Origin;
use msgflash_kernel::Id;
use serde_json::Value;

use crate::transport::text;

/// Names in metadata, which others may share with us.
pub(crate) const ACCOUNT: &str = "msgflash_account";
pub(crate) const PLAN: &str = "msgflash_plan";
pub(crate) const CHECKOUT: &str = "msgflash_checkout";

/// What metadata says about it.
pub(crate) fn origin(metadata: &Value) -> Origin {
    let id = |name: &str| metadata[name].as_str();
    Origin {
        account: id(ACCOUNT).and_then(Id::parse),
        plan: text(&metadata[PLAN]),
        checkout: id(CHECKOUT).and_then(Id::parse),
    }
}
