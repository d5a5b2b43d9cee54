//! What headings say, in the languages CRMs are used in.
//!
//! In goes a heading, out come its folded words and what they speak for. Words alone decide nothing: what the cells
//! hold is asked too, by whoever calls. Headings that mean just one field stand in the preset `generic`, which serves
//! exports without settings as well; here is what only counts together with cells.

use std::borrow::Cow;
use std::sync::LazyLock;

use super::vocabulary::{
    AROUND_STAGE, CARERS, CHANGE, CLOCK_WORDS, CONSENT, CONTAINERS, CREATED, DAY_WORDS, DEALS,
    EDITED, FORM_TIMES, FUNNEL, FUNNEL_PARTS, HEADINGS, LAST_CONTACT, LEAD_PARTY, LEAD_WORDS,
    LISTINGS, META, NO_STAGE, OPT_OUT, OTHER_COUNTRIES, OTHER_IDS, OTHER_PEOPLE, OTHER_PLACES,
    OTHER_THINGS, OTHER_TIMES, OfField, PLATFORMS, QUALIFIERS, RAW_LEAD, ROLES, SOURCE, STAGE,
    STAGE_WORDS, STATUS, STRONG, TECHNICAL, WHEN,
};
use crate::field::Field;
use crate::mapping::words::{SHORT_FORMS, Words, contains_any, fold, words_of};
use crate::mapping::{Preset, Target};

/// A heading, folded: lower case, no accents, split at anything that is no letter or digit and at camel humps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heading {
    /// The words of all of it: those of a path say whom the column is about.
    words: Vec<String>,
    /// The words of what names the column, run together.
    joined: String,
    /// The same without what stands around a name, with and without the word `name`: `Primary Address City` is `city`,
    /// `Contact First Name` is `firstname`.
    cores: [String; 2],
    /// The words of each name that a path leads through.
    holders: Vec<Vec<String>>,
    /// The words of the name itself.
    own: Vec<String>,
    /// What stands between the strokes of a heading such as `ZIP / Postal Code`, each as a heading of its own.
    alternatives: Vec<Heading>,
    /// Whether the system keeps the column for itself: `$state`, `_fivetran_synced`.
    is_system: bool,
}

/// How strongly a heading speaks for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// One of its words does.
    InPart,
    /// All of it does.
    Exactly,
}

/// Whom a column is about, the one first whose it is best taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Party {
    /// The heading names who the lead is to the business: a customer, a patient.
    Lead,
    /// The heading names nobody.
    Unsaid,
    /// The heading says more than is understood here: it may name somebody else.
    Unknown,
}

/// What kind of time a heading speaks of, the one a stage's time is best taken from last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimeKind {
    /// Nothing is said of it.
    Unknown,
    /// When the record was made.
    Created,
    /// When a lead was converted, which not every lead is.
    Converted,
    /// When anything about the lead was edited.
    Edited,
    /// The row's own date.
    Plain,
    /// When something changed, entered or moved.
    Changed,
    /// When a stage did.
    OfStage,
    /// When the stage did that the export shows.
    OfThisStage,
}

/// Headings that mean just one field, folded, from the preset for exports of no known product.
static KNOWN: LazyLock<Vec<(Field, String)>> = LazyLock::new(|| {
    let generic = Preset::named("generic").ok();
    let columns = generic.iter().flat_map(Preset::headings);
    columns
        .filter_map(|mapped| match mapped.target {
            Target::Field(field) => Some((field, &mapped.columns)),
            Target::Custom(_) => None,
        })
        .flat_map(|(field, names)| names.iter().map(move |name| (field, run_together(name))))
        .collect()
});

/// A heading that was UTF-8 and was read as Windows-1252 before the export was written: `TÃ©lÃ©phone`.
fn repaired(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let (bytes, _, has_failed) = encoding_rs::WINDOWS_1252.encode(text);
    if has_failed {
        return None;
    }
    String::from_utf8(bytes.into_owned()).ok()
}

/// The letters and digits of a folded text.
fn run_together(text: &str) -> String {
    fold(text)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

/// The part of a heading that names the column: of a JSON path its end, past what all values are called.
fn name_in(text: &str) -> &str {
    let text = text
        .split('@')
        .next()
        .filter(|t| !t.is_empty())
        .unwrap_or(text);
    // `C.P.` is short for two words.
    let is_short_form = text.split('.').all(|part| part.chars().count() <= 1);
    if !text.contains('.')
        || is_short_form
        || text
            .split('.')
            .any(|part| part.contains(". ") || part.starts_with(' '))
    {
        return text;
    }
    let is_of_any_value = |part: &&str| {
        let part = part.to_ascii_lowercase();
        let generic = [
            "value",
            "values",
            "text",
            "raw",
            "formatted",
            "stringvalue",
            "",
        ];
        generic.contains(&part.as_str()) || part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let named = text.rsplit('.').find(|part| !is_of_any_value(part));
    named.unwrap_or(text)
}

/// A path without its end where that only says what a stage is called: `ProspectStage.Description` is `ProspectStage`.
fn without_label(text: &str) -> &str {
    let is_label = |part: &str| {
        let labels = ["name", "label", "title", "description", "displayname"];
        labels.contains(&run_together(part).as_str())
    };
    let is_of_stage = |path: &str| {
        let name = run_together(name_in(path));
        is_in(&STAGE, &name) || is_in(&STATUS, &name)
    };
    match text.rsplit_once('.') {
        Some((path, label)) if is_label(label) && is_of_stage(path) => path,
        _ => text,
    }
}

/// A path without the names of what holds the answers of a form: `formResponse.Email` is not about the form.
fn without_containers(text: &str) -> String {
    let containers = [
        "formresponse",
        "formresponses",
        "formdata",
        "formvalues",
        "formfields",
        "formanswers",
        "formsubmission",
    ];
    let parts = text.split('.');
    let kept: Vec<&str> = parts
        .filter(|part| !containers.contains(&run_together(part).as_str()))
        .collect();
    kept.join(".")
}

/// The letters and digits of a name, with what warehouses shorten written out: `first_nm` is `firstname`.
fn joined_of(name: &str) -> String {
    let is_shortened = name.split(['_', '-', ' ']).any(|word| {
        SHORT_FORMS
            .iter()
            .any(|(short, _)| word.eq_ignore_ascii_case(short))
    });
    match is_shortened {
        true => words_of(name).concat(),
        false => run_together(name),
    }
}

/// What is left of a name when the words around it are taken away.
fn core_of(name: &str, keeps: Option<&str>) -> String {
    let lower = name.to_lowercase();
    let tails = ["without country code", "without_country_code"];
    let end = tails.iter().find_map(|tail| lower.find(tail));
    let words = words_of(end.and_then(|end| name.get(..end)).unwrap_or(name));
    words
        .iter()
        .map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()))
        .filter(|word| !QUALIFIERS.contains(*word) || Some(*word) == keeps)
        .collect()
}

/// Whom the words of a name speak of; none where they say nothing of that.
fn party_of(words: &[String]) -> Option<Party> {
    let said = words.iter().filter_map(|word| party_in(word));
    // Beside a word that is not understood the lead's party may be the owner of somebody else: the buyer's agent.
    said.max()
}

/// Whom one word speaks of: what it says besides email or phone, as German runs words together.
fn party_in(word: &str) -> Option<Party> {
    let says_nothing = |word: &str| {
        word.bytes().all(|byte| byte.is_ascii_digit())
            || QUALIFIERS.contains(word)
            || CONTAINERS.contains(word)
    };
    if is_in(&LEAD_PARTY, word) {
        return Some(Party::Lead);
    }
    if says_nothing(word) || is_contact(word) {
        return None;
    }
    let parts = contacts().flat_map(|(_, of_field)| of_field.parts.iter());
    let longest = parts
        .filter(|part| part.len() > 3 && word.contains(part.as_str()))
        .max_by_key(|part| part.len());
    match longest {
        Some(part) => party_in(&word.replacen(part.as_str(), "", 1)),
        None => Some(Party::Unknown),
    }
}

/// What headings of emails and phones say.
fn contacts() -> impl Iterator<Item = &'static (Field, OfField)> {
    let fields = [Field::Email, Field::Phone];
    HEADINGS
        .iter()
        .filter(move |(field, _)| fields.contains(field))
}

/// Whether a word is one for emails or phones.
fn is_contact(word: &str) -> bool {
    let is_known = |(field, text): &(Field, String)| {
        matches!(field, Field::Email | Field::Phone) && text == word
    };
    contacts().any(|(_, of_field)| of_field.exact.contains(word) || of_field.parts.contains(word))
        || KNOWN.iter().any(is_known)
}

impl Heading {
    pub(super) fn of(text: &str) -> Self {
        let repaired = repaired(text);
        let text = without_label(repaired.as_deref().unwrap_or(text).trim());
        // Where a date is that of a span of days, its start is the date.
        let text = text.strip_suffix(".date.start").unwrap_or(text);
        let name = name_in(text);
        // The names of Salesforce's custom fields end in `__c`.
        let name = name.strip_suffix("__c").unwrap_or(name);
        let before = text.rfind(name).and_then(|start| text.get(..start));
        let alternatives = match text.matches('/').count() {
            1..=3 => text.split('/').map(Heading::of).collect(),
            _ => Vec::new(),
        };
        Self {
            alternatives,
            words: words_of(&without_containers(
                text.strip_suffix("__c").unwrap_or(text),
            )),
            joined: joined_of(name),
            cores: [core_of(name, None), core_of(name, Some("name"))],
            holders: before
                .unwrap_or_default()
                .split('.')
                .map(words_of)
                .filter(|words| !words.is_empty())
                .collect(),
            own: words_of(name),
            is_system: name.starts_with(['$', '_']),
        }
    }

    /// Whether the system keeps the column for itself.
    pub(super) fn is_system(&self) -> bool {
        self.is_system
    }

    /// The names a field may be known by: of two words the second may come first (`Name (First)`).
    fn names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let bare = self
            .joined
            .trim_end_matches(|letter: char| letter.is_ascii_digit());
        let turned = match self.own.as_slice() {
            [first, second] => format!("{second}{first}"),
            _ => String::new(),
        };
        [self.joined.as_str(), bare, &self.cores[0], &self.cores[1]]
            .into_iter()
            .map(Cow::Borrowed)
            .chain([Cow::Owned(turned)])
            .filter(|name| !name.is_empty())
    }

    fn is_named(&self, list: &Words) -> bool {
        self.names().any(|name| is_in(list, &name))
    }

    /// How strongly the heading speaks for a field.
    pub(super) fn says(&self, field: Field) -> Option<Says> {
        if field == Field::CreatedTime {
            return (self.time_kind(None) == Some(TimeKind::Created)).then_some(
                match self.is_named(&CREATED) {
                    true => Says::Exactly,
                    false => Says::InPart,
                },
            );
        }
        if self.is_known(field)
            || self.is_half_a_name(field)
            || field == Field::LeadId && self.names_metas_lead()
            || field == Field::FullName && self.is_all_of_a_party()
        {
            return Some(Says::Exactly);
        }
        let (_, of_field) = HEADINGS.iter().find(|(known, _)| *known == field)?;
        let is_exact = self.names().any(|name| of_field.exact.contains(&*name));
        let says_exactly = |heading: &Heading| heading.says(field) == Some(Says::Exactly);
        let has_strokes = !self.alternatives.is_empty();
        if is_exact || has_strokes && self.alternatives.iter().all(says_exactly) {
            return Some(Says::Exactly);
        }
        let is_part = |part: &String| {
            self.words.contains(part) || part.len() > 4 && self.joined.contains(part.as_str())
        };
        of_field.parts.iter().any(is_part).then_some(Says::InPart)
    }

    /// Whether the heading is `First` or `Last` and nothing more, as where a table of people leaves the rest unsaid.
    fn is_half_a_name(&self, field: Field) -> bool {
        let word = match field {
            Field::FirstName => "first",
            Field::LastName => "last",
            _ => return false,
        };
        self.joined == word && self.holders.is_empty()
    }

    /// Whether the heading names Meta, or what it runs, and a lead of its: `ID leada Meta`, `FacebookリードID`.
    pub(super) fn names_metas_lead(&self) -> bool {
        let has = |list: &Words| {
            self.own.iter().any(|word| is_in(list, word)) || contains_any(list, &self.joined)
        };
        let is_glued = || {
            let rest = PLATFORMS
                .iter()
                .find_map(|name| self.joined.strip_prefix(name.as_str()));
            rest.is_some_and(|rest| contains_any(&LEAD_WORDS, rest))
        };
        (has(&PLATFORMS) && has(&LEAD_WORDS) || is_glued()) && !self.is_other_id()
    }

    /// Whether the heading is made of nothing but who the lead is to the business: `Основной контакт`, `Nome do contato`.
    fn is_all_of_a_party(&self) -> bool {
        let names = [
            "name", "nom", "nome", "nombre", "nama", "naam", "имя", "ten", "full",
        ];
        let is_lead = |word: &str| ["lead", "leads"].contains(&word);
        let is_party = |word: &String| is_in(&LEAD_PARTY, word) && !is_lead(word);
        let is_around = |word: &String| {
            names.contains(&word.as_str()) || QUALIFIERS.contains(word) && !is_lead(word)
        };
        self.holders.is_empty()
            && self.own.iter().any(is_party)
            && self
                .own
                .iter()
                .all(|word| is_party(word) || is_around(word))
    }

    /// How much the heading is that of a stage, 0 to 5; from 3 on all of it is.
    pub(super) fn stage_rank(&self) -> u8 {
        let is_of_lead = [
            "lead",
            "leads",
            "deal",
            "opportunity",
            "pipeline",
            "prospect",
            "sales",
        ];
        let is_exact = is_in(&STAGE, &self.joined);
        if self.is_system || !is_exact && self.has_any(&NO_STAGE) {
            return 0;
        }
        let is_strong = self.own.len() <= 4
            && (self.own.iter().any(|word| STRONG.contains(word))
                || ["stufe", "phase"]
                    .iter()
                    .any(|end| self.joined.ends_with(end))
                || contains_any(&STRONG, &self.joined));
        match () {
            () if is_exact || self.cores.iter().any(|core| is_in(&STAGE, core)) => 5,
            () if self.is_named(&STATUS) && is_of_lead.iter().any(|word| self.has_word(word)) => 5,
            () if is_strong => 4,
            () if self.is_named(&STATUS) || begins_or_ends(&STATUS, &self.joined) => 3,
            () if self.words.iter().any(|word| is_in(&STAGE_WORDS, word)) => 2,
            () if self.has_any(&STAGE_WORDS) => 1,
            () => 0,
        }
    }

    /// Whether the heading is that of a stage in one country and of a state or a condition in another.
    pub(super) fn may_be_of_a_place(&self) -> bool {
        let names = ["estado", "estados", "stato", "stan", "state", "etat"];
        names.contains(&self.joined.as_str())
    }

    /// Whether a place under this heading is one that the lead goes to, or that somebody else is at.
    pub(super) fn is_of_another_place(&self) -> bool {
        self.own.iter().any(|word| OTHER_PLACES.contains(word))
    }

    /// Whether a place under this heading is that of a property.
    pub(super) fn is_of_a_property(&self) -> bool {
        self.own
            .iter()
            .any(|word| ["property", "properties"].contains(&word.as_str()))
    }

    /// Whether the column is one that exports of homes to let or to sell have.
    pub(super) fn is_of_listings(&self) -> bool {
        self.own.iter().any(|word| LISTINGS.contains(word))
    }

    /// Whether the heading is that of a stage within another: `Sub Status`.
    pub(super) fn is_within_a_stage(&self) -> bool {
        let is_below = self.own.iter().any(|word| word == "sub") || self.joined.starts_with("sub");
        is_below
            && self
                .own
                .iter()
                .any(|word| word.ends_with("status") || word.ends_with("stage"))
    }

    /// Whether a country under this heading is not where the lead lives.
    pub(super) fn is_other_country(&self) -> bool {
        self.words.iter().any(|word| OTHER_COUNTRIES.contains(word))
    }

    /// Whether the heading is `CC`, which is a country where countries stand.
    pub(super) fn is_named_just_cc(&self) -> bool {
        self.joined == "cc"
    }

    /// Whether the column is about a stage at most, such as its reason, or a text, a title or a source.
    pub(super) fn is_no_stage(&self) -> bool {
        self.stage_rank() == 0 && self.has_any(&NO_STAGE)
    }

    /// What kind of time stands under this heading, beside a stage column headed `stage`; none where it is no time of a
    /// stage or lead, such as a date that is planned.
    pub(super) fn time_kind(&self, stage: Option<&Heading>) -> Option<TimeKind> {
        let shares_a_word = |stage: &Heading| {
            stage.words.iter().any(|word| {
                let says_nothing = [&QUALIFIERS, &CREATED, &WHEN, &FUNNEL, &DEALS]
                    .iter()
                    .any(|list| list.contains(word));
                word.len() > 3 && self.words.contains(word) && !says_nothing
            })
        };
        // Scripts without spaces begin alike what belongs together.
        let begins_alike = |stage: &Heading| {
            let alike =
                |letters: usize| -> Vec<char> { stage.joined.chars().take(letters).collect() };
            !stage.joined.is_ascii()
                && stage.words.len() == 1
                && alike(2).len() == 2
                && alike(2) == self.joined.chars().take(2).collect::<Vec<_>>()
        };
        let is_of_stage = self.has_any(&STAGE_WORDS) && !self.has_any(&NO_STAGE);
        Some(match () {
            () if self.is_system || self.is_other_time() => return None,
            () if self.is_named(&CREATED) && !self.enters_a_stage() => TimeKind::Created,
            () if self.has_any(&CREATED) && !is_of_stage && !self.has_any(&CHANGE) => {
                TimeKind::Created
            }
            () if stage.is_some_and(|stage| shares_a_word(stage) || begins_alike(stage)) => {
                TimeKind::OfThisStage
            }
            () if is_of_stage => TimeKind::OfStage,
            () if self.has_any(&EDITED) => TimeKind::Edited,
            () if self.has_any(&CHANGE) => TimeKind::Changed,
            () if self.has_any(&CREATED) => TimeKind::Created,
            () if ["convers", "convert"]
                .iter()
                .any(|part| self.joined.contains(part)) =>
            {
                TimeKind::Converted
            }
            () if self.is_named(&WHEN) => TimeKind::Plain,
            () => TimeKind::Unknown,
        })
    }

    /// Whether forms head the time of an answer so.
    pub(super) fn is_form_time(&self) -> bool {
        self.is_named(&FORM_TIMES)
    }

    /// Whether the time is that of entering what holds it, and that is a stage: `stage.entered_at`.
    fn enters_a_stage(&self) -> bool {
        let is_entered = self
            .own
            .iter()
            .any(|word| ["entered", "entry"].contains(&&**word));
        let holder = self.holders.last();
        is_entered && holder.is_some_and(|words| words.iter().any(|word| is_in(&STAGE_WORDS, word)))
    }

    /// How surely a time under this heading is that of a lead's making, 0 to 2: a record of it may be made later.
    pub(super) fn created_rank(&self) -> u8 {
        let of_the_lead = [
            "lead",
            "leads",
            "submit",
            "submitted",
            "submission",
            "soumission",
            "enquiry",
            "inquiry",
            "signup",
        ];
        match () {
            () if self.time_kind(None) != Some(TimeKind::Created) => 0,
            () if of_the_lead
                .iter()
                .any(|word| self.own.iter().any(|own| own == word)) =>
            {
                2
            }
            () => u8::from(self.is_named(&CREATED)),
        }
    }

    /// Whether the name is that of a code, and not of what it stands for.
    pub(super) fn is_of_codes(&self) -> bool {
        self.joined.ends_with("id") || self.joined.ends_with("code")
    }

    /// Whether a time under this heading is no stage's.
    pub(super) fn is_other_time(&self) -> bool {
        let is_last = [
            "last",
            "letzter",
            "letzte",
            "dernier",
            "ultimo",
            "ultima",
            "первый",
        ]
        .iter()
        .any(|word| self.has_word(word));
        self.words.iter().any(|word| OTHER_TIMES.contains(word))
            || OTHER_TIMES.contains(&self.joined)
            || contains_any(&OTHER_TIMES, &self.joined)
            || is_last && self.words.iter().any(|word| LAST_CONTACT.contains(word))
            || self.says(Field::DateOfBirth).is_some()
    }

    /// Whether the heading is about somebody or something else than the lead.
    pub(super) fn is_other_person(&self) -> bool {
        let is_of_user = ["user", "creator"].iter().any(|word| self.has_word(word))
            && !["column", "agent"].iter().any(|word| self.has_word(word));
        // On its own it is a Danish town.
        let is_a_town = self.joined == "by";
        self.has_any(&OTHER_PEOPLE) && !is_a_town || self.joined == "sales" || is_of_user
    }

    /// Whether the heading is about somebody whom whoever got in touch may have got in touch for.
    pub(super) fn has_role(&self) -> bool {
        let is_another_contact = ["alternate", "secondary", "second"]
            .iter()
            .any(|word| self.own.iter().any(|own| own == word))
            && self.own.iter().any(|own| own == "contact");
        self.own.iter().any(|word| ROLES.contains(word)) || is_another_contact
    }

    /// Whether the heading is about somebody who cares for another.
    pub(super) fn is_of_a_carer(&self) -> bool {
        self.own.iter().any(|word| CARERS.contains(word))
    }

    /// Whether an id under this heading is another of Meta's.
    pub(super) fn is_other_id(&self) -> bool {
        self.words.iter().any(|word| OTHER_IDS.contains(word))
    }

    /// Whether the column names the field a history row is about.
    pub(super) fn is_field_name(&self) -> bool {
        [
            "field",
            "fieldevent",
            "fieldname",
            "feld",
            "feldname",
            "champ",
            "campo",
        ]
        .contains(&self.joined.as_str())
    }

    /// Whether the heading has a word of a funnel besides those that stand around a stage's name.
    pub(super) fn names_a_stage(&self) -> bool {
        self.own
            .iter()
            .any(|word| FUNNEL.contains(word) && !AROUND_STAGE.contains(word))
    }

    /// Whether the column is one of those that exports of deals have.
    pub(super) fn is_of_deals(&self) -> bool {
        self.own.iter().any(|word| DEALS.contains(word)) || DEALS.contains(&self.joined)
    }

    /// Whether the column is one of exports that are not about leads, such as tickets and orders.
    pub(super) fn is_of_other_things(&self) -> bool {
        self.own.iter().any(|word| OTHER_THINGS.contains(word))
    }

    /// Whether times of day stand here that belong to the dates of another column: headed alike but for the words for
    /// date and time, or by nothing but these.
    pub(super) fn is_clock_of(&self, date: &Heading) -> Option<Says> {
        let base = |heading: &Heading| {
            let words = heading
                .own
                .iter()
                .filter(|word| !DAY_WORDS.contains(*word) && !CLOCK_WORDS.contains(*word));
            let mut base: String = words.map(String::as_str).collect();
            for list in [&DAY_WORDS, &CLOCK_WORDS] {
                let end = list
                    .iter()
                    .filter(|word| !word.is_ascii() && base.ends_with(*word));
                let length = end.map(String::len).max().unwrap_or(0);
                base.truncate(base.len() - length);
            }
            base
        };
        let has_clock = self.own.iter().any(|word| CLOCK_WORDS.contains(word))
            || CLOCK_WORDS
                .iter()
                .any(|word| !word.is_ascii() && self.joined.ends_with(word.as_str()));
        let (own, other) = (base(self), base(date));
        let is_pair = has_clock && own == other && self.holders == date.holders && self != date;
        is_pair.then_some(match own.is_empty() {
            true => Says::InPart,
            false => Says::Exactly,
        })
    }

    /// Whether a time under this heading is that of a change of a stage, whichever that is.
    pub(super) fn is_of_a_changed_stage(&self) -> bool {
        self.time_kind(None) == Some(TimeKind::OfStage) && self.has_any(&CHANGE)
    }

    /// Whether the heading says all that another one does: `Case Status Date` of `Case Status`.
    pub(super) fn is_about(&self, other: &Heading) -> bool {
        let mut telling = other
            .own
            .iter()
            .filter(|word| !QUALIFIERS.contains(*word))
            .peekable();
        telling.peek().is_some() && telling.all(|word| self.own.contains(word))
    }

    /// Whether both columns are named inside of the same object.
    pub(super) fn stands_beside(&self, other: &Heading) -> bool {
        !self.holders.is_empty() && self.holders == other.holders
    }

    /// Whom an email or a phone under this heading belongs to, as the name says it, or else the nearest holder that says
    /// anything.
    pub(super) fn party(&self, field: Field) -> Party {
        let is_whole = self.says(field) == Some(Says::Exactly);
        // Nothing is left to wonder about in a name that is all the field's.
        let own = party_of(&self.own).filter(|party| !is_whole || *party == Party::Lead);
        let holders = self.holders.iter().rev();
        let of_holders = || holders.map(|words| party_of(words)).find_map(|party| party);
        own.or_else(of_holders).unwrap_or(Party::Unsaid)
    }

    /// Whether a path leads to the column through somebody the lead is called by.
    pub(super) fn is_held_by_the_lead(&self) -> bool {
        let nearest = self.holders.iter().rev().find_map(|words| party_of(words));
        nearest == Some(Party::Lead)
    }

    /// Whether a path leads to the column.
    pub(super) fn is_held(&self) -> bool {
        !self.holders.is_empty()
    }

    /// Whether the column stands in an object, or in one inside of it.
    pub(super) fn stands_within(&self, other: &Heading) -> bool {
        !other.holders.is_empty() && self.holders.starts_with(&other.holders)
    }

    /// Whether the heading says that a person's name stands here.
    pub(super) fn names_a_person(&self) -> bool {
        let is_person =
            |word: &String| is_in(&LEAD_PARTY, word) && !["lead", "leads"].contains(&word.as_str());
        self.words.iter().any(is_person) || self.has_word("full") || self.is_known(Field::FullName)
    }

    /// Whether the name is just who the lead is to the business, be it the person or whether there is one.
    pub(super) fn is_just_a_party(&self) -> bool {
        LEAD_PARTY.contains(&self.joined)
    }

    /// Whether a path leads to the column through somebody: `contact.name`.
    pub(super) fn is_of_a_person(&self) -> bool {
        let people = [
            "contact", "contacts", "person", "lead", "leads", "customer", "client",
        ];
        self.words
            .iter()
            .any(|word| people.contains(&word.as_str()))
    }

    /// Whether the name is just `name`, of whatever it may be.
    pub(super) fn is_named_just_name(&self) -> bool {
        ["name", "nom", "nome", "nombre", "title"].contains(&self.joined.as_str())
    }

    /// Whether nothing else stands in the heading.
    pub(super) fn is_one_word(&self) -> bool {
        self.words.len() == 1
    }

    /// Whether the name is just `lead`: the person, or whether there is one.
    pub(super) fn is_named_just_lead(&self) -> bool {
        self.joined == "lead"
    }

    /// Whether headings like this one mean just the field, anywhere.
    pub(super) fn is_known(&self, field: Field) -> bool {
        self.names().any(|name| {
            KNOWN
                .iter()
                .any(|(known, text)| *known == field && *text == name)
        })
    }

    /// Whether the column tells if the lead agrees; a consent to one kind of message only does so in part.
    pub(super) fn says_consent(&self) -> Option<Says> {
        if self.says_opt_out() || !self.has_any(&CONSENT) {
            return None;
        }
        let of_messages = [
            "email",
            "mail",
            "sms",
            "call",
            "newsletter",
            "whatsapp",
            "opt",
            "optin",
            "opted",
            "subscribed",
        ];
        let is_in_part = of_messages.iter().any(|word| self.has_word(word));
        Some(if is_in_part {
            Says::InPart
        } else {
            Says::Exactly
        })
    }

    /// Whether the column tells who wants to hear no more.
    pub(super) fn says_opt_out(&self) -> bool {
        OPT_OUT
            .iter()
            .any(|part| self.joined.contains(part.as_str()))
    }

    /// Whether the column tells where a lead comes from.
    pub(super) fn is_source(&self) -> bool {
        self.has_any(&SOURCE)
            && !["id", "campaign", "url", "date"]
                .iter()
                .any(|word| self.has_word(word))
    }

    /// Whether an address is a second one: billing, shipping, alternate.
    pub(super) fn is_second(&self) -> bool {
        let others = [
            "alt",
            "alternate",
            "shipping",
            "billing",
            "other",
            "secondary",
            "additional",
            "mailing",
        ];
        self.words
            .iter()
            .any(|word| others.contains(&word.as_str()))
    }

    /// Whether one of the heading's words is this one.
    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// Whether a word of the list stands there, on its own or, if it is a longer one, inside of another.
    fn has_any(&self, list: &Words) -> bool {
        self.words.iter().any(|word| is_in(list, word))
            || list.contains(&self.joined)
            || list
                .iter()
                .any(|known| known.len() > 5 && self.joined.contains(known.as_str()))
    }
}

/// Whether a list has a word, or the one it is but for an ending of a letter or two: `durumu` is `durum`, `stages` is
/// `stage`.
fn is_in(list: &Words, word: &str) -> bool {
    let is_stem = |(at, _): (usize, char)| at >= SHORTEST_STEM && list.contains(&word[..at]);
    list.contains(word) || word.char_indices().rev().take(2).any(is_stem)
}

/// Shorter words are other words with an ending.
const SHORTEST_STEM: usize = 5;

/// Whether a name in a script without spaces begins or ends with one of the words.
fn begins_or_ends(list: &Words, name: &str) -> bool {
    let is_edge = |known: &String| {
        known.len() > 5
            && !known.is_ascii()
            && (name.starts_with(known.as_str()) || name.ends_with(known.as_str()))
    };
    !name.is_ascii() && list.iter().any(is_edge)
}

/// Whether a text has a word that names of stages have.
pub(super) fn sounds_like_a_stage(text: &str) -> bool {
    let folded = fold(text);
    folded
        .split(|letter: char| !letter.is_alphanumeric())
        .any(|word| FUNNEL.contains(word))
        || contains_any(&FUNNEL_PARTS, &folded)
        || words_of(text).iter().any(|word| FUNNEL.contains(word))
}

/// Whether a text is a status that systems keep for themselves.
pub(super) fn sounds_technical(text: &str) -> bool {
    words_of(text).iter().any(|word| TECHNICAL.contains(word))
}

/// Whether a text about a lead's source names one of Meta's.
pub(super) fn names_meta(source: &str) -> bool {
    words_of(source).iter().any(|word| META.contains(word))
}

/// Whether a stage is the one that leads begin in.
pub(super) fn sounds_like_the_raw_lead(stage: &str) -> bool {
    RAW_LEAD.contains(&run_together(stage))
}

/// The name of the stage in the heading of its date: `Qualifiziert am` is `Qualifiziert`.
pub(super) fn stage_in_heading(heading: &str) -> Option<String> {
    let words: Vec<&str> = heading
        .split(|letter: char| letter.is_whitespace() || letter == '_')
        .collect();
    let is_around = |word: &&str| {
        let folded = fold(word.trim_matches(|letter: char| !letter.is_alphanumeric()));
        folded.is_empty() || AROUND_STAGE.contains(&folded)
    };
    let start = words.iter().position(|word| !is_around(word))?;
    let end = words.iter().rposition(|word| !is_around(word))?;
    Some(words[start..=end].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_speak_in_five_languages() {
        for (heading, field) in [
            ("E-Mail-Adresse", Field::Email),
            ("Correo electrónico", Field::Email),
            ("Adresse e-mail", Field::Email),
            ("Telefonnummer", Field::Phone),
            ("Téléphone portable", Field::Phone),
            ("Vorname", Field::FirstName),
            ("Prénom", Field::FirstName),
            ("Sobrenome", Field::LastName),
            ("Nachname", Field::LastName),
            ("Erstellt am", Field::CreatedTime),
            ("Date de création", Field::CreatedTime),
            ("Fecha de creación", Field::CreatedTime),
            ("Criado em", Field::CreatedTime),
            ("Código postal", Field::Zip),
            ("País", Field::Country),
            ("Meta_Lead_ID__c", Field::LeadId),
            ("properties.firstName", Field::FirstName),
        ] {
            assert!(Heading::of(heading).says(field).is_some(), "{heading}");
        }
        for (heading, field) in [
            ("Description", Field::ClientIpAddress),
            ("Hotel", Field::Phone),
            ("Company", Field::City),
            ("Lead Source", Field::LeadId),
        ] {
            assert_eq!(Heading::of(heading).says(field), None, "{heading}");
        }
    }

    #[test]
    fn a_stage_is_told_from_its_date_and_from_an_edit() {
        let rank = |heading: &str| Heading::of(heading).stage_rank();
        assert!(rank("Lead-Status") > rank("Status") && rank("Status") > rank("Email status"));
        assert_eq!(rank("Previous stage"), 0);
        let stage = Heading::of("Vertriebsphase");
        let time = |heading: &str| Heading::of(heading).time_kind(Some(&stage));
        assert!(
            time("Status geändert am") > time("Datum")
                && time("Datum") > time("Zuletzt geändert am")
        );
        assert!(
            time("Zuletzt bearbeitet") == Some(TimeKind::Edited)
                && time("Status geändert am") > time("Datum")
        );
        assert!(
            Heading::of("Nächster Termin").is_other_time()
                && Heading::of("Owner.Email").is_other_person()
        );
    }

    #[test]
    fn the_heading_of_a_stages_date_names_it() {
        let name = |heading: &str| stage_in_heading(heading).unwrap_or_default();
        assert_eq!(
            name("Became a Marketing Qualified Lead Date"),
            "Marketing Qualified Lead"
        );
        assert_eq!(name("Qualifiziert am"), "Qualifiziert");
        assert_eq!(name("Date de devis"), "devis");
        assert_eq!(name("Fecha"), "");
        assert!(Heading::of("Kunde seit").names_a_stage() && !Heading::of("Datum").names_a_stage());
    }
}
