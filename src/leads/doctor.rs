//! Who may read which leads, by Meta's own access doctor.
//!
//! Input: a token. Output: findings, each with what to do where something is missing.
//! <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/leads-access>

use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Map, Value};

use super::places::{self, Page, id_text, text};
use super::said;
use crate::ask::{Asker, Failure};
use crate::text::harmless;

/// What it takes, and for what.
const PERMISSIONS: [(&str, &str); 5] = [
    ("leads_retrieval", "to read leads"),
    ("ads_management", "to read which ad a lead came from"),
    ("pages_show_list", "to list the Pages"),
    ("pages_read_engagement", "to read a Page's forms"),
    ("pages_manage_ads", "to read a Page's forms"),
];

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What.
    pub what: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found, and what to do about it.
    pub says: String,
}

impl Finding {
    fn good(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ok: true,
            says: says.into(),
        }
    }

    fn bad(what: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ok: false,
            says: says.into(),
        }
    }
}

/// Looks at the token, its permissions, and every Page.
///
/// # Errors
/// The token is refused, or nobody answers.
pub(crate) async fn examine(
    asker: &mut Asker,
    page_ids: &[String],
    token: &SecretString,
) -> Result<Vec<Finding>, Failure> {
    let named = [("fields", "id,name")];
    let user = asker.get(&["me"], &named, token).await?;
    let app = match asker.get(&["app"], &named, token).await {
        Err(Failure::Refused(_)) => Map::new(),
        app => app?,
    };
    let whose = |record: &Map<String, Value>| {
        let id = record
            .get("id")
            .and_then(id_text)
            .unwrap_or_else(|| "unknown".to_owned());
        format!("{} ({id})", harmless(&text(record, "name")))
    };
    let mut findings = vec![Finding::good(
        "token",
        format!("{} of the app {}", whose(&user), whose(&app)),
    )];
    findings.extend(permissions(asker, token).await?);
    let pages = match places::pages(asker, page_ids, token).await {
        Err(Failure::Refused(fault)) => {
            findings.push(Finding::bad("Pages", said(&fault)));
            return Ok(findings);
        }
        pages => pages?,
    };
    if pages.is_empty() {
        findings.push(Finding::bad(
            "Pages",
            "the token sees none: in Business settings, under Users, System users, assign the Page to its user, and generate \
             a new token",
        ));
    }
    let ids = (
        user.get("id").and_then(id_text),
        app.get("id").and_then(id_text),
    );
    for page in &pages {
        findings.extend(examine_page(asker, page, &ids, token).await?);
    }
    Ok(findings)
}

async fn permissions(asker: &mut Asker, token: &SecretString) -> Result<Vec<Finding>, Failure> {
    let answer = match asker.get(&["me", "permissions"], &[], token).await {
        // A Page's token has none of its own.
        Err(Failure::Refused(fault)) => {
            return Ok(vec![Finding::bad(
                "permissions",
                format!("Meta does not say which the token has ({})", fault.codes()),
            )]);
        }
        answer => answer?,
    };
    let records = answer.get("data").and_then(Value::as_array);
    let granted: Vec<&str> = records
        .into_iter()
        .flatten()
        .filter(|record| record["status"] == "granted")
        .filter_map(|record| record["permission"].as_str())
        .collect();
    let finding = |(permission, why): (&str, &str)| match granted.contains(&permission) {
        true => Finding::good(permission, "granted"),
        false => Finding::bad(
            permission,
            format!(
                "missing: it is needed {why}; generate a new token with it, in Business settings under Users, System users"
            ),
        ),
    };
    Ok(PERMISSIONS.map(finding).into())
}

async fn examine_page(
    asker: &mut Asker,
    page: &Page,
    (user, app): &(Option<String>, Option<String>),
    token: &SecretString,
) -> Result<Vec<Finding>, Failure> {
    let what = format!("Page {} ({})", harmless(&page.name), page.id);
    let mut doctor = "has_lead_access".to_owned();
    if let Some(user) = user {
        doctor.push_str(&format!(".user_id({user})"));
    }
    if let Some(app) = app {
        doctor.push_str(&format!(".app_id({app})"));
    }
    let answer = match asker.get(&[&page.id], &[("fields", &doctor)], token).await {
        Err(Failure::Refused(fault)) => {
            return Ok(vec![Finding::bad(what, said(&fault))]);
        }
        answer => answer?,
    };
    let Some(access) = answer.get("has_lead_access").and_then(Value::as_object) else {
        return Ok(vec![Finding::bad(
            what,
            "Meta does not say who may read its leads",
        )]);
    };
    let is = |key: &str| access.get(key) == Some(&Value::Bool(true));
    let manager = match is("enabled_lead_access_manager") {
        true => "; Leads Access Manager decides who may read them",
        false => "",
    };
    let mut findings = Vec::new();
    if is("can_access_lead") {
        findings.push(Finding::good(
            &what,
            format!("its leads can be read{manager}"),
        ));
    } else {
        let said = |key: &str| harmless(&text(access, key)).into_owned();
        let says = [said("failure_reason"), said("failure_resolution")];
        let says: Vec<&str> = says
            .iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        let says = match says.is_empty() {
            true => "its leads cannot be read".to_owned(),
            false => says.join("; "),
        };
        findings.push(Finding::bad(&what, format!("{says}{manager}")));
    }
    for (key, who) in [
        ("user_has_leads_permission", "user"),
        ("app_has_leads_permission", "app"),
    ] {
        if access.get(key) == Some(&Value::Bool(false)) {
            let says = format!(
                "Leads Access Manager keeps the {who} out: in Business settings, under Integrations, Leads access, choose the \
                 Page and assign the {who} to it"
            );
            findings.push(Finding::bad(&what, says));
        }
    }
    Ok(findings)
}
