//! Gives rows without a lead id the id of Meta's lead that is the same person.
//!
//! Input: files of Meta's leads, and a row's hashed email and phone. Output: the lead, or that there is none, or that two
//! fit equally. Who is the same person is decided on normalised values, by email before phone; nothing is guessed.

mod index;
mod read;

use std::sync::Arc;

pub(crate) use index::LeadNumber;
pub(crate) use read::Reading;

use crate::customer::{Hash, Key, UserData};
use crate::time::{Moment, Precision};
use index::Index;

/// A lead may be younger than its row by this much: two clocks are never the same.
const SLACK_SECONDS: i64 = 3_600;

/// One of Meta's leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lead {
    /// Its id.
    pub id: u64,
    /// When it was created, Unix seconds.
    pub created: i64,
    /// Its form's place in the list of forms.
    form: u32,
    /// The number of the chunk it was read from: of a lead that comes twice the first counts.
    chunk: u32,
}

/// A form, as the leads name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Its id; empty where the leads name none.
    pub id: String,
    /// Its name; empty where the leads name none.
    pub name: String,
}

/// By what a row was joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Its email.
    Email,
    /// Its phone.
    Phone,
}

/// What a join comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// No lead is this person's, or all are younger than the row.
    None,
    /// Two leads fit equally.
    Ambiguous,
    /// This one.
    One(LeadNumber, By),
}

/// Meta's leads, by id, email and phone: about 75 bytes a lead. It holds hashes and no person's values.
#[derive(Debug, Default)]
pub(crate) struct Leads {
    /// By id.
    leads: Vec<Lead>,
    forms: Vec<Form>,
    emails: Index,
    phones: Index,
    span: Option<(i64, i64)>,
}

/// What a run joins its rows with.
#[derive(Clone, Debug)]
pub(crate) struct Join {
    /// The leads.
    pub leads: Arc<Leads>,
    /// The event that a row without a raw lead gets at the time of Meta's clock, if it is to get one.
    pub raw_lead: Option<Arc<str>>,
}

impl Leads {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.leads.len()
    }

    /// All of them with their forms, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (LeadNumber, &Lead, &Form)> {
        (0..)
            .zip(&self.leads)
            .map(|(number, lead)| (LeadNumber(number), lead, &self.forms[lead.form as usize]))
    }

    /// One of them.
    pub(crate) fn get(&self, number: LeadNumber) -> &Lead {
        &self.leads[number.0 as usize]
    }

    /// The lead with this id.
    pub(crate) fn by_id(&self, id: u64) -> Option<LeadNumber> {
        let place = self.leads.binary_search_by_key(&id, |lead| lead.id).ok()?;
        Some(LeadNumber(place as u32))
    }

    /// Whether a moment lies between the first and the last of the leads.
    pub(crate) fn spans(&self, seconds: i64) -> bool {
        self.span
            .is_some_and(|(first, last)| (first..=last).contains(&seconds))
    }

    /// The latest lead of a row's person that is younger than none of the moments at which the row was there.
    pub(crate) fn of(&self, row: &UserData, was_there: &[Moment]) -> Match {
        let first = was_there.iter().map(|moment| latest_second(*moment)).min();
        let limit = first.map_or(i64::MAX, |first| first.saturating_add(SLACK_SECONDS));
        match self.latest(&self.emails, row.hashes(Key::Em), limit, By::Email) {
            Match::None => self.latest(&self.phones, row.hashes(Key::Ph), limit, By::Phone),
            found => found,
        }
    }

    fn latest(&self, index: &Index, hashes: &[Hash], limit: i64, by: By) -> Match {
        let (mut best, mut latest) = (Match::None, i64::MIN);
        for number in hashes.iter().flat_map(|hash| index.of(hash)) {
            let created = self.get(number).created;
            if created > limit || created < latest || best == Match::One(number, by) {
                continue;
            }
            best = match best {
                Match::None => Match::One(number, by),
                _ if created > latest => Match::One(number, by),
                _ => Match::Ambiguous,
            };
            latest = created;
        }
        best
    }
}

/// The latest second that a moment may mean: a day alone is read as its noon.
fn latest_second(moment: Moment) -> i64 {
    let reach = match moment.precision {
        Precision::Second => 0,
        Precision::Minute => 59,
        Precision::Day => 12 * 3_600,
    };
    moment.seconds.saturating_add(reach)
}

/// Collects leads; of one that comes twice the first counts.
#[derive(Default)]
pub(crate) struct Builder {
    leads: Vec<Lead>,
    forms: Vec<Form>,
    emails: Index,
    phones: Index,
    /// The number of the chunk that is read, or of the last one.
    chunks: u32,
}

impl Builder {
    /// Adds a lead with what its person is known by.
    pub(crate) fn add(&mut self, id: u64, created: i64, form: (&str, &str), person: &UserData) {
        let (form, lead) = (self.form(form), self.leads.len() as u32);
        self.leads.push(Lead {
            id,
            created,
            form,
            chunk: self.chunks,
        });
        for (index, key) in [(&mut self.emails, Key::Em), (&mut self.phones, Key::Ph)] {
            person
                .hashes(key)
                .iter()
                .for_each(|hash| index.add(hash, lead));
        }
    }

    /// The place of a form in the list of forms.
    fn form(&mut self, (id, name): (&str, &str)) -> u32 {
        let known = self.forms.iter().rposition(|known| known.id == id);
        let place = known.unwrap_or_else(|| {
            self.forms.push(Form {
                id: id.to_owned(),
                name: name.to_owned(),
            });
            self.forms.len() - 1
        });
        place as u32
    }

    /// Takes over what another one has collected.
    fn merge(&mut self, other: Self) {
        let forms: Vec<u32> = other
            .forms
            .iter()
            .map(|form| self.form((&form.id, &form.name)))
            .collect();
        let before = self.leads.len() as u32;
        self.leads.reserve_exact(other.leads.len());
        self.leads.extend(other.leads.into_iter().map(|lead| Lead {
            form: forms[lead.form as usize],
            ..lead
        }));
        self.emails.take_over(other.emails, before);
        self.phones.take_over(other.phones, before);
    }

    /// Puts them in order.
    pub(crate) fn finish(mut self) -> Leads {
        let place = self.sort();
        let (emails, phones) = (&mut self.emails, &mut self.phones);
        std::thread::scope(|scope| {
            scope.spawn(|| emails.finish(&place));
            phones.finish(&place);
        });
        let created = self.leads.iter().map(|lead| lead.created);
        let span = created.clone().min().zip(created.max());
        Leads {
            leads: self.leads,
            forms: self.forms,
            emails: self.emails,
            phones: self.phones,
            span,
        }
    }

    /// Sorts the leads by id, each once, and gives the new place of each.
    fn sort(&mut self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.leads.len() as u32).collect();
        let leads = &self.leads;
        // The chunks of several workers stand one after the other, each in its own order.
        order.sort_by_key(|&lead| {
            let Lead { id, chunk, .. } = leads[lead as usize];
            (id, chunk, lead)
        });
        let (mut place, mut sorted) = (vec![0; leads.len()], Vec::<Lead>::new());
        sorted.reserve_exact(leads.len());
        for lead in order {
            let is_known = (sorted.last()).is_some_and(|last| last.id == leads[lead as usize].id);
            if !is_known {
                sorted.push(leads[lead as usize]);
            }
            place[lead as usize] = sorted.len() as u32 - 1;
        }
        self.leads = sorted;
        place
    }
}

#[cfg(test)]
mod tests;
