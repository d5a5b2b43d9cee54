//! What it costs to normalise and hash the ten customer fields of a row, one national phone among them.
//!
//! `sha256_block` is the yardstick: ten of them are the floor of a row.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use crm2capi::customer::{Cell, Country, Hash, Normalizer, Settings, UserData};

use crate::rows::{Row, rows};

/// The row as its plan would read it.
pub fn cells(row: &Row) -> [Cell<'_>; 10] {
    let mut column = 0;
    row.each_ref().map(|(field, text)| {
        column += 1;
        Cell {
            field: *field,
            column: column - 1,
            text,
        }
    })
}

/// How they are read.
pub fn settings() -> Settings {
    Settings {
        default_country: Country::parse("US"),
        date_order: None,
        this_year: 2026,
        letter_m: crm2capi::customer::LetterM::Man,
    }
}

pub fn customer(c: &mut Criterion) {
    let settings = settings();
    let rows = rows();
    let cells: Vec<_> = rows.iter().map(cells).collect();
    let mut user_data = UserData::default();

    let mut group = c.benchmark_group("row_of_ten_fields");
    group.throughput(Throughput::Elements(1));
    for (name, mut normalizer) in [
        ("cache_on", Normalizer::new(&settings)),
        ("cache_off", Normalizer::without_cache(&settings)),
    ] {
        let mut rows = cells.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let row = rows.next().expect("rows go round for ever");
                normalizer.read(black_box(row), None, &mut user_data, &mut |code, _, _| {
                    panic!("{code:?}")
                });
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
    c.bench_function("sha256_block", |b| {
        b.iter(|| Hash::of(black_box("ava.thornton@example.com")))
    });

    let mut group = c.benchmark_group("field");
    for field in 0..10 {
        let name = rows[0][field].0.name();
        let mut normalizer = Normalizer::without_cache(&settings);
        let mut rows = cells.iter().cycle();
        group.bench_function(name, |b| {
            b.iter(|| {
                let row = rows.next().expect("rows go round for ever");
                normalizer.read(
                    black_box(&row[field..=field]),
                    None,
                    &mut user_data,
                    &mut |code, _, _| panic!("{code:?}"),
                );
            });
        });
    }
    group.finish();
}
