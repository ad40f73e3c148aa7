//! One member of a body, whatever was written into it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One member of a body. A wrong type is remembered instead of ending the reading, so that all
/// problems of a body can be told at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Field<T> {
    /// Not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// A value of the right type.
    Valid(T),
    /// A value of another type.
    Wrong,
}

impl<T> Field<T> {
    /// Whether nothing was given. `null` means the same as leaving the member out.
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// The value, if it is of the right type.
    pub const fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(value) => Some(value),
            _ => None,
        }
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Self::Valid)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => serde_json::from_value(value).map_or(Self::Wrong, Self::Valid),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Body {
        text: Field<String>,
        count: Field<u32>,
    }

    #[test]
    fn a_wrong_type_does_not_end_the_reading() {
        let body: Body = serde_json::from_str(r#"{"text": 1, "count": 2, "more": []}"#).unwrap();
        assert_eq!(body.text, Field::Wrong);
        assert_eq!(body.count, Field::Valid(2));
    }

    #[test]
    fn nothing_and_null_are_both_empty() {
        let body: Body = serde_json::from_str(r#"{"text": null}"#).unwrap();
        assert!(body.text.is_empty() && body.count.is_empty());
        assert_eq!((body.text, body.count), (Field::Null, Field::Absent));
    }
}
