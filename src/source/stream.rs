//! What can be read only once and may keep its reader waiting for ever: standard input, pipes, devices.
//!
//! A thread of its own opens and reads it and hands the bytes over through a channel. Nobody waits for that thread: it
//! may hang in the system's `open` or `read`, and ends with the process. Whoever waits for the bytes can be woken.

use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::halt::Halt;

/// As much as a pipe holds.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait to be read.
const PIECES: usize = 4;

/// Ends the reading of everything that is no regular file, from any thread: what waits for bytes gets
/// [`ReadError::Stopped`](super::ReadError) instead. Clones stop the same inputs. Regular files are not concerned, since
/// they always come to an end.
#[derive(Clone, Default)]
pub(crate) struct StopReading(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_stopped: AtomicBool,
    waiting: Mutex<Vec<SyncSender<Piece>>>,
}

impl StopReading {
    /// Ends the reading, now and for inputs opened later.
    pub(crate) fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        for sender in self.waiting().iter() {
            // Whoever has pieces left to read does not wait, and looks at the flag before the next one.
            let _ = sender.try_send(Piece::End(Err(Halt::Stopped.into())));
        }
    }

    fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::SeqCst)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<SyncSender<Piece>>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StopReading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StopReading({})", self.is_stopped())
    }
}

enum Piece {
    Bytes(Vec<u8>),
    End(io::Result<()>),
}

/// The receiving end of a stream.
pub(super) struct StreamReader {
    pieces: Receiver<Piece>,
    stop: StopReading,
    piece: Vec<u8>,
    used: usize,
    has_ended: bool,
}

/// Starts to read a stream; `open` may block.
pub(super) fn read<R: Read>(
    stop: &StopReading,
    open: impl FnOnce() -> io::Result<R> + Send + 'static,
) -> io::Result<StreamReader> {
    let (sender, pieces) = sync_channel(PIECES);
    stop.waiting().push(sender.clone());
    thread::Builder::new()
        .name("stream".to_owned())
        .spawn(move || {
            let ended = open().and_then(|reader| pump(reader, &sender));
            // Whoever has stopped reading does not want to know.
            let _ = sender.send(Piece::End(ended));
        })?;
    Ok(StreamReader {
        pieces,
        stop: stop.clone(),
        piece: Vec::new(),
        used: 0,
        has_ended: false,
    })
}

/// Hands over everything a reader gives, piece by piece, as long as somebody wants it.
fn pump(mut reader: impl Read, sender: &SyncSender<Piece>) -> io::Result<()> {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        piece.truncate(read);
        if sender.send(Piece::Bytes(piece)).is_err() {
            return Ok(());
        }
    }
}

impl StreamReader {
    fn next(&mut self) -> io::Result<()> {
        self.piece.clear();
        self.used = 0;
        if self.stop.is_stopped() {
            return Err(Halt::Stopped.into());
        }
        match self.pieces.recv() {
            Ok(Piece::Bytes(bytes)) => self.piece = bytes,
            Ok(Piece::End(ended)) => {
                self.has_ended = true;
                ended?;
            }
            Err(_) => self.has_ended = true,
        }
        Ok(())
    }
}

impl Read for StreamReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.piece.len() && !self.has_ended {
            self.next()?;
        }
        let read = (&self.piece[self.used..]).read(buffer)?;
        self.used += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_stream_gives_all_its_bytes() {
        let bytes = b"email,stage\n".repeat(50_000);
        let expected = bytes.clone();
        let mut reader = read(&StopReading::default(), move || Ok(io::Cursor::new(bytes))).unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert!(all == expected);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_stream_that_cannot_be_opened_says_why() {
        let denied = || Err::<io::Empty, _>(io::ErrorKind::PermissionDenied.into());
        let mut reader = read(&StopReading::default(), denied).unwrap();
        let error = reader.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_reader_that_waits_for_bytes_or_for_the_opening_is_woken() {
        let (silent, mut keep) = io::pipe().unwrap();
        keep.write_all(b"email").unwrap();
        let stop = StopReading::default();
        let mut reads = read(&stop, move || Ok(silent)).unwrap();
        let (opened, never) = std::sync::mpsc::channel::<io::Empty>();
        let mut opens = read(&stop, move || {
            Ok(never.recv().unwrap_or_else(|_| io::empty()))
        })
        .unwrap();
        let stopper = stop.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            stopper.stop();
        });
        for reader in [&mut reads, &mut opens] {
            let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(Halt::of(&error), Some(Halt::Stopped));
        }
        drop((opened, keep));
        let mut late = read(&stop, || Ok(io::repeat(b'x'))).unwrap();
        assert!(late.read(&mut [0]).is_err());
    }
}
