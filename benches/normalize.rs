//! What it costs to normalise and hash the ten customer fields of a row, one national phone among them.
//!
//! `sha256_block` is the yardstick: ten of them are the floor of a row.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crm2capi::customer::{Cell, Country, Hash, Normalizer, Settings, UserData};
use crm2capi::field::Field;

const ROWS: usize = 1000;

/// A row of cells as a CRM writes them.
type Row = [(Field, String); 10];

/// Rows with as many different values as a real export has: every email, phone and birthday is new, names and places repeat.
fn rows() -> Vec<Row> {
    let first =
        ["Ava", "Marcus", "Priya", "Diego", "Chloé", "Owen", "Fatima", "Jürgen", "Sofía", "Tom", "Mei-Ling", "Noah"];
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
                (Field::Email, format!("{}.{}.{n}@Example.com", first.to_lowercase(), last.to_lowercase())),
                (Field::Phone, format!("({area}) 555-01{:02}", n % 100)),
                (Field::FirstName, first.to_owned()),
                (Field::LastName, last.to_owned()),
                (Field::Gender, ["Female", "male", "F", "m"][n % 4].to_owned()),
                (Field::DateOfBirth, format!("{}/{}/{}", n % 12 + 1, n % 15 + 13, 1950 + n % 50)),
                (Field::City, city.to_owned()),
                (Field::State, state.to_owned()),
                (Field::Zip, zip.to_owned()),
                (Field::Country, "United States".to_owned()),
            ]
        })
        .collect()
}

fn cells(row: &Row) -> [Cell<'_>; 10] {
    let mut column = 0;
    row.each_ref().map(|(field, text)| {
        column += 1;
        Cell { field: *field, column: column - 1, text }
    })
}

fn normalize(c: &mut Criterion) {
    let settings = Settings { default_country: Country::parse("US"), date_order: None, this_year: 2026 };
    let rows = rows();
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let mut user_data = UserData::default();

    let mut group = c.benchmark_group("row_of_ten_fields");
    group.throughput(Throughput::Elements(1));
    for (name, mut normalizer) in
        [("cache_on", Normalizer::new(&settings)), ("cache_off", Normalizer::without_cache(&settings))]
    {
        let mut rows = cells.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let row = rows.next().expect("rows go round for ever");
                normalizer.read(black_box(row), None, &mut user_data, &mut |code, _, _| panic!("{code:?}"));
                black_box(&user_data);
            });
        });
    }
    let mut json = Vec::with_capacity(4096);
    group.bench_function("write_json", |b| {
        b.iter(|| {
            json.clear();
            black_box(&user_data).write_json(&mut json);
            black_box(&json);
        });
    });
    group.finish();
    c.bench_function("sha256_block", |b| b.iter(|| Hash::of(black_box("ava.thornton@example.com"))));

    let mut group = c.benchmark_group("field");
    for field in 0..10 {
        let name = rows[0][field].0.name();
        let mut normalizer = Normalizer::without_cache(&settings);
        let mut rows = cells.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let row = rows.next().expect("rows go round for ever");
                normalizer
                    .read(black_box(&row[field..=field]), None, &mut user_data, &mut |code, _, _| panic!("{code:?}"));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, normalize);
criterion_main!(benches);
