//! Finds where JSON values end and where a page of an API keeps its records, without parsing them.
//!
//! In goes text, out come positions. Nothing recurses, so that no nesting is too deep; whether a value is well formed
//! inside is for the parser to say.

use std::ops::Range;

use memchr::{memchr2, memmem};

/// Where APIs keep the records of a page: HubSpot `results`, Salesforce `records`, Pipedrive, Close and Zoho `data`,
/// HighLevel `contacts` and `opportunities`, Kommo `_embedded.leads`, Dynamics `value`, Bitrix24 `result`.
///
/// Upper and lower case are the same.
const RECORD_KEYS: [&str; 35] = [
    "results",
    "records",
    "data",
    "deals",
    "contacts",
    "opportunities",
    "leads",
    "items",
    "value",
    "result",
    "_embedded",
    "list",
    "edges",
    "nodes",
    "content",
    "entries",
    "submissions",
    "responses",
    "people",
    "persons",
    "prospects",
    "customers",
    "clients",
    "members",
    "rows",
    "response",
    "objects",
    "documents",
    "elements",
    "hits",
    "inquiries",
    "enquiries",
    "bookings",
    "parties",
    "formSubmissions",
];
/// An object with one of these is a record, even if it has a list of contacts or items of its own.
const ID_KEYS: [&str; 4] = ["id", "Id", "ID", "_id"];
/// Objects around the list of records: `{"data": {"items": […]}}`.
const MAX_ENCLOSING: u32 = 3;

/// Where a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Just before this byte.
    At(usize),
    /// The text ends first.
    Missing,
    /// No value begins here.
    NoValue,
}

/// The end of the value that starts at `start`.
pub(super) fn value_end(text: &[u8], start: usize) -> End {
    match text.get(start) {
        None => End::Missing,
        Some(b'"') => string_end(text, start).map_or(End::Missing, End::At),
        Some(b'{' | b'[') => {
            let mut nesting = Nesting::default();
            match nesting.pass(&text[start..]) {
                Some(length) => End::At(start + length),
                None => End::Missing,
            }
        }
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'-' => {
            let is_part =
                |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
            let length = text[start..]
                .iter()
                .take_while(|byte| is_part(byte))
                .count();
            if start + length == text.len() {
                End::Missing
            } else {
                End::At(start + length)
            }
        }
        Some(_) => End::NoValue,
    }
}

/// Just after the closing quotation mark of the string that starts at `start`.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut from = start + 1;
    loop {
        let at = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        from = at + 2;
    }
}

/// How deep a position lies in brackets; carried from one piece of text to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Nesting {
    depth: u64,
    is_in_string: bool,
    is_escaped: bool,
}

impl Nesting {
    /// A position that already lies inside `depth` brackets.
    pub(super) fn inside(depth: u32) -> Nesting {
        Nesting {
            depth: depth.into(),
            ..Nesting::default()
        }
    }

    /// Moves over text; gives the bytes up to and with the bracket that closes the outermost one.
    pub(super) fn pass(&mut self, text: &[u8]) -> Option<usize> {
        for (at, byte) in text.iter().enumerate() {
            if self.is_escaped {
                self.is_escaped = false;
            } else if self.is_in_string {
                match byte {
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_in_string = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => self.is_in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
        }
        None
    }
}

/// The list of records inside a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordList {
    /// Just after its opening bracket.
    pub start: usize,
    /// How many objects lie around it.
    pub enclosing: u32,
    /// Its keys, joined with dots.
    pub path: String,
    /// Whether it is no list but an object of records, keyed by their numbers.
    pub is_keyed: bool,
}

/// The leads that a record lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leads {
    /// The names that lead to them.
    pub path: &'static str,
    /// Where the value of the first of these names stands in the record.
    pub member: Range<usize>,
    /// Where each lead stands in the record.
    pub at: Vec<Range<usize>>,
}

/// The members of the object that opens at `open`, as far as the text goes: keys and where their values start and end.
fn members(text: &[u8], open: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
    begun_members(text, open)
        .take_while(|(_, _, is_whole)| *is_whole)
        .map(|(key, value, _)| (key, value))
}

/// The same with the member that the text ends in, and whether each is whole.
fn begun_members(text: &[u8], open: usize) -> impl Iterator<Item = (&str, Range<usize>, bool)> {
    let mut at = open + 1;
    std::iter::from_fn(move || {
        at = skip(text, at, b" \t\r\n,");
        let is_key = text.get(at) == Some(&b'"');
        let key_end = is_key.then(|| string_end(text, at)).flatten()?;
        let key = std::str::from_utf8(&text[at + 1..key_end - 1]).unwrap_or_default();
        let start = skip(text, key_end, b" \t\r\n:");
        let (end, is_whole) = match value_end(text, start) {
            End::At(end) => (end, true),
            End::Missing => (text.len(), false),
            End::NoValue => return None,
        };
        at = end;
        Some((key, start..end, is_whole))
    })
}

/// Where the elements of the list that opens at `open` stand.
fn elements(text: &[u8], open: usize) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), open + 1);
    loop {
        at = skip(text, at, b" \t\r\n,");
        match value_end(text, at) {
            End::At(end) => found.push(at..end),
            End::Missing | End::NoValue => return found,
        }
        at = found.last().map_or(at, |range| range.end);
    }
}

/// The record of a page that holds just one, with its key: `{"result": {"ID": "1", …}, "time": {…}}`. Webhooks of Pipedrive
/// have it under `data`, and before under `current`.
pub(super) fn only_record(object: &[u8]) -> Option<(String, Range<usize>)> {
    let mut found = None;
    for (key, value) in members(object, 0) {
        if ID_KEYS.contains(&key) {
            return None;
        }
        let is_record = ["result", "data", "current"].contains(&key)
            && object.get(value.start) == Some(&b'{')
            && members(object, value.start).any(|(name, _)| ID_KEYS.contains(&name));
        if is_record && found.is_none() {
            found = Some((key.to_owned(), value));
        }
    }
    found
}

/// The leads that a record lists, as the pages of Meta's forms do: `"leads": {"data": [{"created_time": …}]}`.
pub(super) fn leads_inside(record: &[u8]) -> Option<Leads> {
    memmem::find(record, b"\"leads\"")?;
    memmem::find(record, b"\"created_time\"")?;
    let (_, member) = members(record, 0).find(|(key, _)| *key == "leads")?;
    let (path, list) = match record.get(member.start)? {
        b'[' => ("leads", member.clone()),
        b'{' => {
            let data = members(record, member.start).find(|(key, _)| *key == "data");
            ("leads.data", data?.1)
        }
        _ => return None,
    };
    let is_lead = |at: &Range<usize>| {
        record[at.start] == b'{' && memmem::find(&record[at.clone()], b"\"created_time\"").is_some()
    };
    let at = elements(record, list.start);
    (!at.is_empty() && at.iter().all(is_lead)).then_some(Leads { path, member, at })
}

/// The list of records of a page; none when the object is a record itself. The text may end in the middle.
pub(super) fn record_list(object: &[u8]) -> Option<RecordList> {
    find_record_list(object, 0, 1)
}

fn find_record_list(text: &[u8], open: usize, enclosing: u32) -> Option<RecordList> {
    if is_keyed(text, open) {
        return Some(RecordList {
            start: open + 1,
            enclosing: enclosing - 1,
            path: String::new(),
            is_keyed: true,
        });
    }
    let mut found: Option<(RecordList, bool)> = None;
    let mut at = open + 1;
    loop {
        at = skip(text, at, b" \t\r\n,");
        let Some(key_end) = (text.get(at) == Some(&b'"'))
            .then(|| string_end(text, at))
            .flatten()
        else {
            break;
        };
        let key = std::str::from_utf8(&text[at + 1..key_end - 1]).unwrap_or_default();
        let value = skip(text, key_end, b" \t\r\n:");
        if enclosing == 1 && ID_KEYS.contains(&key) {
            return None;
        }
        if RECORD_KEYS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(key))
        {
            let list = list_at(text, key, value, enclosing);
            // An empty list only counts while there is no other.
            if list.as_ref().is_some_and(|(_, has_records)| {
                found
                    .as_ref()
                    .is_none_or(|(_, known)| !known && *has_records)
            }) {
                found = list;
            }
        }
        match value_end(text, value) {
            End::At(end) => at = end,
            End::Missing | End::NoValue => break,
        }
    }
    found.map(|(list, _)| list)
}

/// The list of records in an answer of GraphQL, where whoever asks names the field: `{"data": {"allCards": {"edges": […]}}}`.
/// None when several fields hold lists, or when what holds the list is a record itself. The text may end in the middle.
pub(super) fn graphql_list(page: &[u8]) -> Option<RecordList> {
    let (_, data, _) = begun_members(page, 0)
        .find(|(key, value, _)| *key == "data" && page.get(value.start) == Some(&b'{'))?;
    let mut found = None;
    for (field, value, _) in begun_members(page, data.start) {
        if ID_KEYS.contains(&field) {
            return None;
        }
        if page.get(value.start) != Some(&b'{')
            || begun_members(page, value.start).any(|(key, _, _)| ID_KEYS.contains(&key))
        {
            continue;
        }
        let list = begun_members(page, value.start).find(|(key, list, _)| {
            ["edges", "nodes", "rows"].contains(key)
                && page.get(list.start) == Some(&b'[')
                && first_element(page, list.start + 1) == Some(true)
        });
        match list {
            Some(_) if found.is_some() => return None,
            Some((key, list, _)) => {
                found = Some(RecordList {
                    start: list.start + 1,
                    enclosing: 3,
                    path: ["data", field, key].join("."),
                    is_keyed: false,
                });
            }
            None => {}
        }
    }
    found
}

/// The list of records of a page that calls it by no known name: its one list of objects, which most of the page is, with
/// nothing beside it that says who somebody is. The text may end in the middle.
pub(super) fn unknown_list(page: &[u8]) -> Option<RecordList> {
    let (mut found, mut at) = (None, 1);
    loop {
        at = skip(page, at, b" \t\r\n,");
        let is_key = page.get(at) == Some(&b'"');
        let Some(key_end) = is_key.then(|| string_end(page, at)).flatten() else {
            break;
        };
        let key = std::str::from_utf8(&page[at + 1..key_end - 1]).unwrap_or_default();
        let value = skip(page, key_end, b" \t\r\n:");
        let end = match value_end(page, value) {
            End::At(end) => end,
            End::Missing => page.len(),
            End::NoValue => return None,
        };
        let is_list =
            page.get(value) == Some(&b'[') && first_element(page, value + 1) == Some(true);
        match is_list {
            true if found.is_some() || !holds_records(page, value, end) => return None,
            true => found = Some((key, value)),
            false if ID_KEYS.contains(&key) || page[at..end].contains(&b'@') => return None,
            false => {}
        }
        at = end;
    }
    found.map(|(key, value)| RecordList {
        start: value + 1,
        enclosing: 1,
        path: key.to_owned(),
        is_keyed: false,
    })
}

/// Objects that an answer of GraphQL is asked through: they have ids, and are not what is listed.
const ASKED_THROUGH: [&str; 8] = [
    "viewer",
    "me",
    "currentUser",
    "workspace",
    "organization",
    "account",
    "team",
    "company",
];
/// How deep a list may lie that is most of its page.
const DEEPEST_LIST: u32 = 8;

/// The list of records that most of a page is, however deep it lies: `{"data": {"viewer": {"leads": {"edges": […]}}}}`.
/// None where what holds it is a record itself. The text may end in the middle.
pub(super) fn deep_list(page: &[u8]) -> Option<RecordList> {
    let (mut open, mut path, mut is_asked_through) = (0, Vec::new(), false);
    for enclosing in 1..=DEEPEST_LIST {
        let mut inner = None;
        for (key, value, _) in begun_members(page, open) {
            if ID_KEYS.contains(&key) && !is_asked_through {
                return None;
            }
            if value.len() * 2 >= page.len() {
                inner = Some((key, value));
            }
        }
        let (key, value) = inner?;
        path.push(key);
        match page[value.start] {
            b'[' => {
                let says_who = |text: &[u8]| {
                    let names = ["phone", "lead_id", "leadgen"];
                    text.contains(&b'@')
                        || names
                            .iter()
                            .any(|name| memmem::find(text, name.as_bytes()).is_some())
                };
                let is_list = first_element(page, value.start + 1) == Some(true)
                    && holds_records(page, value.start, value.end)
                    && !says_who(&page[..value.start])
                    && !says_who(&page[value.end..]);
                return is_list.then(|| RecordList {
                    start: value.start + 1,
                    enclosing,
                    path: path.join("."),
                    is_keyed: false,
                });
            }
            b'{' => {
                is_asked_through = ASKED_THROUGH.contains(&key);
                open = value.start;
            }
            _ => return None,
        }
    }
    None
}

/// Whether a list is most of its page and its objects have more to them than those that one record lists, such as phones.
fn holds_records(page: &[u8], start: usize, end: usize) -> bool {
    let element = skip(page, start + 1, b" \t\r\n");
    // Relay's connections have each record inside of an edge.
    let node = begun_members(page, element)
        .find(|(key, value, _)| *key == "node" && page.get(value.start) == Some(&b'{'));
    let open = node.map_or(element, |(_, value, _)| value.start);
    let keys: Vec<&str> = members(page, open).map(|(key, _)| key).take(5).collect();
    let has_id = keys.iter().any(|key| {
        let key = key.to_ascii_lowercase();
        key == "id" || key.ends_with("_id")
    });
    (end - start) * 2 >= page.len() && (has_id && keys.len() >= 3 || keys.len() >= 5)
}

/// The list of records that a member of a page is or holds, and whether there are records in it.
fn list_at(text: &[u8], key: &str, value: usize, enclosing: u32) -> Option<(RecordList, bool)> {
    match text.get(value)? {
        b'[' => {
            let list = RecordList {
                start: value + 1,
                enclosing,
                path: key.to_owned(),
                is_keyed: false,
            };
            first_element(text, value + 1).map(|has_records| (list, has_records))
        }
        b'{' if enclosing < MAX_ENCLOSING => {
            let list = find_record_list(text, value, enclosing + 1)?;
            let has_records = list.is_keyed || first_element(text, list.start) == Some(true);
            let path = [key, &list.path].join(".").trim_end_matches('.').to_owned();
            Some((RecordList { path, ..list }, has_records))
        }
        _ => None,
    }
}

/// Whether an object holds records under their numbers: `{"17": {…}, "18": {…}}`.
fn is_keyed(text: &[u8], open: usize) -> bool {
    let at = skip(text, open + 1, b" \t\r\n");
    let Some(end) = string_end(text, at).filter(|_| text[at] == b'"') else {
        return false;
    };
    let key = &text[at + 1..end - 1];
    !key.is_empty()
        && key.iter().all(u8::is_ascii_digit)
        && text.get(skip(text, end, b" \t\r\n:")) == Some(&b'{')
}

/// Whether a list's first element is an object; none when it is something else.
fn first_element(text: &[u8], start: usize) -> Option<bool> {
    match text.get(skip(text, start, b" \t\r\n")) {
        Some(b'{') => Some(true),
        Some(b']') => Some(false),
        _ => None,
    }
}

/// The first position from `at` on that holds none of these bytes.
pub(super) fn skip(text: &[u8], at: usize, bytes: &[u8]) -> usize {
    at + text
        .get(at..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| bytes.contains(byte))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_inside_strings_do_not_count() {
        let text = br#"{"a":"}\"]","b":[{"c":1}]},rest"#;
        assert_eq!(value_end(text, 0), End::At(26));
        assert_eq!(value_end(&text[..20], 0), End::Missing);
        assert_eq!(value_end(b"-12.5e3,", 0), End::At(7));
        assert_eq!(value_end(b"12", 0), End::Missing);
        assert_eq!(value_end(b":", 0), End::NoValue);
    }

    #[test]
    fn a_value_can_be_passed_piece_by_piece() {
        let text = br#"{"a":"x\"}","b":[1]} tail"#;
        for cut in 0..20 {
            let mut nesting = Nesting::default();
            assert_eq!(nesting.pass(&text[..cut]), None);
            assert_eq!(nesting.pass(&text[cut..]), Some(20 - cut));
        }
    }

    #[test]
    fn a_hundred_thousand_brackets_are_no_problem() {
        let text = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(value_end(text.as_bytes(), 0), End::At(200_000));
    }

    #[test]
    fn a_list_that_most_of_a_page_is_may_lie_deep() {
        let path = |text: &str| deep_list(text.as_bytes()).map(|list| (list.path, list.enclosing));
        let lead = r#"{"id":"1","stage":"New","email":"a@b.example"}"#;
        let page = |before: &str| {
            format!(
                r#"{{"data":{{"viewer":{{{before}"leads":{{"edges":[{{"node":{lead}}},{{"node":{lead}}}]}}}}}}}}"#
            )
        };
        let expected = Some(("data.viewer.leads.edges".to_owned(), 4));
        assert_eq!(path(&page("")), expected);
        assert_eq!(path(&page(r#""id":"7","#)), expected);
        assert_eq!(path(&page(r#""email":"x@y.example","#)), None);
        let list = format!(r#"{{"data":{{"allLeads":[{lead},{lead}]}}}}"#);
        assert_eq!(path(&list), Some(("data.allLeads".to_owned(), 2)));
        let lone = r#"{"data":{"lead":{"id":"1","history":[{"id":"1","from":"New","to":"Won"}]}}}"#;
        assert_eq!(path(lone), None);
    }

    #[test]
    fn pages_keep_their_records_under_known_keys() {
        let path =
            |text: &str| record_list(text.as_bytes()).map(|list| (list.path, list.enclosing));
        assert_eq!(
            path(r#"{"totalSize":6,"done":true,"records":[{"Id":"1"}]}"#),
            Some(("records".into(), 1))
        );
        assert_eq!(
            path(r#"{"success":true,"data":{"items":[{"item":{}}]}}"#),
            Some(("data.items".into(), 2))
        );
        assert_eq!(
            path(r#"{"_page":1,"_embedded":{"leads":[{"id":1}]}}"#),
            Some(("_embedded.leads".into(), 2))
        );
        assert_eq!(
            path(r#"{"contacts":[],"opportunities":[{"id":"1"}],"meta":{}}"#),
            Some(("opportunities".into(), 1))
        );
        assert_eq!(path(r#"{"results":[]}"#), Some(("results".into(), 1)));
        assert_eq!(
            path(r#"{"results":[{"id":"cut of"#),
            Some(("results".into(), 1))
        );
    }

    #[test]
    fn a_page_may_call_its_records_anything() {
        let path = |text: &str| unknown_list(text.as_bytes()).map(|list| list.path);
        let record = r#"{"A":1,"B":2,"C":3,"D":"a@example.com","E":5}"#;
        let page = format!(r#"{{"CODE":200,"BOXEN":[{record},{record}],"NEXT":null}}"#);
        assert_eq!(path(&page), Some("BOXEN".into()));
        assert_eq!(
            path(&page[..page.len() - 30]),
            Some("BOXEN".into()),
            "cut off"
        );
        for no_page in [
            format!(r#"{{"id":7,"boxen":[{record},{record}]}}"#),
            format!(r#"{{"email":"b@example.com","boxen":[{record}]}}"#),
            format!(r#"{{"one":[{record}],"other":[{record}]}}"#),
            r#"{"name":"A","phones":[{"value":"1","type":"home"},{"value":"2","type":"work"}]}"#
                .into(),
        ] {
            assert_eq!(path(&no_page), None, "{no_page}");
        }
        let clients = record_list(br#"{"Clients":[{"Id":"1"}],"Page":{}}"#);
        assert_eq!(clients.map(|list| list.path), Some("Clients".into()));
    }

    #[test]
    fn graphql_may_call_its_field_anything() {
        let path =
            |text: &str| graphql_list(text.as_bytes()).map(|list| (list.path, list.enclosing));
        for (field, list) in [
            ("allCards", "edges"),
            ("allLeads", "nodes"),
            ("getLeads", "rows"),
        ] {
            let page = format!(
                r#"{{"data":{{"{field}":{{"{list}":[{{"id":1}},{{"id":2}}],"pageInfo":{{}}}}}}}}"#
            );
            let found = Some((format!("data.{field}.{list}"), 3));
            assert_eq!(path(&page), found);
            assert_eq!(path(&page[..page.len() - 24]), found, "cut off");
        }
        for no_page in [
            r#"{"data":{"card":{"id":7,"notes":{"nodes":[{"id":1}]}}}}"#,
            r#"{"data":{"card":{"notes":{"nodes":[{"id":1}]},"id":7}}}"#,
            r#"{"data":{"id":7,"notes":{"nodes":[{"id":1}]}}}"#,
            r#"{"data":{"a":{"nodes":[{"id":1}]},"b":{"nodes":[{"id":2}]}}}"#,
            r#"{"data":{"a":{"nodes":["x"]}}}"#,
        ] {
            assert_eq!(path(no_page), None, "{no_page}");
        }
    }

    #[test]
    fn records_may_be_keyed_by_their_numbers_or_be_just_one() {
        let list = |text: &str| {
            record_list(text.as_bytes()).map(|list| (list.path, list.enclosing, list.is_keyed))
        };
        let keyed = r#"{"contacts":{"17":{"name":"A"},"18":{"name":"B"}}}"#;
        assert_eq!(list(keyed), Some(("contacts".into(), 1, true)));
        assert_eq!(
            list(r#"{"17":{"name":"A"}}"#),
            Some((String::new(), 0, true))
        );
        assert_eq!(list(r#"{"17":"a"}"#), None);
        let one = br#"{"result":{"ID":"1","NAME":"A"},"time":{"start":1}}"#;
        assert_eq!(record_list(one), None);
        assert_eq!(only_record(one), Some(("result".into(), 10..31)));
        assert_eq!(only_record(br#"{"id":7,"data":{"id":"1"}}"#), None);
    }

    #[test]
    fn leads_listed_in_a_form_are_found() {
        let form =
            br#"{"id":"1","leads":{"data":[{"id":"2","created_time":"x"},{"created_time":"y"}]}}"#;
        let leads = leads_inside(form).unwrap();
        assert_eq!((leads.at.len(), leads.path), (2, "leads.data"));
        assert_eq!(&form[leads.at[1].clone()], br#"{"created_time":"y"}"#);
        assert!(form[leads.member].starts_with(br#"{"data":[{"id":"2""#));
        assert_eq!(leads_inside(br#"{"id":"1","leads":[{"id":"2"}]}"#), None);
    }

    #[test]
    fn a_record_with_lists_of_its_own_is_no_page() {
        assert_eq!(
            record_list(br#"{"contacts":[{"name":"A"}],"id":"lead_1"}"#),
            None
        );
        assert_eq!(
            record_list(br#"{"email":"a@example.com","items":["x"]}"#),
            None
        );
        assert_eq!(record_list(br#"{"email":"a@example.com"}"#), None);
    }
}
