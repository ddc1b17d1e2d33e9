//! Group commit: what is to be recorded at about the same time goes into one transaction.

use core::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Outcome, Store, StoreError, Submission};

/// How long a batch waits for others to join it, at most.
const LINGER: Duration = Duration::from_millis(2);

/// When nobody has joined for so long, nobody else is about to: a signature takes less.
const PAUSE: Duration = Duration::from_micros(400);

/// A batch of so many waits for no more: its synchronous write costs each of them next to nothing.
const ENOUGH: usize = 32;

/// The most that one transaction takes.
const BATCH: usize = 256;

/// One thread that writes, and the queue in front of it.
///
/// A transaction takes whatever has queued up meanwhile. Before it begins, it waits a moment for as many as were there for
/// the one before, and for requests that are in flight, so that they share its synchronous write: callers who got their
/// answers come back. A lone caller waits for nobody.
pub struct Recorder {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// A request that will probably be submitted soon. Dropped, it is not.
#[derive(Debug)]
pub struct InFlight(Arc<Shared>);

/// Why a submission has no outcome.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The queue is full, or the recorder is stopping; nothing was recorded.
    #[error("too much is waiting to be recorded: try again")]
    Full,
    /// This one could not be recorded; others of its batch may have been.
    #[error(transparent)]
    Refused(Arc<StoreError>),
    /// The batch failed as a whole. After [`StoreError::Disk`] nobody knows what is recorded.
    #[error(transparent)]
    Batch(Arc<StoreError>),
}

/// Told of every transaction: how many submissions it had, and how long it took.
type Observe = Box<dyn Fn(usize, Duration) + Send + Sync>;

type Done = Box<dyn FnOnce(Result<Outcome, Lost>) + Send>;

struct Shared {
    store: Arc<dyn Store>,
    observe: Observe,
    most: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<(Submission, Done)>,
    in_flight: usize,
    /// How many were there for the last transaction: in it, or queued behind it.
    company: usize,
    /// How many the writer waits for; fewer do not wake it.
    wanted: usize,
    stopping: bool,
}

impl Recorder {
    /// Starts the thread. At most `most` submissions wait; more are refused at once.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(store: Arc<dyn Store>, most: usize) -> std::io::Result<Self> {
        Self::observed(store, most, |_, _| ())
    }

    /// As [`start`](Self::start), telling `observe` of every transaction: how many submissions it had, and how long it took,
    /// whether or not it went well. It is called on the recorder's thread, and must not block.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn observed(store: Arc<dyn Store>, most: usize, observe: impl Fn(usize, Duration) + Send + Sync + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { store, observe: Box::new(observe), most, queue: Mutex::default(), changed: Condvar::new() });
        let writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || writer.write())?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Tells of a request that will be submitted as soon as its certificate is signed.
    pub fn enter(&self) -> InFlight {
        let mut queue = self.shared.lock();
        queue.in_flight = queue.in_flight.saturating_add(1);
        InFlight(Arc::clone(&self.shared))
    }

    /// Queues a submission; `done` is called on the recorder's thread when its outcome is durable, and must not block.
    ///
    /// # Errors
    /// [`Lost::Full`]; `done` is not called then.
    pub fn submit(&self, request: InFlight, submission: Submission, done: impl FnOnce(Result<Outcome, Lost>) + Send + 'static) -> Result<(), Lost> {
        let mut queue = self.shared.lock();
        if queue.stopping || queue.waiting.len() >= self.shared.most {
            drop(queue);
            drop(request);
            return Err(Lost::Full);
        }
        queue.waiting.push((submission, Box::new(done)));
        let wakes = queue.waiting.len() >= queue.wanted;
        drop(queue);
        // It is in the queue now, so it is not in flight any more.
        drop(request);
        if wakes {
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    /// How many submissions wait for a transaction.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    /// Records what was queued, and ends the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.in_flight = queue.in_flight.saturating_sub(1);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that holds the lock can panic halfway through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        while let Some(batch) = self.next_batch() {
            let (submissions, dones): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let recorded = self.submit(submissions);
            let mut queue = self.lock();
            queue.company = dones.len().saturating_add(queue.waiting.len());
            drop(queue);
            match recorded {
                Ok(outcomes) => {
                    dones.into_iter().zip(outcomes).for_each(|(done, outcome)| done(outcome.map_err(|e| Lost::Refused(Arc::new(e)))));
                }
                Err(e) => {
                    let e = Arc::new(e);
                    dones.into_iter().for_each(|done| done(Err(Lost::Batch(Arc::clone(&e)))));
                }
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "it measures how long the store takes")]
    fn submit(&self, submissions: Vec<Submission>) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let (size, began) = (submissions.len(), Instant::now());
        let outcomes = self.store.submit(submissions);
        (self.observe)(size, began.elapsed());
        outcomes
    }

    /// What the next transaction takes; `None` when everything was recorded and nothing more comes.
    fn next_batch(&self) -> Option<Vec<(Submission, Done)>> {
        let mut queue = self.lock();
        while queue.waiting.is_empty() {
            if queue.stopping {
                return None;
            }
            queue.wanted = 1;
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue = self.joined(queue);
        let taken = queue.waiting.len().min(BATCH);
        Some(queue.waiting.drain(..taken).collect())
    }

    /// Waits for those who are likely to join.
    #[allow(clippy::disallowed_methods, reason = "it measures how long it waits; what is recorded does not depend on it")]
    fn joined<'a>(&'a self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        let until = Instant::now().checked_add(LINGER);
        loop {
            let there = queue.waiting.len();
            queue.wanted = queue.company.max(there.saturating_add(queue.in_flight)).min(ENOUGH);
            let left = until.and_then(|until| until.checked_duration_since(Instant::now())).unwrap_or_default();
            if there >= queue.wanted || queue.stopping || left.is_zero() {
                return queue;
            }
            let (next, waited) = self.changed.wait_timeout(queue, left.min(PAUSE)).unwrap_or_else(PoisonError::into_inner);
            queue = next;
            if waited.timed_out() && queue.waiting.len() == there && queue.in_flight == 0 {
                return queue;
            }
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("queue", &*self.shared).finish()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("Queue")
            .field("waiting", &queue.waiting.len())
            .field("in_flight", &queue.in_flight)
            .field("stopping", &queue.stopping)
            .finish()
    }
}
