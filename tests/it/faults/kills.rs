//! Uploads that are killed without warning.

use std::time::Duration;

use super::*;

/// Moments at which an upload is killed.
const KILLS: u64 = 50;
const EVENTS: u32 = 300;
const LANES: usize = 3;

#[test]
fn an_upload_killed_at_any_moment_is_completed_by_the_next_and_repeats_only_what_was_in_flight() {
    let caught_in_flight = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            scope.spawn(move || {
                (0..KILLS)
                    .filter(|seed| seed % 2 == half)
                    .map(kill_and_go_on)
                    .sum::<usize>()
            })
        });
        halves
            .into_iter()
            .map(|half| half.join().unwrap())
            .sum::<usize>()
    });
    assert!(
        caught_in_flight > 0,
        "no kill came while a request was in flight: the moments are badly chosen"
    );
}

/// Returns how many events were sent twice.
fn kill_and_go_on(seed: u64) -> usize {
    let mut random = Random(seed);
    let server = Server::start(|seen| Reply::receipt(seen).after(10));
    let desk = desk_with(EVENTS);
    let args = ["--batch-size", "12", "--concurrency", "3"];
    let mut child = start(&desk, &server, &args);
    // A moment counted from the arrival of a request is as random on a slow machine as on a fast one.
    if seed == 0 {
        std::thread::sleep(Duration::from_micros(random.below(40_000)));
    } else {
        assert!(
            server.wait_for_requests(random.below(26) as usize),
            "seed {seed}"
        );
        std::thread::sleep(Duration::from_micros(random.below(25_000)));
    }
    // On Unix this is SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
    // A request that was on its way when the sender died is taken as well.
    std::thread::sleep(Duration::from_millis(30));

    let first = server.seen();
    let taken_first = taken(&first);
    let books = if std::fs::exists(desk.path().join("ledger.sqlite3")).unwrap() && has_tables(&desk)
    {
        Books::read(&desk, EVENTS)
    } else {
        Books::default()
    };
    assert!(taken_first.values().all(|times| *times == 1), "seed {seed}");
    assert!(
        books
            .accepted
            .iter()
            .all(|event| taken_first.contains_key(event)),
        "seed {seed}: claims too much"
    );
    let uncertain: BTreeSet<u32> = taken_first
        .keys()
        .copied()
        .filter(|event| !books.accepted.contains(event))
        .collect();
    assert!(
        uncertain.is_subset(&books.sending),
        "seed {seed}: what was taken is not in the ledger"
    );

    // This also asserts that what was settled is not sent again, that all else is, once, and that the events that the
    // killed run left open are reported as such.
    check_next(&desk, &server, EVENTS, &books, &args);

    assert_eq!(
        server.taken().len(),
        EVENTS as usize,
        "seed {seed}: the server has every event"
    );
    let twice: BTreeSet<u32> = server
        .taken()
        .iter()
        .filter(|(_, times)| **times > 1)
        .map(|(event, _)| *event)
        .collect();
    // The server may have read a request only after the client was gone and the first look at it was taken.
    assert!(
        uncertain.is_subset(&twice) && twice.is_subset(&books.sending),
        "seed {seed}: {twice:?}, {uncertain:?}"
    );
    // A lane has one request in flight, so those sent twice stood in no more requests than there are lanes.
    let in_flight = first
        .iter()
        .filter(|seen| seen.events.iter().any(|event| twice.contains(event)));
    assert!(in_flight.count() <= LANES, "seed {seed}");
    twice.len()
}

/// Whether the killed run had come as far as to make the ledger's tables.
fn has_tables(desk: &Desk) -> bool {
    let connection = rusqlite::Connection::open(desk.path().join("ledger.sqlite3")).unwrap();
    let find = "SELECT count(*) FROM sqlite_schema WHERE name = 'event'";
    connection
        .query_row(find, [], |row| row.get::<_, i64>(0))
        .unwrap()
        == 1
}
