//! Click ids and browser ids: `fbc`, `fbclid` and `fbp`. They are sent as they are, case kept.
//!
//! One malformed click id makes Meta refuse a whole batch, so they are checked strictly.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc>

use std::fmt::Write;

use super::text;
use crate::problem::Code;

/// Appends the value of the `_fbc` cookie: `fb.1.{ms}.{fbclid}`, with the fifth part newer cookies have or without.
pub(super) fn fbc(text: &str, out: &mut String) -> Result<(), Code> {
    let fbc = text::trim(text);
    if !is_cookie(fbc, is_click_id) {
        return Err(Code::FbcMalformed);
    }
    out.push_str(fbc);
    Ok(())
}

/// Appends the value of the `_fbp` cookie: `fb.1.{ms}.{random number}`, with a fifth part or without.
pub(super) fn fbp(text: &str, out: &mut String) -> Result<(), Code> {
    let fbp = text::trim(text);
    if !is_cookie(fbp, |id| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())
    }) {
        return Err(Code::FbpMalformed);
    }
    out.push_str(fbp);
    Ok(())
}

/// Appends the `fbc` of a click id that was first seen at `first_seen_ms`, Unix milliseconds.
///
/// The click id may stand in the address of the landing page, and may be an `fbc` already.
pub(super) fn fbclid(text: &str, first_seen_ms: Option<i64>, out: &mut String) -> Result<(), Code> {
    let text = text::trim(text);
    if is_cookie(text, is_click_id) {
        out.push_str(text);
        return Ok(());
    }
    let id = match text.split_once("fbclid=") {
        Some((_, query)) => query.split(['&', '#']).next().unwrap_or_default(),
        None => text,
    };
    if !is_click_id(id) {
        return Err(Code::FbclidMalformed);
    }
    let ms = first_seen_ms.filter(|ms| (1_000_000_000_000..10_000_000_000_000).contains(ms));
    let ms = ms.ok_or(Code::FbclidTimeMissing)?;
    // Writing to a string cannot fail.
    let _ = write!(out, "fb.1.{ms}.{id}");
    Ok(())
}

fn is_click_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Whether the text is `fb`, the number of the domain's level, 13 digits of milliseconds, an id and perhaps one more part.
fn is_cookie(text: &str, is_id: impl Fn(&str) -> bool) -> bool {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('.');
    parts.next() == Some("fb")
        && parts
            .next()
            .is_some_and(|level| (1..=2).contains(&level.len()) && digits(level))
        && parts.next().is_some_and(|ms| ms.len() == 13 && digits(ms))
        && parts.next().is_some_and(is_id)
        && parts.next().is_none_or(is_click_id)
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        normalize: impl Fn(&str, &mut String) -> Result<(), Code>,
        text: &str,
    ) -> Result<String, Code> {
        let mut out = String::new();
        normalize(text, &mut out).map(|()| out)
    }

    #[test]
    fn fbc_has_four_parts_or_five() {
        for text in [
            "fb.1.1554763741205.AbCdEf-_123",
            "fb.0.1554763741205.AbC.AQ",
            "fb.2.1554763741205.AbC.AQYBAQAB",
        ] {
            assert_eq!(read(fbc, &format!(" {text}\u{a0}")).as_deref(), Ok(text));
        }
        for text in [
            "AbCdEf",
            "fb.1.1554763741205",
            "fb.1.1554763741205.",
            "fb.1.1554763741.AbC",
            "fb.1.15547637412050.AbC",
            "fb.x.1554763741205.AbC",
            "FB.1.1554763741205.AbC",
            "fb.1.1554763741205.A.B.C",
            "fb.1.1554763741205.AbC.",
            "fb.1.1554763741205.A b",
            "fb..1554763741205.AbC",
        ] {
            assert_eq!(read(fbc, text), Err(Code::FbcMalformed), "{text}");
        }
    }

    #[test]
    fn fbp_ends_in_a_number() {
        assert_eq!(
            read(fbp, "fb.1.1596403881668.1116446470").as_deref(),
            Ok("fb.1.1596403881668.1116446470")
        );
        assert_eq!(
            read(fbp, "fb.1.1596403881668.1116446470.BA").as_deref(),
            Ok("fb.1.1596403881668.1116446470.BA")
        );
        assert_eq!(read(fbp, "fb.1.1596403881668.AbC"), Err(Code::FbpMalformed));
        assert_eq!(read(fbp, "1116446470"), Err(Code::FbpMalformed));
    }

    #[test]
    fn fbclid_becomes_fbc_by_the_time_it_was_first_seen() {
        let at = |ms| move |text: &str, out: &mut String| fbclid(text, ms, out);
        let seen = Some(1_554_763_741_205);
        for text in [
            "IwAR2F4-dbP0l7",
            " IwAR2F4-dbP0l7 ",
            "https://example.com/?utm_source=fb&fbclid=IwAR2F4-dbP0l7&x=1#top",
            "fbclid=IwAR2F4-dbP0l7",
            "fb.1.1554763741205.IwAR2F4-dbP0l7",
        ] {
            assert_eq!(
                read(at(seen), text).as_deref(),
                Ok("fb.1.1554763741205.IwAR2F4-dbP0l7"),
                "{text}"
            );
        }
        assert_eq!(
            read(at(None), "IwAR2F4-dbP0l7"),
            Err(Code::FbclidTimeMissing)
        );
        assert_eq!(
            read(at(Some(1_554_763_741)), "IwAR2F4-dbP0l7"),
            Err(Code::FbclidTimeMissing)
        );
        assert_eq!(read(at(seen), "Iw AR"), Err(Code::FbclidMalformed));
        assert_eq!(
            read(at(seen), "https://example.com/"),
            Err(Code::FbclidMalformed)
        );
    }
}
