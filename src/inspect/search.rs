//! Which column holds what: the preset's word where there is one, headings and cells for the rest.
//!
//! In go a layout as preset and command line have it and the evidence of the columns, out comes a [`Proposal`] that
//! names every column it uses. A guess about a person is never taken, only told.

use super::evidence::{Evidence, Kind};
use super::proposal::Confidence::{self, Certain, Guess, Likely};
use super::proposal::{Proposal, StageColumn, Taken};
use super::words::{Heading, Party, Says};
use crate::field::Field;
use crate::mapping::{
    Columns, Layout, Target, holds_several, is_pattern, speaks_of_area_codes,
    speaks_of_calling_codes,
};
use crate::report::names_raw_lead;

/// So many columns of one field are taken.
const MAX_COLUMNS: usize = 5;

/// Finds the columns. `given` is what the command line maps, `layout` that on top of the preset, which may be complete but
/// for what identifies a lead.
pub(super) fn propose(
    layout: &Layout,
    given: &Layout,
    is_complete: bool,
    columns: &Columns<'_>,
    evidence: &[Evidence],
) -> Proposal {
    let mut search = Search {
        columns,
        evidence,
        used: Vec::new(),
        found: Proposal::default(),
        known: 0,
        strangers: Vec::new(),
        is_told_stages: !given.stage_columns.is_empty(),
    };
    search.take_over(layout, given);
    search.known = search.found.taken.len();
    search.find_people();
    search.find_events();
    search.find_consent();
    if !is_complete {
        search.find_context();
    }
    search.doubt_the_served();
    search.join_clocks();
    search.found
}

/// The search for columns.
pub(super) struct Search<'a> {
    pub(super) columns: &'a Columns<'a>,
    pub(super) evidence: &'a [Evidence],
    pub(super) used: Vec<u32>,
    pub(super) found: Proposal,
    /// How many of the columns taken preset and command line name.
    known: usize,
    /// Emails and phones of which it is not known whose they are.
    strangers: Vec<u32>,
    /// Whether the command line says which dates are those of stages.
    pub(super) is_told_stages: bool,
}

impl Search<'_> {
    /// What preset and command line say stands, unless the cells speak against it.
    fn take_over(&mut self, layout: &Layout, given: &Layout) {
        for mapped in &layout.columns {
            let is_given = given.columns_of(&mapped.target).is_some();
            for column in mapped
                .columns
                .iter()
                .filter_map(|name| self.columns.find(name))
            {
                // A cell or two may be odd in any column.
                let speaks_against = self.at(column).filled >= 3;
                let is_empty = self.at(column).filled == 0;
                let is_lead_id = mapped.target == Target::Field(Field::LeadId);
                let confidence = match self.share(&mapped.target, column) {
                    _ if is_given => Certain,
                    // Somebody else's heading may stand over the ids.
                    _ if is_lead_id && is_empty && self.has_marked_ids() => continue,
                    Some(share) if share < 0.5 && speaks_against => Guess,
                    _ if is_empty => Likely,
                    _ => Certain,
                };
                self.take(mapped.target.clone(), column, confidence);
            }
        }
        for (name, event_name) in &layout.stage_columns {
            let column = if is_pattern(name) {
                None
            } else {
                self.columns.find(name)
            };
            let name = column
                .and_then(|column| self.columns.name_of(column))
                .unwrap_or_else(|| name.clone());
            self.used.extend(column);
            let event_name = event_name.clone();
            self.found.stage_columns.push(StageColumn {
                name,
                column,
                event_name,
                confidence: Certain,
            });
        }
        self.found.rest = Layout {
            columns: Vec::new(),
            stage_columns: Vec::new(),
            ..layout.clone()
        };
    }

    /// Whether a column holds ids in the form of Meta's own download.
    fn has_marked_ids(&self) -> bool {
        self.evidence
            .iter()
            .any(|column| column.share(Kind::MarkedLeadId) >= 0.9)
    }

    /// The share of a column's cells that read as the field; none where any text does, or where there are none.
    fn share(&self, target: &Target, column: u32) -> Option<f64> {
        let Target::Field(field) = target else {
            return None;
        };
        let evidence = self.at(column);
        let reads = evidence.reads_as(*field)?;
        (evidence.filled > 0).then(|| reads as f64 / evidence.filled as f64)
    }

    pub(super) fn at(&self, column: u32) -> &Evidence {
        &self.evidence[column as usize]
    }

    pub(super) fn take(&mut self, target: Target, column: u32, confidence: Confidence) {
        self.used.push(column);
        self.found.taken.push(Taken {
            target,
            column,
            confidence,
        });
    }

    pub(super) fn lacks(&self, field: Field) -> bool {
        self.found.column_of(field).is_none()
    }

    /// Columns that nothing is known of yet and that hold something.
    pub(super) fn free(&self) -> Vec<u32> {
        let all = 0..self.evidence.len() as u32;
        all.filter(|&column| {
            self.at(column).filled > 0
                && !self.used.contains(&column)
                && self.columns.name_of(column).is_some()
        })
        .collect()
    }

    /// Columns without a value whose headings say exactly what they are for: the next export may fill them.
    fn empty_but_named(&self, field: Field) -> Vec<u32> {
        let all = 0..self.evidence.len() as u32;
        all.filter(|&column| {
            let evidence = self.at(column);
            evidence.filled == 0
                && evidence.heading.says(field) == Some(Says::Exactly)
                && !evidence.heading.is_other_person()
                && !evidence.heading.is_system()
                && !self.used.contains(&column)
                && self.columns.name_of(column).is_some()
        })
        .collect()
    }

    /// Takes the columns that `judge` finds for a field it lacks, the surest and fullest first; a guess is only noted.
    fn find(&mut self, field: Field, judge: impl Fn(&Evidence) -> Option<Confidence>) {
        if !self.lacks(field) {
            return;
        }
        let mut judged: Vec<(u32, Confidence)> = self
            .free()
            .into_iter()
            .filter(|&column| !self.at(column).heading.is_system() && !self.is_strangers(column))
            .filter_map(|column| Some((column, judge(self.at(column))?)))
            .collect();
        let fill = |column: u32| (self.at(column).fill() * 20.0) as u32;
        judged.sort_by_key(|&(column, confidence)| {
            let heading = &self.at(column).heading;
            std::cmp::Reverse((confidence, !heading.is_second(), fill(column)))
        });
        let keeps_its_heading = !matches!(
            field,
            Field::LeadId | Field::Value | Field::Currency | Field::FullName | Field::CreatedTime
        );
        let is_unsure = judged.iter().all(|(_, confidence)| *confidence == Guess);
        if keeps_its_heading && (is_unsure || holds_several(&Target::Field(field))) {
            let empty = self.empty_but_named(field).into_iter();
            let at = if is_unsure { 0 } else { judged.len() };
            judged.splice(at..at, empty.map(|column| (column, Likely)));
        }
        judged.truncate(if holds_several(&Target::Field(field)) {
            MAX_COLUMNS
        } else {
            1
        });
        for (column, confidence) in judged {
            match confidence {
                Guess | Likely if confidence == Guess || field == Field::LeadId => {
                    self.found.guesses.push(Taken {
                        target: Target::Field(field),
                        column,
                        confidence,
                    })
                }
                _ => self.take(Target::Field(field), column, confidence),
            }
        }
    }

    /// What identifies a lead.
    fn find_people(&mut self) {
        self.find(Field::LeadId, judge_lead_id);
        self.find(Field::Email, judge_email);
        self.find(Field::Phone, judge_phone);
        for field in [Field::Email, Field::Phone] {
            self.doubt_the_few(field);
        }
        for field in [Field::Email, Field::Phone] {
            self.doubt_the_unknown(field);
        }
        self.find_calling_codes();
        self.find(Field::Fbclid, |column| {
            match column.heading.says(Field::Fbclid) {
                Some(_) => Some(if column.share(Kind::Fbclid) >= 0.5 {
                    Certain
                } else {
                    Likely
                }),
                None => (column.share(Kind::Fbclid) >= 0.8).then_some(Likely),
            }
        });
    }

    /// A column of calling codes belongs to the numbers, where those lack them.
    fn find_calling_codes(&mut self) {
        let Some(code) = self.calling_codes().or_else(|| self.area_codes()) else {
            return;
        };
        let phone = Target::Field(Field::Phone);
        if self.lacks(Field::Phone) {
            let is_area = self.at(code).share(Kind::CallingCode) < 0.9;
            let is_number = |&column: &u32| {
                is_area && self.at(column).heading.says(Field::Phone).is_some()
                    || self.at(column).share(Kind::PhoneLike) >= 0.8
            };
            let beside = self.free().into_iter().find(|column| *column == code + 1);
            match beside.filter(is_number) {
                Some(number) => self.take(phone.clone(), number, Likely),
                None => return,
            }
        }
        let of_phone = |taken: &Taken| taken.target == phone;
        let numbers = self.found.taken.iter().filter(|taken| of_phone(taken));
        let are_whole = |taken: &Taken| self.at(taken.column).form.starts_with('+');
        if numbers.clone().any(|taken| taken.column == code) || numbers.clone().all(are_whole) {
            return;
        }
        // A heading such as `country_code` may have spoken for the country.
        self.found.taken.retain(|taken| taken.column != code);
        self.found.guesses.retain(|guess| guess.column != code);
        self.used.push(code);
        let at = self.found.taken.iter().position(of_phone).unwrap_or(0);
        let (target, column, confidence) = (phone.clone(), code, Certain);
        self.found.taken.insert(
            at,
            Taken {
                target,
                column,
                confidence,
            },
        );
    }

    /// The column of calling codes.
    fn calling_codes(&self) -> Option<u32> {
        let all = 0..self.evidence.len() as u32;
        all.into_iter().find(|&column| {
            let evidence = self.at(column);
            let name = self.columns.name_of(column).unwrap_or_default();
            let is_named = speaks_of_calling_codes(&name);
            evidence.share(Kind::PlainCallingCode) >= 0.9
                || is_named && evidence.share(Kind::CallingCode) >= 0.9
        })
    }

    /// The column of area codes, which stands before that of the numbers.
    fn area_codes(&self) -> Option<u32> {
        let all = 0..self.evidence.len() as u32;
        all.into_iter().find(|&column| {
            let name = self.columns.name_of(column).unwrap_or_default();
            let numbers = self.evidence.get(column as usize + 1);
            let are_whole = |numbers: &Evidence| numbers.share(Kind::PlainPhone) >= 0.5;
            speaks_of_area_codes(&name)
                && self.at(column).share(Kind::AreaCode) >= 0.9
                && numbers.is_some_and(|numbers| !are_whole(numbers))
        })
    }

    /// Where each lead has a value of its own, a column in which the same ones come again is about somebody else, such as
    /// whoever deals with the lead; so is one whose heading says more than the field's name beside one that does not.
    fn doubt_the_few(&mut self, field: Field) {
        let target = Target::Field(field);
        let variety = |column: u32| {
            let evidence = self.at(column);
            evidence.distinct as f64 / evidence.filled.max(1) as f64
        };
        let of_field = || {
            self.found
                .taken
                .iter()
                .filter(|taken| taken.target == target)
        };
        let best = of_field()
            .map(|taken| variety(taken.column))
            .fold(0.0, f64::max);
        let is_plain = |column: u32| self.at(column).heading.says(field) == Some(Says::Exactly);
        let has_plain = of_field().any(|taken| is_plain(taken.column));
        // What preset and command line say is not doubted.
        let doubted: Vec<u32> = self.found.taken[self.known..]
            .iter()
            .filter(|taken| taken.target == target)
            .map(|taken| taken.column)
            .filter(|&column| {
                let is_few = self.at(column).filled >= 4 && variety(column) * 2.0 <= best;
                is_few || field == Field::Email && has_plain && !is_plain(column)
            })
            .collect();
        self.make_guesses(field, &doubted);
    }

    /// Only tells of columns that were taken for a field.
    fn make_guesses(&mut self, field: Field, doubted: &[u32]) {
        let is_doubted =
            |taken: &Taken| taken.target == Target::Field(field) && doubted.contains(&taken.column);
        let given = std::mem::take(&mut self.found.taken);
        for mut taken in given {
            if is_doubted(&taken) {
                taken.confidence = Guess;
                self.found.guesses.push(taken);
            } else {
                self.found.taken.push(taken);
            }
        }
    }

    /// Beside a column of the lead's one that a word of its heading, or of the path to it, gives to nobody known here may
    /// be anybody's: `buyer.email` and `notary.email`. No list of words knows all who have to do with a lead.
    fn doubt_the_unknown(&mut self, field: Field) {
        let target = Target::Field(field);
        let heading = |column: u32| &self.at(column).heading;
        let party = |column: u32| heading(column).party(field);
        let of_field = self.found.taken.iter();
        let of_field: Vec<u32> = of_field
            .filter(|taken| taken.target == target)
            .map(|taken| taken.column)
            .collect();
        let mut all = self.evidence.iter();
        let has_lead = all.any(|column| column.heading.is_held_by_the_lead());
        let is_better = |column: &u32| party(*column) != Party::Unknown;
        // The values of one are the lead's where those of the others come again and again.
        let is_own = |column: u32| self.at(column).distinct == self.at(column).filled;
        let have_own = of_field.iter().filter(|column| is_own(**column)).count();
        let is_sole_own = |column: u32| have_own == 1 && is_own(column);
        let is_doubted = |taken: &&Taken| {
            let has_other = of_field.iter().any(|other| *other != taken.column);
            let is_held = heading(taken.column).is_held();
            taken.target == target
                && party(taken.column) == Party::Unknown
                && (of_field.iter().any(is_better)
                    || is_held && has_lead
                    || has_other
                        && (is_held || field == Field::Email)
                        && !is_sole_own(taken.column))
        };
        // What preset and command line say is not doubted.
        let found = self.found.taken[self.known..].iter();
        let doubted: Vec<u32> = found.filter(is_doubted).map(|taken| taken.column).collect();
        self.make_guesses(field, &doubted);
        self.strangers.extend(doubted);
    }

    /// Whoever got in touch is the lead, and not whom that is for: a student beside the parent, a tenant beside the plain
    /// email.
    fn doubt_the_served(&mut self) {
        const NAMES: [Field; 3] = [Field::FirstName, Field::LastName, Field::FullName];
        let has_role = |taken: &Taken| self.at(taken.column).heading.has_role();
        let has_plain = |fields: &[Field]| {
            let mut taken = self.found.taken.iter();
            taken.any(|it| {
                fields
                    .iter()
                    .any(|field| it.target == Target::Field(*field))
                    && !has_role(it)
            })
        };
        let has_carer = self
            .evidence
            .iter()
            .any(|column| column.heading.is_of_a_carer());
        // The contact taken may be that of whom it is for: of the student, and not of the parent beside.
        let mut contacts = self.found.taken.iter().filter(|taken| {
            [Field::Email, Field::Phone]
                .map(Target::Field)
                .contains(&taken.target)
        });
        let has_lead = has_plain(&[Field::Email, Field::Phone]);
        let is_theirs = contacts.any(has_role);
        let is_doubted = |field: Field| match field {
            Field::Email | Field::Phone => has_plain(&[field]),
            Field::DateOfBirth | Field::Gender => has_plain(&NAMES) || has_carer && !is_theirs,
            _ if NAMES.contains(&field) => {
                has_plain(&NAMES) || has_carer && !has_lead && !is_theirs
            }
            _ => false,
        };
        let found = self.found.taken[self.known.min(self.found.taken.len())..].iter();
        let doubted: Vec<(Field, u32)> = found
            .filter(|taken| has_role(taken))
            .filter_map(|taken| match taken.target {
                Target::Field(field) if is_doubted(field) => Some((field, taken.column)),
                _ => None,
            })
            .collect();
        for (field, column) in doubted {
            self.make_guesses(field, &[column]);
        }
    }

    /// Whether a column stands in the object of somebody who may not be the lead.
    fn is_strangers(&self, column: u32) -> bool {
        let heading = &self.at(column).heading;
        let mut strangers = self.strangers.iter();
        strangers.any(|&stranger| heading.stands_within(&self.at(stranger).heading))
    }

    /// Whether the lead agrees, whoever asked: products leave it to a column of one's own.
    fn find_consent(&mut self) {
        // Who objects to messages may object to ads or not, and what Meta makes of the mark is no small thing.
        self.find(Field::OptOut, |column| {
            let answers = column.share(Kind::Consent) >= 0.9;
            (answers && column.heading.says_opt_out()).then_some(Guess)
        });
        self.find(Field::Consent, |column| {
            let answers = column.share(Kind::Consent) >= 0.9;
            let says = column.heading.says_consent().filter(|_| answers)?;
            Some(match says {
                Says::Exactly => Certain,
                Says::InPart => Guess,
            })
        });
    }

    /// What else is known of the lead: only where the heading says so, as the cells alone tell little.
    fn find_context(&mut self) {
        use Field::*;
        let is_elsewhere = self.places_elsewhere();
        for field in [
            Fbc,
            Fbp,
            ClientIpAddress,
            ClientUserAgent,
            DateOfBirth,
            Gender,
        ] {
            self.find(field, by_heading(field, Certain, Guess));
        }
        self.find(Currency, by_heading(Currency, Certain, Guess));
        self.raw_lead_is_made_when_it_is_dated();
        self.find(CreatedTime, |column| {
            let is_named = column.heading.says(CreatedTime).is_some();
            (is_named && column.holds_named_times()).then_some(Certain)
        });
        self.lead_is_made_when_its_first_event_is();
        self.find(Country, |column| {
            if column.heading.is_other_country() || is_elsewhere(column) {
                return None;
            }
            let is_cc = column.heading.is_named_just_cc() && column.share(Kind::Country) >= 0.9;
            let by_name = (column.share(Kind::CountryName) >= 0.8
                && !column.heading.is_other_person()
                || is_cc)
                .then_some(Likely);
            by_heading(Country, Certain, Guess)(column).or(by_name)
        });
        for field in [FirstName, LastName] {
            self.find(field, |column| {
                let is_known_alone = column.heading.says(FullName) != Some(Says::Exactly);
                // In Turkish `ad` is a name, and beside a campaign it is an ad.
                let is_of_ads = column.heading.is_other_id() && !column.heading.is_one_word();
                by_heading(field, Certain, Likely)(column).filter(|_| is_known_alone && !is_of_ads)
            });
        }
        self.find_names();
        self.find(City, |column| {
            by_heading(City, Certain, Guess)(column).filter(|_| !is_elsewhere(column))
        });
        self.find(State, |column| {
            let may_be_a_stage = column.heading.may_be_of_a_place()
                || column.heading.says(State) != Some(Says::Exactly);
            by_heading(State, Likely, Guess)(column).filter(|_| {
                (!may_be_a_stage || !column.holds_some_stages())
                    && column.share(Kind::Letters) >= 0.5
                    && !is_elsewhere(column)
            })
        });
        self.find(Zip, |column| {
            by_heading(Zip, Certain, Guess)(column).filter(|_| !is_elsewhere(column))
        });
        self.find(Value, |column| {
            let is_money = column.share(Kind::Amount) >= 0.8
                && column.share(Kind::LeadId) == 0.0
                && column.share(Kind::PlainPhone) == 0.0
                && !column.heading.is_other_person();
            let says = column.heading.says(Value).filter(|_| is_money)?;
            Some(match says {
                Says::Exactly => Likely,
                Says::InPart => Guess,
            })
        });
    }

    /// Tells columns of places that the lead does not live at. A property is where the lead lives where work is done at
    /// it; where it is on offer, or ten leads share one, it is not.
    fn places_elsewhere(&self) -> impl Fn(&Evidence) -> bool + use<> {
        let headings = || self.evidence.iter().map(|column| &column.heading);
        let is_on_offer = headings().any(Heading::is_of_listings);
        let of_property = self.evidence.iter();
        let is_shared = of_property
            .filter(|column| column.heading.is_of_a_property() && column.filled >= 10)
            .any(|column| {
                let says = column.heading.says(Field::Zip).is_some();
                says && column.distinct * 10 <= column.filled
            });
        move |column: &Evidence| {
            let heading = &column.heading;
            heading.is_of_another_place()
                || heading.is_of_a_property() && (is_on_offer || is_shared)
        }
    }

    /// A date beside a column with its time of day is read with it: `Created Date` and `Created Time`.
    fn join_clocks(&mut self) {
        let fields = [Field::EventTime, Field::CreatedTime].map(Target::Field);
        let mut at = 0;
        while let Some(taken) = self.found.taken.get(at).cloned() {
            at += 1;
            let has_clock = self.at(taken.column).form.contains(':');
            if !fields.contains(&taken.target) || has_clock {
                continue;
            }
            let of_target = self
                .found
                .taken
                .iter()
                .filter(|it| it.target == taken.target);
            let known: Vec<u32> = of_target.map(|it| it.column).collect();
            let clock = self
                .clock_of(taken.column)
                .filter(|clock| !known.contains(clock));
            if let Some(column) = clock {
                self.used.push(column);
                self.found.taken.insert(at, Taken { column, ..taken });
                at += 1;
            }
        }
    }

    /// The column with the times of day of a column of dates.
    fn clock_of(&self, date: u32) -> Option<u32> {
        let heading = &self.at(date).heading;
        let all = 0..self.evidence.len() as u32;
        all.into_iter().find(|&column| {
            let evidence = self.at(column);
            let is_pair = match evidence.heading.is_clock_of(heading) {
                Some(Says::Exactly) => true,
                Some(Says::InPart) => column == date + 1,
                None => false,
            };
            is_pair && evidence.share(Kind::Clock) >= 0.8
        })
    }

    /// The date of the raw lead is that of its making, whatever other record was made when.
    fn raw_lead_is_made_when_it_is_dated(&mut self) {
        let stages = self.found.stage_columns.iter();
        let mut raw = stages.filter(|stage| names_raw_lead(&stage.event_name));
        let column = raw.find_map(|stage| stage.column).filter(|&column| {
            self.lacks(Field::CreatedTime)
                && self.at(column).heading.says(Field::CreatedTime).is_some()
        });
        if let Some(column) = column {
            self.take(Target::Field(Field::CreatedTime), column, Certain);
        }
    }

    /// Where the time of the events is the one the record was made at, it is the lead's as well.
    fn lead_is_made_when_its_first_event_is(&mut self) {
        let of_stages = self
            .found
            .stage_columns
            .iter()
            .filter_map(|stage| stage.column);
        let target = Target::Field(Field::EventTime);
        let of_events = self
            .found
            .taken
            .iter()
            .filter(|taken| taken.target == target);
        let of_events = of_events.map(|taken| taken.column);
        let created = of_events
            .chain(of_stages)
            .find(|&column| self.at(column).heading.says(Field::CreatedTime).is_some());
        if let Some(column) = created.filter(|_| self.lacks(Field::CreatedTime)) {
            self.take(Target::Field(Field::CreatedTime), column, Certain);
        }
    }

    /// `Nom` beside `Prénom` is the last name, `Nombre` beside `Apellidos` the first; alone they are the full one.
    fn find_names(&mut self) {
        let is_one_word = |column: &Evidence| column.share(Kind::Words) < 0.5;
        let is_called_name = |column: &Evidence| {
            column.heading.says(Field::FullName).is_some()
                && !column.heading.is_other_person()
                && column.share(Kind::Letters) >= 0.5
                && (!column.heading.is_named_just_lead()
                    || column.distinct * 10 >= column.filled * 9)
                && (column.heading.names_a_person() || !column.holds_titles())
        };
        // What is called just a name, among deals, is that of the deal.
        let is_of_deals = self
            .evidence
            .iter()
            .any(|column| column.heading.is_of_deals());
        let email = self.found.column_of(Field::Email);
        let email = email.map(|column| self.evidence[column as usize].heading.clone());
        let email = email.as_ref();
        let is_name = |column: &Evidence| {
            is_called_name(column)
                && (!is_of_deals
                    || email.is_some_and(|email| column.heading.stands_beside(email))
                    || column.heading.is_of_a_person()
                    || !column.heading.is_named_just_name())
        };
        match (self.lacks(Field::FirstName), self.lacks(Field::LastName)) {
            (false, true) => self.find(Field::LastName, |column| {
                (is_name(column) && is_one_word(column)).then_some(Likely)
            }),
            (true, false) => self.find(Field::FirstName, |column| {
                let is_first_name =
                    is_name(column) || is_one_word(column) && is_called_name(column);
                is_first_name.then_some(Likely)
            }),
            (true, true) => self.find(Field::FullName, |column| {
                is_name(column).then_some(match () {
                    () if column.heading.is_known(Field::FullName) => Certain,
                    // `Homeowner` may hold a yes or a no, and `Customer` whether it is a new one.
                    () if column.heading.is_just_a_party()
                        && column.distinct * 2 < column.filled =>
                    {
                        Guess
                    }
                    () if column.heading.names_a_person() && !is_one_word(column) => Certain,
                    () if is_one_word(column) => Guess,
                    () => Likely,
                })
            }),
            (false, false) => {}
        }
    }
}

/// A lead id is what Meta calls one, by its heading or its form. Where the heading leaves no doubt, what a spreadsheet did
/// to the ids does not make them another column's.
fn judge_lead_id(column: &Evidence) -> Option<Confidence> {
    let heading = &column.heading;
    let is_repeated = column.distinct * 5 < column.filled && column.filled >= 10;
    let is_of_meta = ["meta", "facebook", "instagram", "fb"]
        .iter()
        .any(|word| heading.has_word(word));
    let damaged = column.share(Kind::LostLeadId);
    match column.share(Kind::LeadId) {
        share
            if is_of_meta
                && damaged > 0.0
                && damaged + share >= 0.5
                && heading.says(Field::LeadId) == Some(Says::Exactly) =>
        {
            Some(Certain)
        }
        // A clear heading is believed though some of its values are none, such as a line of totals.
        share
            if share >= 0.5
                && !is_repeated
                && heading.says(Field::LeadId) == Some(Says::Exactly) =>
        {
            Some(Certain)
        }
        share if share < 0.9 || is_repeated => None,
        _ if column.share(Kind::MarkedLeadId) >= 0.9 => Some(Certain),
        _ if heading.is_other_id() => None,
        _ if heading.says(Field::LeadId).is_some() => Some(Certain),
        _ if heading.has_word("lead") && is_of_meta => Some(Certain),
        _ if heading.has_word("lead") => Some(Likely),
        _ => Some(Guess),
    }
}

/// An address is the lead's unless the heading says whose else it is, or a few are the addresses of a team.
fn judge_email(column: &Evidence) -> Option<Confidence> {
    let is_other = column.heading.is_other_person() || column.distinct * 10 < column.filled;
    let says = column.heading.says(Field::Email);
    match column.share(Kind::Email) {
        share if share < 0.3 => None,
        _ if is_other => says.map(|_| Guess),
        _ if says == Some(Says::Exactly) => Some(Certain),
        share if share < 0.8 => None,
        _ => Some(if says.is_some() { Certain } else { Likely }),
    }
}

/// A clear heading is believed though many of the numbers are no good; else the numbers must be.
fn judge_phone(column: &Evidence) -> Option<Confidence> {
    let heading = &column.heading;
    let is_else = column.holds_times() && heading.says(Field::Phone) != Some(Says::Exactly)
        || column.share(Kind::LeadId) > 0.5
        || ["fax", "type", "status", "duration"]
            .iter()
            .any(|word| heading.has_word(word));
    let is_other = heading.is_other_person() || column.distinct * 10 < column.filled;
    let says = heading.says(Field::Phone);
    let (phones, alike) = (column.share(Kind::Phone), column.share(Kind::PhoneLike));
    match says {
        _ if is_else => None,
        Some(_) if is_other => (phones >= 0.3).then_some(Guess),
        Some(Says::Exactly) if phones >= 0.3 => Some(Certain),
        Some(Says::Exactly) => (alike >= 0.5 || phones > 0.0).then_some(Likely),
        _ if phones < 0.8 || is_other => None,
        Some(Says::InPart) if column.share(Kind::PlainPhone) >= 0.3 => Some(Certain),
        Some(Says::InPart) => Some(Likely),
        None => (column.share(Kind::PlainPhone) >= 0.5).then_some(Likely),
    }
}

/// What a column is worth whose heading speaks for a field, all of it or in part.
fn by_heading(
    field: Field,
    exactly: Confidence,
    in_part: Confidence,
) -> impl Fn(&Evidence) -> Option<Confidence> {
    move |column: &Evidence| {
        let heading = &column.heading;
        let is_the_leads = matches!(field, Field::ClientIpAddress | Field::ClientUserAgent)
            || !heading.is_other_person();
        let says = heading.says(field).filter(|_| is_the_leads)?;
        let share = match column.reads_as(field) {
            Some(reads) => reads as f64 / column.filled.max(1) as f64,
            None => 1.0,
        };
        match says {
            Says::Exactly if share >= 0.5 => Some(exactly),
            Says::InPart if share >= 0.8 => Some(in_part),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::customer::Settings;
    use crate::inspect::evidence::Sample;
    use crate::source::{Chunk, Header};

    /// Proposes for an export without a preset, given as rows of cells with `|` between them.
    fn proposed(table: &[&str]) -> (Proposal, Header) {
        let cells = |row: &'static str| row.split('|').map(str::to_owned).collect::<Vec<_>>();
        let table: Vec<&'static str> = table.iter().map(|row| &*row.to_string().leak()).collect();
        let header = Header {
            columns: cells(table[0]),
        };
        let settings = Settings {
            default_country: None,
            date_order: None,
            this_year: 2026,
            letter_m: crate::customer::LetterM::Man,
        };
        let mut sample = Sample::new(&header, &settings, 1_795_305_600);
        let mut chunk = Chunk::default();
        for (row, text) in (2..).zip(&table[1..]) {
            chunk.push(row, None, text.split('|'));
        }
        sample.observe(&chunk);
        let columns = Columns::new(&header);
        let (none, evidence) = (Layout::default(), &sample.columns);
        (propose(&none, &none, false, &columns, evidence), header)
    }

    fn column(found: &(Proposal, Header), field: Field) -> Option<(&str, Confidence)> {
        let taken = found
            .0
            .taken
            .iter()
            .find(|taken| taken.target == Target::Field(field))?;
        Some((
            found.1.columns[taken.column as usize].as_str(),
            taken.confidence,
        ))
    }

    #[test]
    fn german_headings_are_understood() {
        let found = proposed(&[
            "Vorname|Nachname|E-Mail-Adresse|Telefon|PLZ|Ort|Status|Status geändert am|Erstellt am|Zuständig E-Mail",
            "Jürgen|Köhler|j@example.org|+493023125042|10115|Berlin|Qualifiziert|19.11.2026 14:00|16.11.2026|r@example.com",
            "Eva|Braun|e@example.org|+493023125043|20095|Hamburg|Neu|20.11.2026 09:00|17.11.2026|r@example.com",
            "Ida|Ott|i@example.org|+493023125044|50667|Köln|Neu|20.11.2026 10:00|18.11.2026|r@example.com",
        ]);
        assert_eq!(
            column(&found, Field::Email),
            Some(("E-Mail-Adresse", Certain))
        );
        assert_eq!(column(&found, Field::Phone), Some(("Telefon", Certain)));
        assert_eq!(column(&found, Field::EventName), Some(("Status", Certain)));
        assert_eq!(
            column(&found, Field::EventTime),
            Some(("Status geändert am", Certain))
        );
        assert_eq!(
            column(&found, Field::CreatedTime),
            Some(("Erstellt am", Certain))
        );
        assert_eq!(column(&found, Field::FirstName), Some(("Vorname", Certain)));
        assert_eq!(column(&found, Field::City), Some(("Ort", Certain)));
        assert_eq!(column(&found, Field::Zip), Some(("PLZ", Certain)));
        assert!(
            !found.0.taken.iter().any(|taken| taken.column == 9),
            "the address of whoever deals with the lead"
        );
    }

    #[test]
    fn headings_that_say_nothing_leave_it_to_the_cells() {
        let found = proposed(&[
            "A|B|C|D|E",
            "ava@example.com|+12125550101|Qualified|2026-11-19 14:00|United States",
            "bo@example.com|+12125550102|New|2026-11-19 15:00|France",
            "cy@example.com|+12125550103|New|2026-11-19 16:00|Germany",
        ]);
        assert_eq!(column(&found, Field::Email), Some(("A", Likely)));
        assert_eq!(column(&found, Field::Phone), Some(("B", Likely)));
        let guesses: Vec<_> = found
            .0
            .guesses
            .iter()
            .map(|guess| (guess.target.to_string(), guess.column))
            .collect();
        assert_eq!(
            guesses,
            [("event_name".to_owned(), 2)],
            "what decides the events is not taken at a guess"
        );
        assert_eq!(column(&found, Field::Country), Some(("E", Likely)));
    }

    #[test]
    fn ids_without_a_heading_that_claims_them_are_only_a_guess() {
        let rows = [
            "x|Ref|Form ID",
            "a@example.com|1234567890123456|3456789012345678",
            "b@example.com|2345678901234567|3456789012345678",
        ];
        let (found, _) = proposed(&rows);
        assert_eq!(found.column_of(Field::LeadId), None);
        let guesses: Vec<_> = found
            .guesses
            .iter()
            .map(|taken| (taken.target.to_string(), taken.column))
            .collect();
        assert_eq!(guesses, [("lead_id".to_owned(), 1)]);
        let rows = [
            "x|Meta lead ID",
            "a@example.com|1234567890123456",
            "b@example.com|2345678901234567",
        ];
        assert_eq!(
            column(&proposed(&rows), Field::LeadId),
            Some(("Meta lead ID", Certain))
        );
    }

    #[test]
    fn metas_lead_ids_are_known_by_their_headings_in_any_language() {
        for heading in [
            "ID leada Meta",
            "MetaリードID",
            "Facebook线索ID",
            "מזהה ליד פייסבוק",
            "ID de cliente potencial de Facebook",
            "ID лида Facebook",
            "معرف عميل فيسبوك",
            "Meta-Lead-Nr.",
        ] {
            let row = ["E-Mail|", heading].concat().leak();
            let found = proposed(&[row, "a@example.com|1234567890123456"]);
            let taken = column(&found, Field::LeadId);
            assert_eq!(taken.map(|(_, sure)| sure), Some(Certain), "{heading}");
        }
    }

    #[test]
    fn titles_and_answers_are_no_names_of_people() {
        let found = proposed(&[
            "Nome|Contatos|Email|Etapa|Estado",
            "Energia solar - Ava Moss|Ava Moss|a@example.com|Nova|Em Andamento",
            "Energia solar - Bo Lind|Bo Lind|b@example.com|Proposta|Vendida",
            "Energia solar - Cy Holt|Cy Holt|c@example.com|Nova|Perdida",
        ]);
        let name = column(&found, Field::FullName);
        assert_eq!(name, Some(("Contatos", Certain)));
        assert_eq!(column(&found, Field::State), None);
        let found = proposed(&[
            "Nombre|Email",
            "Cocina Ava Moss|a@example.com",
            "Cocina Bo Lind|b@example.com",
            "Cocina Cy Holt|c@example.com",
            "Cocina Di Fox|d@example.com",
        ]);
        assert_eq!(column(&found, Field::FullName), None);
        let found = proposed(&[
            "Homeowner|Email",
            "Yes|a@example.com",
            "No|b@example.com",
            "Yes|c@example.com",
        ]);
        assert_eq!(column(&found, Field::FullName), None);
    }

    #[test]
    fn a_time_of_day_beside_its_date_is_read_with_it() {
        let (found, header) = proposed(&[
            "Email|Status|Status Date|Status Time|Created|Callback Time",
            "a@example.com|New|2026-11-18|10:30|2026-11-10|09:00",
            "b@example.com|Won|2026-11-19|2:15 PM|2026-11-11|09:00",
        ]);
        let of_event = found.taken.iter();
        let of_event = of_event.filter(|taken| taken.target == Target::Field(Field::EventTime));
        let names: Vec<&str> = of_event
            .map(|taken| header.columns[taken.column as usize].as_str())
            .collect();
        assert_eq!(names[..2], ["Status Date", "Status Time"]);
    }

    #[test]
    fn a_clear_heading_of_lead_ids_is_believed_though_one_value_is_none() {
        let found = proposed(&[
            "ID lead Meta|E-mail",
            "1234567890123456|a@example.com",
            "2345678901234567|b@example.com",
            "3456789012345678|c@example.com",
            "Somma di tutti|",
        ]);
        assert_eq!(
            column(&found, Field::LeadId),
            Some(("ID lead Meta", Certain))
        );
    }

    #[test]
    fn a_time_under_the_stages_own_path_is_the_stages() {
        let found = proposed(&[
            "contact.email|stage.name|stage.entered_at",
            "a@example.com|New|2026-11-24T10:00:00Z",
            "b@example.com|Won|2026-11-25T10:00:00Z",
        ]);
        assert_eq!(
            column(&found, Field::EventTime),
            Some(("stage.entered_at", Certain))
        );
        assert_eq!(column(&found, Field::CreatedTime), None);
    }

    #[test]
    fn area_codes_stand_before_the_numbers_they_belong_to() {
        let (found, header) = proposed(&[
            "E-Mail|Vorwahl|Rufnummer",
            "a@example.de|0171|2345678",
            "b@example.de|030|69812345",
        ]);
        let of_phone = found.taken.iter();
        let of_phone = of_phone.filter(|taken| taken.target == Target::Field(Field::Phone));
        let names: Vec<&str> = of_phone
            .map(|taken| header.columns[taken.column as usize].as_str())
            .collect();
        assert_eq!(names, ["Vorwahl", "Rufnummer"]);
    }

    #[test]
    fn dates_of_several_stages_beat_the_stage_of_today() {
        let found = proposed(&[
            "Correo|Etapa|Fecha de creación|Fecha calificado|Fecha ganado|Próxima actividad",
            "a@example.com|Ganado|10/11/2026|12/11/2026|19/11/2026|30/11/2026",
            "b@example.com|Nuevo|11/11/2026|||30/11/2026",
            "c@example.com|Nuevo|12/11/2026|13/11/2026||30/11/2026",
        ]);
        let stages: Vec<_> = found
            .0
            .stage_columns
            .iter()
            .map(|stage| (&*stage.name, &*stage.event_name))
            .collect();
        assert_eq!(
            stages,
            [
                ("Fecha de creación", "Lead"),
                ("Fecha calificado", "calificado"),
                ("Fecha ganado", "ganado")
            ]
        );
        assert_eq!(column(&found, Field::EventName), None);
    }

    #[test]
    fn a_history_of_all_fields_is_narrowed_to_the_stage() {
        let (found, _) = proposed(&[
            "Email|Field|Old value|New value|Changed on",
            "a@example.com|Stage|New|Qualified|2026-11-12",
            "a@example.com|Owner|Jordan|Kim|2026-11-13",
            "b@example.com|Stage|New|Lost|2026-11-13",
        ]);
        assert_eq!(found.column_of(Field::EventName), Some(3));
        assert_eq!(
            found.rest.only,
            [("Field".to_owned(), vec!["Stage".to_owned()])]
        );
        assert_eq!(found.column_of(Field::EventTime), Some(4));
    }

    #[test]
    fn repeated_columns_are_a_history() {
        let (found, header) = proposed(&[
            "Email|Stage 1|Date 1|Stage 2|Date 2|Phone 1|Phone 2",
            "a@example.com|New|2026-11-18|Won|2026-11-19|+12125550101|",
            "b@example.com|New|2026-11-18||||+12125550102",
        ]);
        let history = found.rest.history.as_ref().unwrap();
        assert_eq!(
            (history.stage.as_slice(), history.time.as_slice()),
            (&["Stage {n}".into()][..], &["Date {n}".into()][..])
        );
        assert_eq!(found.used(&Columns::new(&header)).len(), 7);
        assert_eq!(
            crate::inspect::events::numbered_pattern("items.12.at").unwrap(),
            "items.{n}.at"
        );
        assert_eq!(
            crate::inspect::events::numbered_pattern("Größe1").unwrap(),
            "Größe{n}"
        );
        assert_eq!(
            (
                crate::inspect::events::numbered_pattern("Date"),
                crate::inspect::events::numbered_pattern("Date*1")
            ),
            (None, None)
        );
    }

    #[test]
    fn names_are_told_by_what_stands_beside_them() {
        let found = proposed(&["Prénom|Nom", "Chloé|Lambert", "Zoé|Petit"]);
        assert_eq!(column(&found, Field::LastName), Some(("Nom", Likely)));
        let found = proposed(&["Nombre|Apellidos", "Sofía|Ramírez", "Ana|Gil"]);
        assert_eq!(column(&found, Field::FirstName), Some(("Nombre", Likely)));
        let found = proposed(&["Nome", "Beatriz Nogueira", "João Araújo"]);
        assert_eq!(column(&found, Field::FullName), Some(("Nome", Likely)));
    }

    #[test]
    fn an_address_beside_the_leads_whose_it_is_nobody_knows_is_not_taken() {
        let rows = |headings: &'static str, rows: [&'static str; 2]| {
            let found = proposed(&[headings, rows[0], rows[1]]);
            let names = |all: &[Taken]| -> Vec<String> {
                let name = |taken: &Taken| found.1.columns[taken.column as usize].clone();
                all.iter().map(name).collect()
            };
            (names(&found.0.taken), names(&found.0.guesses))
        };
        let (taken, guesses) = rows(
            "notary.email|notary.tel|notary.city|buyer.email|buyer.tel|buyer.city",
            [
                "n@example.org|+33140000000|Paris|a@example.com|+33612345678|Lyon",
                "m@example.org|+33140000001|Paris|b@example.com|+33612345679|Nice",
            ],
        );
        assert_eq!(taken, ["buyer.email", "buyer.tel", "buyer.city"]);
        assert_eq!(guesses, ["notary.email", "notary.tel"]);
        let (taken, guesses) = rows(
            "E-mail rzeczoznawcy|E-mail klienta",
            ["r@example.org|a@example.com", "s@example.org|b@example.com"],
        );
        assert_eq!(taken, ["E-mail klienta"]);
        assert_eq!(guesses, ["E-mail rzeczoznawcy"]);
        // Of two that nobody knows, the one whose values come again is not the lead's; else neither is known to be.
        let (taken, guesses) = rows(
            "qwer.email|tyui.email",
            ["n@example.org|a@example.com", "n@example.org|b@example.com"],
        );
        assert_eq!(
            (taken, guesses),
            (vec!["tyui.email".to_owned()], vec!["qwer.email".to_owned()])
        );
        let (taken, guesses) = rows(
            "qwer.email|tyui.email",
            ["n@example.org|a@example.com", "m@example.org|b@example.com"],
        );
        assert_eq!((taken.len(), guesses.len()), (0, 2));
        let (taken, _) = rows(
            "data.attributes.email|data.attributes.mobile_phone|data.attributes.home_phone",
            [
                "n@example.org|+33612345678|+33140000000",
                "m@example.org|+33612345679|+33140000001",
            ],
        );
        assert_eq!(taken.len(), 3, "{taken:?}");
    }
}
