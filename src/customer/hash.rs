//! The SHA-256 a customer parameter is sent as, and values that come hashed already.

use sha2::{Digest, Sha256};

use crate::problem::Code;

/// A hashed customer parameter, in lowercase hex as it goes over the wire: a value that repeats is written out once.
/// Nothing else can stand for a person in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hash([u8; 64]);

/// Fewer bytes are no hash of any kind.
pub(super) const SHORTEST: usize = 32;

impl Hash {
    /// Hashes a normalised value.
    pub(crate) fn of(normalized: &str) -> Self {
        Self::of_digest(&sha256([normalized.as_bytes()]))
    }

    /// Takes a value that came hashed: 64 hex digits of any case.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        // All bytes are looked at together, which compilers turn into vector instructions.
        let is_digit =
            |byte: u8| byte.wrapping_sub(b'0') < 10 || (byte | 0x20).wrapping_sub(b'a') < 6;
        let mut hex: [u8; 64] = text.as_bytes().try_into().ok()?;
        let is_hex = hex.iter().fold(true, |all, &byte| all & is_digit(byte));
        hex.make_ascii_lowercase();
        is_hex.then_some(Self(hex))
    }

    fn of_digest(digest: &[u8; 32]) -> Self {
        let mut hex = [0; 64];
        hex.as_chunks_mut()
            .0
            .copy_from_slice(&lowercase_hex(digest));
        Self(hex)
    }

    /// The first half of the hash as two numbers.
    pub(crate) fn first_half(&self) -> [u64; 2] {
        let digit = |hex: u8| {
            u64::from(if hex < b'a' {
                hex - b'0'
            } else {
                hex - b'a' + 10
            })
        };
        let (halves, _) = self.0.as_chunks::<16>();
        let number = |hex: &[u8; 16]| hex.iter().fold(0, |number, hex| number << 4 | digit(*hex));
        [number(&halves[0]), number(&halves[1])]
    }

    /// Lowercase hex.
    pub(crate) fn as_hex(&self) -> &[u8; 64] {
        &self.0
    }
}

/// SHA-256 of the parts, one behind the other.
pub(crate) fn sha256<const PARTS: usize>(parts: [&[u8]; PARTS]) -> [u8; 32] {
    let hasher = parts
        .iter()
        .fold(Sha256::new(), |hasher, part| hasher.chain_update(part));
    hasher.finalize().into()
}

/// The digits of each byte. Arithmetic on all of them at once, which compilers turn into vector instructions.
pub(crate) fn lowercase_hex<const N: usize>(bytes: &[u8; N]) -> [[u8; 2]; N] {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let mut pairs = [[0; 2]; N];
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    pairs
}

/// Looks at a trimmed value as if it came hashed: a SHA-256 is taken, an MD5, SHA-1 or SHA-512 refused, anything
/// else is not hashed. The appendix that Meta's parameter builder puts behind a hash is no part of it.
/// <https://github.com/facebook/capi-param-builder>
pub(super) fn read_hashed(text: &str) -> Result<Option<Hash>, Code> {
    if text.len() == 64 {
        return Ok(Hash::from_hex(text));
    }
    let text = without_appendix(text);
    match text.len() {
        64 => Ok(Hash::from_hex(text)),
        32 | 40 | 128 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Err(Code::HashNotSha256)
        }
        _ => Ok(None),
    }
}

/// Takes off `.AQYCAQAA`, by which the parameter builder says its language, version and what it changed: eight
/// characters of Base64, or in its first versions two that stand for the language.
pub(super) fn without_appendix(text: &str) -> &str {
    let is_base64 =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+' | b'/');
    match text.rsplit_once('.') {
        Some((value, appendix))
            if appendix.len() == 8 && appendix.bytes().all(is_base64)
                || matches!(appendix, "AQ" | "Ag" | "Aw" | "BA" | "BQ" | "Bg") =>
        {
            value
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Meta's documentation of customer information parameters, and from its SDKs' tests.
    /// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>
    #[test]
    fn published_hashes_are_met() {
        for (normalized, hex) in [
            (
                "john_smith@gmail.com",
                "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
            ),
            (
                "16505551212",
                "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
            ),
            (
                "mary",
                "6915771be1c5aa0c886870b6951b03d7eafc121fea0e80a5ea83beb7c449f4ec",
            ),
            (
                "정",
                "8fa8cd9c440be61d0151429310034083132b35975c4bea67fdd74158eb51db14",
            ),
            (
                "valéry",
                "08e1996b5dd49e62a4b4c010d44e4345592a863bb9f8e3976219bac29417149c",
            ),
            (
                "19970216",
                "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
            ),
            (
                "us",
                "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
            ),
        ] {
            assert_eq!(Hash::of(normalized).as_hex(), hex.as_bytes());
            assert_eq!(
                Hash::from_hex(&hex.to_uppercase()),
                Some(Hash::of(normalized))
            );
        }
    }

    #[test]
    fn messages_of_any_length_in_any_pieces_hash_as_the_standard_says() {
        let message: Vec<u8> = (0..=255).collect();
        for len in 0..=200 {
            let expected: [u8; 32] = Sha256::digest(&message[..len]).into();
            assert_eq!(sha256([&message[..len]]), expected, "{len}");
            assert_eq!(
                sha256([&message[..len / 3], &message[len / 3..len], b""]),
                expected,
                "{len}"
            );
        }
    }

    #[test]
    fn weaker_hashes_are_refused_by_their_length() {
        assert_eq!(
            read_hashed(&"aB".repeat(32)).unwrap().unwrap().as_hex(),
            "ab".repeat(32).as_bytes()
        );
        assert_eq!(read_hashed(&"0f".repeat(16)), Err(Code::HashNotSha256));
        assert_eq!(read_hashed(&"0f".repeat(20)), Err(Code::HashNotSha256));
        assert_eq!(read_hashed(&"0g".repeat(16)), Ok(None));
        assert_eq!(read_hashed(&"0g".repeat(32)), Ok(None));
    }

    /// The values are those of the parameter builder's own tests.
    #[test]
    fn what_the_parameter_builder_hashed_is_the_hash_before_its_appendix() {
        let hash = "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3";
        for appendix in [".AQYCAQAA", ".AQYAAQAA", ".AQ"] {
            let text = format!("{}{appendix}", hash.to_uppercase());
            assert_eq!(read_hashed(&text), Ok(Hash::from_hex(hash)), "{appendix}");
        }
        assert_eq!(
            read_hashed("5d41402abc4b2a76b9719d911017c592.AQYAAQAA"),
            Err(Code::HashNotSha256)
        );
        assert_eq!(read_hashed(&format!("{hash}.AQYCAQAAA")), Ok(None));
        assert_eq!(read_hashed(&format!("{hash}.example")), Ok(None));
    }
}
