//! What the columns of an export are taken for, with how sure each is, and the layout that comes of it.

use crate::field::Field;
use crate::mapping::{Columns, Layout, Mapped, Target};

/// How sure a column's meaning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Confidence {
    /// It might be.
    Guess,
    /// Heading or cells speak for it.
    Likely,
    /// Heading and cells do, or a preset and nothing against it.
    Certain,
}

impl Confidence {
    /// The word for it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Confidence::Guess => "guess",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// A column and what it is taken for.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    /// The field.
    pub target: Target,
    /// The column.
    pub column: u32,
    /// How sure that is.
    pub confidence: Confidence,
}

/// A column that holds the date of one stage.
#[derive(Clone, Debug)]
pub(super) struct StageColumn {
    /// The column's name, or a pattern of names.
    pub name: String,
    /// The column; none for a pattern.
    pub column: Option<u32>,
    /// The event's name.
    pub event_name: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// What the columns are taken for.
#[derive(Debug, Default)]
pub(super) struct Proposal {
    /// The columns in use.
    pub taken: Vec<Taken>,
    /// Columns that might hold something, and are not used.
    pub guesses: Vec<Taken>,
    /// Columns that each hold the date of one stage.
    pub stage_columns: Vec<StageColumn>,
    /// What else the layout says: history, conditions, stages.
    pub rest: Layout,
}

impl Proposal {
    /// The columns as settings name them.
    pub(super) fn layout(&self, columns: &Columns<'_>) -> Layout {
        let mut layout = self.rest.clone();
        for taken in &self.taken {
            let Some(name) = columns.name_of(taken.column) else {
                continue;
            };
            match layout
                .columns
                .iter_mut()
                .find(|mapped| mapped.target == taken.target)
            {
                Some(mapped) => mapped.columns.push(name),
                None => layout.columns.push(Mapped {
                    target: taken.target.clone(),
                    columns: vec![name],
                }),
            }
        }
        let stage_columns = self.stage_columns.iter();
        layout.stage_columns = stage_columns
            .map(|stage| (stage.name.clone(), stage.event_name.clone()))
            .collect();
        layout
    }

    /// The column taken for a field.
    pub(super) fn column_of(&self, field: Field) -> Option<u32> {
        self.taken
            .iter()
            .find(|taken| taken.target == Target::Field(field))
            .map(|taken| taken.column)
    }

    /// Whether something identifies a lead.
    pub(super) fn has_somebody(&self) -> bool {
        [
            Field::LeadId,
            Field::Email,
            Field::Phone,
            Field::ExternalId,
            Field::Fbc,
            Field::Fbclid,
            Field::Fbp,
        ]
        .into_iter()
        .any(|field| self.column_of(field).is_some())
    }

    /// Whether events have names, and whether they have times.
    pub(super) fn has_events(&self) -> (bool, bool) {
        let by_column = !self.stage_columns.is_empty() || self.rest.history.is_some();
        let (stage, time) = (
            self.column_of(Field::EventName),
            self.column_of(Field::EventTime),
        );
        (
            by_column || stage.is_some(),
            by_column && stage.is_none() || time.is_some() || self.rest.is_snapshot(),
        )
    }

    /// Columns that are in use.
    pub(super) fn used(&self, columns: &Columns<'_>) -> Vec<u32> {
        let taken = self.taken.iter().map(|taken| taken.column);
        let of_stages = self.stage_columns.iter().filter_map(|stage| stage.column);
        let history = self.rest.history.iter().flat_map(|history| {
            let conditions = history.only.0.iter().map(|(pattern, _)| pattern);
            history
                .stage
                .as_slice()
                .iter()
                .chain(history.time.as_slice())
                .chain(conditions)
        });
        let patterns = self
            .stage_columns
            .iter()
            .filter(|stage| stage.column.is_none())
            .map(|stage| &stage.name);
        let matching = patterns
            .chain(history)
            .flat_map(|pattern| columns.matching(pattern))
            .map(|(column, _)| column);
        let conditions = self
            .rest
            .only
            .iter()
            .filter_map(|(name, _)| columns.find(name));
        taken
            .chain(of_stages)
            .chain(matching)
            .chain(conditions)
            .collect()
    }
}
