//! One lead as Meta gives it, made into one record of the file.

use serde_json::{Map, Value};

use super::places::{Questions, field_of, id_text, text, type_of_key};
use crate::cell::is_dummy;
use crate::customer::Normalizer;
use crate::field::Field;

/// What Meta is asked for of each lead; without being asked it gives three of these.
pub(super) const FIELDS: &str = "id,created_time,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,form_id,\
     field_data,is_organic,platform,partner_name";

/// What stands between the hashes of several values.
pub(super) const HASHES_BETWEEN: &str = "; ";

/// The members of a record that are not answers, in their order.
pub(super) const MEMBERS: [&str; 13] = [
    "id",
    "created_time",
    "form_id",
    "form_name",
    "ad_id",
    "ad_name",
    "adset_id",
    "adset_name",
    "campaign_id",
    "campaign_name",
    "platform",
    "is_organic",
    "partner_name",
];
/// Those that are ids.
const IDS: [&str; 4] = ["form_id", "ad_id", "adset_id", "campaign_id"];

/// One lead, ready to be written.
#[derive(Debug)]
pub(super) struct Record {
    /// Its id.
    pub id: u64,
    /// When it was created, Unix seconds.
    pub created: i64,
    /// Everything by name, the id and the time included.
    pub members: Vec<(String, String)>,
}

/// What a lead turned out to be.
pub(super) enum Read {
    /// A lead.
    Lead(Box<Record>),
    /// One that Meta's own test tool made.
    Test,
    /// Something without an id or a time.
    Unusable,
}

/// The form a lead belongs to.
pub(super) fn form_id(lead: &Value) -> Option<String> {
    id_text(lead.get("form_id")?)
}

/// Reads a lead. `form` is the name of its form and what its questions mean, as far as they are known.
pub(super) fn read(lead: &Value, form: (&str, Option<&Questions>)) -> Read {
    let Some(lead) = lead.as_object() else {
        return Read::Unusable;
    };
    let id: Option<u64> = lead
        .get("id")
        .and_then(id_text)
        .and_then(|id| id.parse().ok());
    let created_text = text(lead, "created_time");
    let (Some(id), Some(created)) = (id, seconds(&created_text)) else {
        return Read::Unusable;
    };
    let answers = answers(lead, form.1);
    if answers
        .iter()
        .any(|(field, value)| is_of_test(field, value))
    {
        return Read::Test;
    }
    let mut members = vec![
        ("id".to_owned(), id.to_string()),
        ("created_time".to_owned(), created_text),
    ];
    for key in &MEMBERS[2..] {
        let value = match *key {
            "form_name" => Some(form.0.to_owned()),
            key if IDS.contains(&key) => lead.get(key).and_then(id_text),
            key => lead.get(key).map(plain),
        };
        members.extend(
            value
                .filter(|value| !value.is_empty())
                .map(|value| ((*key).to_owned(), value)),
        );
    }
    members.extend(answers);
    Read::Lead(Box::new(Record {
        id,
        created,
        members,
    }))
}

/// The answers by the type of their questions; several of one type stand in one, separated by `; `.
fn answers(lead: &Map<String, Value>, questions: Option<&Questions>) -> Vec<(String, String)> {
    let mut answers: Vec<(String, String)> = Vec::new();
    let given = lead.get("field_data").and_then(Value::as_array);
    for answer in given.into_iter().flatten().filter_map(Value::as_object) {
        let key = text(answer, "name");
        let known = questions.and_then(|questions| questions.get(&key).cloned());
        let field = known.unwrap_or_else(|| field_of(type_of_key(&key), &key));
        let values = answer.get("values").and_then(Value::as_array);
        let values: Vec<String> = values
            .into_iter()
            .flatten()
            .map(plain)
            .filter(|value| !value.is_empty())
            .collect();
        let value = values.join(HASHES_BETWEEN);
        if value.is_empty() {
            continue;
        }
        match answers.iter_mut().find(|(known, _)| *known == field) {
            Some((_, all)) => {
                all.push_str("; ");
                all.push_str(&value);
            }
            None => answers.push((field, value)),
        }
    }
    answers
}

/// A value in one line: a record that was cut off by a kill is told by its missing end of line.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_of_test(field: &str, value: &str) -> bool {
    value.ends_with('>') && is_dummy(value)
        || field == "email" && value.eq_ignore_ascii_case("test@meta.com")
}

/// `2026-11-20T09:30:12+0000`, as Graph writes times.
pub(super) fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    let with_zone =
        jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).and_then(|time| time.to_timestamp());
    with_zone
        .or_else(|_| text.parse::<jiff::Timestamp>())
        .ok()
        .map(|time| time.as_second())
}

impl Record {
    /// Takes out everything of the person but hashes of email and phone, which is all a join needs.
    pub(super) fn hash(&mut self, normalizer: &Normalizer) {
        let mut members: Vec<(String, String)> = self
            .members
            .iter()
            .filter(|(key, _)| MEMBERS.contains(&key.as_str()))
            .cloned()
            .collect();
        for (key, field) in [("email", Field::Email), ("phone", Field::Phone)] {
            let Some((_, value)) = self.members.iter().find(|(known, _)| known == key) else {
                continue;
            };
            let values = normalizer.values(field, value).unwrap_or_default();
            let hashes = values
                .iter()
                .filter_map(|value| value.sha256)
                .map(|hash| String::from_utf8_lossy(hash.as_hex()).into_owned());
            let hashes = hashes.collect::<Vec<_>>().join("; ");
            if !hashes.is_empty() {
                members.push((key.to_owned(), hashes));
            }
        }
        self.members = members;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lead(lead: Value, questions: &Questions) -> Record {
        match read(&lead, ("Form", Some(questions))) {
            Read::Lead(record) => *record,
            _ => panic!("no lead"),
        }
    }

    #[test]
    fn answers_stand_under_the_types_of_their_questions_whatever_they_are_called() {
        let questions = Questions::from([
            ("correo".into(), "email".into()),
            ("dienst".into(), "email".into()),
            ("farbe".into(), "custom.farbe".into()),
        ]);
        let record = lead(
            json!({"id": "12345678901234567", "created_time": "2026-11-20T09:30:12+0000", "is_organic": false,
            "field_data": [
                {"name": "farbe", "values": ["rot", "blau\nhell"]},
                {"name": "correo", "values": ["a@example.com"]},
                {"name": "dienst", "values": ["b@example.com"]},
                {"name": "phone_number", "values": []},
                {"name": "city", "values": ["Köln"]},
            ]}),
            &questions,
        );
        assert_eq!(
            (record.id, record.created),
            (12_345_678_901_234_567, 1_795_167_012)
        );
        let answers: Vec<(&str, &str)> = record.members[3..]
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            answers,
            [
                ("is_organic", "false"),
                ("custom.farbe", "rot; blau hell"),
                ("email", "a@example.com; b@example.com"),
                ("city", "Köln"),
            ]
        );
    }

    #[test]
    fn test_leads_and_leads_without_an_id_are_told_apart() {
        let test = json!({"id": "1", "created_time": "2026-11-20T09:30:12+0000",
            "field_data": [{"name": "full_name", "values": ["<test lead: dummy data for full_name>"]}]});
        assert!(matches!(read(&test, ("", None)), Read::Test));
        let test = json!({"id": "1", "created_time": 1_795_167_012, "field_data": [{"name": "email", "values": ["test@meta.com"]}]});
        assert!(matches!(read(&test, ("", None)), Read::Unusable));
        assert!(matches!(
            read(
                &json!({"created_time": "2026-11-20T09:30:12+0000"}),
                ("", None)
            ),
            Read::Unusable
        ));
        let bare = json!({"id": "1", "created_time": "2026-11-20T09:30:12+0000"});
        assert!(matches!(read(&bare, ("", None)), Read::Lead(record) if record.members.len() == 2));
    }
}
