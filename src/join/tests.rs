//! The join on people nobody thought of, against the same join in SQL.

use proptest::prelude::*;
use rusqlite::{Connection, params};

use super::*;
use crate::customer::{Cell, LetterM, Normalizer, Settings};
use crate::field::Field;

fn person(email: &str, phone: &str) -> UserData {
    let settings = Settings {
        default_country: crate::customer::Country::parse("US"),
        date_order: None,
        this_year: 2026,
        letter_m: LetterM::Man,
    };
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
    Normalizer::new(&settings).read(&cells, None, &mut person, &mut |_, _, _| {});
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
/// Email, phone, creation, first stage.
type InCrm = (u8, u8, Option<i64>, i64);

fn joined(leads: &[Meta], row: (u8, u8, i64)) -> (Match, Leads) {
    joined_as(leads, (row.0, row.1, None, row.2))
}

fn joined_as(leads: &[Meta], row: InCrm) -> (Match, Leads) {
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
        leads.of(
            &person(&email(row.0), &phone(row.1)),
            &[at(row.2.unwrap_or(row.3)), at(row.3)],
        ),
        leads,
    )
}

/// The id of the lead, 0 for an ambiguous one, none for none; and by what.
fn in_sql(
    leads: &[Meta],
    (of_email, of_phone, created, first_stage): InCrm,
) -> Option<(u64, &'static str)> {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch(
        "create table lead (id integer primary key, created integer, email integer, phone integer)",
    )
    .unwrap();
    for &(id, created, of_email, of_phone) in leads {
        db.execute(
            "insert or ignore into lead values (?, ?, ?, ?)",
            params![id as i64, created, of_email, of_phone],
        )
        .unwrap();
    }
    for (column, of) in [("email", of_email), ("phone", of_phone)] {
        if of == 0 {
            continue;
        }
        let sql = format!(
            "with fitting as (select * from lead where {column} = ?1 \
               and created <= ?2 + 3600 and (?3 is null or created <= ?3 + 3600)) \
             select id from fitting where created = (select max(created) from fitting)"
        );
        let mut statement = db.prepare(&sql).unwrap();
        let found = statement
            .query_map(params![of, first_stage, created], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap();
        match found.map(Result::unwrap).collect::<Vec<_>>()[..] {
            [] => {}
            [id] => return Some((id as u64, column)),
            _ => return Some((0, column)),
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_join_finds_what_a_plain_join_in_sql_finds(
        leads in prop::collection::btree_map(1_u64..40, (0_i64..12, 0_u8..6, 0_u8..6), 0..24),
        row in (0_u8..6, 0_u8..6, prop::option::of(0_i64..12), 0_i64..12),
    ) {
        let leads: Vec<Meta> = leads.into_iter().map(|(id, (hours, email, phone))| (id, hours * 1800, email, phone)).collect();
        let time = |half_hours: i64| half_hours * 1800 - 5400;
        let row = (row.0, row.1, row.2.map(time), time(row.3));
        let (found, index) = joined_as(&leads, row);
        let found = match found {
            Match::None => None,
            Match::Ambiguous => Some(0),
            Match::One(number, _) => Some(index.get(number).id),
        };
        prop_assert_eq!(found, in_sql(&leads, row).map(|(id, _)| id), "{:?} {:?}", leads, row);
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
