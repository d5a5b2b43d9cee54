//! What Graph says of Pages, their lead forms and the leads of these: played from a file, by Meta's published rules.
//!
//! In: the path and the parameters of a GET. Out: a JSON body, or a refusal. Leads older than 90 days are gone, pages are
//! cut by cursors, `since` is ignored, and `paging.next` holds the token and leads to another host, all as at Meta's.
//! <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving>

use std::io;
use std::path::Path;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::Refusal;
use super::request::Parameters;

/// Meta keeps leads this long.
const KEPT_SECONDS: i64 = 90 * 86_400;
/// Records of a page when the request names no limit, and at most.
const DEFAULT_LIMIT: usize = 25;
const MAX_LIMIT: usize = 500;
/// What Graph gives of a lead that is asked for without `fields`.
const DEFAULT_FIELDS: &str = "id,created_time,field_data";
/// What it takes to read leads.
/// <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving#permissions>
const PERMISSIONS: [&str; 5] = [
    "leads_retrieval",
    "ads_management",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_ads",
];

/// The Pages a token sees, and what it may do there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeadsFile {
    /// Who the token is.
    #[serde(default = "somebody")]
    user: Value,
    /// Whose token it is.
    #[serde(default = "some_app")]
    app: Value,
    /// What the token may do.
    #[serde(default = "all_permissions")]
    permissions: Vec<String>,
    pages: Vec<Page>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    id: String,
    name: String,
    /// What the access doctor says instead of yes to everything.
    #[serde(default)]
    has_lead_access: Map<String, Value>,
    forms: Vec<Form>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    id: String,
    name: String,
    #[serde(default = "active")]
    status: String,
    #[serde(default)]
    questions: Vec<Value>,
    /// What goes wrong when its leads are asked for.
    #[serde(default)]
    faults: Mutex<Vec<Trouble>>,
    leads: Vec<Map<String, Value>>,
}

/// An error in the place of an answer, for some requests.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trouble {
    /// Pages of leads that are given before.
    #[serde(default)]
    after: usize,
    /// How often it happens.
    times: usize,
    code: u32,
    subcode: Option<u32>,
}

fn somebody() -> Value {
    json!({"id": "122100000000001", "name": "Lead sync"})
}

fn some_app() -> Value {
    json!({"id": "9100000000001", "name": "Lead reader"})
}

fn all_permissions() -> Vec<String> {
    PERMISSIONS.map(str::to_owned).into()
}

fn active() -> String {
    "ACTIVE".to_owned()
}

impl LeadsFile {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Answers a GET of `path`, which is what follows the version; none when there is no such thing here.
    pub(super) fn answer(
        &self,
        path: &[&str],
        asked: &Asked<'_>,
    ) -> Option<Result<Value, Refusal>> {
        Some(match *path {
            ["me"] => Ok(self.user.clone()),
            ["app"] => Ok(self.app.clone()),
            ["me", "permissions"] => Ok(self.permissions()),
            ["me", "accounts"] => self.accounts(asked),
            [id, "leadgen_forms"] => self.forms(self.page(id)?, asked),
            [id, "leads"] => match self.form(id) {
                Some(form) => self.leads_of_form(form, asked),
                None => self.leads_of_ad(id, asked)?,
            },
            [id] => match (self.page(id), self.form(id)) {
                (Some(page), _) => Ok(self.of_page(page, asked)),
                (_, Some(form)) => Ok(of_form(form, asked)),
                _ => self.one_lead(id, asked)?,
            },
            _ => return None,
        })
    }

    fn page(&self, id: &str) -> Option<&Page> {
        self.pages.iter().find(|page| page.id == id)
    }

    fn form(&self, id: &str) -> Option<&Form> {
        self.all_forms().find(|form| form.id == id)
    }

    fn all_forms(&self) -> impl Iterator<Item = &Form> {
        self.pages.iter().flat_map(|page| &page.forms)
    }

    fn permissions(&self) -> Value {
        let granted = |permission| json!({"permission": permission, "status": "granted"});
        json!({"data": self.permissions.iter().map(granted).collect::<Vec<_>>()})
    }

    fn may(&self, permission: &'static str) -> Result<(), Refusal> {
        match self.permissions.iter().any(|granted| granted == permission) {
            true => Ok(()),
            false => Err(Refusal::lacks_permission(permission)),
        }
    }

    fn accounts(&self, asked: &Asked<'_>) -> Result<Value, Refusal> {
        self.may("pages_show_list")?;
        let pages = self
            .pages
            .iter()
            .map(|page| json!({"id": page.id, "name": page.name, "access_token": token_of(page)}));
        Ok(asked.page_of(pages.collect()))
    }

    fn of_page(&self, page: &Page, asked: &Asked<'_>) -> Value {
        let mut answer = json!({"id": page.id, "name": page.name});
        if asked.fields("").contains("access_token") {
            answer["access_token"] = token_of(page).into();
        }
        if asked.fields("").contains("has_lead_access") {
            let mut access = json!({
                "can_access_lead": true, "app_has_leads_permission": true, "user_has_leads_permission": true,
                "enabled_lead_access_manager": false, "page_id": page.id,
            });
            for (key, value) in &page.has_lead_access {
                access[key] = value.clone();
            }
            answer["has_lead_access"] = access;
        }
        answer
    }

    /// Only the Page's own token lists its forms.
    fn forms(&self, page: &Page, asked: &Asked<'_>) -> Result<Value, Refusal> {
        if asked.token != token_of(page) {
            return Err(Refusal::needs_page_token());
        }
        let forms = page.forms.iter().map(|form| of_form(form, asked));
        Ok(asked.page_of(forms.collect()))
    }

    fn leads_of_form(&self, form: &Form, asked: &Asked<'_>) -> Result<Value, Refusal> {
        self.may("leads_retrieval")?;
        let page = self
            .pages
            .iter()
            .find(|page| page.forms.iter().any(|known| known.id == form.id));
        if page
            .is_some_and(|page| page.has_lead_access.get("can_access_lead") == Some(&false.into()))
        {
            return Err(Refusal::no_lead_access());
        }
        form.trouble(asked)?;
        Ok(asked.page_of_leads(form.leads.iter().map(|lead| (form, lead))))
    }

    fn leads_of_ad(&self, id: &str, asked: &Asked<'_>) -> Option<Result<Value, Refusal>> {
        let of_ad = |lead: &&Map<String, Value>| lead.get("ad_id").is_some_and(|ad| ad == id);
        let mut leads = self
            .all_forms()
            .flat_map(|form| {
                form.leads
                    .iter()
                    .filter(of_ad)
                    .map(move |lead| (form, lead))
            })
            .peekable();
        leads.peek()?;
        Some(
            self.may("leads_retrieval")
                .map(|()| asked.page_of_leads(leads)),
        )
    }

    fn one_lead(&self, id: &str, asked: &Asked<'_>) -> Option<Result<Value, Refusal>> {
        let found = self.all_forms().find_map(|form| {
            let lead = form
                .leads
                .iter()
                .find(|lead| lead.get("id").is_some_and(|known| known == id))?;
            asked.is_kept(lead).then(|| asked.lead(form, lead))
        })?;
        Some(self.may("leads_retrieval").map(|()| found))
    }
}

impl Form {
    /// The error this request meets, if it does.
    fn trouble(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        // A thread that panicked here leaves nothing half done.
        let mut faults = self
            .faults
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let given = asked.offset() / asked.limit();
        match faults
            .iter_mut()
            .find(|trouble| trouble.times > 0 && given >= trouble.after)
        {
            Some(trouble) => {
                trouble.times -= 1;
                Err(Refusal::played(trouble.code, trouble.subcode))
            }
            None => Ok(()),
        }
    }
}

/// A Page's token stands for whoever got it.
fn token_of(page: &Page) -> String {
    format!("page-token-{}", page.id)
}

fn of_form(form: &Form, asked: &Asked<'_>) -> Value {
    let expired = form
        .leads
        .iter()
        .filter(|lead| !asked.is_kept(lead))
        .count();
    let organic = form
        .leads
        .iter()
        .filter(|lead| lead.get("is_organic") == Some(&true.into()))
        .count();
    let mut answer = json!({
        "id": form.id, "name": form.name, "status": form.status, "locale": "en_US",
        "leads_count": form.leads.len(), "organic_leads_count": organic, "expired_leads_count": expired,
    });
    if asked.fields("").contains("questions") {
        answer["questions"] = form.questions.clone().into();
    }
    answer
}

/// What a GET asks for.
pub(super) struct Asked<'a> {
    pub(super) parameters: &'a Parameters,
    pub(super) token: &'a str,
    pub(super) now: i64,
}

impl Asked<'_> {
    fn fields<'b>(&'b self, default: &'b str) -> &'b str {
        self.parameters.text("fields").unwrap_or(default)
    }

    fn limit(&self) -> usize {
        let limit = self
            .parameters
            .text("limit")
            .and_then(|text| text.parse().ok());
        limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// A cursor is a position that looks like nothing.
    fn offset(&self) -> usize {
        let cursor = self
            .parameters
            .text("after")
            .and_then(|text| text.strip_prefix("QVFI"));
        cursor.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }

    fn page_of(&self, mut records: Vec<Value>) -> Value {
        let (first, count) = (self.offset().min(records.len()), records.len());
        let end = (first + self.limit()).min(count);
        let data: Vec<Value> = records.drain(first..end).collect();
        if data.is_empty() {
            return json!({"data": []});
        }
        let mut paging =
            json!({"cursors": {"before": format!("QVFI{first}"), "after": format!("QVFI{end}")}});
        if end < count {
            paging["next"] = format!(
                "https://elsewhere.invalid/leads?access_token={}&after=QVFI{end}",
                self.token
            )
            .into();
        }
        json!({"data": data, "paging": paging})
    }

    fn page_of_leads<'b>(
        &self,
        leads: impl Iterator<Item = (&'b Form, &'b Map<String, Value>)>,
    ) -> Value {
        let filters = self.filters();
        let mut leads: Vec<_> = leads
            .filter(|(_, lead)| {
                self.is_kept(lead) && filters.iter().all(|filter| filter.takes(created(lead)))
            })
            .collect();
        // The newest come first.
        leads.sort_by_key(|(_, lead)| std::cmp::Reverse(created(lead)));
        self.page_of(
            leads
                .into_iter()
                .map(|(form, lead)| self.lead(form, lead))
                .collect(),
        )
    }

    fn lead(&self, form: &Form, lead: &Map<String, Value>) -> Value {
        let mut lead = lead.clone();
        lead.entry("form_id")
            .or_insert_with(|| form.id.clone().into());
        let fields: Vec<&str> = self.fields(DEFAULT_FIELDS).split(',').collect();
        lead.retain(|key, _| fields.contains(&key.as_str()) || key == "id");
        lead.into()
    }

    fn is_kept(&self, lead: &Map<String, Value>) -> bool {
        created(lead) > self.now - KEPT_SECONDS
    }

    fn filters(&self) -> Vec<Filter> {
        let text = self.parameters.text("filtering").unwrap_or("[]");
        serde_json::from_str(text).unwrap_or_default()
    }
}

fn created(lead: &Map<String, Value>) -> i64 {
    let text = lead
        .get("created_time")
        .and_then(Value::as_str)
        .unwrap_or_default();
    jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", text)
        .and_then(|time| time.to_timestamp())
        .map_or(0, |time| time.as_second())
}

#[derive(Deserialize)]
struct Filter {
    field: String,
    operator: String,
    value: i64,
}

impl Filter {
    fn takes(&self, created: i64) -> bool {
        match (self.field.as_str(), self.operator.as_str()) {
            ("time_created", "GREATER_THAN") => created > self.value,
            ("time_created", "GREATER_THAN_OR_EQUAL") => created >= self.value,
            ("time_created", "LESS_THAN") => created < self.value,
            _ => true,
        }
    }
}
