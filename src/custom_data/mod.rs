//! The `custom_data` object of an event: the lead's value and currency, its order id, and what users add.
//!
//! Cells go in as text and come out as JSON. Amounts and numbers keep the digits they were written with; nothing here
//! ever passes through a float. Amounts that can be read two ways are refused.

mod amount;
mod currency;
mod marks;
mod money;

pub(crate) use amount::{Amount, DecimalMark};
pub(crate) use currency::currency;
pub(crate) use iso_currency::Currency;
pub(crate) use marks::{Amounts, MarkEvidence};
pub(crate) use money::money;

use crate::cell::is_nothing;
use crate::json::{Object, member, name_of_member, write_text};

/// Keys that hold what Meta defines; `custom.NAME` cannot take their place.
const RESERVED: [&str; 5] = [
    "currency",
    "event_source",
    "lead_event_source",
    "order_id",
    "value",
];

/// The name of a `custom.NAME` field, its JSON prepared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CustomKey {
    name: String,
    /// What stands before its value in JSON.
    member: Vec<u8>,
}

/// A name that `custom_data` has no room for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnusableKey {
    /// The name is empty.
    #[error("custom. needs a name after the dot")]
    Empty,
    /// The name is one of Meta's own.
    #[error("custom.{0} would overwrite one of Meta's own keys, use another name")]
    Reserved(String),
}

impl CustomKey {
    /// Prepares a name, which is what follows `custom.` in a mapping.
    pub(crate) fn new(name: &str) -> Result<Self, UnusableKey> {
        if name.is_empty() {
            return Err(UnusableKey::Empty);
        }
        if RESERVED.contains(&name) {
            return Err(UnusableKey::Reserved(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            member: name_of_member(name),
        })
    }

    /// The name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// What a user's own column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CustomValue<'a> {
    /// A number that JSON can hold as it is written.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// Anything else.
    Text(&'a str),
}

impl<'a> CustomValue<'a> {
    /// Reads a cell; None where it says that there is no value.
    ///
    /// Ids stay text: what has a leading zero or `+`, an exponent, or more digits than a float holds exactly.
    pub(crate) fn of(cell: &'a str) -> Option<Self> {
        let text = cell.trim();
        if is_nothing(text) {
            return None;
        }
        Some(match text {
            _ if text.eq_ignore_ascii_case("true") => CustomValue::Bool(true),
            _ if text.eq_ignore_ascii_case("false") => CustomValue::Bool(false),
            _ if is_plain_number(text) => CustomValue::Number(text),
            _ => CustomValue::Text(text),
        })
    }
}

fn is_plain_number(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole)
        && are_digits(fraction)
        && (whole == "0" || !whole.starts_with('0'))
        && text.bytes().filter(u8::is_ascii_digit).count() <= 15
}

/// What a lead is worth.
pub(crate) type Worth = (Amount, Currency);

/// The custom data of one event. Its parts borrow the row's cells; one value serves all rows of a chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct CustomData<'a> {
    /// What the lead is worth; Meta takes no amount without its currency.
    pub value: Option<Worth>,
    /// Order id.
    pub order_id: Option<&'a str>,
    customs: Vec<(&'a CustomKey, CustomValue<'a>)>,
}

impl<'a> CustomData<'a> {
    /// None yet, with room for so many values of the user's own.
    pub(crate) fn with_room(customs: usize) -> Self {
        Self {
            customs: Vec::with_capacity(customs),
            ..Self::default()
        }
    }

    #[cfg(test)]
    /// Forgets the row, keeps the room.
    pub(crate) fn clear(&mut self) {
        self.value = None;
        self.order_id = None;
        self.customs.clear();
    }

    /// About as many bytes as its JSON has.
    pub(crate) fn size(&self) -> usize {
        let customs = self.customs.iter().map(|(key, value)| match value {
            CustomValue::Number(text) | CustomValue::Text(text) => key.member.len() + text.len(),
            CustomValue::Bool(_) => key.member.len(),
        });
        self.order_id.map_or(0, str::len) + customs.sum::<usize>()
    }

    /// Adds a user's own value. Of several with one name the first stays.
    pub(crate) fn add(&mut self, key: &'a CustomKey, value: CustomValue<'a>) {
        if let Err(place) = self
            .customs
            .binary_search_by(|(known, _)| known.name.cmp(&key.name))
        {
            self.customs.insert(place, (key, value));
        }
    }

    /// Appends the object, keys in alphabetical order. `lead_event_source` is the CRM's name.
    ///
    /// Shape: <https://developers.facebook.com/docs/marketing-api/conversions-api/conversion-leads-integration/payload-specification>
    pub(crate) fn write_json(&self, out: &mut Vec<u8>, lead_event_source: &str) {
        let mut object = Object::begin(out);
        let mut customs = self.customs.iter().peekable();
        for reserved in RESERVED {
            while let Some((key, value)) = customs.next_if(|(key, _)| key.name.as_str() < reserved)
            {
                write_custom(&mut object, key, *value);
            }
            self.write_reserved(&mut object, reserved, lead_event_source);
        }
        for (key, value) in customs {
            write_custom(&mut object, key, *value);
        }
        object.end();
    }

    fn write_reserved(&self, object: &mut Object<'_>, name: &str, lead_event_source: &str) {
        match (name, self.value, self.order_id) {
            ("currency", Some((_, currency)), _) => {
                write_text(object.member(member!("currency")), currency.code())
            }
            ("event_source", ..) => _ = object.member(b",\"event_source\":\"crm\""),
            ("lead_event_source", ..) => write_text(
                object.member(member!("lead_event_source")),
                lead_event_source,
            ),
            ("order_id", _, Some(order_id)) => {
                write_text(object.member(member!("order_id")), order_id)
            }
            ("value", Some((amount, _)), _) => amount.write_json(object.member(member!("value"))),
            _ => {}
        }
    }
}

fn write_custom(object: &mut Object<'_>, key: &CustomKey, value: CustomValue<'_>) {
    let out = object.member(&key.member);
    match value {
        CustomValue::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        CustomValue::Bool(flag) => out.extend_from_slice(if flag { b"true" } else { b"false" }),
        CustomValue::Text(text) => write_text(out, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(data: &CustomData<'_>, crm: &str) -> String {
        let mut out = Vec::new();
        data.write_json(&mut out, crm);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_object_holds_what_there_is_with_keys_in_order() {
        let keys: Vec<_> = ["zone", "age", "lead_score", "is \"new\""]
            .map(|name| CustomKey::new(name).unwrap())
            .into();
        let mut data = CustomData::default();
        assert_eq!(
            json(&data, "Your CRM"),
            r#"{"event_source":"crm","lead_event_source":"Your CRM"}"#
        );
        data.value = money("$1,234.50", None, None)
            .unwrap()
            .map(|money| (money.amount, Currency::USD));
        data.order_id = Some("A-7");
        for (key, cell) in keys.iter().zip(["North", "42", "7.50", "TRUE"]) {
            data.add(key, CustomValue::of(cell).unwrap());
        }
        data.add(&keys[1], CustomValue::Number("43"));
        assert_eq!(
            json(&data, "A \"B\""),
            r#"{"age":42,"currency":"USD","event_source":"crm","is \"new\"":true,"lead_event_source":"A \"B\"","#
                .to_owned()
                + r#""lead_score":7.50,"order_id":"A-7","value":1234.5,"zone":"North"}"#
        );
        data.clear();
        assert_eq!(
            json(&data, "x"),
            r#"{"event_source":"crm","lead_event_source":"x"}"#
        );
    }

    #[test]
    fn numbers_stay_numbers_and_ids_stay_text() {
        use CustomValue::*;
        for number in ["0", "-5", "42", "7.50", "0.125", "123456789012345", "-0"] {
            assert_eq!(CustomValue::of(number), Some(Number(number)));
            serde_json::from_str::<serde_json::Number>(number).unwrap();
        }
        for text in [
            "007",
            "+5",
            "1e5",
            "1.",
            ".5",
            "1234567890123456",
            "1,5",
            "--1",
            "0x1F",
            "NaN5",
            "1.2.3",
            "-",
        ] {
            assert_ne!(CustomValue::of(text), Some(Number(text)));
        }
        assert_eq!(CustomValue::of(" False "), Some(Bool(false)));
        assert_eq!(CustomValue::of(" two words "), Some(Text("two words")));
        assert_eq!((CustomValue::of("n/a"), CustomValue::of("")), (None, None));
    }

    #[test]
    fn keys_of_metas_own_are_refused() {
        assert_eq!(
            CustomKey::new("value"),
            Err(UnusableKey::Reserved("value".to_owned()))
        );
        assert_eq!(CustomKey::new(""), Err(UnusableKey::Empty));
        assert_eq!(CustomKey::new("Value").unwrap().name(), "Value");
    }
}
