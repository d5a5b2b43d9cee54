//! The join on people nobody thought of, against the same join in SQL.

use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::*;
use crate::customer::{Cell, LetterM, Normalizer, Settings};
use crate::field::Field;

fn normalizer() -> Normalizer {
    Normalizer::new(&Settings {
        default_country: crate::customer::Country::parse("US"),
        date_order: None,
        this_year: 2026,
        letter_m: LetterM::Man,
    })
}

fn person(email: &str, phone: &str) -> UserData {
    let cells = [
        Cell {
            field: Field::Email,
            column: 0,
            text: email,
        },
        Cell {
            field: Field::Phone,
            column: 1,
            text: phone,
        },
    ];
    let mut person = UserData::default();
    normalizer().read(&cells, None, &mut person, &mut |_, _, _| {});
    person
}

fn email(of: u8) -> String {
    if of == 0 {
        String::new()
    } else {
        format!("P{of}@Example.com ")
    }
}

fn phone(of: u8) -> String {
    if of == 0 {
        String::new()
    } else {
        format!("(212) 555-01{of:02}")
    }
}

fn at(seconds: i64) -> Moment {
    Moment {
        seconds,
        precision: Precision::Second,
    }
}

type Meta = (u64, i64, u8, u8);

fn joined(leads: &[Meta], row: (u8, u8, i64)) -> (Match, Leads) {
    let mut builder = Builder::default();
    for &(id, created, of_email, of_phone) in leads {
        builder.add(
            id,
            created,
            ("1", ""),
            &person(&email(of_email), &phone(of_phone)),
        );
    }
    let leads = builder.finish();
    (
        leads.of(&person(&email(row.0), &phone(row.1)), &[at(row.2)]),
        leads,
    )
}

/// Where the same digits as dialled at home are another number each.
const COUNTRIES: [&str; 3] = ["FR", "NL", "IT"];

/// Somebody as a random row or lead has them: emails and phones by their numbers, and a country.
#[derive(Clone, Debug)]
struct Somebody {
    emails: Vec<u8>,
    phones: Vec<u8>,
    country: usize,
    /// Whether phones are written with their country's code.
    is_international: bool,
}

impl Somebody {
    /// A phone in E.164, by the numbering plans: Italy alone keeps the zero.
    fn e164(&self, phone: u8) -> String {
        let code = ["336", "316", "3906"][self.country];
        format!("{code}123456{phone:02}")
    }

    fn read(&self) -> UserData {
        let email = |of: &u8| format!("P{of}@Example.com ");
        let phone = |of: &u8| match self.is_international {
            true => format!("+{}", self.e164(*of)),
            false => format!("06 12 34 56 {of:02}"),
        };
        let cells = |texts: Vec<String>| texts.join("; ");
        let emails = cells(self.emails.iter().map(email).collect());
        let phones = cells(self.phones.iter().map(phone).collect());
        let country = COUNTRIES[self.country];
        let columns = [
            (Field::Email, &*emails),
            (Field::Phone, &*phones),
            (Field::Country, country),
        ];
        let cells = (0..).zip(columns).map(|(column, (field, text))| Cell {
            field,
            column,
            text,
        });
        let mut person = UserData::default();
        let cells: Vec<Cell<'_>> = cells.collect();
        normalizer().read(&cells, None, &mut person, &mut |code, _, _| {
            panic!("{code:?} of {cells:?}")
        });
        person
    }

    fn write(&self, db: &Connection, of: &str, id: Option<u64>) {
        let insert = |table: &str, value: String| {
            let sql = format!("insert into {of}_{table} values (?, ?)");
            db.execute(&sql, params![id.map(|id| id as i64), value])
                .unwrap();
        };
        for email in &self.emails {
            insert("email", format!("p{email}@example.com"));
        }
        for phone in &self.phones {
            insert("phone", self.e164(*phone));
        }
    }
}

/// The id of the lead, 0 for an ambiguous one, none for none; and by what.
fn in_sql(
    leads: &[(u64, i64, Somebody)],
    (row, moments): &(Somebody, Vec<Moment>),
) -> Option<(u64, &'static str)> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "create table lead (id integer primary key, created integer);
         create table lead_email (id integer, value text); create table lead_phone (id integer, value text);
         create table row_email (id integer, value text); create table row_phone (id integer, value text);
         create table moment (latest integer);",
    )
    .unwrap();
    for (id, created, person) in leads {
        db.execute(
            "insert or ignore into lead values (?, ?)",
            params![*id as i64, created],
        )
        .unwrap();
        person.write(&db, "lead", Some(*id));
    }
    row.write(&db, "row", None);
    for moment in moments {
        let reach = match moment.precision {
            Precision::Second => 0,
            Precision::Minute => 59,
            Precision::Day => 43_200,
        };
        db.execute("insert into moment values (?)", [moment.seconds + reach])
            .unwrap();
    }
    for by in ["email", "phone"] {
        let sql = format!(
            "with fitting as (select distinct lead.id, created from lead
               join lead_{by} on lead_{by}.id = lead.id join row_{by} on row_{by}.value = lead_{by}.value
               where created <= ifnull((select min(latest) from moment) + 3600, 9e18))
             select id from fitting where created = (select max(created) from fitting)"
        );
        let mut statement = db.prepare(&sql).unwrap();
        let found = statement.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        match found.map(Result::unwrap).collect::<Vec<_>>()[..] {
            [] => {}
            [id] => return Some((id as u64, by)),
            _ => return Some((0, by)),
        }
    }
    None
}

/// Few values, so that people share them.
fn somebody() -> impl Strategy<Value = Somebody> {
    let several = || prop::collection::vec(0_u8..6, 0..4);
    (several(), several(), 0..COUNTRIES.len(), any::<bool>()).prop_map(
        |(emails, phones, country, is_international)| Somebody {
            emails,
            phones,
            country,
            is_international,
        },
    )
}

/// Half hours and the seconds beside them, so that leads are of one second, and just within the hour and just not.
fn seconds() -> impl Strategy<Value = i64> {
    (0_i64..8, -1_i64..2).prop_map(|(half_hours, beside)| half_hours * 1_800 + beside)
}

fn moment() -> impl Strategy<Value = Moment> {
    let precision = prop_oneof![
        4 => Just(Precision::Second),
        1 => Just(Precision::Minute),
        1 => Just(Precision::Day),
    ];
    (seconds(), precision).prop_map(|(seconds, precision)| Moment {
        seconds: seconds - 5_400,
        precision,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn the_join_finds_what_a_plain_join_in_sql_finds(
        // Ids come twice, as in files that overlap.
        leads in prop::collection::vec((1_u64..20, seconds(), somebody()), 0..24),
        row in (somebody(), prop::collection::vec(moment(), 0..3)),
    ) {
        let mut builder = Builder::default();
        for (id, created, person) in &leads {
            builder.add(*id, *created, ("1", ""), &person.read());
        }
        let index = builder.finish();
        let found = match index.of(&row.0.read(), &row.1) {
            Match::None => None,
            Match::Ambiguous => Some((0, None)),
            Match::One(number, By::Email) => Some((index.get(number).id, Some("email"))),
            Match::One(number, By::Phone) => Some((index.get(number).id, Some("phone"))),
        };
        let expected = in_sql(&leads, &row).map(|(id, by)| (id, (id > 0).then_some(by)));
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn email_goes_before_phone_and_the_latest_lead_before_an_older_one() {
    let leads = [
        (11, 0, 1, 1),
        (12, 100, 1, 2),
        (13, 200, 2, 2),
        (14, 100_000, 1, 1),
    ];
    let (found, index) = joined(&leads, (1, 2, 1_000));
    let Match::One(number, By::Email) = found else {
        panic!("{found:?}")
    };
    assert_eq!(index.get(number).id, 12);
    let (found, index) = joined(&leads, (3, 2, 1_000));
    let Match::One(number, By::Phone) = found else {
        panic!("{found:?}")
    };
    assert_eq!(index.get(number).id, 13);
    assert_eq!(joined(&leads, (3, 3, 1_000)).0, Match::None);
    assert_eq!(joined(&[], (1, 1, 0)).0, Match::None);
}

#[test]
fn a_lead_may_be_an_hour_younger_than_the_row_and_no_more() {
    assert_eq!(
        joined(&[(1, 3_600, 1, 0)], (1, 0, 0)).0,
        Match::One(LeadNumber(0), By::Email)
    );
    assert_eq!(joined(&[(1, 3_601, 1, 0)], (1, 0, 0)).0, Match::None);
    let leads = joined(&[(1, 43_200, 1, 0)], (1, 0, 0)).1;
    // A day alone may mean its end.
    let day = Moment {
        seconds: 0,
        precision: Precision::Day,
    };
    assert!(matches!(
        leads.of(&person(&email(1), ""), &[day]),
        Match::One(..)
    ));
}

#[test]
fn of_two_leads_of_the_same_second_none_is_guessed_and_a_lead_that_comes_twice_is_one() {
    assert_eq!(
        joined(&[(1, 5, 1, 0), (2, 5, 1, 0)], (1, 0, 10)).0,
        Match::Ambiguous
    );
    assert_eq!(
        joined(&[(1, 5, 1, 0), (2, 5, 1, 0), (3, 6, 1, 0)], (1, 0, 10)).0,
        Match::One(LeadNumber(2), By::Email)
    );
    assert_eq!(
        joined(&[(1, 5, 1, 0), (1, 5, 1, 0)], (1, 0, 10)).0,
        Match::One(LeadNumber(0), By::Email)
    );
    // The same lead by two of the row's emails.
    let mut builder = Builder::default();
    builder.add(7, 5, ("", ""), &person("a@example.com; b@example.com", ""));
    let leads = builder.finish();
    let row = person("b@example.com; a@example.com", "");
    assert_eq!(
        leads.of(&row, &[at(10)]),
        Match::One(LeadNumber(0), By::Email)
    );
    assert_eq!(
        (leads.by_id(7), leads.by_id(8)),
        (Some(LeadNumber(0)), None)
    );
}
