//! Limited data use, where each row says which state its lead is in.
//!
//! Meta limits what it does with the data of people in some states of the USA. It finds out where a person is by the IP
//! address, which events of a CRM rarely carry, so the event has to say it.
//! <https://developers.facebook.com/docs/marketing-api/data-processing-options>

use crate::json::{member, write_integer};

/// Where a lead is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// In a state with this number of Meta's.
    State(u16),
    /// Where its IP address says.
    ByAddress,
    /// Nowhere that limited data use is for.
    Elsewhere,
}

/// The states that have a number, by their lowercase codes; the first is 1000.
const STATES: [&str; 14] = [
    "ca", "co", "ct", "fl", "or", "tx", "mt", "de", "ne", "nh", "nj", "mn", "md", "ri",
];
const FIRST_STATE: u16 = 1_000;

impl Region {
    /// The region of a state of the USA, by its lowercase code.
    pub(crate) fn of_state(code: &str) -> Self {
        let place = STATES.iter().position(|state| *state == code);
        place.map_or(Self::Elsewhere, |place| {
            Self::State(FIRST_STATE + place as u16)
        })
    }

    /// The `data_processing_options…` members, each with its comma.
    pub(super) fn members(self) -> Vec<u8> {
        let (country, state) = match self {
            Self::State(state) => (1, state),
            Self::ByAddress => (0, 0),
            Self::Elsewhere => {
                let mut out = member!("data_processing_options").to_vec();
                out.extend_from_slice(b"[]");
                return out;
            }
        };
        let mut out = member!("data_processing_options").to_vec();
        out.extend_from_slice(b"[\"LDU\"]");
        out.extend_from_slice(member!("data_processing_options_country"));
        write_integer(&mut out, country);
        out.extend_from_slice(member!("data_processing_options_state"));
        write_integer(&mut out, u32::from(state));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_have_the_numbers_that_meta_gave_them() {
        assert_eq!(Region::of_state("ca"), Region::State(1000));
        assert_eq!(Region::of_state("tx"), Region::State(1005));
        assert_eq!(Region::of_state("ri"), Region::State(1013));
        assert_eq!(Region::of_state("ny"), Region::Elsewhere);
    }
}
