//! The fields an export's columns can be mapped to, by the names users type and the keys Meta uses.

use std::fmt;
use std::str::FromStr;

/// A field of a lead record. `custom.NAME` is not one of these: it goes to `custom_data.NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// Meta's id of the lead.
    LeadId,
    /// The stage; the event's name unless a stage table renames it.
    EventName,
    /// When the stage was reached.
    EventTime,
    /// The event's id, where the export has one.
    EventId,
    /// When the lead was created.
    CreatedTime,
    /// Email addresses.
    Email,
    /// Phone numbers.
    Phone,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// First and last name in one cell.
    FullName,
    /// Gender.
    Gender,
    /// Date of birth.
    DateOfBirth,
    /// City.
    City,
    /// State or province.
    State,
    /// Postal code.
    Zip,
    /// Country.
    Country,
    /// The advertiser's own id of the person.
    ExternalId,
    /// Click id as the `_fbc` cookie has it.
    Fbc,
    /// Click id as the landing page's URL has it.
    Fbclid,
    /// When the click id was first seen.
    ClickTime,
    /// Browser id as the `_fbp` cookie has it.
    Fbp,
    /// IP address of the lead's browser.
    ClientIpAddress,
    /// User agent of the lead's browser.
    ClientUserAgent,
    /// Amount of money.
    Value,
    /// Currency of the value.
    Currency,
    /// Order id.
    OrderId,
    /// Whether the event may not be used for ad delivery.
    OptOut,
    /// Whether the lead agreed to be reported to Meta.
    Consent,
    /// When the export was made.
    ExportedTime,
}

use Field::*;

impl Field {
    /// Every field, in the order help texts list them.
    pub const ALL: [Field; 29] = [
        LeadId,
        EventName,
        EventTime,
        EventId,
        CreatedTime,
        Email,
        Phone,
        FirstName,
        LastName,
        FullName,
        Gender,
        DateOfBirth,
        City,
        State,
        Zip,
        Country,
        ExternalId,
        Fbc,
        Fbclid,
        ClickTime,
        Fbp,
        ClientIpAddress,
        ClientUserAgent,
        Value,
        Currency,
        OrderId,
        OptOut,
        Consent,
        ExportedTime,
    ];

    /// The name users write in `--map` and `[columns]`.
    pub const fn name(self) -> &'static str {
        match self {
            LeadId => "lead_id",
            EventName => "event_name",
            EventTime => "event_time",
            EventId => "event_id",
            CreatedTime => "created_time",
            Email => "email",
            Phone => "phone",
            FirstName => "first_name",
            LastName => "last_name",
            FullName => "full_name",
            Gender => "gender",
            DateOfBirth => "date_of_birth",
            City => "city",
            State => "state",
            Zip => "zip",
            Country => "country",
            ExternalId => "external_id",
            Fbc => "fbc",
            Fbclid => "fbclid",
            ClickTime => "click_time",
            Fbp => "fbp",
            ClientIpAddress => "client_ip_address",
            ClientUserAgent => "client_user_agent",
            Value => "value",
            Currency => "currency",
            OrderId => "order_id",
            OptOut => "opt_out",
            Consent => "consent",
            ExportedTime => "exported_time",
        }
    }

    /// Meta's key where it differs from the name: `em` for `email`.
    pub const fn meta_key(self) -> Option<&'static str> {
        match self {
            Email => Some("em"),
            Phone => Some("ph"),
            FirstName => Some("fn"),
            LastName => Some("ln"),
            Gender => Some("ge"),
            DateOfBirth => Some("db"),
            City => Some("ct"),
            State => Some("st"),
            Zip => Some("zp"),
            _ => None,
        }
    }
}

impl Field {
    /// What the column holds and what becomes of it.
    pub const fn about(self) -> &'static str {
        match self {
            LeadId => {
                "Meta's own id of the lead, 15 to 17 digits; it matches best, and is sent as it is"
            }
            EventName => "the stage; [stages] turns it into the event's name",
            EventTime => "when the stage was reached",
            EventId => {
                "the event's id where the export has one; else one is made of lead, stage and time"
            }
            CreatedTime => {
                "when the lead came in; no stage can be earlier, and click ids take it as their time"
            }
            Email => "email addresses, several in one cell or in several columns; sent hashed",
            Phone => {
                "phone numbers, with a country code or with country or --default-country; sent hashed"
            }
            FirstName => "first name; sent hashed",
            LastName => "last name; sent hashed",
            FullName => "first and last name in one cell, split into the two; sent hashed",
            Gender => "f or m, or a word for it; sent hashed",
            DateOfBirth => "date of birth; sent hashed",
            City => "city; sent hashed",
            State => "state or province, as its code or in words; sent hashed",
            Zip => "postal code; sent hashed",
            Country => {
                "country, as its code or in words; says how to read phone, state and zip; sent hashed"
            }
            ExternalId => "your own id of the person, the same that the pixel sends; sent hashed",
            Fbc => "click id as the _fbc cookie has it",
            Fbclid => {
                "click id as the landing page's address has it; needs click_time or created_time"
            }
            ClickTime => "when the click id was first seen",
            Fbp => "browser id as the _fbp cookie has it",
            ClientIpAddress => "IP address of the lead's browser, not of your server",
            ClientUserAgent => "user agent of the lead's browser",
            Value => "what the lead is worth, with or without its currency",
            Currency => "currency of the value",
            OrderId => "order id, sent in custom_data",
            OptOut => "yes keeps the event out of ad delivery; empty says nothing",
            Consent => "whether the lead agreed; only rows that say yes are sent",
            ExportedTime => {
                "when the export was made, for exports that show only the current stage"
            }
        }
    }

    /// A cell that can be used.
    pub const fn example(self) -> &'static str {
        match self {
            LeadId => "1234567890123456",
            EventName => "Marketing Qualified",
            EventTime | CreatedTime | ClickTime | ExportedTime => "2026-11-20T14:03:00-05:00",
            EventId => "stage-7",
            Email => "ava@example.com; a.lane@example.org",
            Phone => "+1 212 555 0101",
            FirstName => "Ava",
            LastName => "Lane",
            FullName => "Ava Lane",
            Gender => "female",
            DateOfBirth => "1997-02-16",
            City => "New York",
            State => "NY",
            Zip => "10001",
            Country => "US",
            ExternalId => "C-10042",
            Fbc => "fb.1.1763650980000.IwAR0Example",
            Fbclid => "IwAR0Example",
            Fbp => "fb.1.1763650980000.1098115397",
            ClientIpAddress => "203.0.113.7",
            ClientUserAgent => "Mozilla/5.0 (X11; Linux x86_64)",
            Value => "1234.50",
            Currency => "USD",
            OrderId => "A-7",
            OptOut => "no",
            Consent => "yes",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no field.
#[derive(Debug, thiserror::Error)]
#[error("unknown field {0:?}")]
pub struct UnknownField(pub String);

impl FromStr for Field {
    type Err = UnknownField;

    /// Reads a field's name, or Meta's key of it.
    fn from_str(text: &str) -> Result<Self, UnknownField> {
        Self::ALL
            .into_iter()
            .find(|field| field.name() == text || field.meta_key() == Some(text))
            .ok_or_else(|| UnknownField(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_key_reads_back() {
        for field in Field::ALL {
            assert_eq!(field.name().parse::<Field>().unwrap(), field);
            if let Some(key) = field.meta_key() {
                assert_eq!(key.parse::<Field>().unwrap(), field);
            }
        }
        assert!("e-mail".parse::<Field>().is_err());
    }
}
