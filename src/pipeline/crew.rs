//! Spreads chunks over worker threads and brings them back in the order of the input.
//!
//! One thread reads, every worker has its own bounded queue and gets every n-th chunk, and the calling thread collects
//! from the workers in turn: order needs no sorting, and memory is bounded by the queues. Used buffers travel back to
//! the reader.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use anyhow::Result;

use super::feed::{Feed, Pass};
use super::{Kitchen, Prepared};
use crate::source::Chunk;

/// Chunks that wait for a worker, and prepared ones that wait to be collected, each per worker.
const QUEUE: usize = 1;

struct Job {
    input: u32,
    chunk: Chunk,
    prepared: Prepared,
}

/// Takes every chunk of the inputs through the recipe, in order, until `collect` breaks off. `collect` may take from a
/// [`Prepared`] what it wants to keep; the rest is used again.
///
/// # Errors
/// An input cannot be read any further, or `collect` fails.
pub fn run(
    feeds: &mut [Feed],
    pass: Pass,
    threads: usize,
    mut collect: impl FnMut(&mut Prepared) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let kitchens: Vec<Vec<Kitchen>> =
        (0..threads).map(|_| feeds.iter().map(|feed| feed.kitchen(pass)).collect()).collect();
    thread::scope(|scope| {
        let (spare_sender, spares) = channel();
        let (mut to_workers, mut from_workers) = (Vec::new(), Vec::new());
        for kitchens in kitchens {
            let (job_sender, jobs) = sync_channel(QUEUE);
            let (done_sender, done) = sync_channel(QUEUE);
            to_workers.push(job_sender);
            from_workers.push(done);
            scope.spawn(move || work(kitchens, &jobs, &done_sender));
        }
        let reader = scope.spawn(move || read(feeds, pass, &to_workers, &spares));
        let collected = gather(&from_workers, |mut prepared| {
            let flow = collect(&mut prepared)?;
            // The reader may be done already.
            let _ = spare_sender.send(prepared);
            Ok(flow)
        });
        // A reader or worker that waits for room must find nobody there rather than wait for ever.
        drop(from_workers);
        let read = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        collected.and(read)
    })
}

/// Hands the chunks out in turn.
fn read(feeds: &mut [Feed], pass: Pass, workers: &[SyncSender<Job>], spares: &Receiver<Prepared>) -> Result<()> {
    let mut turn = (0..workers.len()).cycle();
    for (input, feed) in feeds.iter_mut().enumerate() {
        let mut chunks = feed.chunks(pass)?;
        loop {
            let mut prepared = spares.try_recv().unwrap_or_default();
            let mut chunk = std::mem::take(&mut prepared.chunk);
            if !chunks.next(&mut chunk)? {
                break;
            }
            let worker = turn.next().unwrap_or_default();
            if workers[worker].send(Job { input: input as u32, chunk, prepared }).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn work(mut kitchens: Vec<Kitchen>, jobs: &Receiver<Job>, done: &SyncSender<Prepared>) {
    for Job { input, chunk, mut prepared } in jobs {
        prepared.input = input;
        kitchens[input as usize].prepare(chunk, &mut prepared);
        if done.send(prepared).is_err() {
            return;
        }
    }
}

/// Collects from the workers in the turn the chunks were handed out; the first worker that has no more is the end.
fn gather(workers: &[Receiver<Prepared>], mut collect: impl FnMut(Prepared) -> Result<ControlFlow<()>>) -> Result<()> {
    for worker in workers.iter().cycle() {
        let Ok(prepared) = worker.recv() else { return Ok(()) };
        if collect(prepared)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}
