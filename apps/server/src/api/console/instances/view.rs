//! Instances as their owners see them.

use msgflash_messaging::Instance;
use msgflash_messaging::provider::Pairing;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v1::instances::view::InstanceView;
use crate::http::Problem;
use crate::http::qr;

/// A WhatsApp number, and whose it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnInstance)]
pub struct OwnInstanceView {
    /// The account it belongs to.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// The instance.
    #[serde(flatten)]
    pub instance: InstanceView,
}

impl From<&Instance> for OwnInstanceView {
    fn from(it: &Instance) -> Self {
        Self {
            user_id: it.account.to_string(),
            instance: InstanceView::from(it),
        }
    }
}

/// What links a phone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceLink)]
pub struct LinkView {
    /// The instance.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// A picture to scan, as the address of an image in itself; `null` with a pairing code, when it
    /// is linked already, and while there is none yet.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo…")]
    pub qr_code: Option<String>,
    /// Eight characters to type on the phone, shown in two halves.
    #[schema(example = "K7QX-2M9D")]
    pub pairing_code: Option<String>,
    /// `connecting`, or `open` when it is linked already.
    #[schema(example = "connecting")]
    pub state: &'static str,
}

impl LinkView {
    /// How a link that is being made looks: with the code that was asked for, not with both.
    pub fn new(id: &str, pairing: &Pairing, wants_code: bool) -> Result<Self, Problem> {
        let mut view = Self {
            instance_id: id.to_owned(),
            qr_code: None,
            pairing_code: None,
            state: "connecting",
        };
        match pairing {
            Pairing::AlreadyOpen => view.state = "open",
            Pairing::NotYet => {}
            Pairing::Code { pairing, .. } if wants_code => {
                view.pairing_code = pairing.as_deref().map(halves);
            }
            Pairing::Code { qr, .. } => view.qr_code = Some(qr::data_url(qr)?),
        }
        Ok(view)
    }
}

/// A pairing code as phones show it.
fn halves(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let (first, second) = letters.split_at(letters.len() / 2);
    let half = |part: &[char]| part.iter().collect::<String>();
    format!("{}-{}", half(first), half(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_code_is_shown_in_halves() {
        assert_eq!(halves("K7QX2M9D"), "K7QX-2M9D");
        assert_eq!(halves(""), "-");
    }

    #[test]
    fn who_named_a_number_gets_its_code_and_nobody_gets_both() {
        let both = Pairing::Code {
            qr: "2@x".into(),
            pairing: Some("K7QX2M9D".into()),
        };
        let typed = LinkView::new("i", &both, true).expect("a view");
        assert_eq!(typed.pairing_code.as_deref(), Some("K7QX-2M9D"));
        assert_eq!(typed.qr_code, None);
        let scanned = LinkView::new("i", &both, false).expect("a view");
        assert_eq!(scanned.pairing_code, None);
        assert!(scanned.qr_code.is_some());
    }
}
