//! What single values and a whole export cost, with Criterion. Through the library's public face, as a program would.

#![expect(clippy::expect_used, reason = "a bench that cannot go on has failed")]

mod rows;

use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crm2capi::{Export, Normalizer};

/// Each customer field of a row, normalised and hashed, with no row before it remembered.
fn values(c: &mut Criterion) {
    let normalizer = Normalizer::new(Some("US"), Some("mdy")).expect("a country and an order");
    let rows = rows::rows();
    let mut group = c.benchmark_group("value");
    for (index, (field, _)) in rows[0].iter().enumerate() {
        let mut cells = rows.iter().map(|row| &row[index].1).cycle();
        group.bench_function(*field, |b| {
            b.iter(|| {
                let cell = cells.next().expect("rows go round for ever");
                black_box(normalizer.normalize(field, black_box(cell)))
            });
        });
    }
    group.finish();
}

/// All stages up to the event, opening the file included.
fn export(c: &mut Criterion) {
    let mut file = tempfile::Builder::new()
        .suffix(".csv")
        .tempfile()
        .expect("a file for the export");
    file.write_all(rows::export().as_bytes())
        .expect("room for the export");
    let export = Export::new([file.path()])
        .settings("[crm]\ntimezone = \"UTC\"\n[input]\nthreads = 1\n")
        .expect("settings")
        .now("2026-11-20T12:00:00Z".parse().expect("a time"));
    let mut group = c.benchmark_group("export");
    group.throughput(Throughput::Elements(rows::ROWS as u64));
    group.bench_function("validate", |b| {
        b.iter(|| black_box(export.validate().expect("an export")));
    });
    group.bench_function("build", |b| {
        b.iter(|| {
            let take = |json: &str| {
                black_box(json);
                Ok(())
            };
            black_box(export.events(take).expect("an export"))
        });
    });
    group.finish();
}

criterion_group!(benches, values, export);
criterion_main!(benches);
