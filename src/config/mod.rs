//! What was meant: command line, environment and settings file resolved into the types of the rooms below.
//!
//! One precedence holds everywhere: command line over environment over settings file over preset over default. The
//! stages see only what is resolved here; none of them imports this room.

mod endpoint;
mod file;
mod leads;
mod lines;
mod notify;
mod outputs;
mod read;
mod send;
mod serve;
mod stage;

pub(crate) use endpoint::{
    api_version, dataset_id, endpoint, endpoint_of_leads, endpoint_of_nobody, endpoint_of_sandbox,
    endpoint_of_webhook, endpoint_with_token, graph_url, own_endpoint, reading_endpoint,
};
pub(crate) use file::SettingsFile;
pub(crate) use leads::{LeadsSettings, leads_settings};
pub(crate) use notify::{age, notify_settings};
pub(crate) use outputs::{
    ReportTarget, refuse_foreign, refuse_overlap, refuse_shared, refuse_shared_leads,
};
pub(crate) use read::{
    body_settings, clock, default_country, lead_settings, named_settings, read_settings,
};
pub(crate) use send::{
    batch_size, earlier, give_up_after, ledger, ledger_of, partner_agent, send_settings,
    status_ledger,
};
pub(crate) use serve::serve_settings;
