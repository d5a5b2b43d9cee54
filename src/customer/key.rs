//! Meta's keys of customer parameters, and sets of them.

use std::fmt;

use crate::field::Field;
use crate::json::member;

macro_rules! keys {
    ($($(#[$about:meta])* $key:ident $name:literal)+) => {
        /// A customer parameter by Meta's key, in the order of the wire names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key {
            $($(#[$about])* #[doc = concat!("`", $name, "`")] $key,)+
        }

        impl Key {
            /// Every key, sorted by the wire name.
            pub const ALL: [Key; [$($name),+].len()] = [$(Key::$key),+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Key::$key => $name,)+ }
            }

            /// What stands before the key's value in JSON.
            pub(super) const fn member(self) -> &'static [u8] {
                match self { $(Key::$key => member!($name),)+ }
            }
        }
    };
}

keys! {
    ClientIpAddress "client_ip_address"
    ClientUserAgent "client_user_agent"
    Country "country"
    /// City:
    Ct "ct"
    /// Date of birth:
    Db "db"
    /// Email:
    Em "em"
    ExternalId "external_id"
    /// Click id:
    Fbc "fbc"
    /// Browser id:
    Fbp "fbp"
    /// First name:
    Fn "fn"
    /// Gender:
    Ge "ge"
    LeadId "lead_id"
    /// Last name:
    Ln "ln"
    /// Phone:
    Ph "ph"
    /// State:
    St "st"
    /// Postal code:
    Zp "zp"
}

impl Key {
    /// Whether its values are sent hashed.
    pub(super) const fn is_hashed(self) -> bool {
        !matches!(
            self,
            Key::ClientIpAddress | Key::ClientUserAgent | Key::Fbc | Key::Fbp | Key::LeadId
        )
    }

    /// The key a field's values go to; none for fields that do not describe the customer. A full name goes to
    /// [`Key::Fn`] and [`Key::Ln`] and has the first of them here, a click id without its time to [`Key::Fbc`].
    pub const fn of(field: Field) -> Option<Key> {
        Some(match field {
            Field::LeadId => Key::LeadId,
            Field::Email => Key::Em,
            Field::Phone => Key::Ph,
            Field::FirstName | Field::FullName => Key::Fn,
            Field::LastName => Key::Ln,
            Field::Gender => Key::Ge,
            Field::DateOfBirth => Key::Db,
            Field::City => Key::Ct,
            Field::State => Key::St,
            Field::Zip => Key::Zp,
            Field::Country => Key::Country,
            Field::ExternalId => Key::ExternalId,
            Field::Fbc | Field::Fbclid => Key::Fbc,
            Field::Fbp => Key::Fbp,
            Field::ClientIpAddress => Key::ClientIpAddress,
            Field::ClientUserAgent => Key::ClientUserAgent,
            Field::EventName
            | Field::EventTime
            | Field::EventId
            | Field::CreatedTime
            | Field::ClickTime
            | Field::Value
            | Field::Currency
            | Field::OrderId
            | Field::OptOut
            | Field::Consent
            | Field::ExportedTime => return None,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of keys.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct KeySet(u32);

impl KeySet {
    /// The set of these keys.
    pub const fn of(keys: &[Key]) -> Self {
        let mut set = KeySet(0);
        let mut index = 0;
        while index < keys.len() {
            set.0 |= 1 << keys[index] as u32;
            index += 1;
        }
        set
    }

    /// Adds a key.
    pub const fn insert(&mut self, key: Key) {
        self.0 |= 1 << key as u32;
    }

    /// Whether the key is in the set.
    pub const fn contains(self, key: Key) -> bool {
        self.0 & 1 << key as u32 != 0
    }

    /// Whether the set has no key.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every key of this set is in the other.
    pub const fn is_subset_of(self, other: KeySet) -> bool {
        self.0 & !other.0 == 0
    }

    /// The keys, sorted by the wire name.
    pub fn iter(self) -> impl Iterator<Item = Key> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let key = Key::ALL.get(left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(*key)
        })
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Key::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_their_names() {
        assert!(Key::ALL.is_sorted_by(|a, b| a.name() < b.name() && a < b));
    }

    #[test]
    fn a_field_goes_to_the_key_of_its_name() {
        for field in Field::ALL {
            let expected = match field {
                Field::FullName => Some("fn"),
                Field::Fbclid => Some("fbc"),
                _ => Some(field.meta_key().unwrap_or(field.name()))
                    .filter(|name| Key::ALL.iter().any(|key| key.name() == *name)),
            };
            assert_eq!(Key::of(field).map(Key::name), expected, "{field}");
        }
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let broad = KeySet::of(&[Key::Ct, Key::Country, Key::St]);
        let mut set = KeySet::default();
        assert!(set.is_empty() && set.is_subset_of(broad));
        set.insert(Key::St);
        set.insert(Key::Ct);
        assert!(
            set.is_subset_of(broad)
                && !broad.is_subset_of(set)
                && set.contains(Key::St)
                && !set.contains(Key::Zp)
        );
        assert_eq!(set.iter().collect::<Vec<_>>(), [Key::Ct, Key::St]);
        set.insert(Key::Zp);
        assert!(!set.is_subset_of(broad));
    }
}
