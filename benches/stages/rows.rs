//! Rows of an invented export.

use std::fmt::Write as _;

pub const ROWS: usize = 1000;

/// A row of cells as a CRM writes them.
pub type Row = [(&'static str, String); 10];

/// Rows with as many different values as a real export has: every email, phone and birthday is new, names and places repeat.
pub fn rows() -> Vec<Row> {
    let first = [
        "Ava", "Marcus", "Priya", "Diego", "Chloé", "Owen", "Fatima", "Jürgen", "Sofía", "Tom",
        "Mei-Ling", "Noah",
    ];
    let last = [
        "Thornton",
        "Bell",
        "Raman",
        "Fuentes",
        "Lambert",
        "O'Neill",
        "Al-Sayed",
        "Köhler",
        "Ramírez",
        "Whitfield",
        "Chow",
    ];
    let places = [
        ("New York", "New York", "10001", 212),
        ("Boston", "MA", "02134", 617),
        ("Austin", "Texas", "78701", 512),
        ("Miami", "FL", "33101-1234", 305),
        ("San Francisco", "California", "94102", 415),
    ];
    (0..ROWS)
        .map(|n| {
            let (first, last) = (first[n % first.len()], last[n % last.len()]);
            let (city, state, zip, area) = places[n % places.len()];
            [
                (
                    "email",
                    format!(
                        "{}.{}.{n}@Example.com",
                        first.to_lowercase(),
                        last.to_lowercase()
                    ),
                ),
                ("phone", format!("({area}) 555-01{:02}", n % 100)),
                ("first_name", first.to_owned()),
                ("last_name", last.to_owned()),
                ("gender", ["Female", "male", "F", "m"][n % 4].to_owned()),
                (
                    "date_of_birth",
                    format!("{}/{}/{}", n % 12 + 1, n % 15 + 13, 1950 + n % 50),
                ),
                ("city", city.to_owned()),
                ("state", state.to_owned()),
                ("zip", zip.to_owned()),
                ("country", "United States".to_owned()),
            ]
        })
        .collect()
}

/// The same rows as an export: comma-separated, with a lead id, a stage, its time and a note.
pub fn export() -> String {
    let mut text = "Meta Lead ID,Stage,Stage Date,Email,Phone,First Name,Last Name,Gender,Date of Birth,City,State,Zip Code,Country,Note\n"
        .to_owned();
    for (n, row) in rows().iter().enumerate() {
        let stage = ["Lead", "Marketing Qualified Lead", "Customer"][n % 3];
        let _ = write!(
            text,
            "{},{stage},2026-11-19 {:02}:{:02}:00",
            1_000_000_000_000_000 + n,
            n % 24,
            n % 60
        );
        row.iter().for_each(|(_, cell)| text.extend([",", cell]));
        text.push_str(if n % 2 == 0 {
            ",\"asked for a visit, in spring\"\n"
        } else {
            ",called back\n"
        });
    }
    text
}
