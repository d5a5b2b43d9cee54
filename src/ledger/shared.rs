//! A ledger that the pipeline asks while the lanes of the delivery write to it.
//!
//! Entries that come while another is being written wait, and are then written together: a sync to disk costs the same
//! for one as for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Begun, Entry, Ledger, LedgerError};

/// A ledger in several hands.
#[derive(Clone)]
pub(crate) struct SharedLedger {
    ledger: Arc<Mutex<Box<dyn Ledger>>>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

/// An entry that waits to be written, and where to say what came of it.
type Waiting = (Entry, oneshot::Sender<Result<Vec<Begun>, LedgerError>>);

impl SharedLedger {
    /// Shares a ledger.
    pub(crate) fn new(ledger: impl Ledger + 'static) -> SharedLedger {
        SharedLedger {
            ledger: Arc::new(Mutex::new(Box::new(ledger))),
            waiting: Arc::default(),
        }
    }

    /// The ledger itself, as soon as nobody else uses it. Blocks.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Box<dyn Ledger>> {
        lock(&self.ledger)
    }

    /// Makes an entry, together with those of others that wait. Returns when it is on disk. Must be called within a
    /// Tokio runtime.
    pub(crate) async fn write(&self, entry: Entry) -> Result<Vec<Begun>, LedgerError> {
        let (sender, receiver) = oneshot::channel();
        let is_first = {
            let mut waiting = lock(&self.waiting);
            waiting.push((entry, sender));
            waiting.len() == 1
        };
        // Whoever finds nothing waiting sees to it that all is written which comes until then: one for each of them would write
        // what has just come, one by one.
        if is_first {
            let shared = self.clone();
            let writing = tokio::task::spawn_blocking(move || shared.write_waiting());
            if let Err(stopped) = writing.await
                && let Ok(panic) = stopped.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        }
        match receiver.await {
            Ok(written) => written,
            // Whoever was to write it is gone: the runtime is going down, and this task with it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Writes all that waits.
    fn write_waiting(&self) {
        let mut ledger = self.lock();
        let (entries, senders): (Vec<Entry>, Vec<_>) = std::mem::take(&mut *lock(&self.waiting))
            .into_iter()
            .unzip();
        if entries.is_empty() {
            return;
        }
        let results = match ledger.write(&entries) {
            Ok(begun) => begun.into_iter().map(Ok).collect(),
            Err(error) if entries.len() == 1 => vec![Err(error)],
            // A server was waited for long enough: not once more for each of them.
            Err(LedgerError::Unreachable { ledger, cause }) => {
                let error = || LedgerError::Unreachable {
                    ledger: ledger.clone(),
                    cause: cause.clone(),
                };
                entries.iter().map(|_| Err(error())).collect()
            }
            // What is wrong with one of them is not the others' fault.
            Err(_) => entries
                .iter()
                .map(|entry| {
                    ledger
                        .write(std::slice::from_ref(entry))
                        .map(|mut begun| begun.pop().unwrap_or_default())
                })
                .collect(),
        };
        for (sender, result) in senders.into_iter().zip(results) {
            // Nobody listens any more when its lane was dropped; what was written stays written.
            let _ = sender.send(result);
        }
    }
}

/// Every call on what is guarded is complete in itself, so a panic elsewhere leaves nothing half done.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
