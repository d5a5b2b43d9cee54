//! What stages are called in events.
//!
//! Names are handed out as numbers, so that a row costs neither an allocation nor a count on a shared pointer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::columns::canonical;
use super::failure::sounds_negative;
use super::layout::Unlisted;
use super::personal::Likeness;
use super::worth::WorthId;

/// An event name, as an index into the names of its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameId(pub u32);

/// More stages than any funnel has; what comes after them is forgotten with its chunk.
const MAX_KEPT: usize = 1_000;

/// The event names of one input, and how the CRM's stages lead to them.
#[derive(Clone, Debug)]
pub(super) struct EventNames {
    listed: Arc<Listed>,
    unlisted: Unlisted,
    /// Stages as cells have them. There are few, and to compare with each is quicker than hashing.
    seen: Vec<(Likeness, Named)>,
    worths: Vec<(String, WorthId)>,
    names: Vec<Arc<str>>,
    kept: usize,
}

/// What the settings say of stages; every worker has the same.
#[derive(Debug, Default)]
struct Listed {
    names: HashMap<String, Option<NameId>>,
    /// The names that several stages share, where one of these does not sound as if its lead came to nothing.
    good: HashSet<NameId>,
}

/// What becomes of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StageName {
    /// It is sent.
    Send(Named),
    /// The settings skip it.
    Skip,
    /// The settings do not know it.
    Unlisted,
}

/// How a stage is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub name: NameId,
    pub worth: Option<WorthId>,
    /// Whether it says that a lead came to nothing, and the settings do not keep it apart from other stages.
    pub is_negative: bool,
}

impl EventNames {
    pub(super) fn new(stages: &[(String, String)], unlisted: Option<Unlisted>) -> Self {
        let unlisted = unlisted.unwrap_or(if stages.is_empty() {
            Unlisted::Send
        } else {
            Unlisted::Error
        });
        let mut names = Self {
            listed: Arc::default(),
            unlisted,
            seen: Vec::new(),
            worths: Vec::new(),
            names: Vec::new(),
            kept: 0,
        };
        let (mut listed, mut ids) = (HashMap::with_capacity(stages.len()), HashMap::new());
        let mut shares = HashSet::new();
        for (stage, event_name) in stages {
            let event_name = event_name.trim();
            let known = names.names.len();
            let id = (!event_name.is_empty()).then(|| {
                *ids.entry(event_name)
                    .or_insert_with(|| names.add(event_name))
            });
            listed.insert(canonical_stage(stage), id);
            shares.extend(id.filter(|_| names.names.len() == known));
        }
        let shared = stages.iter().filter_map(|(stage, event_name)| {
            let id = ids.get(event_name.trim())?;
            (shares.contains(id) && !sounds_negative(stage)).then_some(*id)
        });
        names.listed = Arc::new(Listed {
            names: listed,
            good: shared.collect(),
        });
        names
    }

    /// Says what a stage is worth.
    pub(super) fn add_worth(&mut self, stage: &str, worth: WorthId) {
        self.worths.push((canonical_stage(stage), worth));
    }

    fn worth_of(&self, stage: &str) -> Option<WorthId> {
        if self.worths.is_empty() {
            return None;
        }
        let stage = canonical_stage(stage);
        let found = self.worths.iter().find(|(known, _)| *known == stage);
        found.map(|(_, worth)| *worth)
    }

    /// What an event is worth that a column of dates names: what a stage is worth that goes under this name.
    pub(super) fn worth_of_event(&self, name: NameId) -> Option<WorthId> {
        let of_name = |stage: &String| self.listed.names.get(stage) == Some(&Some(name));
        let found = self.worths.iter().find(|(stage, _)| of_name(stage));
        found.map(|(_, worth)| *worth)
    }

    /// A number for a name that lasts.
    pub(super) fn keep(&mut self, name: &str) -> NameId {
        let known = self.names.iter().position(|known| **known == *name);
        known.map_or_else(|| self.add(name), |id| NameId(id as u32))
    }

    fn add(&mut self, name: &str) -> NameId {
        self.names.push(Arc::from(name));
        self.kept = self.names.len();
        NameId((self.names.len() - 1) as u32)
    }

    pub(super) fn begin_chunk(&mut self) {
        self.names.truncate(self.kept);
    }

    pub(super) fn as_slice(&self) -> &[Arc<str>] {
        &self.names
    }

    /// The event name of a stage that the settings list; none where they skip it, or do not list it.
    pub(super) fn listed_as(&self, stage: &str) -> Option<&Arc<str>> {
        let id = (*self.listed.names.get(&canonical_stage(stage))?)?;
        Some(&self.names[id.0 as usize])
    }

    /// Whether a stage that is not listed is sent all the same.
    pub(super) fn sends_unlisted(&self) -> bool {
        self.unlisted == Unlisted::Send
    }

    /// Whether the settings list a stage.
    pub(super) fn lists(&self, stage: &str) -> bool {
        self.listed.names.contains_key(&canonical_stage(stage))
    }

    /// A stage that was there before and is sent: what it may have in common with a lead, and what it is sent as.
    pub(super) fn seen(&self, stage: &str) -> Option<&(Likeness, Named)> {
        self.seen.iter().find(|(seen, _)| seen.stage() == stage)
    }

    pub(super) fn resolve(&mut self, stage: &str) -> StageName {
        if let Some((_, named)) = self.seen(stage) {
            return StageName::Send(*named);
        }
        let listed = self.listed.names.get(&canonical_stage(stage)).copied();
        let name = match (listed, self.unlisted) {
            (Some(Some(name)), _) => name,
            (Some(None), _) | (None, Unlisted::Skip) => return StageName::Skip,
            (None, Unlisted::Error) => return StageName::Unlisted,
            (None, Unlisted::Send) if self.kept < MAX_KEPT && self.names.len() == self.kept => {
                self.keep(stage)
            }
            (None, Unlisted::Send) => {
                self.names.push(Arc::from(stage));
                NameId((self.names.len() - 1) as u32)
            }
        };
        let is_apart = listed.is_some() && !self.listed.good.contains(&name);
        let named = Named {
            name,
            worth: self.worth_of(stage),
            is_negative: !is_apart && sounds_negative(stage),
        };
        if (name.0 as usize) < self.kept && self.seen.len() < MAX_KEPT {
            self.seen.push((Likeness::of(stage), named));
        }
        StageName::Send(named)
    }
}

/// Stages are compared without case, spaces and punctuation, unless that leaves nothing.
pub(crate) fn canonical_stage(stage: &str) -> String {
    match canonical(stage) {
        empty if empty.is_empty() => stage.trim().to_owned(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_compared_without_spelling_habits() {
        let stages = [
            ("Marketing Qualified".to_owned(), "MQL".to_owned()),
            ("Junk".to_owned(), String::new()),
        ];
        let mut names = EventNames::new(&stages, None);
        let StageName::Send(named) = names.resolve("marketing-qualified") else {
            panic!("not sent")
        };
        assert_eq!(named.name, NameId(0));
        assert_eq!(&*names.as_slice()[0], "MQL");
        assert_eq!(names.resolve("JUNK"), StageName::Skip);
        assert_eq!(names.resolve("Won"), StageName::Unlisted);
    }

    #[test]
    fn endless_stages_do_not_fill_the_memory() {
        let mut names = EventNames::new(&[], None);
        for chunk in 0..20 {
            names.begin_chunk();
            for row in 0..500 {
                let stage = format!("stage {chunk} {row}");
                let StageName::Send(named) = names.resolve(&stage) else {
                    panic!("not sent")
                };
                assert_eq!(*names.as_slice()[named.name.0 as usize], *stage);
            }
        }
        assert!(names.as_slice().len() <= MAX_KEPT + 500);
        assert!(names.seen.len() <= MAX_KEPT);
    }
    #[test]
    fn a_negative_stage_is_doubted_unless_it_is_listed_under_a_name_of_its_own() {
        let doubted = |stages: &[(&str, &str)], stage: &str| {
            let own = |(stage, name): &(&str, &str)| ((*stage).to_owned(), (*name).to_owned());
            let stages: Vec<_> = stages.iter().map(own).collect();
            let mut names = EventNames::new(&stages, Some(Unlisted::Send));
            let mut again = || match names.resolve(stage) {
                StageName::Send(named) => named.is_negative,
                other => panic!("{other:?}"),
            };
            let first = again();
            assert_eq!(first, again());
            first
        };
        for stage in [
            "Venda Perdida",
            "Closed Lost",
            "Junk Lead",
            "失注",
            "Не дозвон",
        ] {
            assert!(doubted(&[], stage), "{stage}");
            assert!(
                doubted(&[(stage, "Lead"), ("New", "Lead")], stage),
                "{stage}"
            );
            assert!(
                !doubted(&[(stage, "Lost"), ("New", "Lead")], stage),
                "{stage}"
            );
        }
        for stage in ["Venda Ganha", "Not Contacted", "Qualified", "受注"] {
            assert!(!doubted(&[], stage), "{stage}");
        }
    }
}
