//! The download: each Page, each form, each page of leads, in turn.

use std::time::{Duration, Instant};

use secrecy::SecretString;
use serde_json::Value;

use super::answers::{self, FIELDS, Read, Record};
use super::file::FileError;
use super::one::Forms;
use super::output::LeadsOutput;
use super::places::{self, Place, Questions};
use super::since::Since;
use super::{is_about_permission, said};
use crate::ask::{Asker, Failure};
use crate::customer::Normalizer;
use crate::graph::Fault;

/// Leads of one request. More would only be cut by Meta, which counts their answers.
const PAGE: &str = "100";
/// What is read again before a watermark: clocks differ, and a lead may show late.
const OVERLAP_SECONDS: i64 = 15 * 60;
/// How often somebody who waits is told.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What to download.
pub(crate) struct Wanted {
    /// Pages; all of the token's where there are none, nor forms or ads.
    pub pages: Vec<String>,
    /// Forms; all of the Pages where there are none.
    pub forms: Vec<String>,
    /// Ads.
    pub ads: Vec<String>,
    /// From when on; from the first that Meta has, unless given.
    pub since: Option<Since>,
    /// The present, Unix seconds.
    pub now: i64,
    /// What reads it.
    pub token: SecretString,
    /// Hashes email and phone and leaves out all other answers, where that is wanted.
    pub hashing: Option<Normalizer>,
}

/// What became of a form or an ad.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormAccount {
    /// Its id.
    pub id: String,
    /// Its name; empty where none is known.
    pub name: String,
    /// Leads that Meta counts.
    pub counted: Option<u64>,
    /// Leads that are gone after 90 days.
    pub expired: Option<u64>,
    /// Leads that were read.
    pub read: usize,
    /// Leads of these that the file did not have.
    pub new: usize,
    /// Test leads, passed over.
    pub test: usize,
    /// Leads without an id or a time, skipped.
    pub unusable: usize,
    /// Why it could not be read.
    pub refused: Option<Fault>,
}

/// What a download came to, also when it did not come to its end.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The forms, in the order in which they were read.
    pub forms: Vec<FormAccount>,
    /// Pages whose forms may not be read, by id.
    pub refused_pages: Vec<(String, Fault)>,
    /// Why it ended early.
    pub ended: Option<Ended>,
}

/// Why a download ended early.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Meta.
    Failure(Failure),
    /// The disk.
    File(FileError),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<FileError> for Ended {
    fn from(error: FileError) -> Self {
        Self::File(error)
    }
}

impl Progress {
    /// Whether the token may not read something.
    pub(crate) fn lacks_permission(&self) -> bool {
        let of_forms = self.forms.iter().filter_map(|form| form.refused.as_ref());
        of_forms
            .chain(self.refused_pages.iter().map(|(_, fault)| fault))
            .any(is_about_permission)
    }

    /// Whether something could not be read.
    pub(crate) fn has_refusals(&self) -> bool {
        !self.refused_pages.is_empty() || self.forms.iter().any(|form| form.refused.is_some())
    }
}

/// Downloads what is wanted. Whatever was written stays, however it ends.
pub(crate) async fn download(
    asker: &mut Asker,
    wanted: &Wanted,
    output: &mut LeadsOutput,
) -> Progress {
    let mut progress = Progress::default();
    let places = match find(asker, wanted, &mut progress).await {
        Ok(places) => places,
        Err(failure) => {
            progress.ended = Some(failure.into());
            return progress;
        }
    };
    let mut download = Download {
        asker,
        wanted,
        output,
        forms: Forms::default(),
    };
    for place in places {
        let mut account = FormAccount {
            id: place.id.clone(),
            name: place.name.clone(),
            counted: place.leads,
            expired: place.expired,
            ..FormAccount::default()
        };
        let ended = download.read(&place, &mut account).await;
        match ended {
            Ok(()) => {}
            Err(Ended::Failure(Failure::Refused(fault))) => account.refused = Some(fault),
            Err(ended) => progress.ended = Some(ended),
        }
        tell(&account);
        progress.forms.push(account);
        if progress.ended.is_some() {
            break;
        }
    }
    progress
}

/// The forms and ads to read. One that is refused is noted, and the others are still read.
async fn find(
    asker: &mut Asker,
    wanted: &Wanted,
    progress: &mut Progress,
) -> Result<Vec<Place>, Failure> {
    let mut found = Vec::new();
    for id in &wanted.forms {
        match places::one_form(asker, id, &wanted.token).await {
            Ok(place) => found.push(place),
            Err(Failure::Refused(fault)) => {
                let account = FormAccount {
                    id: id.clone(),
                    refused: Some(fault),
                    ..FormAccount::default()
                };
                tell(&account);
                progress.forms.push(account);
            }
            Err(failure) => return Err(failure),
        }
    }
    found.extend(wanted.ads.iter().map(|id| places::ad(id, &wanted.token)));
    if !wanted.pages.is_empty() || wanted.forms.is_empty() && wanted.ads.is_empty() {
        let pages = match places::pages(asker, &wanted.pages, &wanted.token).await {
            Err(Failure::Refused(fault)) => {
                progress
                    .refused_pages
                    .push((wanted.pages.join(", "), fault));
                Vec::new()
            }
            pages => pages?,
        };
        for page in pages {
            match places::forms(asker, &page).await {
                Ok(forms) => found.extend(forms),
                Err(Failure::Refused(fault)) => progress.refused_pages.push((page.id, fault)),
                Err(failure) => return Err(failure),
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|place| seen.insert(place.id.clone()));
    Ok(found)
}

fn tell(account: &FormAccount) {
    let name = crate::text::harmless(&account.name);
    let FormAccount { id, read, new, .. } = account;
    match &account.refused {
        Some(fault) => tracing::warn!("{id} {name}: {}", said(fault)),
        None => tracing::info!("{id} {name}: {read} read, {new} new"),
    }
}

struct Download<'a> {
    asker: &'a mut Asker,
    wanted: &'a Wanted,
    output: &'a mut LeadsOutput,
    /// Forms that were met in the leads of ads.
    forms: Forms,
}

impl Download<'_> {
    /// Reads the leads of a form or an ad to their end.
    async fn read(&mut self, place: &Place, account: &mut FormAccount) -> Result<(), Ended> {
        let from = self.from(&place.id);
        let filter = format!(
            r#"[{{"field":"time_created","operator":"GREATER_THAN_OR_EQUAL","value":{}}}]"#,
            from.unwrap_or_default()
        );
        let mut query = vec![("fields", FIELDS), ("limit", PAGE)];
        if from.is_some() {
            query.push(("filtering", &filter));
        }
        let mut told = Instant::now();
        if let Some(questions) = &place.questions {
            let (output, hashing) = (&mut *self.output, self.wanted.hashing.as_ref());
            let mut take = |leads: Vec<Value>| {
                let form = (place.name.as_str(), Some(questions));
                let records = leads
                    .iter()
                    .filter_map(|lead| record(lead, form, from, account));
                let records = hashed(records.collect(), hashing);
                account.new += output.append(records)?;
                if told.elapsed() > TELL_EVERY {
                    told = Instant::now();
                    tell(account);
                }
                Ok::<_, Ended>(())
            };
            self.asker
                .each_page(&[&place.id, "leads"], &query, &place.token, &mut take)
                .await?;
        } else {
            self.read_ad(place, &query, from, account).await?;
        }
        Ok(self.output.set_watermark(&place.id, self.wanted.now)?)
    }

    /// An ad's leads may belong to several forms, each with questions of its own.
    async fn read_ad(
        &mut self,
        ad: &Place,
        query: &[(&str, &str)],
        from: Option<i64>,
        account: &mut FormAccount,
    ) -> Result<(), Ended> {
        let mut leads = Vec::new();
        let mut take = |page: Vec<Value>| {
            leads.extend(page);
            Ok::<_, Ended>(())
        };
        self.asker
            .each_page(&[&ad.id, "leads"], query, &ad.token, &mut take)
            .await?;
        for lead in &leads {
            let form = self.forms.of(lead, self.asker, &ad.token).await?;
            let records = record(lead, form, from, account).into_iter().collect();
            let records = hashed(records, self.wanted.hashing.as_ref());
            account.new += self.output.append(records)?;
        }
        Ok(())
    }

    fn from(&self, place: &str) -> Option<i64> {
        match self.wanted.since? {
            Since::Last => Some(self.output.watermark(place)? - OVERLAP_SECONDS),
            Since::Days(days) => Some(self.wanted.now - 86_400 * i64::from(days)),
            Since::Moment(moment) => Some(moment),
        }
    }
}

/// The record of a lead; none for one that does not belong into the file.
fn record(
    lead: &Value,
    form: (&str, Option<&Questions>),
    from: Option<i64>,
    account: &mut FormAccount,
) -> Option<Record> {
    match answers::read(lead, form) {
        // Meta ignores filters it does not know without a word.
        Read::Lead(record) if from.is_some_and(|from| record.created < from) => None,
        Read::Lead(record) => {
            account.read += 1;
            Some(*record)
        }
        Read::Test => {
            account.test += 1;
            None
        }
        Read::Unusable => {
            account.unusable += 1;
            None
        }
    }
}

fn hashed(mut records: Vec<Record>, hashing: Option<&Normalizer>) -> Vec<Record> {
    if let Some(normalizer) = hashing {
        records
            .iter_mut()
            .for_each(|record| record.hash(normalizer));
    }
    records
}
