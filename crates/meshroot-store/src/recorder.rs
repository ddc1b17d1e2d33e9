//! Group commit: what is to be recorded at about the same time goes into one transaction.

use core::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::{Outcome, Store, StoreError, Submission};

/// How long a batch waits for others to join it, at most.
const LINGER: Duration = Duration::from_millis(3);

/// A batch of so many waits for no more: its synchronous write costs each of them next to nothing.
const ENOUGH: usize = 32;

/// The most that one transaction takes.
const BATCH: usize = 256;

/// One thread that writes, and the queue in front of it.
///
/// A transaction takes whatever has queued up meanwhile. Before it begins, it waits a moment for as many as were there for
/// the one before, and for requests that are in flight, so that they share its synchronous write: callers who got their
/// answers come back. A lone caller waits for nobody.
///
/// A submission comes with a ticket, `T`, by which its outcome is handed over.
pub struct Recorder<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    writer: Option<JoinHandle<()>>,
}

/// A request that will probably be submitted soon. Dropped, it is not.
#[derive(Debug)]
pub struct InFlight(Arc<AtomicUsize>);

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

/// What one transaction came to.
#[derive(Debug)]
pub struct Transaction<T> {
    /// Every submission's ticket with its outcome, in the order in which they were submitted.
    pub outcomes: Vec<(T, Result<Outcome, Lost>)>,
    /// How long it took.
    pub took: Duration,
}

type Settle<T> = Box<dyn Fn(Transaction<T>) + Send + Sync>;

struct Shared<T> {
    store: Arc<dyn Store>,
    settle: Settle<T>,
    most: usize,
    queue: Mutex<Queue<T>>,
    changed: Condvar,
    in_flight: Arc<AtomicUsize>,
}

struct Queue<T> {
    waiting: Vec<(Submission, T)>,
    /// How many were there for the last transaction: in it, queued behind it, or on their way.
    company: usize,
    /// How many the writer sleeps for; fewer do not wake it. None while it is awake.
    wanted: Option<usize>,
    stopping: bool,
}

impl<T: Send + 'static> Recorder<T> {
    /// Starts the thread. At most `most` submissions wait; more are refused at once. `settle` is given what every transaction
    /// came to when it is durable, whether or not it went well, on the recorder's thread: it must not block.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(store: Arc<dyn Store>, most: usize, settle: impl Fn(Transaction<T>) + Send + Sync + 'static) -> std::io::Result<Self> {
        let queue = Queue { waiting: Vec::new(), company: 0, wanted: None, stopping: false };
        let (queue, in_flight) = (Mutex::new(queue), Arc::default());
        let shared = Arc::new(Shared { store, settle: Box::new(settle), most, queue, changed: Condvar::new(), in_flight });
        let writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || writer.write())?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Tells of a request that will be submitted as soon as its certificate is signed.
    pub fn enter(&self) -> InFlight {
        self.shared.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.shared.in_flight))
    }

    /// Queues a submission; with its ticket the outcome is handed over when it is durable.
    ///
    /// # Errors
    /// [`Lost::Full`]; the ticket is dropped then.
    pub fn submit(&self, request: InFlight, submission: Submission, ticket: T) -> Result<(), Lost> {
        let mut queue = self.shared.lock();
        // It is in the queue from here on, or nowhere; under the lock, so that the writer does not count it twice.
        drop(request);
        if queue.stopping || queue.waiting.len() >= self.shared.most {
            return Err(Lost::Full);
        }
        queue.waiting.push((submission, ticket));
        let wakes = queue.wanted.is_some_and(|wanted| queue.waiting.len() >= wanted);
        if wakes {
            // Once: a thread that is woken is not asleep any more.
            queue.wanted = None;
        }
        drop(queue);
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

impl<T: Send + 'static> Drop for Recorder<T> {
    fn drop(&mut self) {
        self.end();
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        // Nothing that holds the lock can panic halfway through a change.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) {
        while let Some(batch) = self.next_batch() {
            let (submissions, tickets): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let transaction = self.submit(submissions, tickets);
            let on_their_way = self.in_flight.load(Ordering::Relaxed);
            let mut queue = self.lock();
            queue.company = transaction.outcomes.len().saturating_add(queue.waiting.len()).saturating_add(on_their_way);
            drop(queue);
            (self.settle)(transaction);
        }
    }

    #[allow(clippy::disallowed_methods, reason = "it measures how long the store takes")]
    fn submit(&self, submissions: Vec<Submission>, tickets: Vec<T>) -> Transaction<T> {
        let began = Instant::now();
        let outcomes = self.store.submit(submissions);
        let took = began.elapsed();
        let outcomes = match outcomes {
            Ok(outcomes) => tickets.into_iter().zip(outcomes.into_iter().map(|outcome| outcome.map_err(|e| Lost::Refused(Arc::new(e))))).collect(),
            Err(e) => {
                let e = Arc::new(e);
                tickets.into_iter().map(|ticket| (ticket, Err(Lost::Batch(Arc::clone(&e))))).collect()
            }
        };
        Transaction { outcomes, took }
    }

    /// What the next transaction takes; `None` when everything was recorded and nothing more comes.
    fn next_batch(&self) -> Option<Vec<(Submission, T)>> {
        let mut queue = self.gathered(self.lock());
        while queue.waiting.is_empty() {
            if queue.stopping {
                return None;
            }
            // Nobody came back. Who comes next is waited for in the usual way.
            queue.company = 1;
            queue.wanted = Some(1);
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue = self.gathered(queue);
        }
        queue.wanted = None;
        let taken = queue.waiting.len().min(BATCH);
        Some(queue.waiting.drain(..taken).collect())
    }

    /// Waits, a moment at most, for those who are likely to join. They are told apart by nothing: it is woken when there are enough.
    #[allow(clippy::disallowed_methods, reason = "it measures how long it waits; what is recorded does not depend on it")]
    fn gathered<'a>(&'a self, mut queue: MutexGuard<'a, Queue<T>>) -> MutexGuard<'a, Queue<T>> {
        let until = Instant::now().checked_add(LINGER);
        loop {
            let there = queue.waiting.len();
            let on_their_way = self.in_flight.load(Ordering::Relaxed);
            let wanted = queue.company.max(there.saturating_add(on_their_way)).min(ENOUGH);
            let left = until.and_then(|until| until.checked_duration_since(Instant::now())).unwrap_or_default();
            if there >= wanted || queue.stopping || left.is_zero() {
                return queue;
            }
            queue.wanted = Some(wanted);
            (queue, _) = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("queue", &*self.shared).finish()
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.lock();
        f.debug_struct("Queue").field("waiting", &queue.waiting.len()).field("in_flight", &self.in_flight).field("stopping", &queue.stopping).finish()
    }
}
