//! The pages of the book that list what the program knows, as they should be.

use std::fmt::Write;

/// Each page by its place under `docs/src`.
pub fn pages() -> Vec<(&'static str, String)> {
    vec![("problems.md", problems())]
}

fn problems() -> String {
    let mut page = String::from(
        "# Problems by code\n\n\
         Reports name what is wrong with a row, a value or an event by a code. Codes are stable. `crm2capi help problems` prints the\n\
         same list, and `crm2capi help CODE` one of them.\n\n\
         | weight | meaning |\n|---|---|\n\
         | error | the row or the event is refused, and the run ends with status 1 |\n\
         | value | the value is left out with a warning and the rest of its row is sent; or the row is refused, where `[fields]` says so, and by default for `lead_id` |\n\
         | warning | fails the run under `--strict` only |\n\
         | info | never fails a run |\n\
         | funnel | what `validate` says of the export as a whole; never fails a run |\n",
    );
    for (problem, weight) in crm2capi::problems() {
        let (code, cause, cure) = (problem.code, problem.message, problem.help);
        let _ = write!(page, "\n## `{code}`\n\n{weight}: {cause}\n\n→ {cure}\n");
    }
    page
}
