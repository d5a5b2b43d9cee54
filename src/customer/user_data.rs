//! What Meta matches a lead by, ready to send: hashes, and the few parameters that are sent as they are.

use std::fmt;

use super::hash::Hash;
use super::key::{Key, KeySet};
use crate::json::{self, Object};

/// The customer parameters of one lead. Values are only set by this folder's normalisers.
#[derive(Clone, Default)]
pub(crate) struct UserData {
    /// By key; those of keys that are sent as they are stay empty.
    hashes: [Vec<Hash>; Key::ALL.len()],
    /// The keys that have hashes.
    hashed: KeySet,
    pub(super) lead_id: Option<u64>,
    /// Whether the row has it only by a join.
    is_lead_id_joined: bool,
    // Empty when absent, so that their buffers are used again.
    pub(super) fbc: String,
    pub(super) fbp: String,
    pub(super) client_ip_address: String,
    pub(super) client_user_agent: String,
}

impl fmt::Debug for UserData {
    /// Says which parameters there are, not what they are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UserData").field(&self.keys()).finish()
    }
}

impl UserData {
    /// Forgets everything, and keeps the buffers.
    pub(crate) fn clear(&mut self) {
        for key in self.hashed.iter() {
            self.hashes[key as usize].clear();
        }
        self.hashed = KeySet::default();
        self.lead_id = None;
        self.is_lead_id_joined = false;
        for text in [
            &mut self.fbc,
            &mut self.fbp,
            &mut self.client_ip_address,
            &mut self.client_user_agent,
        ] {
            text.clear();
        }
    }

    /// The parameters there are.
    pub(crate) fn keys(&self) -> KeySet {
        let mut keys = self.hashed;
        for (key, is_there) in [
            (Key::LeadId, self.lead_id.is_some()),
            (Key::Fbc, !self.fbc.is_empty()),
            (Key::Fbp, !self.fbp.is_empty()),
            (Key::ClientIpAddress, !self.client_ip_address.is_empty()),
            (Key::ClientUserAgent, !self.client_user_agent.is_empty()),
        ] {
            if is_there {
                keys.insert(key);
            }
        }
        keys
    }

    /// About as many bytes as its JSON has.
    pub(crate) fn size(&self) -> usize {
        let hashes: usize = (self.hashed.iter())
            .map(|key| 16 + 67 * self.hashes[key as usize].len())
            .sum();
        let texts = [
            &self.fbc,
            &self.fbp,
            &self.client_ip_address,
            &self.client_user_agent,
        ];
        hashes + texts.map(|text| 32 + text.len()).iter().sum::<usize>()
    }

    /// Adds a value of a key, unless it is there already.
    pub(super) fn add(&mut self, key: Key, hash: &Hash) {
        let hashes = &mut self.hashes[key as usize];
        if !hashes.contains(hash) {
            hashes.push(*hash);
            self.hashed.insert(key);
        }
    }

    /// The hashes of a key.
    pub(crate) fn hashes(&self, key: Key) -> &[Hash] {
        &self.hashes[key as usize]
    }

    /// The lead's id.
    pub(crate) fn lead_id(&self) -> Option<u64> {
        self.lead_id
    }

    /// Gives a lead the id that Meta's own leads have it under.
    pub(crate) fn set_joined_lead_id(&mut self, lead_id: u64) {
        self.lead_id = Some(lead_id);
        self.is_lead_id_joined = true;
    }

    /// Whether a key has a hash.
    pub(super) fn has(&self, key: Key) -> bool {
        self.hashed.contains(key)
    }

    /// Appends what stands for this lead in ids derived from it, and must therefore stay the same for ever:
    /// `lead_id:123`, else `fbc:…`, else the first hash in hex of `em:`, `ph:` or `external_id:`, else the JSON of
    /// everything there is. Nothing when nothing is known of the lead.
    pub(crate) fn write_identity(&self, out: &mut Vec<u8>) {
        if let Some(lead_id) = self.lead_id {
            out.extend_from_slice(b"lead_id:");
            json::write_integer(out, lead_id);
            return;
        }
        if !self.fbc.is_empty() {
            out.extend_from_slice(b"fbc:");
            out.extend_from_slice(self.fbc.as_bytes());
            return;
        }
        for (name, key) in [
            ("em:", Key::Em),
            ("ph:", Key::Ph),
            ("external_id:", Key::ExternalId),
        ] {
            if let Some(first) = self.hashes[key as usize].first() {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(first.as_hex());
                return;
            }
        }
        if !self.keys().is_empty() {
            self.write_json(out);
        }
    }

    /// Appends everything that may have stood for this lead when less, or something else, was known of it: each in the
    /// form of [`write_identity`](Self::write_identity), each ended by a zero byte. A lead id that only a join tells of
    /// is marked by a tilde.
    pub(crate) fn write_every_identity(&self, out: &mut Vec<u8>) {
        if let Some(lead_id) = self.lead_id {
            let prefix: &[u8] = match self.is_lead_id_joined {
                true => b"~lead_id:",
                false => b"lead_id:",
            };
            out.extend_from_slice(prefix);
            json::write_integer(out, lead_id);
            out.push(0);
        }
        if !self.fbc.is_empty() {
            out.extend_from_slice(b"fbc:");
            out.extend_from_slice(self.fbc.as_bytes());
            out.push(0);
        }
        for (name, key) in [
            ("em:", Key::Em),
            ("ph:", Key::Ph),
            ("external_id:", Key::ExternalId),
        ] {
            for hash in &self.hashes[key as usize] {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(hash.as_hex());
                out.push(0);
            }
        }
    }

    /// Appends the `user_data` object: keys sorted, absent ones left out, hashes as arrays of lowercase hex.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        for key in self.keys().iter() {
            let out = object.member(key.member());
            match key {
                Key::LeadId => json::write_integer(out, self.lead_id.unwrap_or_default()),
                Key::Fbc => json::write_text(out, &self.fbc),
                Key::Fbp => json::write_text(out, &self.fbp),
                Key::ClientIpAddress => json::write_text(out, &self.client_ip_address),
                Key::ClientUserAgent => json::write_text(out, &self.client_user_agent),
                _ => push_hashes(&self.hashes[key as usize], out),
            }
        }
        object.end();
    }
}

fn push_hashes(hashes: &[Hash], out: &mut Vec<u8>) {
    for (index, hash) in hashes.iter().enumerate() {
        // In one piece of a size that is known, which is quicker to append than three.
        let mut quoted = [b'"'; 67];
        quoted[0] = if index == 0 { b'[' } else { b',' };
        quoted[2..66].copy_from_slice(hash.as_hex());
        out.extend_from_slice(&quoted);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user_data: &UserData) -> String {
        let mut out = Vec::new();
        user_data.write_identity(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn json(user_data: &UserData) -> String {
        let mut out = Vec::new();
        user_data.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_sorted_keys_and_no_absent_ones() {
        let (mary, smith) = (Hash::of("mary"), Hash::of("smith"));
        let mut user_data = UserData {
            lead_id: Some(1_234_567_890_123_456),
            client_user_agent: "A \"quoted\" \\ agent\n".to_owned(),
            ..UserData::default()
        };
        for (key, hash) in [
            (Key::Fn, mary),
            (Key::Em, smith),
            (Key::Em, mary),
            (Key::Em, smith),
        ] {
            user_data.add(key, &hash);
        }
        let hex = |hash: Hash| String::from_utf8(hash.as_hex().to_vec()).unwrap();
        let expected = format!(
            r#"{{"client_user_agent":"A \"quoted\" \\ agent\n","em":["{}","{}"],"fn":["{}"],"lead_id":1234567890123456}}"#,
            hex(smith),
            hex(mary),
            hex(mary),
        );
        assert_eq!(json(&user_data), expected);
        assert_eq!(
            user_data.keys(),
            KeySet::of(&[Key::ClientUserAgent, Key::Em, Key::Fn, Key::LeadId])
        );
        assert_eq!(json(&UserData::default()), "{}");
        assert!(UserData::default().keys().is_empty());
    }

    #[test]
    fn json_is_appended_to_what_is_there() {
        let mut out = b"x".to_vec();
        UserData {
            lead_id: Some(1),
            ..UserData::default()
        }
        .write_json(&mut out);
        assert_eq!(out, b"x{\"lead_id\":1}");
    }

    /// Ids in ledgers and at Meta depend on these bytes.
    #[test]
    fn the_strongest_parameter_is_the_identity_and_never_changes() {
        let hex = |text| String::from_utf8(Hash::of(text).as_hex().to_vec()).unwrap();
        let mut user_data = UserData::default();
        user_data.add(Key::Fn, &Hash::of("mary"));
        assert_eq!(
            identity(&user_data),
            format!(r#"{{"fn":["{}"]}}"#, hex("mary"))
        );
        user_data.add(Key::ExternalId, &Hash::of("mary"));
        let id = "external_id:6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec";
        assert_eq!(identity(&user_data), id);
        user_data.add(Key::Ph, &Hash::of("16505551212"));
        assert_eq!(identity(&user_data), format!("ph:{}", hex("16505551212")));
        user_data.add(Key::Em, &Hash::of("john_smith@gmail.com"));
        user_data.add(Key::Em, &Hash::of("mary"));
        assert_eq!(
            identity(&user_data),
            "em:62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
        );
        user_data.fbc = "fb.1.1554763741205.AbC".to_owned();
        assert_eq!(identity(&user_data), "fbc:fb.1.1554763741205.AbC");
        user_data.lead_id = Some(1_234_567_890_123_456);
        assert_eq!(identity(&user_data), "lead_id:1234567890123456");
        user_data.clear();
        assert_eq!(identity(&user_data), "");
    }
}
