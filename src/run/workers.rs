//! Spreads chunks over worker threads and brings them back in the order of the input.
//!
//! The workers take turns at reading: whoever is done with a chunk reads the next one itself, so that its text is in the
//! caches of the core that works on it. The calling thread collects in the order of reading. Every worker has a few
//! buffers of its own and gets them back, and hands over in parts what would fill them too far, which bounds memory.

use std::iter::Enumerate;
use std::ops::ControlFlow;
use std::slice::IterMut;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::{Error, Result};

use super::feed::{Chunks, Feed};
use super::recipe::Pass;
use super::rows::{Prepared, RowProcessor};
use crate::source::Chunk;

/// Chunks of each worker: it prepares one while the other waits to be collected.
const BUFFERS: usize = 2;

/// Takes every chunk of the inputs through the recipe, in order, until `collect` breaks off. `collect` may take from a
/// [`Prepared`] what it wants to keep; the rest is used again.
///
/// # Errors
/// An input cannot be read any further, or `collect` fails.
pub(crate) fn run(
    feeds: &mut [Feed],
    pass: Pass,
    threads: usize,
    collect: impl FnMut(&mut Prepared) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let processors: Vec<Vec<RowProcessor>> = (0..threads)
        .map(|_| feeds.iter().map(|feed| feed.processor(pass)).collect())
        .collect();
    let desk = Mutex::new(Desk {
        feeds: feeds.iter_mut().enumerate(),
        pass,
        open: None,
        failed: None,
    });
    let collected = thread::scope(|scope| {
        let (turn_sender, turns) = channel();
        let mut posts = Vec::new();
        for (number, processors) in processors.into_iter().enumerate() {
            let (done_sender, done) = channel();
            let (spare_sender, spares) = channel();
            for _ in 0..BUFFERS {
                // The other end is still here.
                let _ = spare_sender.send(Prepared::default());
            }
            posts.push(Post {
                done,
                spares: spare_sender,
            });
            let worker = Worker {
                number,
                turns: turn_sender.clone(),
                done: done_sender,
                spares,
            };
            let desk = &desk;
            scope.spawn(move || worker.work(processors, desk));
        }
        drop(turn_sender);
        // Whoever waits for a buffer must find nobody there when this is over, rather than wait for ever.
        gather(turns, posts, collect)
    });
    let failed = desk.into_inner().ok().and_then(|desk| desk.failed);
    collected.and(failed.map_or(Ok(()), Err))
}

/// Where chunks are read, by one worker at a time.
struct Desk<'a> {
    feeds: Enumerate<IterMut<'a, Feed>>,
    pass: Pass,
    /// The input that is being read.
    open: Option<(usize, Chunks<'a>)>,
    /// Why nothing can be read any more.
    failed: Option<Error>,
}

impl Desk<'_> {
    /// Fills the chunk with the next rows, and gives the index of their input and how many bytes of its file were read;
    /// none when there are no more.
    fn read(&mut self, chunk: &mut Chunk) -> Option<(usize, u64)> {
        if self.failed.is_some() {
            return None;
        }
        self.next(chunk).unwrap_or_else(|error| {
            self.failed = Some(error);
            None
        })
    }

    fn next(&mut self, chunk: &mut Chunk) -> Result<Option<(usize, u64)>> {
        loop {
            if let Some((input, chunks)) = &mut self.open
                && chunks.next(chunk)?
            {
                return Ok(Some((*input, chunks.advanced())));
            }
            let Some((input, feed)) = self.feeds.next() else {
                self.open = None;
                return Ok(None);
            };
            self.open = Some((input, feed.chunks(self.pass)?));
        }
    }
}

/// A worker's ends of its channels.
struct Worker {
    number: usize,
    /// Its number goes here whenever it has read a chunk, so that the order of reading is known.
    turns: Sender<usize>,
    done: Sender<Prepared>,
    spares: Receiver<Prepared>,
}

/// The collector's ends of a worker's channels.
struct Post {
    done: Receiver<Prepared>,
    spares: Sender<Prepared>,
}

impl Worker {
    fn work(self, mut processors: Vec<RowProcessor>, desk: &Mutex<Desk<'_>>) {
        while let Ok(mut prepared) = self.spares.recv() {
            let mut chunk = std::mem::take(&mut prepared.chunk);
            // A worker that panicked while it read takes the run down with it.
            let Ok(mut reading) = desk.lock() else { return };
            let Some((input, bytes)) = reading.read(&mut chunk) else {
                return;
            };
            if self.turns.send(self.number).is_err() {
                return;
            }
            drop(reading);
            prepared.bytes = bytes;
            if self
                .hand_over(&mut processors[input], input as u32, chunk, prepared)
                .is_none()
            {
                return;
            }
        }
    }

    /// Makes of a chunk what there is to make, and hands it over, in as many parts as it takes; none when nobody takes it.
    fn hand_over(
        &self,
        processor: &mut RowProcessor,
        input: u32,
        chunk: Chunk,
        mut prepared: Prepared,
    ) -> Option<()> {
        let mut from = processor.prepare(&chunk, 0, &mut prepared);
        prepared.input = input;
        if from == chunk.len() {
            prepared.chunk = chunk;
            return self.done.send(prepared).ok();
        }
        prepared.is_last = false;
        prepared.chunk = chunk.part(0..from);
        self.done.send(prepared).ok()?;
        while from < chunk.len() {
            let mut prepared = self.spares.recv().ok()?;
            let next = processor.prepare(&chunk, from, &mut prepared);
            prepared.input = input;
            prepared.bytes = 0;
            prepared.is_last = next == chunk.len();
            prepared.chunk = chunk.part(from..next);
            self.done.send(prepared).ok()?;
            from = next;
        }
        Some(())
    }
}

/// Collects in the order in which chunks were read.
fn gather(
    turns: Receiver<usize>,
    posts: Vec<Post>,
    mut collect: impl FnMut(&mut Prepared) -> Result<ControlFlow<()>>,
) -> Result<()> {
    for worker in turns {
        let mut is_last = false;
        while !is_last {
            let Ok(mut prepared) = posts[worker].done.recv() else {
                return Ok(());
            };
            is_last = prepared.is_last;
            if collect(&mut prepared)?.is_break() {
                return Ok(());
            }
            // The worker may have nothing left to do.
            let _ = posts[worker].spares.send(prepared);
        }
    }
    Ok(())
}
