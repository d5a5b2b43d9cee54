//! The catalogue of everything that can be wrong with a row, a value or an event.
//!
//! A problem is a value, not an error that ends a run: it has a stable code, a row and a column, and never a
//! person's data. Each entry says what happened (`message`) and what to do about it (`help`); the book has a
//! page of them all, which a test writes from here.

use crate::field::Field;

/// How much a problem weighs for the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; never fails a run.
    Info,
    /// A value was left out or read with an assumption; fails the run under `--strict`.
    Warning,
    /// A row or an event was refused.
    Error,
}

impl Severity {
    /// The word reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

macro_rules! catalogue {
    (@severity Value) => { Severity::Warning };
    (@severity $severity:ident) => { Severity::$severity };
    (@unusable Value) => { true };
    (@unusable $severity:ident) => { false };
    ($($variant:ident $name:literal $severity:ident $message:literal $help:literal)+) => {
        /// What is wrong, as a stable code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The stable kebab-case name.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// The severity when nothing in the settings says otherwise. An unusable value is left out with a warning.
            pub const fn severity(self) -> Severity {
                match self { $(Code::$variant => catalogue!(@severity $severity)),+ }
            }

            /// Whether a value cannot be used: `[fields]` then says if the row is refused or the value left out.
            pub const fn makes_value_unusable(self) -> bool {
                match self { $(Code::$variant => catalogue!(@unusable $severity)),+ }
            }

            /// What happened.
            pub const fn message(self) -> &'static str {
                match self { $(Code::$variant => $message),+ }
            }

            /// What to do about it.
            pub const fn help(self) -> &'static str {
                match self { $(Code::$variant => $help),+ }
            }
        }
    };
}

catalogue! {
    // The file.
    RowTooLong "row-too-long" Error
        "the row has more cells than the header, so its values have shifted"
        "look for a delimiter inside an unquoted value, or export again with every field quoted"
    RowTooLarge "row-too-large" Error
        "the row is larger than 4 MB, far more than a lead's record can be"
        "look there for a missing line break or a quotation mark that is never closed"
    RowTruncated "row-truncated" Error
        "the last row ends before its last columns and without a line break, so it was probably cut off"
        "export or download it again; a complete last row ends with a line break"
    QuoteUnclosed "quote-unclosed" Error
        "a quotation mark opened in this row is never closed, so its cells cannot be told apart"
        "close or remove the quotation mark, or export again; the rows after it were read"
    QuoteStray "quote-stray" Warning
        "a quoted cell holds a quotation mark that is not doubled"
        "check the cell; quotation marks inside quoted cells must be doubled"
    TextUndecodable "text-undecodable" Warning
        "the cell holds a character that was lost when text was decoded, here or before"
        "give the file's encoding with --encoding, or export again as UTF-8"
    EncodingAssumed "encoding-assumed" Warning
        "the file begins as plain ASCII and turns out not to be UTF-8; it is read as Windows-1252 from this row on"
        "check accented names; if they are wrong, give the file's encoding with --encoding"
    NulRemoved "nul-removed" Warning
        "NUL characters were removed from the cell"
        "check the cell; NUL characters come from damaged exports"
    JsonMalformed "json-malformed" Error
        "the record is not valid JSON"
        "correct the record, or export again; the other records were read"
    JsonTruncated "json-truncated" Error
        "the file ends in the middle of this record"
        "download the file again; the records before it were read"
    ColumnsTooMany "columns-too-many" Warning
        "the export has more columns than can be kept (16384 in all), the rest were left out"
        "export fewer columns, and leave out nested objects that are keyed by ids or dates"
    CellError "cell-error" Warning
        "the cell holds a spreadsheet error and was taken as empty"
        "correct the formula in the spreadsheet, or replace it with its value"
    CellLost "cell-lost" Value
        "the cell holds ######## instead of its value, because its column was too narrow in a spreadsheet"
        "export again and upload that file untouched, or widen the column before saving it as CSV"

    // The stage.
    StageMissing "stage-missing" Error
        "the row has no stage"
        "fill the stage column, or skip such rows in the CRM's export filter"
    StageUnlisted "stage-unlisted" Error
        "the stage is not listed in [stages]"
        "list it in [stages] (an empty event name skips it), or set unlisted_stages to \"send\" or \"skip\""
    EventNamePersonal "event-name-personal" Error
        "the stage holds an email address, a phone number, or the lead's own name or id, and would be sent unhashed"
        "map event_name to the column of the stage; if a stage really has such a name, list it in [stages]"

    // Times.
    TimeMissing "time-missing" Error
        "the stage has no time"
        "map event_time to the column that says when the stage was reached"
    TimeMalformed "time-malformed" Error
        "the time cannot be read, or names a day that does not exist, such as 31 February"
        "correct it in the CRM; or write times as 2026-11-20T14:03:00-05:00, or export again with dates as the CRM shows them"
    TimeTwoDigitYear "time-two-digit-year" Error
        "the year has two digits, and the order of day, month and year is not known, or the year lies ahead"
        "say which with --date-order mdy or dmy (date_order in [crm]), or export four-digit years"
    TimePrecisionLost "time-precision-lost" Error
        "a spreadsheet rounded the time, as in 1.79432E+12"
        "format the column as text before opening the file in a spreadsheet, or export again"
    TimeOrderAmbiguous "time-order-ambiguous" Error
        "the date can be read day first or month first"
        "say which with --date-order mdy or dmy (date_order in [crm])"
    TimeOrderContradicted "time-order-contradicted" Error
        "the date cannot be read in the given date order"
        "check --date-order (date_order in [crm]) and whether all date columns are written the same way"
    TimeZoneUnknown "time-zone-unknown" Error
        "the time names a zone that is unknown or ambiguous"
        "export times with a numeric offset such as -05:00, or without a zone and with --timezone"
    TimeNonexistent "time-nonexistent" Error
        "the local time does not exist: clocks were set forward over it"
        "check --timezone: the times may be in another zone"
    TimeRepeatedHour "time-repeated-hour" Warning
        "the local time occurred twice because clocks were set back; the earlier one was taken"
        "export times in UTC or with an offset"
    TimeZoneAssumed "time-zone-assumed" Warning
        "the time carries no zone and none was given; UTC was assumed"
        "say which with --timezone, such as America/New_York (timezone in [crm])"
    TimeZoneChanged "time-zone-changed" Warning
        "times without a zone were read in another zone by the last upload, so events uploaded then have another id now and are counted twice"
        "upload with the --timezone of before (timezone in [crm]); if that was wrong, what it sent within the last 7 days counts twice now"
    TimeDateOnly "time-date-only" Warning
        "the time is a date only; noon was taken"
        "map a column that holds the time of day too"
    TimeCapped "time-capped" Warning
        "the date is today's, without a time, and it is not noon yet; one minute ago was taken"
        "map a column that holds the time of day too"

    // Events.
    EventTooOld "event-too-old" Info
        "the event is more than 7 days old, and Meta does not accept those"
        "upload at least once a day; nothing can be done for older stages, and shifting their time would be wrong"
    EventAhead "event-ahead" Info
        "the event is up to a minute ahead of this machine's clock, so it waits for the next run"
        "nothing to do; if it happens often, check the clocks of this machine and of the CRM"
    EventInFuture "event-in-future" Error
        "the event is in the future"
        "check --timezone and the clock of this machine; planned dates are not events"
    EventBeforeCreated "event-before-created" Error
        "the stage was reached before the lead was created"
        "check which column is mapped to created_time, and that both columns are in the same time zone"
    CustomerMissing "customer-missing" Error
        "nothing identifies the lead"
        "map at least one of lead_id, email or phone"
    CustomerTooBroad "customer-too-broad" Error
        "what identifies the lead is too broad for Meta to match"
        "add lead_id, email, phone, or first and last name together"
    OptOutUnclear "opt-out-unclear" Error
        "the opt-out column holds neither yes nor no, so the row was not sent"
        "write yes or no (true, false, 1, 0) there, or leave the cell empty"
    ConsentUnclear "consent-unclear" Warning
        "the consent column holds neither yes nor no, so the row was not sent"
        "write yes or no (true, false, 1, 0) there; rows without a yes are never sent"
    LduStateMissing "ldu-state-missing" Error
        "limited data use is on, but nothing says which US state the lead is in, and Meta needs to know"
        "fill the lead's state in the CRM, or set data_processing_options_state under [event], which then holds for every row"
    MetaTestLead "meta-test-lead" Info
        "the row is one of Meta's test leads and was skipped"
        "nothing to do"
    StageTimeModified "stage-time-modified" Warning
        "the stage's time is taken from a column that changes with any edit of the record, so old stages get new times"
        "map event_time to a column that is set only when the stage changes, or set stage_time = \"first-seen\" in [crm]"
    StageTimeCreated "stage-time-created" Warning
        "the stage's time is taken from the date the lead was created, so every stage seems to be as old as its lead"
        "set stage_time = \"first-seen\" in [crm] (--stage-time), and map that date to the raw lead: --stage-column \"COLUMN=Lead\""
    EventExpired "event-expired" Warning
        "a stage that an earlier export showed, or that came over HTTP, could not be delivered within 7 days, and Meta no longer accepts it"
        "find out why uploads failed for so long (crm2capi status); the lead's later stages are still sent"
    StageSnapshot "stage-snapshot" Warning
        "the export shows only the stage each lead is in now; stages passed between two exports never reach Meta"
        "export the stage history, or a date column for each stage; or set stage_time = \"first-seen\" and upload every day"
    StageNegative "stage-negative" Warning
        "the stage sounds like a lost lead, and Meta looks for more people like those whose stages it gets"
        "skip it under [stages], as in \"Lost\" = \"\"; or, to send it, list it there under a name of its own"
    StageDistinct "stage-distinct" Warning
        "nearly every event has a different stage, so another column was probably taken for the stage"
        "map event_name to the column of the stage; if these are stages, list them under [stages]"
    HeadingDoubled "heading-doubled" Warning
        "several columns have this heading; the first one was taken"
        "name the one you mean: HEADING#2 is the second; or rename the columns in the CRM"
    OnlyDropsAll "only-drops-all" Warning
        "no row passes the conditions of [only], so there are no events"
        "check that the values under [only] are the ones in the column"
    EventIdPrecisionLost "event-id-precision-lost" Error
        "a spreadsheet turned the event id into a rounded number, so that different events share it"
        "export again and upload that file untouched, or format the column as text before opening the file in a spreadsheet"
    EventIdShared "event-id-shared" Warning
        "different leads or times share one event id, and only the first of them is sent"
        "map event_id to a column whose value is different for every stage change, or leave it unmapped"
    DuplicateEvent "duplicate-event" Info
        "the input has the same event more than once; it is counted and sent once"
        "overlapping downloads cause this; nothing to do"

    EventTooLarge "event-too-large" Error
        "the row would make an event of more than 64 KB, or more than 1 MB of events"
        "look for a cell that holds far more than its column should, such as a page of text"

    // Customer fields.
    LeadIdPrecisionLost "lead-id-precision-lost" Value
        "a spreadsheet turned the lead id into a rounded number, and its last digits are lost"
        "export again and upload that file untouched, or format the column as text before opening the file in a spreadsheet"
    IdentityGrew "identity-grew" Info
        "the event was sent before, when the lead was known by something else (without this email or lead id, or with another)"
        "nothing to do: the ledger remembers everything a lead was known by, and the event is not sent again"
    LeadIdAmbiguous "lead-id-ambiguous" Warning
        "two of Meta's leads of this person fit equally, so the row got the id of neither"
        "copy the right lead id into the CRM; without one the event is matched by email and phone"
    LeadIdUnknown "lead-id-unknown" Warning
        "the lead id is not among Meta's leads of that time, or belongs to another person; Meta refuses ids it does not know"
        "check that lead_id is mapped to Meta's own id, and that --leads holds the latest leads of all Pages"
    LeadIdRestored "lead-id-restored" Warning
        "the row's lead id cannot be used (a spreadsheet may have rounded it); the right one from Meta's leads was sent"
        "nothing to do for this row; to keep ids whole, do not open the export in a spreadsheet before uploading it"
    LeadIdMalformed "lead-id-malformed" Value
        "not a Meta lead id, which has 15 to 17 digits"
        "map lead_id to the column that holds Meta's own lead id, not the CRM's record id"
    HashNotSha256 "hash-not-sha256" Value
        "the value is an MD5, SHA-1 or SHA-512 hash, which Meta cannot match"
        "export the plain value, or hash it with SHA-256"
    CellOverfull "cell-overfull" Value
        "the cell holds more than 20 values, or more than 16 KB; the first 20 are used, and of a longer cell none"
        "check which column is mapped: nobody has that many addresses or numbers"
    EmailInvalid "email-invalid" Value
        "not a valid email address"
        "check that the column holds addresses only; several are separated by ; or , so a comma typed instead of the dot (name@example,com) splits one in two"
    EmailPlaceholder "email-placeholder" Warning
        "the address looks made up to fill a required field; it was sent anyway"
        "clear such addresses in the CRM: they match nobody, or match strangers"
    PhoneInvalid "phone-invalid" Value
        "not a valid phone number"
        "check the number, and that the row's country or --default-country is the right one; several are separated by ; or ,"
    PhoneUnassigned "phone-unassigned" Warning
        "the number is not assigned in any known numbering plan; it was sent anyway"
        "check a few of them: new number ranges take a while to become known, and a mistyped number matches nobody"
    PhoneCountryMissing "phone-country-missing" Value
        "the phone number lacks a country code, and nothing says which country it is in"
        "set --default-country, or map country to the column that holds it"
    PhonePrecisionLost "phone-precision-lost" Value
        "a spreadsheet turned the phone number into a rounded number, and its last digits are lost"
        "export again and upload that file untouched, or format the column as text before opening the file in a spreadsheet"
    FullNameHashed "full-name-hashed" Value
        "a full name that is already hashed cannot be split into first and last name"
        "export first and last name in separate columns, or the full name unhashed"
    NameTitleDropped "name-title-dropped" Info
        "titles in front of the first name, such as Dr. or Herr, were left out"
        "nothing to do; if the CRM has a column for titles, export the first name without them"
    BirthDateInvalid "birth-date-invalid" Value
        "not a date of birth from 1900 on"
        "check that the column holds complete dates, such as 1997-02-16"
    BirthDateAmbiguous "birth-date-ambiguous" Value
        "the date of birth could be read with the day first or with the month first"
        "set --date-order to mdy or dmy, whichever the export uses"
    BirthYearShort "birth-year-short" Value
        "the date of birth has a two-digit year, so its century would be a guess"
        "export dates with four-digit years"
    GenderUnknown "gender-unknown" Info
        "the gender is not one of the known words, so it was left out"
        "use f or m, or female or male in English, Spanish, Portuguese, French, German or Italian"
    GenderAmbiguous "gender-ambiguous" Value
        "the column holds H, M and F, so an M may be a man or a woman"
        "write F and M, H and M, or whole words, but not all three letters in one column"
    StateUnknown "state-unknown" Value
        "not a US state or Canadian province, though the row is from there"
        "use the two-letter code or the English name, and check the row's country"
    CountryUnknown "country-unknown" Value
        "not a known country"
        "use the two- or three-letter ISO code, or the English name"
    ZipZeroLost "zip-zero-lost" Warning
        "a spreadsheet removed the leading zero of a postal code; it was put back"
        "format the column as text before opening the file in a spreadsheet"
    ExternalIdPrecisionLost "external-id-precision-lost" Value
        "a spreadsheet turned the external id into a rounded number, and its last digits are lost"
        "export again and upload that file untouched, or format the column as text before opening the file in a spreadsheet"
    FbcMalformed "fbc-malformed" Value
        "not a click id as in the _fbc cookie: fb.1.MILLISECONDS.FBCLID"
        "map fbc to the cookie's value, or fbclid to the bare click id of the landing page's address"
    FbclidMalformed "fbclid-malformed" Value
        "not an fbclid, which has only letters, digits, - and _"
        "map fbclid to the value of the fbclid parameter of the landing page's address"
    FbclidTimeMissing "fbclid-time-missing" Value
        "the click id cannot be sent without the time it was first seen"
        "map click_time, or created_time, to the column that holds it"
    FbpMalformed "fbp-malformed" Value
        "not a browser id as in the _fbp cookie: fb.1.MILLISECONDS.DIGITS"
        "map fbp to the cookie's value"
    IpAddressInvalid "ip-address-invalid" Value
        "not an IPv4 or IPv6 address"
        "map client_ip_address to the IP address of the lead's browser"

    ValueEmpty "value-empty" Info
        "the value is empty, or says that there is none"
        "nothing to do: an absent value is not sent"

    // Custom data.
    ValueMalformed "value-malformed" Value
        "the value is not an amount of money"
        "write it as a number such as 1234.50, with or without its currency"
    ValueAmbiguous "value-ambiguous" Value
        "the separator may be a decimal mark or a thousands separator, as in 1,234, and its column does not show which"
        "export amounts with two decimals (one such value settles its column), or without thousands separators; map the currency"
    ValueNegative "value-negative" Value
        "the value is negative"
        "a refund is not a lead stage; leave it out of the export"
    ValueWithoutCurrency "value-without-currency" Value
        "the value has no currency, and Meta refuses one without the other"
        "map currency to a column, or, if all rows have the same one, set it in the settings: [event] currency = \"EUR\""
    ValueCurrencyConflict "value-currency-conflict" Value
        "the value names another currency than the currency column"
        "check which columns value and currency are mapped to"
    CurrencyMalformed "currency-malformed" Value
        "not a currency's ISO 4217 code, name or symbol"
        "write it as a code such as USD"
    CurrencyAmbiguous "currency-ambiguous" Value
        "the symbol is used by several currencies, as $ is"
        "write it as a code such as USD"
    CustomPersonal "custom-personal" Value
        "the value holds an email address or a phone number and would be sent unhashed, so it was left out"
        "map such columns to email or phone; to send it anyway, name it under [event]: allow_personal = [\"custom.NAME\"]"

    // Delivery.
    RefusedEarlier "refused-earlier" Error
        "Meta refused the event in an earlier run and it has not changed since, so it was not sent again"
        "correct the row, and it is sent anew; or send it again unchanged with --retry-rejected"
    UncertainEarlier "uncertain-earlier" Info
        "an earlier run ended before Meta had answered for the event, so it is sent again under the same event_id"
        "nothing to do; Meta may have counted the event twice"
    AcceptedUnrecorded "accepted-unrecorded" Error
        "Meta accepted the event, but the ledger could not record it, so the next run sends it again under the same event_id"
        "see to it that the ledger can be written before the next run; Meta may then count the event twice"
    UncertainResting "uncertain-resting" Warning
        "three runs have sent the event without learning whether Meta took it, or a dozen were killed with it, so it is not sent again"
        "check in Events Manager whether it was counted; --retry-uncertain sends it once more"
    UncertainExpired "uncertain-expired" Error
        "the event is now too old to send, and no run has learnt whether Meta took it"
        "check in Events Manager whether it was counted; status --lead shows it for some weeks; it is never sent again, so this is said once"
    MetaUnexplained "meta-unexplained" Warning
        "Meta answers this one event with an error it does not explain while others go through; whether it was taken is unknown"
        "compare the row with its neighbours; the next two runs send it again, and Meta's support can find it by the trace id"
    MetaRefused "meta-refused" Error
        "Meta refused the event"
        "correct the row, and it is sent anew; unchanged, only --retry-rejected sends it again; Meta's support can find it by the trace id"
}

/// One occurrence of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What is wrong.
    pub code: Code,
    /// How much it weighs here; `[fields]` can turn a warning into an error and back.
    pub severity: Severity,
    /// The row a person finds in a spreadsheet: 1-based, the header of a CSV is row 1.
    pub row: u64,
    /// The field concerned.
    pub field: Option<Field>,
    /// The column concerned, as an index into the header.
    pub column: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_kebab_case_and_explained() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(
                code.name()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit())
            );
            assert!(
                !code.message().ends_with('.') && !code.help().ends_with('.'),
                "{}",
                code.name()
            );
        }
    }
}
