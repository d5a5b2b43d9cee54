//! Where the events of an export come from: repeated columns, date columns of stages, or a stage and its time.

use super::evidence::{Evidence, Kind};
use super::proposal::Confidence::{self, Certain, Guess, Likely};
use super::proposal::{StageColumn, Taken};
use super::search::Search;
use super::words::{Heading, TimeKind, stage_in_heading};
use crate::field::Field;
use crate::mapping::{History, OneOrMany, Ordered, Target};
use crate::report::names_raw_lead;

impl Search<'_> {
    /// Where events come from: date columns of stages, a stage and its time, or the making of the lead.
    ///
    /// What decides the events is only taken when it is certain; the rest is told as a guess.
    pub(super) fn find_events(&mut self) {
        if self.found.rest.is_snapshot() {
            self.find_current_stage();
            return;
        }
        let (has_names, has_times) = self.found.has_events();
        if has_names && has_times {
            self.add_stage_beside_raw_lead();
            self.keep_stage_columns_beside_those_given();
            return;
        }
        if self.lacks(Field::EventName) && !has_names {
            if let Some(history) = self.groups() {
                self.forget_stage_time();
                self.found.rest.history = Some(history);
                self.used = self.found.used(self.columns);
                return;
            }
            let wide = self.stage_date_columns();
            let stage = self.best_stage();
            let has_stage = stage.is_some_and(|(_, confidence)| confidence == Certain);
            // Dates of two stages tell more than the stage of today.
            if !self.is_of_other_things() && (wide.len() >= 2 || !has_stage && !wide.is_empty()) {
                self.take_stage_columns(wide);
                self.add_raw_lead();
                return;
            }
            if let Some((column, confidence)) = stage {
                self.take_if_certain(Field::EventName, column, confidence);
            }
            match self.found.column_of(Field::EventName) {
                Some(column) => self.only_the_stage_field(column),
                None => {
                    self.find_raw_lead();
                    return;
                }
            }
        }
        if self.lacks(Field::EventTime) {
            for (column, confidence) in self.stage_times() {
                self.take_if_certain(Field::EventTime, column, confidence);
                // Said so, whoever reads these settings is warned of it; the heading alone does not tell.
                if self.is_of_a_form(column) && self.lacks(Field::CreatedTime) {
                    self.take(Target::Field(Field::CreatedTime), column, Certain);
                }
            }
        }
    }

    /// The stage a lead is in, where its time is that of the export, and the making of the lead as its raw lead.
    fn find_current_stage(&mut self) {
        if self.lacks(Field::EventName)
            && let Some((column, confidence)) = self.best_stage()
        {
            self.take_if_certain(Field::EventName, column, confidence);
        }
        if let Some(column) = self.found.column_of(Field::EventName) {
            self.only_the_stage_field(column);
        }
        if self.found.stage_columns.is_empty() {
            self.find_raw_lead();
        }
    }

    /// Uses a column that decides the events, or tells that it might be the one.
    fn take_if_certain(&mut self, field: Field, column: u32, confidence: Confidence) {
        let target = Target::Field(field);
        if confidence == Certain {
            self.take(target, column, confidence);
        } else {
            self.found.guesses.push(Taken {
                target,
                column,
                confidence,
            });
        }
    }

    fn take_stage_columns(&mut self, stages: Vec<StageColumn>) {
        self.used
            .extend(stages.iter().filter_map(|stage| stage.column));
        self.found.stage_columns = stages;
        self.forget_stage_time();
    }

    /// A time without a stage beside it says nothing.
    fn forget_stage_time(&mut self) {
        self.found
            .taken
            .retain(|taken| taken.target != Target::Field(Field::EventTime));
    }

    /// Where nothing tells of stages, the making of the record is that of the raw lead.
    fn find_raw_lead(&mut self) {
        if let Some(raw_lead) = self.raw_lead().filter(|_| !self.is_of_other_things()) {
            self.take_stage_columns(vec![raw_lead]);
        }
    }

    /// The making of the record as the date of the raw lead.
    fn raw_lead(&self) -> Option<StageColumn> {
        let created = self
            .times(None)
            .into_iter()
            .filter(|(kind, ..)| *kind == TimeKind::Created)
            .max();
        let (.., std::cmp::Reverse(column)) = created?;
        Some(StageColumn {
            name: self.columns.name_of(column)?,
            column: Some(column),
            event_name: "Lead".to_owned(),
            confidence: Certain,
        })
    }

    /// Where each stage has its date and none is that of the raw lead, the making of the record is.
    fn add_raw_lead(&mut self) {
        let stages = &self.found.stage_columns;
        if stages.iter().any(|stage| names_raw_lead(&stage.event_name)) {
            return;
        }
        if let Some(raw_lead) = self.raw_lead() {
            self.used.extend(raw_lead.column);
            self.found.stage_columns.insert(0, raw_lead);
        }
    }

    /// Whoever works on Meta's own list of leads adds a column of stages and one of their dates.
    fn add_stage_beside_raw_lead(&mut self) {
        let stages = &self.found.stage_columns;
        let is_raw_lead = |stage: &StageColumn| names_raw_lead(&stage.event_name);
        let has_only_raw_leads = !stages.is_empty() && stages.iter().all(is_raw_lead);
        if self.is_told_stages || !has_only_raw_leads || !self.lacks(Field::EventName) {
            return;
        }
        let sounds =
            |evidence: &Evidence| evidence.distinct >= 2 && evidence.share(Kind::StageName) >= 0.5;
        let Some((column, Certain)) = self.best_stage_of(sounds) else {
            return;
        };
        let times = self.times(Some(&self.at(column).heading));
        let of_stage = times
            .into_iter()
            .filter(|(kind, ..)| *kind >= TimeKind::OfStage);
        match of_stage.max() {
            Some((.., std::cmp::Reverse(time))) => {
                self.take(Target::Field(Field::EventName), column, Certain);
                self.take(Target::Field(Field::EventTime), time, Certain);
            }
            None => self.found.guesses.push(Taken {
                target: Target::Field(Field::EventName),
                column,
                confidence: Likely,
            }),
        }
    }

    /// A date column that the command line calls a stage's takes nothing from those that say it themselves.
    fn keep_stage_columns_beside_those_given(&mut self) {
        let has_other = !self.lacks(Field::EventName) || self.found.rest.history.is_some();
        if !self.is_told_stages || has_other || self.is_of_other_things() {
            return;
        }
        let wide = self.stage_date_columns();
        if !wide.is_empty() {
            self.used
                .extend(wide.iter().filter_map(|stage| stage.column));
            self.found.stage_columns.extend(wide);
            self.add_raw_lead();
        }
    }

    /// Repeated columns of stage and time: `Stage 1`, `Date 1`, `Stage 2`, … or the paths of a list in JSON.
    fn groups(&self) -> Option<History> {
        let mut patterns: Vec<(String, Vec<u32>)> = Vec::new();
        for column in self.free() {
            let Some(pattern) = self
                .columns
                .name_of(column)
                .and_then(|name| numbered_pattern(&name))
            else {
                continue;
            };
            match patterns.iter_mut().find(|(known, _)| *known == pattern) {
                Some((_, columns)) => columns.push(column),
                None => patterns.push((pattern, vec![column])),
            }
        }
        patterns.retain(|(_, columns)| columns.len() >= 2);
        let all = |columns: &[u32], test: fn(&Evidence) -> bool| {
            columns.iter().all(|&column| test(self.at(column)))
        };
        let is_stage = |evidence: &Evidence| {
            evidence.could_be_stages()
                && (evidence.heading.stage_rank() >= 2 || evidence.share(Kind::StageName) >= 0.5)
        };
        let is_time =
            |evidence: &Evidence| evidence.holds_times() && !evidence.heading.is_other_time();
        let rank = |columns: &[u32]| {
            columns
                .first()
                .map(|&column| self.at(column).heading.stage_rank())
        };
        let stages = patterns
            .iter()
            .filter(|(_, columns)| all(columns, is_stage));
        let (stage, of_stage) = stages.max_by_key(|(_, columns)| rank(columns))?;
        let stage_heading = &self.at(*of_stage.first()?).heading;
        let times = patterns.iter().filter(|(_, columns)| all(columns, is_time));
        let (time, _) = times.max_by_key(|(_, columns)| {
            columns
                .first()
                .map(|&column| self.at(column).heading.time_kind(Some(stage_heading)))
        })?;
        let (stage, time) = (OneOrMany::One(stage.clone()), OneOrMany::One(time.clone()));
        Some(History {
            stage,
            time,
            only: Ordered::default(),
        })
    }

    /// Date columns whose headings name a stage.
    fn stage_date_columns(&self) -> Vec<StageColumn> {
        let stage_column = |column: u32| {
            let evidence = self.at(column);
            let heading = &evidence.heading;
            let is_other = matches!(
                heading.time_kind(None),
                None | Some(TimeKind::Edited | TimeKind::Created)
            );
            let name = self.columns.name_of(column)?;
            let event_name = stage_in_heading(name.split('#').next()?)?;
            let fits = evidence.holds_times() && !is_other && heading.names_a_stage();
            fits.then_some(StageColumn {
                name,
                column: Some(column),
                event_name,
                confidence: Certain,
            })
        };
        let dates: Vec<StageColumn> = self.free().into_iter().filter_map(stage_column).collect();
        // Two columns of one name would be two moments of one stage.
        let is_first = |(index, stage): &(usize, &StageColumn)| {
            !dates[..*index]
                .iter()
                .any(|other| other.event_name == stage.event_name)
        };
        dates
            .iter()
            .enumerate()
            .filter(is_first)
            .map(|(_, stage)| stage.clone())
            .collect()
    }

    /// Whether other columns say that the export is not about leads.
    fn is_of_other_things(&self) -> bool {
        self.evidence
            .iter()
            .any(|column| column.heading.is_of_other_things())
    }

    /// Whether a column of times is headed as this one is, and more.
    fn has_its_own_date(&self, column: u32) -> bool {
        let stage = &self.at(column).heading;
        self.evidence
            .iter()
            .any(|other| other.holds_times() && other.heading.is_about(stage))
    }

    /// Whether the column is the only one of stages beside a date of when the stage changed.
    fn is_the_one_that_changes(&self, column: u32) -> bool {
        let changes =
            |other: &Evidence| other.heading.is_of_a_changed_stage() && other.holds_named_times();
        let is_rival = |&other: &u32| {
            let evidence = self.at(other);
            other != column
                && evidence.heading.stage_rank() >= 2
                && evidence.could_be_stages()
                && !evidence.heading.is_other_person()
        };
        self.evidence.iter().any(changes) && !self.free().iter().any(is_rival)
    }

    fn best_stage(&self) -> Option<(u32, Confidence)> {
        self.best_stage_of(|_| true)
    }

    /// The best of the columns of stages that `may_be` one.
    fn best_stage_of(&self, may_be: impl Fn(&Evidence) -> bool) -> Option<(u32, Confidence)> {
        let is_elsewhere = self.is_of_other_things();
        let judge = |column: u32| {
            let evidence = self.at(column);
            let heading = &evidence.heading;
            let rank = heading.stage_rank();
            let is_of_the_person = [
                Field::City,
                Field::State,
                Field::Zip,
                Field::FirstName,
                Field::LastName,
                Field::FullName,
                Field::Gender,
            ]
            .into_iter()
            .any(|field| rank == 0 && heading.says(field).is_some());
            let is_other = heading.is_other_person()
                || is_of_the_person
                || heading.is_system()
                || heading.is_no_stage()
                || heading.says(Field::Country).is_some()
                || heading.says(Field::Email).is_some()
                || heading.says(Field::Phone).is_some();
            let sounds = evidence.share(Kind::StageName);
            let is_within = heading.is_within_a_stage();
            let technical = evidence.share(Kind::Technical);
            let confidence = match rank {
                _ if is_other || !may_be(evidence) || !evidence.could_be_stages() => return None,
                // `Estado` is a stage in one export and a state in the next.
                _ if heading.may_be_of_a_place() && sounds < 0.5 => Guess,
                // A stage within a stage is one where its texts are those of a funnel, and a remark elsewhere.
                _ if is_within && sounds < 0.6 => return None,
                4.. => Certain,
                _ if is_elsewhere => Likely,
                // What is just called a status is that of the lead, unless it is one of a machine.
                3 if sounds >= 0.6 || technical < 0.2 => Certain,
                2 if sounds >= 0.6 && technical < 0.2 => Certain,
                // A status that has a date of its own is one that people move leads through.
                1.. if technical < 0.2 && self.has_its_own_date(column) => Certain,
                2 if technical < 0.2 && self.is_the_one_that_changes(column) => Certain,
                1 if sounds >= 0.5 => Likely,
                3 => Likely,
                2 => Guess,
                _ if sounds >= 0.5 => Guess,
                _ => return None,
            };
            // The name of a stage says more than its number.
            let is_named = evidence.share(Kind::Number) < 0.5 && !heading.is_of_codes();
            let fill = (evidence.fill() * 20.0) as u32;
            Some((
                (
                    confidence,
                    is_within,
                    rank,
                    is_named,
                    fill,
                    std::cmp::Reverse(column),
                ),
                column,
            ))
        };
        let best = self.free().into_iter().filter_map(judge).max()?;
        let ((confidence, ..), column) = best;
        Some((column, confidence))
    }

    /// A history of all fields: only the rows about the stage count.
    fn only_the_stage_field(&mut self, stage: u32) {
        let is_field = |&column: &u32| {
            self.at(column).heading.is_field_name() && self.at(column).distinct <= 40
        };
        if self.at(stage).heading.stage_rank() < 5 || !self.found.rest.only.is_empty() {
            return;
        }
        let Some(column) = self.free().into_iter().find(is_field) else {
            return;
        };
        let (texts, _) = self.at(column).texts.shown();
        let of_stage: Vec<String> = texts
            .into_iter()
            .map(|(text, _)| text)
            .filter(|text| Heading::of(text).stage_rank() >= 3)
            .collect();
        if let Some(name) = self.columns.name_of(column)
            && !of_stage.is_empty()
        {
            self.used.push(column);
            self.found.rest.only.push((name, of_stage));
        }
    }

    /// The columns of times of the lead, by what their headings say they are of, whether they say just that, how full
    /// they are, and which comes first.
    fn times(&self, stage: Option<&Heading>) -> Vec<RankedTime> {
        let rank = |column: u32| {
            let evidence = self.at(column);
            let kind = match evidence.heading.time_kind(stage)? {
                TimeKind::Plain | TimeKind::Unknown if self.is_of_a_form(column) => {
                    TimeKind::Created
                }
                kind => kind,
            };
            let is_time = evidence.holds_named_times() && !evidence.heading.is_other_person();
            let is_exact = evidence.heading.created_rank();
            let fill = (evidence.fill() * 20.0) as u32;
            is_time.then_some((kind, is_exact, fill, std::cmp::Reverse(column)))
        };
        self.free().into_iter().filter_map(rank).collect()
    }

    /// Whether a form has written this time in front of each answer, which is the making of a lead, whatever stage somebody
    /// noted beside it later.
    fn is_of_a_form(&self, column: u32) -> bool {
        let somebody = [Field::LeadId, Field::Email, Field::Phone];
        let mut of_leads = somebody
            .iter()
            .filter_map(|field| self.found.column_of(*field));
        let has_a_row_per_lead = of_leads.next().is_some_and(|lead| {
            let evidence = self.at(lead);
            evidence.distinct * 10 >= evidence.filled * 9
        });
        column == 0 && self.at(column).heading.is_form_time() && has_a_row_per_lead
    }

    /// Whether a column that only some times stand in is called a better time of the stage than one of this kind.
    fn has_better_named_time(&self, kind: TimeKind, stage: Option<&Heading>) -> bool {
        self.free().into_iter().any(|column| {
            let evidence = self.at(column);
            let named = evidence.heading.time_kind(stage);
            named.is_some_and(|named| named > kind)
                && !evidence.heading.is_other_person()
                && evidence.holds_few_times()
        })
    }

    /// The time of the stage, and the one that stands in for it in rows that lack it.
    fn stage_times(&self) -> Vec<(u32, Confidence)> {
        let stage = self.found.column_of(Field::EventName);
        let heading = stage.map(|column| &self.at(column).heading);
        let mut times = self.times(heading);
        // A time that few leads have is no better than one that all have.
        let weight = |&(kind, is_exact, fill, column): &RankedTime| {
            (
                kind != TimeKind::Unknown && fill >= 2,
                kind,
                is_exact,
                fill,
                column,
            )
        };
        times.sort_by_key(|time| std::cmp::Reverse(weight(time)));
        let Some(&(kind, _, fill, std::cmp::Reverse(best))) = times.first() else {
            return Vec::new();
        };
        let mut found = vec![(
            best,
            match kind {
                TimeKind::Unknown => Guess,
                _ if self.has_better_named_time(kind, heading) => Likely,
                _ => Certain,
            },
        )];
        let fallback = times[1..]
            .iter()
            .find(|(other, _, filled, _)| *other >= TimeKind::Created && *filled > fill);
        match fallback {
            Some(&(.., std::cmp::Reverse(column))) if kind != TimeKind::Unknown => {
                found.push((column, Certain));
            }
            // Leads that were not converted would be refused.
            None if kind == TimeKind::Converted && fill < 20 => found[0].1 = Likely,
            _ => {}
        }
        found
    }
}

/// A column of times: of what, how surely its heading says just that, how full in twentieths, and its place.
type RankedTime = (TimeKind, u8, u32, std::cmp::Reverse<u32>);

/// A heading with `{n}` in the place of its last number, if it has one and is no pattern otherwise.
pub(super) fn numbered_pattern(heading: &str) -> Option<String> {
    let end = heading.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = heading[..end]
        .rfind(|letter: char| !letter.is_ascii_digit())
        .map_or(0, |at| {
            at + heading[at..].chars().next().map_or(0, char::len_utf8)
        });
    let is_plain = !heading.contains(['*', '{', '}', '#']);
    is_plain.then(|| format!("{}{{n}}{}", &heading[..start], &heading[end..]))
}
