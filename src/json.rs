//! Writes JSON objects member by member, into a buffer that is used again.

/// What stands before the value of a member of this name, for [`Object::member`].
macro_rules! member {
    ($name:expr) => {
        concat!(",\"", $name, "\":").as_bytes()
    };
}
pub(crate) use member;

/// An object on its way into a buffer. Its members come in the order they are written.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Object<'a> {
    pub(crate) fn begin(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { out, start }
    }

    /// Appends a member's name, as [`member`] or [`name_of_member`] give it; its value goes into the buffer that comes back.
    pub(crate) fn member(&mut self, name: &[u8]) -> &mut Vec<u8> {
        self.out.extend_from_slice(name);
        self.out
    }

    pub(crate) fn end(self) {
        // Every member brings a comma along; the first one becomes the opening brace.
        match self.out.get_mut(self.start) {
            Some(first) => *first = b'{',
            None => self.out.push(b'{'),
        }
        self.out.push(b'}');
    }
}

/// What stands before the value of a member whose name is only known at run time.
pub(crate) fn name_of_member(name: &str) -> Vec<u8> {
    let mut member = vec![b','];
    write_text(&mut member, name);
    member.push(b':');
    member
}

/// Appends an integer.
pub(crate) fn write_integer(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the text as a JSON string, quotes included, escaped as little as JSON asks for.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let needs_escape = |byte: u8| (byte < 0x20) | (byte == b'"') | (byte == b'\\');
    // Hardly any text needs an escape, and to look at all bytes at once is quick.
    if !bytes
        .iter()
        .fold(false, |any, &byte| any | needs_escape(byte))
    {
        out.extend_from_slice(bytes);
        out.push(b'"');
        return;
    }
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if !needs_escape(byte) {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_object_has_commas_between_its_members_and_none_elsewhere() {
        let mut out = b"x".to_vec();
        Object::begin(&mut out).end();
        let mut object = Object::begin(&mut out);
        write_integer(object.member(member!("a")), 1);
        write_text(object.member(&name_of_member("b \"c\"")), "d");
        object.end();
        assert_eq!(out, br#"x{}{"a":1,"b \"c\"":"d"}"#);
    }

    proptest! {
        #[test]
        fn any_text_reads_back(text in "(?s)[\\x00-\\x7f\\PC]{0,40}") {
            let mut out = Vec::new();
            write_text(&mut out, &text);
            prop_assert_eq!(std::str::from_utf8(&out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
