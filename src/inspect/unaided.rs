//! What an export without settings is read by: the settings that `init` would write for it.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::Path;

use super::draft::Look;
use super::proposal::Proposal;
use super::{
    Completeness, Given, Request, draw_up, fitting_preset, is_of_a_form, look_at, propose,
};
use crate::mapping::{Columns, MappingError, Plan, Preset};
use crate::run::ReadSettings;
use crate::source::{Header, Input, Source};

/// The settings that `init` would write, where the command line and a preset tell less than it sees; none where they
/// tell all, where `init` would leave a gap, or where exports cannot be read twice or differ in their columns.
pub(crate) fn settings_of(reading: &ReadSettings) -> Option<String> {
    let (first, others) = reading.inputs.split_first()?;
    if !reading.inputs.iter().all(can_be_read_twice) {
        return None;
    }
    let header = Source::open(first, &reading.source).ok()?.header;
    let preset = fitting_preset(reading, &header).ok()?;
    let sees_more = sees_more(reading, preset.as_ref(), &header);
    if !sees_more || !others.iter().all(|input| has(&header, input, reading)) {
        return None;
    }
    let text = RefCell::new(None);
    let request = Request {
        input: first.clone(),
        name: first.to_string(),
        crm: reading.crm.clone(),
        read: reading.clone(),
        given: Given::default(),
        export: String::new(),
        output: Path::new(""),
        is_usual_place: true,
        may_ask: false,
        check_dataset_id: &|_| Ok(()),
    };
    let keep = |settings: &str, completeness| {
        if completeness == Completeness::Complete {
            text.replace(Some(settings.to_owned()));
        }
        Ok(())
    };
    draw_up(request, &mut io::sink(), &keep).ok()?;
    text.into_inner()
}

fn can_be_read_twice(input: &Input) -> bool {
    let of_file = |path| fs::metadata(path).is_ok_and(|about| about.is_file());
    input.path().is_some_and(of_file)
}

fn has(header: &Header, input: &Input, reading: &ReadSettings) -> bool {
    Source::open(input, &reading.source).is_ok_and(|it| it.header.columns == header.columns)
}

/// Whether there is more in the columns than the command line and the preset know of. What is no product's layout, and
/// Meta's forms, have columns under any name.
fn sees_more(reading: &ReadSettings, preset: Option<&Preset>, header: &Header) -> bool {
    let product = preset.filter(|preset| preset.name != "generic");
    match Plan::compile(&reading.given, preset, header) {
        Ok(plan) if product.is_none_or(is_of_a_form) => columns_of_init(reading, product, header)
            .is_some_and(|seen| {
                let is_used =
                    |name: &String| plan.used().iter().any(|(_, used)| used.contains(name));
                !seen.iter().all(is_used)
            }),
        Err(MappingError::NoStages | MappingError::NoTimes { .. } | MappingError::NoCustomer) => {
            true
        }
        _ => false,
    }
}

/// The columns that `init` would use.
fn columns_of_init(
    reading: &ReadSettings,
    product: Option<&Preset>,
    header: &Header,
) -> Option<Vec<String>> {
    let input = reading.inputs.first()?;
    let (_, sample) = look_at(input, reading, &input.to_string()).ok()?;
    let columns = Columns::new(header);
    let proposal: Proposal = propose(&reading.given, product, &columns, &sample.columns);
    let look = Look {
        name: "",
        product,
        columns: &columns,
        evidence: &sample.columns,
    };
    let is_whole = look.draft(&proposal).missing().is_none();
    let used = proposal.used(&columns);
    is_whole.then(|| {
        used.iter()
            .filter_map(|column| columns.name_of(*column))
            .collect()
    })
}
