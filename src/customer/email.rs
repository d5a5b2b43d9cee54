//! Email addresses: lower case, trimmed, unwrapped from display names; dots and `+tags` stay, as Meta folds neither.

use memchr::{memchr, memrchr};

use super::text;
use crate::problem::Code;

/// The addresses of a cell: separated by `;`, `,` or line breaks, except within quotation marks and angle brackets. Quotation
/// marks and brackets that are never closed hold nothing together.
///
/// The part of a display name before such a comma (`Smith, Mary <mary@example.com>`) is no address and left out. Each byte
/// is looked at a few times at most, however the cell is made.
pub(super) fn split(cell: &str) -> impl Iterator<Item = &str> {
    let has_several = !text::all(cell, |byte| !matches!(byte, b';' | b',' | b'\n' | b'\r'));
    let last = |byte| {
        has_several
            .then(|| memrchr(byte, cell.as_bytes()))
            .flatten()
    };
    let (last_quote, last_bracket) = (last(b'"'), last(b'>'));
    let mut next = Some(0);
    std::iter::from_fn(move || {
        loop {
            let start = next?;
            let end = match has_several {
                true => end_of_part(cell, start, last_quote, last_bracket),
                false => None,
            };
            next = end.map(|end| end + 1);
            let part = text::trim(&cell[start..end.unwrap_or(cell.len())]);
            let is_half_a_name =
                || !part.contains('@') && next.is_some_and(|next| is_named(&cell[next..]));
            if !part.is_empty() && !is_half_a_name() {
                return Some(part);
            }
        }
    })
}

/// Where the part that begins at `start` is cut off; none when it is the last.
fn end_of_part(
    cell: &str,
    start: usize,
    last_quote: Option<usize>,
    last_bracket: Option<usize>,
) -> Option<usize> {
    let (mut is_quoted, mut is_bracketed) = (false, false);
    for (at, byte) in cell.bytes().enumerate().skip(start) {
        match byte {
            b'"' => is_quoted = !is_quoted && last_quote > Some(at),
            b'<' => is_bracketed = last_bracket > Some(at),
            b'>' => is_bracketed = false,
            b';' | b',' | b'\n' | b'\r' if !is_quoted && !is_bracketed => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the next part is a display name with its address in angle brackets.
fn is_named(rest: &str) -> bool {
    let next = rest.split([';', ',']).next().unwrap_or_default();
    next.find('<')
        .is_some_and(|open| !next[..open].contains('@') && next[open..].contains('@'))
}

/// Appends the normalised address to `out`.
pub(super) fn normalize(text: &str, out: &mut String) -> Result<(), Code> {
    let start = out.len();
    let kinds = text
        .bytes()
        .fold(0, |all, byte| all | KINDS[usize::from(byte)]);
    let is_sound = if kinds & OTHER == 0 {
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        parts(&out[start..]).is_some_and(|(local, domain)| !local.is_empty() && is_domain(domain))
    } else {
        text::push_all_lowercase(unwrap(&text::plain(text)), out);
        is_address(&out[start..])
    };
    if is_sound {
        return Ok(());
    }
    out.truncate(start);
    Err(Code::EmailInvalid)
}

/// What a byte is in an address. Of all but [`OTHER`] nothing is ever taken off or refused in front of the `@`.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'.' => DOT,
            b'-' => DASH,
            b'@' | b'+' => SIGN,
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => 0,
            0x80.. => OTHER,
            _ => OTHER | SIGN,
        };
        byte += 1;
    }
    kinds
};
const DOT: u8 = 1;
const DASH: u8 = 2;
/// No domain has it.
const SIGN: u8 = 4;
/// Neither a letter or digit of ASCII nor a sign that nearly all addresses are made of.
const OTHER: u8 = 8;

/// The address without display name, brackets, quotation marks and `mailto:`.
fn unwrap(text: &str) -> &str {
    let bracketed = text
        .rfind('<')
        .and_then(|open| Some(&text[open + 1..][..text[open + 1..].find('>')?]));
    let address = text::bare(bracketed.unwrap_or(text), None);
    match address.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => text::bare(
            address[scheme.len()..]
                .split('?')
                .next()
                .unwrap_or_default(),
            None,
        ),
        _ => address,
    }
}

/// Something, one `@`, a domain of two labels or more, and nothing that no address has.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((local, domain)) = parts(text) else {
        return false;
    };
    let is_forbidden = |byte: u8| {
        matches!(
            byte,
            0..=b' '
                | b'"'
                | b'('
                | b')'
                | b','
                | b':'
                | b';'
                | b'<'
                | b'>'
                | b'['
                | b'\\'
                | b']'
                | 0x7f
        )
    };
    !local.is_empty()
        && text::all(local, |byte| !is_forbidden(byte))
        && (text.is_ascii() || !text.contains(text::is_blank))
        && is_domain(domain)
}

/// What stands before and after the first `@`.
fn parts(address: &str) -> Option<(&str, &str)> {
    let at = memchr(b'@', address.as_bytes())?;
    Some((&address[..at], &address[at + 1..]))
}

/// Labels with dots between them: letters of any script, digits, dashes within.
fn is_domain(text: &str) -> bool {
    let (mut all, mut clash, mut before) = (0, 0, DOT);
    for byte in text.bytes() {
        let kind = KINDS[usize::from(byte)];
        // A label neither begins nor ends with a dash, and is not empty.
        let unfit = match before & (DOT | DASH) {
            0 => 0,
            DOT => DOT | DASH,
            _ => DOT,
        };
        clash |= kind & unfit;
        all |= kind;
        before = kind;
    }
    all & (DOT | SIGN) == DOT && clash == 0 && before & (DOT | DASH) == 0
}

/// Whether a normalised address was typed only because the form wanted one.
pub(super) fn is_placeholder(address: &str) -> bool {
    let Some((local, domain)) = parts(address) else {
        return false;
    };
    // The last is what Meta puts into its own test leads.
    matches!(
        local,
        "noemail"
            | "no-email"
            | "no_email"
            | "no.email"
            | "nomail"
            | "no-mail"
            | "none"
            | "na"
            | "noreply"
            | "notprovided"
            | "noaddress"
            | "donotemail"
            | "unknown"
    ) || matches!(
        domain,
        "none.com"
            | "noemail.com"
            | "nomail.com"
            | "no.com"
            | "na.com"
            | "test.com"
            | "noemail.invalid"
            | "unknown.com"
            | "email.invalid"
    ) || address == "test@meta.com"
        || domain.ends_with(".invalid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn email(text: &str) -> Result<String, Code> {
        let mut out = String::new();
        normalize(text, &mut out).map(|()| out)
    }

    #[test]
    fn addresses_are_trimmed_unwrapped_and_lower_case() {
        for (text, expected) in [
            ("John_Smith@gmail.com", "john_smith@gmail.com"),
            ("\u{a0}Mary@Example.COM\u{200b} ", "mary@example.com"),
            ("mary.ann+crm@example.com", "mary.ann+crm@example.com"),
            ("\"Mary\" <mary@example.com>", "mary@example.com"),
            ("Mary Smith <Mary@example.com>", "mary@example.com"),
            ("<mary@example.com>", "mary@example.com"),
            ("mailto:mary@example.com", "mary@example.com"),
            ("MAILTO:mary@example.com?subject=x", "mary@example.com"),
            ("'mary@example.com", "mary@example.com"),
            ("mailto:'mary@example.com'", "mary@example.com"),
            ("JÖRG@MÜLLER.example", "jörg@müller.example"),
            ("jo\u{308}rg@example.com", "jörg@example.com"),
            ("mary\u{200b}@example.com", "mary@example.com"),
            ("ｍａｒｙ＠ｅｘａｍｐｌｅ．ｃｏｍ", "mary@example.com"),
            ("o'neill@example.com", "o'neill@example.com"),
            ("用户@例子.公司", "用户@例子.公司"),
        ] {
            assert_eq!(email(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "mary",
            "mary@",
            "@example.com",
            "mary@example",
            "mary@@example.com",
            "mary smith@example.com",
            "mary@exam ple.com",
            "mary@.com",
            "mary@example.",
            "mary@example..com",
            "a@b@example.com",
            "<>",
            "mailto:",
            "mary@-example.com",
            "1.5E+10",
        ] {
            assert_eq!(email(text), Err(Code::EmailInvalid), "{text}");
        }
    }

    #[test]
    fn cells_are_split_into_their_addresses() {
        for (cell, expected) in [
            ("a@example.com", &["a@example.com"][..]),
            (
                "a@example.com;b@example.com",
                &["a@example.com", "b@example.com"],
            ),
            (
                "a@example.com, b@example.com ,",
                &["a@example.com", "b@example.com"],
            ),
            (
                "a@example.com\nb@example.com",
                &["a@example.com", "b@example.com"],
            ),
            (
                "\"Smith, Mary\" <a@example.com>, b@example.com",
                &["\"Smith, Mary\" <a@example.com>", "b@example.com"],
            ),
            ("Smith, Mary <a@example.com>", &["Mary <a@example.com>"]),
            (
                "\"a@example.com, b@example.com",
                &["\"a@example.com", "b@example.com"],
            ),
            (
                "<a@example.com; <b@example.com",
                &["<a@example.com", "<b@example.com"],
            ),
            (
                "a@example.com; \"b@example.com; c@example.com",
                &["a@example.com", "\"b@example.com", "c@example.com"],
            ),
            (
                "a@example.com\r\nb@example.com",
                &["a@example.com", "b@example.com"],
            ),
            (";", &[]),
        ] {
            assert_eq!(split(cell).collect::<Vec<_>>(), expected, "{cell}");
        }
    }

    #[test]
    fn placeholders_are_noticed() {
        for address in [
            "noemail@example.com",
            "none@none.com",
            "test@test.com",
            "test@meta.com",
            "no-email@example.org",
        ] {
            assert!(is_placeholder(address), "{address}");
        }
        for address in ["mary@example.com", "test@example.com", "nona@example.com"] {
            assert!(!is_placeholder(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn addresses_that_need_nothing_are_what_the_long_way_makes_of_them(text in "[a-zA-Z0-9._+@-]{0,30}") {
            prop_assert!(text.bytes().all(|byte| KINDS[usize::from(byte)] & OTHER == 0));
            let plain = text::plain(&text);
            prop_assert_eq!(unwrap(&plain), text.as_str());
            prop_assert_eq!(email(&text).is_ok(), is_address(&text.to_lowercase()));
        }
    }
}
