//! The rules for `user_data`: known keys, hashes where there must be hashes, and enough of them to find somebody.
//!
//! In: the object. Out: nothing, or the first refusal.
//! <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>

use std::collections::HashSet;
use std::net::IpAddr;

use serde_json::Value;

use super::super::answer::{self, Refusal};
use super::shape::Object;

/// Parameters that must come as SHA-256, one or a list.
const HASHED: [&str; 16] = [
    "em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "f5first", "f5last", "fi",
    "dobd", "dobm", "doby",
];

/// Parameters that come as they are.
const PLAIN: [&str; 18] = [
    "anon_id",
    "app_user_id",
    "client_ip_address",
    "client_user_agent",
    "ctwa_clid",
    "external_id",
    "fb_login_id",
    "fbc",
    "fbp",
    "ig_account_id",
    "ig_sid",
    "lead_id",
    "madid",
    "page_id",
    "page_scoped_user_id",
    "partner_id",
    "partner_name",
    "subscription_id",
];

/// An event that has no more than one of these sets could be anybody's.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/best-practices>
const TOO_BROAD: [&[&str]; 4] = [
    &["ct", "country", "st", "zp", "ge", "client_user_agent"],
    &["db", "client_user_agent"],
    &["fn", "ge"],
    &["ln", "ge"],
];

pub(super) fn judge(user_data: Object<'_>, bad_lead_ids: &HashSet<u64>) -> Result<(), Refusal> {
    let known = [&HASHED[..], &PLAIN[..]].concat();
    user_data.allow_only(&known)?;

    for key in HASHED {
        for value in user_data.one_or_many(key) {
            let text = value
                .as_str()
                .ok_or_else(|| user_data.at(key).must_be("a string or a list of strings"))?;
            if !is_hash(text) {
                return Err(Refusal::unhashed(key));
            }
        }
    }
    for value in user_data.one_or_many("external_id") {
        if !(value.is_string() || value.is_number()) {
            return Err(user_data
                .at("external_id")
                .must_be("a string or a list of strings"));
        }
    }
    for key in PLAIN {
        if !["external_id", "lead_id"].contains(&key) {
            user_data.check_text(key)?;
        }
    }
    if user_data
        .string("client_ip_address")?
        .is_some_and(|ip| ip.parse::<IpAddr>().is_err())
    {
        return Err(user_data
            .at("client_ip_address")
            .must_be("an IPv4 or IPv6 address"));
    }
    if user_data
        .string("fbc")?
        .is_some_and(|fbc| !is_click_id(fbc))
    {
        return Err(answer::CLICK_ID);
    }
    if let Some(lead_id) = user_data.get("lead_id") {
        judge_lead_id(lead_id, user_data, bad_lead_ids)?;
    }

    let is_given = |key: &&str| {
        user_data
            .one_or_many(key)
            .any(|value| value.as_str() != Some(""))
    };
    let given: Vec<&str> = known.into_iter().filter(is_given).collect();
    if TOO_BROAD
        .iter()
        .any(|broad| given.iter().all(|key| broad.contains(key)))
    {
        return Err(answer::TOO_BROAD);
    }
    Ok(())
}

/// An integer of 15 to 17 digits, or those digits in a string, as Meta's Python SDK sends them.
fn judge_lead_id(
    lead_id: &Value,
    user_data: Object<'_>,
    bad_lead_ids: &HashSet<u64>,
) -> Result<(), Refusal> {
    let number = match lead_id {
        Value::String(digits)
            if digits.len() <= 17 && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            digits.parse().unwrap_or(0)
        }
        Value::String(_) => 0,
        Value::Number(number) if number.is_i64() || number.is_u64() => number.as_u64().unwrap_or(0),
        _ => return Err(user_data.at("lead_id").must_be("an integer")),
    };
    let has_the_digits = (100_000_000_000_000..100_000_000_000_000_000).contains(&number);
    if has_the_digits && !bad_lead_ids.contains(&number) {
        Ok(())
    } else {
        Err(answer::LEAD_ID)
    }
}

/// 64 lowercase hex digits. Meta's parameter builder appends a dot and two or eight characters to them.
fn is_hash(text: &str) -> bool {
    let (hash, appendix) = text
        .split_once('.')
        .map_or((text, None), |(hash, appendix)| (hash, Some(appendix)));
    hash.len() == 64
        && hash
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && appendix
            .is_none_or(|text| matches!(text.len(), 2 | 8) && text.bytes().all(is_click_byte))
}

/// `fb.{subdomain index}.{milliseconds}.{fbclid}`.
/// <https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc>
fn is_click_id(text: &str) -> bool {
    let mut parts = text.splitn(4, '.');
    let mut next = || parts.next().unwrap_or_default();
    let (version, subdomain, milliseconds, click) = (next(), next(), next(), next());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    version == "fb"
        && subdomain.len() == 1
        && is_number(subdomain)
        && milliseconds.len() == 13
        && is_number(milliseconds)
        && !click.is_empty()
        && click.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_click_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
