//! What we give providers at checkout, so that each of their events says where it began.

use msgflash_billing::{CheckoutOrder, Origin};
use msgflash_kernel::Id;
use serde_json::Value;

use crate::transport::text;

/// Names in metadata, which others may share with us.
const ACCOUNT: &str = "msgflash_account";
const PLAN: &str = "msgflash_plan";
const CHECKOUT: &str = "msgflash_checkout";

/// What metadata is to say about a purchase, by its names.
pub(crate) fn metadata(order: &CheckoutOrder) -> [(&'static str, String); 3] {
    [
        (ACCOUNT, order.account.to_string()),
        (PLAN, order.plan.clone()),
        (CHECKOUT, order.checkout.to_string()),
    ]
}

/// What metadata says about it.
pub(crate) fn origin(metadata: &Value) -> Origin {
    let id = |name: &str| metadata[name].as_str();
    Origin {
        account: id(ACCOUNT).and_then(Id::parse),
        plan: text(&metadata[PLAN]),
        checkout: id(CHECKOUT).and_then(Id::parse),
    }
}
