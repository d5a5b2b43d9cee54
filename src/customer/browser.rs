//! What is known of the lead's browser: its IP address and its user agent. Both are sent as they are.

use std::fmt::Write;
use std::net::IpAddr;

use super::{hash, text};
use crate::problem::Code;

/// Appends an IPv4 or IPv6 address in its canonical spelling, without the appendix of Meta's parameter builder.
pub(super) fn ip_address(text: &str, out: &mut String) -> Result<(), Code> {
    let plain = text::plain(text);
    let address: IpAddr = hash::without_appendix(text::bare(&plain, None))
        .parse()
        .map_err(|_| Code::IpAddressInvalid)?;
    // Writing to a string cannot fail.
    let _ = write!(out, "{address}");
    Ok(())
}

/// Appends a user agent: trimmed, case kept.
pub(super) fn user_agent(text: &str, out: &mut String) {
    out.push_str(text::trim(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_must_be_valid() {
        for (text, expected) in [
            ("203.0.113.7", "203.0.113.7"),
            (" 203.0.113.7 ", "203.0.113.7"),
            ("203.0.113.7.AQYCAQAA", "203.0.113.7"),
            ("2001:db8::1.AQYCAQAA", "2001:db8::1"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ] {
            let mut out = String::new();
            assert_eq!(
                (ip_address(text, &mut out), out.as_str()),
                (Ok(()), expected)
            );
        }
        for text in [
            "203.0.113",
            "203.0.113.256",
            "localhost",
            "203.0.113.7:443",
            "x",
        ] {
            assert_eq!(
                ip_address(text, &mut String::new()),
                Err(Code::IpAddressInvalid),
                "{text}"
            );
        }
    }
}
