//! Where the events of an export come from: repeated columns, date columns of stages, or a stage and its time.

use super::evidence::{Evidence, Kind};
use super::proposal::Confidence::{self, Certain, Guess, Likely};
use super::proposal::StageColumn;
use super::search::Search;
use super::words::{Heading, stage_in_heading};
use crate::field::Field;
use crate::mapping::{History, OneOrMany, Ordered, Target};

impl Search<'_> {
    /// Where events come from: date columns of stages, or a stage and its time.
    pub(super) fn find_events(&mut self) {
        let (has_names, has_times) = self.found.has_events();
        if has_names && has_times {
            return;
        }
        if self.lacks(Field::EventName) {
            if let Some(history) = self.groups() {
                self.found
                    .taken
                    .retain(|taken| taken.target != Target::Field(Field::EventTime));
                self.found.rest.history = Some(history);
                self.used = self.found.used(self.columns);
                return;
            }
            let wide = self.stage_date_columns();
            let stage = self.best_stage();
            // Dates of two stages tell more than the stage of today.
            if wide.len() >= 2 || stage.is_none() && !wide.is_empty() {
                self.used
                    .extend(wide.iter().filter_map(|stage| stage.column));
                self.found.stage_columns = wide;
                // A time without a stage beside it says nothing.
                self.found
                    .taken
                    .retain(|taken| taken.target != Target::Field(Field::EventTime));
                return;
            }
            if let Some((column, confidence)) = stage {
                self.take(Target::Field(Field::EventName), column, confidence);
                self.only_the_stage_field(column);
            }
        }
        if self.lacks(Field::EventTime)
            && let Some((column, confidence)) = self.best_stage_time()
        {
            self.take(Target::Field(Field::EventTime), column, confidence);
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
                .map(|&column| self.at(column).heading.stage_time_rank(Some(stage_heading)))
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
            let is_other = heading.is_other_time()
                || heading.is_edited()
                || heading.says(Field::CreatedTime).is_some();
            let name = self.columns.name_of(column)?;
            let event_name = stage_in_heading(name.split('#').next()?)?;
            let fits = evidence.holds_times() && !is_other && heading.names_a_stage();
            fits.then_some(StageColumn {
                name,
                column: Some(column),
                event_name,
                confidence: Likely,
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

    fn best_stage(&self) -> Option<(u32, Confidence)> {
        let judge = |column: u32| {
            let evidence = self.at(column);
            let rank = evidence.heading.stage_rank();
            let sounds = evidence.share(Kind::StageName) >= 0.3;
            let is_other = evidence.heading.is_other_person()
                || evidence.heading.says(Field::Country).is_some();
            let confidence = match rank {
                _ if is_other || !evidence.could_be_stages() => return None,
                3.. if sounds => Certain,
                4 => Likely,
                1.. if sounds => Likely,
                2.. => Guess,
                _ if evidence.share(Kind::StageName) >= 0.5 => Likely,
                _ => return None,
            };
            Some((column, confidence, rank))
        };
        let judged = self.free().into_iter().filter_map(judge);
        let best = judged.max_by_key(|&(column, confidence, rank)| {
            (confidence, rank, std::cmp::Reverse(column))
        });
        best.map(|(column, confidence, _)| (column, confidence))
    }

    /// A history of all fields: only the rows about the stage count.
    fn only_the_stage_field(&mut self, stage: u32) {
        let is_field = |&column: &u32| {
            self.at(column).heading.is_field_name() && self.at(column).distinct <= 40
        };
        if self.at(stage).heading.stage_rank() < 4 || !self.found.rest.only.is_empty() {
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

    fn best_stage_time(&self) -> Option<(u32, Confidence)> {
        let stage = self
            .found
            .column_of(Field::EventName)
            .map(|column| &self.at(column).heading);
        let times: Vec<u32> = self
            .free()
            .into_iter()
            .filter(|&column| {
                let evidence = self.at(column);
                let is_time = evidence.holds_times()
                    || evidence.share(Kind::Epoch) >= 0.8
                        && evidence.heading.stage_time_rank(None) >= 2;
                let says = |field| evidence.heading.says(field).is_some();
                is_time
                    && !evidence.heading.is_other_time()
                    && !says(Field::CreatedTime)
                    && !says(Field::DateOfBirth)
            })
            .collect();
        let ranked = times
            .iter()
            .map(|&column| (self.at(column).heading.stage_time_rank(stage), column));
        let (rank, column) =
            ranked.max_by_key(|&(rank, column)| (rank, std::cmp::Reverse(column)))?;
        match rank {
            4 => Some((column, Certain)),
            2 | 3 => Some((column, Likely)),
            1 => Some((column, Guess)),
            _ if times.len() == 1 => Some((column, Guess)),
            _ => None,
        }
    }
}

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
