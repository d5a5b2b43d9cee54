//! Small worlds of leads, where who is who is known: whatever their rows show of them, each is sent once.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::event::KnownBy;
use crate::ledger::testing::on_server;

const DATASET: &str = "123";
const STAGE: &str = "Won";
/// By their strength: lead id, email, phone, the CRM's number.
const KINDS: [&str; 4] = ["lead_id:", "em:", "ph:", "external_id:"];
const EMAIL: u8 = 1 << 1;
const PHONE: u8 = 1 << 2;
const NUMBER: u8 = 1 << 3;

/// A row: whose it is, and what it shows.
type Row = (usize, u8);

/// Whether rows that show this may follow what was shown before, by the rules of the book: nobody shares anything but a
/// phone.
fn is_recognised(shown: u8, before: u8) -> bool {
    let both = shown & before;
    let strongest = |kinds: u8| kinds.trailing_zeros();
    let decides = [strongest(shown), strongest(before)].contains(&strongest(both));
    both & (1 | NUMBER) != 0 || both != 0 && decides
}

/// Rows of three leads, of which the first two share a phone. Somebody else's phone never stands without an email.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    proptest::collection::vec((0..3_usize, 1..16_u8), 1..14).prop_map(|drawn| {
        let mut known = [0; 3];
        let mut rows = Vec::new();
        for (lead, mut shown) in drawn {
            if lead < 2 && shown & PHONE != 0 {
                shown |= EMAIL;
            }
            if known[lead] == 0 || is_recognised(shown, known[lead]) {
                known[lead] |= shown;
                rows.push((lead, shown));
            }
        }
        rows
    })
}

fn event_of(number: usize, (lead, shown): Row, is_repeat: bool) -> Event {
    let kinds = KINDS.iter().enumerate();
    let of_row = kinds.filter(|(kind, _)| shown & 1 << kind != 0);
    let identities: String = of_row
        .map(|(kind, prefix)| {
            let of = if 1 << kind == PHONE {
                lead.max(1)
            } else {
                lead
            };
            format!("{prefix}{of}\0")
        })
        .collect();
    let known_by = KnownBy {
        identities: Bytes::from(identities),
        time: NOW - 60,
        is_repeat,
    };
    let id = known_by.ids(STAGE).next().unwrap().1;
    Event {
        key: EventKey::in_dataset(DATASET, id),
        name: STAGE.into(),
        lead: lead as u64,
        known_by,
        ..event(number as u64)
    }
}

/// Takes the rows through runs as an upload does: a run sees chunks, and sends what is new in batches.
fn sent(rows: &[Row], chunk: usize, chunks_in_run: usize) -> [usize; 3] {
    let mut ledger = Place::anywhere();
    ledger.set_clock(Clock::Fixed(NOW));
    let mut sent = [0; 3];
    for run in rows.chunks(chunk * chunks_in_run) {
        let (dataset, now) = (DATASET, NOW);
        ledger
            .start_run(&RunStart {
                dataset,
                now,
                in_flight: 0,
            })
            .unwrap();
        let mut seen = HashSet::new();
        for rows in run.chunks(chunk) {
            let events: Vec<Event> = (rows.iter().enumerate())
                .map(|(number, row)| {
                    let event = event_of(number, *row, false);
                    let is_repeat = !seen.insert(event.key);
                    event_of(number, *row, is_repeat)
                })
                .collect();
            let known = ledger.look_up(DATASET, &events).unwrap();
            let new = events.into_iter().zip(known);
            let new = new.filter(|(_, known)| known.standing == Standing::New);
            let new: Vec<Event> = new.map(|(event, _)| event).collect();
            let begun = ledger.begin(&new).unwrap();
            let begun = new.into_iter().zip(begun);
            let begun: Vec<Event> = begun
                .filter(|(_, begun)| *begun != Begun::Known)
                .map(|(event, _)| event)
                .collect();
            begun
                .iter()
                .for_each(|event| sent[event.lead as usize] += 1);
            ledger.settle(&all(&begun, Settled::Accepted)).unwrap();
        }
        ledger.grow_old();
    }
    sent
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_128),
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_lead_is_sent_once(rows in rows(), chunk in 1..15_usize, chunks_in_run in 1..4_usize) {
        let mut expected = [0; 3];
        rows.iter().for_each(|(lead, _)| expected[*lead] = 1);
        prop_assert_eq!(sent(&rows, chunk, chunks_in_run), expected);
    }
}

#[test]
fn each_lead_is_sent_once_on_a_server() {
    on_server(|| {
        let config = ProptestConfig {
            cases: 40,
            rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_128),
            ..ProptestConfig::default()
        };
        proptest!(config, |(rows in rows(), chunk in 1..15_usize, chunks_in_run in 1..4_usize)| {
            let mut expected = [0; 3];
            rows.iter().for_each(|(lead, _)| expected[*lead] = 1);
            prop_assert_eq!(sent(&rows, chunk, chunks_in_run), expected);
        });
    });
}
