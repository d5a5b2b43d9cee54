//! Decoded text in a window that moves over the input.
//!
//! In go bytes in any encoding, out comes UTF-8 text, a few hundred kilobytes at a time: a reader looks at what is
//! there, asks for more when a record is not complete, and says how much it used up. UTF-8 is only checked; other
//! encodings go through a decoder. Bytes that cannot be decoded become U+FFFD, except in a file that was plain ASCII
//! so far, which turns out to be Windows-1252.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{CoderResult, Decoder, UTF_8, WINDOWS_1252};

use super::bytes::Bytes;
use super::chunk::Chunk;
use super::encoding::{Detected, EncodingEvidence};
use crate::problem::Code;

/// How much is read at a time, at least.
const BLOCK_BYTES: usize = 256 * 1024;
/// A record larger than this is refused: it bounds the memory of all readers.
pub(super) const MAX_RECORD_BYTES: usize = 4 << 20;

/// The part of an input's text that is being looked at.
pub(super) struct Text {
    bytes: Bytes,
    decoding: Decoding,
    window: String,
    used: usize,
    /// How much text there was so far, what is not used up included.
    decoded: u64,
    has_ended: bool,
    is_assumed: bool,
}

enum Decoding {
    /// UTF-8, in a block that begins with so many bytes of a character that the last one cut.
    Checked {
        block: Vec<u8>,
        cut: usize,
        is_plain: bool,
        may_be_other: bool,
    },
    /// Anything else, or UTF-8 that turned out to be damaged.
    Decoder { decoder: Decoder, block: Vec<u8> },
}

impl Text {
    /// Text from all bytes of an input, its byte order mark left out.
    pub(super) fn new(mut bytes: Bytes, detected: Detected) -> io::Result<Text> {
        io::copy(
            &mut bytes.by_ref().take(detected.mark as u64),
            &mut io::sink(),
        )?;
        let decoding = if detected.encoding == UTF_8 {
            let may_be_other = detected.evidence == EncodingEvidence::Valid;
            Decoding::Checked {
                block: Vec::new(),
                cut: 0,
                is_plain: true,
                may_be_other,
            }
        } else {
            Decoding::Decoder {
                decoder: detected.encoding.new_decoder_without_bom_handling(),
                block: Vec::new(),
            }
        };
        Ok(Text {
            bytes,
            decoding,
            window: String::new(),
            used: 0,
            decoded: 0,
            has_ended: false,
            is_assumed: false,
        })
    }

    /// The text that was read and not used up yet.
    pub(super) fn rest(&self) -> &str {
        &self.window[self.used..]
    }

    /// Whether nothing comes after [`rest`](Text::rest).
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Marks the first bytes of the rest as used; they must end at a character.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// The share of the text so far that is used up, from 0 to 1.
    pub(super) fn used_share(&self) -> f64 {
        match self.decoded {
            0 => 1.0,
            decoded => 1.0 - self.rest().len() as f64 / decoded as f64,
        }
    }

    /// Says in a chunk, once, that the encoding had to be corrected, and from which row on.
    pub(super) fn note_assumed(&mut self, chunk: &mut Chunk) {
        // Only ASCII came before, so the correction begins with the first character beyond it.
        if self.is_assumed
            && let Some(row) = chunk.first_row_beyond_ascii()
        {
            chunk.note(Code::EncodingAssumed, row, None);
            self.is_assumed = false;
        }
    }

    /// Reads on: the rest keeps its beginning and becomes longer, or the text has ended.
    pub(super) fn more(&mut self) -> io::Result<()> {
        self.window.drain(..self.used);
        self.used = 0;
        if self.has_ended {
            return Ok(());
        }
        // As much again as there is, so that a long record is not looked at too many times.
        let wanted = BLOCK_BYTES.max(self.window.len());
        let known = self.window.len();
        let read = match &mut self.decoding {
            Decoding::Checked { .. } => self.read_checked(wanted),
            Decoding::Decoder { .. } => self.read_decoded(wanted),
        };
        self.decoded += (self.window.len() - known) as u64;
        read
    }

    fn read_checked(&mut self, wanted: usize) -> io::Result<()> {
        let Decoding::Checked {
            block,
            cut,
            is_plain,
            may_be_other,
        } = &mut self.decoding
        else {
            return Ok(());
        };
        let known = self.window.len();
        // Never shorter than before: what was made once need not be filled with zeros again.
        block.resize(block.len().max(*cut + wanted), 0);
        let read = fill(&mut self.bytes, &mut block[*cut..*cut + wanted])?;
        self.has_ended = read < wanted;
        let bytes = &block[..*cut + read];
        let whole = match self.has_ended {
            true => bytes.len(),
            false => bytes.len() - cut_at_the_end(bytes),
        };
        let error = match simdutf8::basic::from_utf8(&bytes[..whole]) {
            Ok(text) => {
                self.window.push_str(text);
                *is_plain = *is_plain && text.is_ascii();
                *cut = bytes.len() - whole;
                block.copy_within(whole..whole + *cut, 0);
                return Ok(());
            }
            Err(_) => std::str::from_utf8(bytes),
        };
        let valid = error.map_or_else(|error| error.valid_up_to(), str::len);
        let (text, rest) = bytes.split_at(valid);
        self.window
            .push_str(std::str::from_utf8(text).unwrap_or_default());
        *is_plain = *is_plain && self.window.as_bytes()[known..].is_ascii();
        let is_other = *is_plain && *may_be_other;
        self.is_assumed = is_other;
        let encoding = if is_other { WINDOWS_1252 } else { UTF_8 };
        let mut decoder = encoding.new_decoder_without_bom_handling();
        decode(&mut decoder, rest, &mut self.window, self.has_ended);
        self.decoding = Decoding::Decoder {
            decoder,
            block: Vec::new(),
        };
        Ok(())
    }

    fn read_decoded(&mut self, wanted: usize) -> io::Result<()> {
        let Decoding::Decoder { decoder, block } = &mut self.decoding else {
            return Ok(());
        };
        block.clear();
        let read = self.bytes.by_ref().take(wanted as u64).read_to_end(block)?;
        self.has_ended = read < wanted;
        decode(decoder, block, &mut self.window, self.has_ended);
        Ok(())
    }
}

/// Reads until the buffer is full or nothing is left.
fn fill(bytes: &mut Bytes, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match bytes.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// How many bytes at the end begin a character that is not all there.
fn cut_at_the_end(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3);
    let is_inside = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    let back = last.clone().take_while(is_inside).count() + 1;
    let needed = match bytes.len().checked_sub(back).map(|at| bytes[at]) {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    if needed > back { back } else { 0 }
}

fn decode(decoder: &mut Decoder, mut bytes: &[u8], text: &mut String, is_last: bool) {
    loop {
        let needed = decoder
            .max_utf8_buffer_length(bytes.len())
            .unwrap_or(bytes.len());
        text.reserve(needed.clamp(16, 2 * BLOCK_BYTES));
        let (result, read, _) = decoder.decode_to_string(bytes, text, is_last);
        bytes = &bytes[read..];
        if result == CoderResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoding::detect;
    use super::*;
    use encoding_rs::UTF_16LE;
    use std::io::Cursor;

    /// Everything a text yields, in uneven steps, and whether its encoding had to be corrected.
    fn read_all(bytes: &[u8], detected: Detected) -> (String, bool) {
        let mut text = Text::new(Box::new(Cursor::new(bytes.to_vec())), detected).unwrap();
        let (mut all, mut assumed) = (String::new(), false);
        while !text.has_ended() {
            text.more().unwrap();
            assumed |= text.is_assumed;
            let rest = text.rest();
            let step = rest
                .char_indices()
                .map(|(at, _)| at)
                .take_while(|at| *at < 200_000)
                .last()
                .unwrap_or(0);
            all.push_str(&rest[..step]);
            text.advance(step);
        }
        all.push_str(text.rest());
        (all, assumed)
    }

    #[test]
    fn characters_cut_by_a_block_are_put_together_again() {
        for offset in 0..4 {
            let text = "x".repeat(offset) + &"Jürgen€𝄞".repeat(60_000);
            assert!(
                read_all(text.as_bytes(), detect(text.as_bytes(), None)) == (text.clone(), false)
            );
            let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let detected = Detected {
                encoding: UTF_16LE,
                evidence: EncodingEvidence::Given,
                mark: 0,
            };
            assert!(read_all(&wide, detected).0 == text);
        }
    }

    #[test]
    fn ascii_that_turns_out_to_be_something_else_is_read_as_windows_1252() {
        let bytes = [&b"a,b\n".repeat(100_000)[..], b"J\xfcrgen,K\xf6hler\n"].concat();
        let (text, assumed) = read_all(&bytes, detect(&bytes[..1000], None));
        assert!(text.ends_with("\nJürgen,Köhler\n") && assumed);
    }

    #[test]
    fn damage_in_utf_8_costs_a_character_and_no_text() {
        let bytes = [
            "Jürgen,".as_bytes(),
            &b"a,b\n".repeat(100_000),
            b"K\xf6hler\nend\xc3",
        ]
        .concat();
        let (text, assumed) = read_all(&bytes, detect(&bytes[..1000], None));
        assert!(text.ends_with("\nK\u{fffd}hler\nend\u{fffd}") && !assumed);
    }

    #[test]
    fn a_character_is_cut_where_bytes_of_it_are_missing() {
        for c in ["a", "ü", "€", "𝄞"] {
            let text = format!("x{c}");
            for len in 1..=text.len() {
                let expected = match len {
                    _ if len == text.len() => 0,
                    _ => len - 1,
                };
                assert_eq!(
                    cut_at_the_end(&text.as_bytes()[..len]),
                    expected,
                    "{c} {len}"
                );
            }
        }
        for damaged in [
            &b""[..],
            b"\x80",
            b"\x80\x80\x80\x80",
            b"a\xff",
            b"\xc3\xa4\x80",
        ] {
            assert_eq!(cut_at_the_end(damaged), 0, "{damaged:?}");
        }
    }

    #[test]
    fn the_mark_is_no_part_of_the_text() {
        let bytes = b"\xef\xbb\xbfid,email\n";
        assert_eq!(read_all(bytes, detect(bytes, None)).0, "id,email\n");
    }
}
