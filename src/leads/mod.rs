//! Meta's own leads: downloads them from the forms of Pages into a file, and says who may.
//!
//! Input: a token that may read leads, and which Pages, forms or ads. Output: a file with one record a lead (id, time,
//! answers), to which a later run appends what is new, and an account of each form. Waiting, throttles and outages are
//! judged as in the delivery. Ids are texts of digits all the way and never numbers that could be rounded.
//! <https://developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving>

mod answers;
pub(crate) mod doctor;
mod download;
mod file;
mod one;
mod output;
mod places;
mod since;

pub(crate) use download::{Ended, FormAccount, Progress, Wanted, download};
pub(crate) use file::{FileError, FileFormat};
pub(crate) use one::{Fetched, Forms, fetch};
pub(crate) use output::LeadsOutput;
pub(crate) use places::id_text;
pub(crate) use since::Since;

use crate::graph::verdict::Barrier;
use crate::graph::{Fault, Stop};

/// A refusal in words: the codes, and what to do about it.
pub(crate) fn said(fault: &Fault) -> String {
    format!("Meta refused it ({}): {}", fault.codes(), help_for(fault))
}

/// Why nothing more can be read, and what to do about it.
pub(crate) fn said_of_stop(stop: &Stop) -> String {
    let help = match stop.barrier {
        Barrier::Token | Barrier::Permission | Barrier::Dataset => {
            "generate a new token for the system user, in Business settings under Users, System users"
        }
        other => other.help(),
    };
    format!("{stop}; {help}")
}

/// What to do about a refusal, where Meta's code tells.
fn help_for(fault: &Fault) -> &'static str {
    match (fault.code, fault.subcode) {
        (103, _) => {
            "Leads Access Manager keeps the user or the app out: in Business settings, under Integrations, Leads access, \
             assign the system user and the app to the Page"
        }
        (3 | 10 | 200..=299, _) => {
            "the token needs leads_retrieval, ads_management, pages_show_list, pages_read_engagement and \
             pages_manage_ads for the Page; crm2capi leads --check says which are missing"
        }
        (100, Some(33)) | (803, _) => {
            "it was deleted, or the token's user has no access to it; check the id, and that the system user has the Page"
        }
        _ => "crm2capi leads --check says what the token may do",
    }
}

/// Whether a refusal is about what the token may do, and not about what it was asked for.
pub(crate) fn is_about_permission(fault: &Fault) -> bool {
    matches!(fault.code, 3 | 10 | 103 | 200..=299)
}
