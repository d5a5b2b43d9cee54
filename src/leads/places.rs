//! Where leads are: the Pages a token sees, their forms, and what the questions of a form mean.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::ask::{Asker, Failure};

const QUESTIONS: &str = "questions{key,label,type}";
const FORM: &str = "id,name,status,leads_count,expired_leads_count";

/// A Page, and the token that reads it.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its own token; the user's where Meta gave none.
    pub token: SecretString,
}

/// Something that has leads: a form, or an ad.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its id.
    pub id: String,
    /// Its name; empty where none is known.
    pub name: String,
    /// Leads that Meta counts, those that are gone included; none where it does not say.
    pub leads: Option<u64>,
    /// Leads of these that are gone after 90 days.
    pub expired: Option<u64>,
    /// What its questions mean; none for an ad, whose leads belong to forms.
    pub questions: Option<Questions>,
    /// What reads it.
    pub token: SecretString,
}

/// The field that each question of a form asks for, by the question's key.
pub(crate) type Questions = BTreeMap<String, String>;

/// The Pages with these ids, else all that the token sees.
///
/// # Errors
/// They cannot be read.
pub(crate) async fn pages(
    asker: &mut Asker,
    ids: &[String],
    token: &SecretString,
) -> Result<Vec<Page>, Failure> {
    let mut pages = Vec::new();
    if ids.is_empty() {
        let query = [("fields", "id,name,access_token"), ("limit", "100")];
        let mut take = |records: Vec<Value>| {
            pages.extend(
                records
                    .iter()
                    .filter_map(|record| page(record.as_object()?, token)),
            );
            Ok(())
        };
        asker
            .each_page::<Failure>(&["me", "accounts"], &query, token, &mut take)
            .await?;
    }
    for id in ids {
        let query = [("fields", "id,name,access_token")];
        pages.extend(page(&asker.get(&[id], &query, token).await?, token));
    }
    Ok(pages)
}

fn page(record: &Map<String, Value>, token: &SecretString) -> Option<Page> {
    let own = record.get("access_token").and_then(Value::as_str);
    Some(Page {
        id: id_text(record.get("id")?)?,
        name: text(record, "name"),
        token: own.map_or_else(|| token.clone(), SecretString::from),
    })
}

/// The forms of a Page, whatever their status.
///
/// # Errors
/// They cannot be read.
pub(crate) async fn forms(asker: &mut Asker, page: &Page) -> Result<Vec<Place>, Failure> {
    let fields = format!("{FORM},{QUESTIONS}");
    let query = [("fields", fields.as_str()), ("limit", "50")];
    let mut forms = Vec::new();
    let mut take = |records: Vec<Value>| {
        let of_page = |record: &Value| form(record.as_object()?, &page.token);
        forms.extend(records.iter().filter_map(of_page));
        Ok(())
    };
    asker
        .each_page::<Failure>(&[&page.id, "leadgen_forms"], &query, &page.token, &mut take)
        .await?;
    Ok(forms)
}

/// The form with this id.
///
/// # Errors
/// It cannot be read.
pub(crate) async fn one_form(
    asker: &mut Asker,
    id: &str,
    token: &SecretString,
) -> Result<Place, Failure> {
    let fields = format!("{FORM},{QUESTIONS}");
    let record = asker.get(&[id], &[("fields", &fields)], token).await?;
    Ok(form(&record, token).unwrap_or_else(|| ad(id, token)))
}

/// An ad, of whose leads nothing is known yet.
pub(crate) fn ad(id: &str, token: &SecretString) -> Place {
    Place {
        id: id.to_owned(),
        name: String::new(),
        leads: None,
        expired: None,
        questions: None,
        token: token.clone(),
    }
}

fn form(record: &Map<String, Value>, token: &SecretString) -> Option<Place> {
    let questions = record.get("questions").and_then(Value::as_array);
    let question = |question: &Value| {
        let question = question.as_object()?;
        let key = text(question, "key");
        let field = field_of(&text(question, "type"), &key);
        Some((key, field))
    };
    Some(Place {
        id: id_text(record.get("id")?)?,
        name: text(record, "name"),
        leads: record.get("leads_count").and_then(Value::as_u64),
        expired: record.get("expired_leads_count").and_then(Value::as_u64),
        questions: Some(
            questions
                .into_iter()
                .flatten()
                .filter_map(question)
                .collect(),
        ),
        token: token.clone(),
    })
}

/// What answers are called whose question is one of Meta's own.
const ANSWERS: [&str; 11] = [
    "email",
    "phone",
    "full_name",
    "first_name",
    "last_name",
    "city",
    "state",
    "zip",
    "country",
    "date_of_birth",
    "gender",
];

/// Whether an answer may be called so.
pub(super) fn is_answer(name: &str) -> bool {
    name.starts_with("custom.") || ANSWERS.contains(&name)
}

/// What an answer is called: by the type of its question, else `custom.` and the question's key.
/// <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/create/questions>
pub(super) fn field_of(question_type: &str, key: &str) -> String {
    let field = match question_type {
        "EMAIL" | "WORK_EMAIL" => "email",
        "PHONE" | "PHONE_OTP" | "WORK_PHONE_NUMBER" => "phone",
        "FULL_NAME" => "full_name",
        "FIRST_NAME" => "first_name",
        "LAST_NAME" => "last_name",
        "CITY" => "city",
        "STATE" | "PROVINCE" => "state",
        "ZIP" | "POST_CODE" => "zip",
        "COUNTRY" => "country",
        "DOB" => "date_of_birth",
        "GENDER" => "gender",
        _ => return format!("custom.{key}"),
    };
    field.to_owned()
}

/// The type of a question whose form cannot be asked, by the keys Meta gives its own questions.
pub(super) fn type_of_key(key: &str) -> &'static str {
    match key {
        "email" => "EMAIL",
        "work_email" => "WORK_EMAIL",
        "phone_number" | "phone" => "PHONE",
        "work_phone_number" => "WORK_PHONE_NUMBER",
        "full_name" => "FULL_NAME",
        "first_name" => "FIRST_NAME",
        "last_name" => "LAST_NAME",
        "city" => "CITY",
        "state" => "STATE",
        "province" => "PROVINCE",
        "zip_code" => "ZIP",
        "post_code" => "POST_CODE",
        "country" => "COUNTRY",
        "date_of_birth" => "DOB",
        "gender" => "GENDER",
        _ => "CUSTOM",
    }
}

/// An id as a text of digits; none for anything else, and for a number that is not whole.
pub(crate) fn id_text(id: &Value) -> Option<String> {
    let text = match id {
        Value::String(text) => text.trim().to_owned(),
        // Whole numbers up to 2^64 are kept exactly; what became a float is not one of them.
        Value::Number(number) => number.as_u64()?.to_string(),
        _ => return None,
    };
    let is_id =
        !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then_some(text)
}

pub(super) fn text(record: &Map<String, Value>, key: &str) -> String {
    record
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_is_digits_and_never_a_float() {
        assert_eq!(
            id_text(&json!("12345678901234567")).as_deref(),
            Some("12345678901234567")
        );
        assert_eq!(
            id_text(&json!(12_345_678_901_234_567_u64)).as_deref(),
            Some("12345678901234567")
        );
        for other in [
            json!(1.5e17),
            json!("1.2E+17"),
            json!(""),
            json!(null),
            json!(-5),
            json!("1a"),
        ] {
            assert_eq!(id_text(&other), None, "{other}");
        }
    }

    #[test]
    fn the_type_of_a_question_goes_before_its_name() {
        assert_eq!(field_of("EMAIL", "correo"), "email");
        assert_eq!(field_of("CUSTOM", "email"), "custom.email");
        assert_eq!(
            field_of(type_of_key("phone_number"), "phone_number"),
            "phone"
        );
    }
}
