//! By what a lead may be known, and when two rows mean the same lead.
//!
//! An event's id is made from the strongest that its row knows of the lead, so a lead that gains or loses a lead id, or
//! gets another email, would give its stages other ids. Whoever remembers leads compares all of them instead, by one
//! rule: of the kinds that both sides have, the strongest decides.

/// A kind of what identifies a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The lead id, which is never two leads'.
    LeadId,
    /// The click id.
    Click,
    /// An email address.
    Email,
    /// A phone.
    Phone,
    /// The CRM's own number of the lead.
    ExternalId,
    /// The lead id that Meta's own leads were found to have: it tells who a lead is, and keeps none apart.
    JoinedLeadId,
}

impl Kind {
    const PREFIXES: [(&'static [u8], Kind); 6] = [
        (b"lead_id:", Kind::LeadId),
        (b"fbc:", Kind::Click),
        (b"em:", Kind::Email),
        (b"ph:", Kind::Phone),
        (b"external_id:", Kind::ExternalId),
        (JOINED, Kind::JoinedLeadId),
    ];
}

/// What marks a lead id that was joined.
const JOINED: &[u8] = b"~";

/// A set of kinds. As a number it stands in ledgers, so the order of the kinds must not change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds(pub u8);

impl Kinds {
    /// Whether a kind is among them.
    pub(crate) fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Adds a kind.
    pub(crate) fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    /// Both together.
    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a row that has these means a lead that is known by those of `lead`, when they agree in `shared`.
    ///
    /// Two lead ids are two leads, whatever else they share. A lead id, or the CRM's own number, in common is enough.
    /// Otherwise the strongest kind that both have must agree, and one of them must have nothing stronger: people share
    /// phones and addresses.
    pub(crate) fn mean(self, lead: Self, shared: Self) -> bool {
        if shared.has(Kind::LeadId) {
            return true;
        }
        let both = Self(self.0 & lead.0);
        if both.has(Kind::LeadId) {
            return false;
        }
        if shared.has(Kind::JoinedLeadId) || shared.has(Kind::ExternalId) {
            return true;
        }
        match both.strongest() {
            0 => lead == Self::default() && shared != Self::default(),
            strongest => {
                let is_ones_strongest = [self, lead].map(Self::strongest).contains(&strongest);
                shared.0 & strongest != 0 && is_ones_strongest
            }
        }
    }

    /// Whether a row that shares these with a lead known by `self` says all there is to say of who the lead is, so that it
    /// is the row's lead whatever else the row has: the CRM's own number, or nothing stronger is known of it.
    pub(crate) fn is_told_by(self, shared: Self) -> bool {
        shared.has(Kind::ExternalId) || self.strongest() == shared.strongest()
    }

    fn strongest(self) -> u8 {
        self.0 & self.0.wrapping_neg()
    }
}

/// The identities that [`crate::customer::UserData::write_every_identity`] wrote, one by one.
pub(crate) fn each(identities: &[u8]) -> impl Iterator<Item = (Kind, &[u8])> {
    let parts = identities.split(|byte| *byte == 0);
    parts.filter_map(|identity| {
        let known = Kind::PREFIXES.iter();
        let (_, kind) = known
            .clone()
            .find(|(prefix, _)| identity.starts_with(prefix))?;
        Some((*kind, identity.strip_prefix(JOINED).unwrap_or(identity)))
    })
}

/// Of which kinds they are. One that was joined keeps nobody apart.
pub(crate) fn kinds(identities: &[u8]) -> Kinds {
    let mut kinds = Kinds::default();
    each(identities)
        .filter(|(kind, _)| *kind != Kind::JoinedLeadId)
        .for_each(|(kind, _)| kinds.insert(kind));
    kinds
}

/// Tells one set of them from another. Stands in ledgers; were it made otherwise, leads would be compared once more.
/// Multiplying and turning is enough for that, and quick.
pub(crate) fn digest(identities: &[u8]) -> i64 {
    let (words, rest) = identities.as_chunks();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain([&last]);
    let mixed = words.fold(identities.len() as u64, |hash, word| {
        (hash.rotate_left(26) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (mixed ^ mixed >> 32) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "lead_id:1\0em:a\0ph:p\0";

    /// What each row shares with the lead is worked out by hand.
    #[test]
    fn the_strongest_kind_that_both_have_decides() {
        for (row, lead, shared, same) in [
            // Gains an id, loses it, changes its email, keeps only its phone.
            ("lead_id:1\0em:a\0", "em:a\0", "em:a\0", true),
            ("em:a\0", A, "em:a\0", true),
            ("lead_id:1\0em:b\0", A, "lead_id:1\0", true),
            ("em:b\0em:a\0", "em:a\0", "em:a\0", true),
            ("ph:p\0", A, "ph:p\0", true),
            // A couple, a switchboard, an agent's own address.
            ("lead_id:2\0em:a\0ph:p\0", A, "em:a\0ph:p\0", false),
            ("em:b\0ph:p\0", A, "ph:p\0", false),
            ("em:b\0ph:p\0", "em:a\0ph:p\0", "ph:p\0", false),
            ("em:b\0ph:p\0", "lead_id:1\0ph:p\0", "ph:p\0", false),
            // The CRM's own number of the lead.
            (
                "em:b\0external_id:7\0",
                "em:a\0external_id:7\0",
                "external_id:7\0",
                true,
            ),
            (
                "lead_id:2\0external_id:7\0",
                "lead_id:1\0external_id:7\0",
                "external_id:7\0",
                false,
            ),
            // Two clicks are two leads; a click that one side does not know is not.
            ("fbc:x\0em:a\0", "fbc:y\0em:a\0", "em:a\0", false),
            ("fbc:x\0em:a\0", "em:a\0", "em:a\0", true),
            // What a join found.
            ("em:b\0~lead_id:1\0", A, "~lead_id:1\0", true),
            (
                "lead_id:1\0em:b\0",
                "em:a\0~lead_id:1\0",
                "lead_id:1\0",
                true,
            ),
            ("em:a\0~lead_id:2\0", A, "em:a\0", true),
            ("em:b\0", A, "", false),
        ] {
            let mut agree = Kinds::default();
            each(shared.as_bytes()).for_each(|(kind, _)| agree.insert(kind));
            let mean = kinds(row.as_bytes()).mean(kinds(lead.as_bytes()), agree);
            assert_eq!(mean, same, "{row:?} {lead:?}");
        }
    }

    #[test]
    fn identities_are_told_apart_by_their_beginnings() {
        let all: Vec<(Kind, &[u8])> = each(b"em:aa\0~lead_id:7\0{\"fn\":[]}\0").collect();
        assert_eq!(
            all,
            [
                (Kind::Email, b"em:aa".as_slice()),
                (Kind::JoinedLeadId, b"lead_id:7")
            ]
        );
        assert_ne!(digest(b"em:aa\0"), digest(b"em:ab\0"));
        assert_ne!(digest(b""), digest(b"\0"));
    }
}
