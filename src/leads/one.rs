//! One lead, read by the id that a webhook told.

use std::collections::BTreeMap;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::answers::{self, FIELDS, Read};
use super::places::{self, Questions};
use crate::ask::{Asker, Failure};

/// Forms that are remembered; what they ask does not change.
const MAX_FORMS: usize = 1_000;

/// What a lead turned out to be.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// A lead, as a record of JSON with the names that a download of leads gives.
    Lead(Bytes),
    /// One that Meta's own test tool made.
    Test,
    /// Something without an id or a time.
    Unusable,
}

/// The forms that leads belong to, asked for once each.
#[derive(Default)]
pub(crate) struct Forms {
    known: BTreeMap<String, (String, Option<Questions>)>,
}

impl Forms {
    /// The name of a lead's form and what its questions mean, as far as they can be known.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(super) async fn of(
        &mut self,
        lead: &Value,
        asker: &mut Asker,
        token: &SecretString,
    ) -> Result<(&str, Option<&Questions>), Failure> {
        let form = answers::form_id(lead).unwrap_or_default();
        if !form.is_empty() && !self.known.contains_key(&form) {
            let known = match places::one_form(asker, &form, token).await {
                Ok(place) => (place.name, place.questions),
                // Its standard questions are known by their names all the same.
                Err(Failure::Refused(_)) => (String::new(), None),
                Err(failure) => return Err(failure),
            };
            if self.known.len() >= MAX_FORMS {
                self.known.clear();
            }
            self.known.insert(form.clone(), known);
        }
        let known = self.known.get(&form);
        Ok(known.map_or(("", None), |(name, questions)| {
            (name.as_str(), questions.as_ref())
        }))
    }
}

/// Reads a lead.
///
/// # Errors
/// It cannot be read, now or at all.
pub(crate) async fn fetch(
    asker: &mut Asker,
    forms: &mut Forms,
    id: &str,
    token: &SecretString,
) -> Result<Fetched, Failure> {
    let lead = asker.get(&[id], &[("fields", FIELDS)], token).await?;
    let lead = Value::Object(lead);
    let form = forms.of(&lead, asker, token).await?;
    Ok(match answers::read(&lead, form) {
        Read::Lead(record) => {
            let members = record.members.into_iter();
            let record: Map<String, Value> = members
                .map(|(name, value)| (name, Value::String(value)))
                .collect();
            Fetched::Lead(Value::Object(record).to_string().into())
        }
        Read::Test => Fetched::Test,
        Read::Unusable => Fetched::Unusable,
    })
}
