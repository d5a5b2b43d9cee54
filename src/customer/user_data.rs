//! What Meta matches a lead by, ready to send: hashes, and the few parameters that are sent as they are.

use std::fmt;
use std::io::Write;

use super::hash::Hash;
use super::key::{Key, KeySet};

/// The customer parameters of one lead. Values are only set by this folder's normalisers.
#[derive(Clone, Default)]
pub struct UserData {
    pub(super) lead_id: Option<u64>,
    pub(super) em: Vec<Hash>,
    pub(super) ph: Vec<Hash>,
    pub(super) fn_: Vec<Hash>,
    pub(super) ln: Vec<Hash>,
    pub(super) db: Vec<Hash>,
    pub(super) ge: Vec<Hash>,
    pub(super) ct: Vec<Hash>,
    pub(super) st: Vec<Hash>,
    pub(super) zp: Vec<Hash>,
    pub(super) country: Vec<Hash>,
    pub(super) external_id: Vec<Hash>,
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

/// A parameter's values as they are sent.
enum Values<'a> {
    Number(Option<u64>),
    Hashes(&'a [Hash]),
    /// Empty when absent.
    Text(&'a str),
}

/// The `user_data` object of an event as JSON. Nothing but [`UserData`] makes one, so that nothing unhashed gets into an
/// event.
#[derive(Clone, Debug, Default)]
pub struct UserDataJson(Vec<u8>);

impl UserDataJson {
    /// Writes a lead's parameters in place of those it held; its room is used again.
    pub fn set(&mut self, user_data: &UserData) {
        self.0.clear();
        user_data.write_json(&mut self.0);
    }

    /// The JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl UserData {
    /// Forgets everything, and keeps the buffers.
    pub fn clear(&mut self) {
        self.lead_id = None;
        for key in Key::ALL {
            if let Some(hashes) = self.hashes_mut(key) {
                hashes.clear();
            }
        }
        for text in [&mut self.fbc, &mut self.fbp, &mut self.client_ip_address, &mut self.client_user_agent] {
            text.clear();
        }
    }

    /// The parameters there are.
    pub fn keys(&self) -> KeySet {
        let mut keys = KeySet::default();
        for key in Key::ALL {
            let is_there = match self.values(key) {
                Values::Number(number) => number.is_some(),
                Values::Hashes(hashes) => !hashes.is_empty(),
                Values::Text(text) => !text.is_empty(),
            };
            if is_there {
                keys.insert(key);
            }
        }
        keys
    }

    /// Meta's id of the lead.
    pub fn lead_id(&self) -> Option<u64> {
        self.lead_id
    }

    /// Appends what stands for this lead in ids derived from it, and must therefore stay the same for ever:
    /// `lead_id:123`, else `fbc:…`, else the first hash in hex of `em:`, `ph:` or `external_id:`, else the JSON of
    /// everything there is. Nothing when nothing is known of the lead.
    pub fn write_identity(&self, out: &mut Vec<u8>) {
        if let Some(lead_id) = self.lead_id {
            // Writing to memory cannot fail.
            let _ = write!(out, "lead_id:{lead_id}");
            return;
        }
        if !self.fbc.is_empty() {
            out.extend_from_slice(b"fbc:");
            out.extend_from_slice(self.fbc.as_bytes());
            return;
        }
        for (name, hashes) in [("em:", &self.em), ("ph:", &self.ph), ("external_id:", &self.external_id)] {
            if let Some(first) = hashes.first() {
                out.extend_from_slice(name.as_bytes());
                out.extend_from_slice(first.as_hex());
                return;
            }
        }
        if !self.keys().is_empty() {
            self.write_json(out);
        }
    }

    /// Appends the `user_data` object: keys sorted, absent ones left out, hashes as arrays of lowercase hex.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let start = out.len();
        for key in Key::ALL {
            match self.values(key) {
                Values::Number(None) | Values::Hashes([]) | Values::Text("") => {}
                Values::Number(Some(number)) => {
                    push_key(key, out);
                    let _ = write!(out, "{number}");
                }
                Values::Hashes(hashes) => {
                    push_key(key, out);
                    push_hashes(hashes, out);
                }
                Values::Text(text) => {
                    push_key(key, out);
                    // Strings always serialise, and writing to memory cannot fail.
                    let _ = serde_json::to_writer(&mut *out, text);
                }
            }
        }
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
    }

    /// The hashes of a key; none for keys that are sent as they are.
    pub(super) fn hashes_mut(&mut self, key: Key) -> Option<&mut Vec<Hash>> {
        Some(match key {
            Key::Country => &mut self.country,
            Key::Ct => &mut self.ct,
            Key::Db => &mut self.db,
            Key::Em => &mut self.em,
            Key::ExternalId => &mut self.external_id,
            Key::Fn => &mut self.fn_,
            Key::Ge => &mut self.ge,
            Key::Ln => &mut self.ln,
            Key::Ph => &mut self.ph,
            Key::St => &mut self.st,
            Key::Zp => &mut self.zp,
            Key::ClientIpAddress | Key::ClientUserAgent | Key::Fbc | Key::Fbp | Key::LeadId => return None,
        })
    }

    fn values(&self, key: Key) -> Values<'_> {
        match key {
            Key::ClientIpAddress => Values::Text(&self.client_ip_address),
            Key::ClientUserAgent => Values::Text(&self.client_user_agent),
            Key::Country => Values::Hashes(&self.country),
            Key::Ct => Values::Hashes(&self.ct),
            Key::Db => Values::Hashes(&self.db),
            Key::Em => Values::Hashes(&self.em),
            Key::ExternalId => Values::Hashes(&self.external_id),
            Key::Fbc => Values::Text(&self.fbc),
            Key::Fbp => Values::Text(&self.fbp),
            Key::Fn => Values::Hashes(&self.fn_),
            Key::Ge => Values::Hashes(&self.ge),
            Key::LeadId => Values::Number(self.lead_id),
            Key::Ln => Values::Hashes(&self.ln),
            Key::Ph => Values::Hashes(&self.ph),
            Key::St => Values::Hashes(&self.st),
            Key::Zp => Values::Hashes(&self.zp),
        }
    }
}

/// Appends a key with what separates it from the one before; the first separator becomes the opening brace.
fn push_key(key: Key, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.name().as_bytes());
    out.extend_from_slice(b"\":");
}

fn push_hashes(hashes: &[Hash], out: &mut Vec<u8>) {
    for (index, hash) in hashes.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[\"" } else { b",\"" });
        out.extend_from_slice(hash.as_hex());
        out.push(b'"');
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
        let user_data = UserData {
            lead_id: Some(1_234_567_890_123_456),
            fn_: vec![mary],
            em: vec![smith, mary],
            client_user_agent: "A \"quoted\" \\ agent\n".to_owned(),
            ..UserData::default()
        };
        let hex = |hash: Hash| String::from_utf8(hash.as_hex().to_vec()).unwrap();
        let expected = format!(
            r#"{{"client_user_agent":"A \"quoted\" \\ agent\n","em":["{}","{}"],"fn":["{}"],"lead_id":1234567890123456}}"#,
            hex(smith),
            hex(mary),
            hex(mary),
        );
        assert_eq!(json(&user_data), expected);
        assert_eq!(user_data.keys(), KeySet::of(&[Key::ClientUserAgent, Key::Em, Key::Fn, Key::LeadId]));
        assert_eq!(json(&UserData::default()), "{}");
        assert!(UserData::default().keys().is_empty());
    }

    #[test]
    fn json_is_appended_to_what_is_there() {
        let mut out = b"x".to_vec();
        UserData { lead_id: Some(1), ..UserData::default() }.write_json(&mut out);
        assert_eq!(out, b"x{\"lead_id\":1}");
    }

    /// Ids in ledgers and at Meta depend on these bytes.
    #[test]
    fn the_strongest_parameter_is_the_identity_and_never_changes() {
        let mut user_data = UserData {
            lead_id: Some(1_234_567_890_123_456),
            fbc: "fb.1.1554763741205.AbC".to_owned(),
            em: vec![Hash::of("john_smith@gmail.com"), Hash::of("mary")],
            ph: vec![Hash::of("16505551212")],
            external_id: vec![Hash::of("mary")],
            fn_: vec![Hash::of("mary")],
            ..UserData::default()
        };
        assert_eq!(identity(&user_data), "lead_id:1234567890123456");
        user_data.lead_id = None;
        assert_eq!(identity(&user_data), "fbc:fb.1.1554763741205.AbC");
        user_data.fbc.clear();
        assert_eq!(identity(&user_data), "em:62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f");
        user_data.em.clear();
        assert_eq!(identity(&user_data), "ph:e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176");
        user_data.ph.clear();
        assert_eq!(
            identity(&user_data),
            "external_id:6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"
        );
        user_data.external_id.clear();
        assert_eq!(
            identity(&user_data),
            r#"{"fn":["6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec"]}"#
        );
        user_data.clear();
        assert_eq!(identity(&user_data), "");
    }
}
