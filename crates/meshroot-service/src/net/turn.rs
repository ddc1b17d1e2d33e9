//! An h2 connection and the request that it carries, in one task. The framework gives every request a task of its own; for a client that
//! waits for one answer at a time, as they all do, the way from task to task costs as much as a tenth of everything but the signatures.

use core::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker};

/// So often is a connection looked after within one turn; then others have theirs.
const ROUNDS: usize = 4;

/// A request on its way to its answer.
type Request = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a connection's requests are answered: one in the connection's own task, and further ones meanwhile in tasks of their own, so that
/// no signature waits for another.
#[derive(Clone, Default)]
pub(super) struct Nearby(Arc<Mutex<Option<Request>>>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Nearby {
    fn execute(&self, request: F) {
        // Whoever has the lock is a request that begins another one.
        let place = match self.0.try_lock() {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(place)) => Some(place.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match place {
            Some(mut place) if place.is_none() => *place = Some(Box::pin(request)),
            _ => drop(tokio::spawn(request)),
        }
    }
}

impl Nearby {
    fn place(&self) -> MutexGuard<'_, Option<Request>> {
        // One task has both ends, so nobody ever waits here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on with the request that is there. Answers whether there is none now.
    fn poll(&self, cx: &mut Context<'_>) -> bool {
        let mut place = self.place();
        let Some(request) = place.as_mut() else { return true };
        // A request that panics takes nothing else with it, as in a task of its own.
        let goes_on = matches!(catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(cx))), Ok(Poll::Pending));
        if !goes_on {
            *place = None;
        }
        !goes_on
    }
}

/// Serves a connection, whose executor is `nearby`, with the request that is there. `flush` follows when both have had their turn, and may
/// end it.
pub(super) async fn serve<T>(connection: impl Future<Output = T>, nearby: Nearby, mut flush: impl FnMut(&mut Context<'_>) -> Option<T>) -> T {
    let mut connection = pin!(connection);
    let mut bell: Option<Arc<Bell>> = None;
    let ended = poll_fn(|cx| {
        let bell = match &mut bell {
            Some(bell) if bell.task.will_wake(cx.waker()) => bell,
            other => other.insert(Arc::new(Bell { task: cx.waker().clone(), state: AtomicU8::new(RESTS) })),
        };
        let waker = Waker::from(Arc::clone(bell));
        let mut inside = Context::from_waker(&waker);
        for _ in 0..ROUNDS {
            bell.begin();
            let free = nearby.poll(&mut inside);
            if let Poll::Ready(ended) = connection.as_mut().poll(&mut inside) {
                let _ = flush(&mut inside);
                return Poll::Ready(ended);
            }
            if free {
                // What has come in just now.
                nearby.poll(&mut inside);
            }
            if bell.rests() {
                return flush(&mut inside).map_or(Poll::Pending, Poll::Ready);
            }
        }
        bell.leave();
        flush(&mut inside).map_or(Poll::Pending, Poll::Ready)
    })
    .await;
    // A client that hangs up breaks nothing off.
    if let Some(request) = nearby.place().take() {
        tokio::spawn(request);
    }
    ended
}

/// What connection and request wake one another by, without a new turn for the one when the other is having it.
struct Bell {
    task: Waker,
    state: AtomicU8,
}

/// The task has to be woken.
const RESTS: u8 = 0;
/// It is having its turn.
const BUSY: u8 = 1;
/// It is, and has to look again.
const RUNG: u8 = 2;

impl Bell {
    fn begin(&self) {
        self.state.swap(BUSY, Ordering::AcqRel);
    }

    /// Ends the turn, unless it rang.
    fn rests(&self) -> bool {
        self.state.compare_exchange(BUSY, RESTS, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Ends the turn, for another one later.
    fn leave(&self) {
        self.state.swap(RESTS, Ordering::AcqRel);
        self.task.wake_by_ref();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(BUSY, RUNG, Ordering::AcqRel, Ordering::Acquire) == Err(RESTS) {
            self.task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use hyper::rt::Executor;
    use tokio::sync::{mpsc, oneshot};
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// In a task of its own, which only the connection and its request wake.
    async fn served<T: Send + 'static>(connection: impl Future<Output = T> + Send + 'static, nearby: Nearby) -> T {
        let serving = tokio::spawn(serve(connection, nearby, |_| None));
        timeout(SOON, serving).await.expect("nobody was woken").unwrap()
    }

    /// What arrives, in order, until the sender is gone.
    async fn count(mut arriving: mpsc::UnboundedReceiver<usize>) -> usize {
        let mut next = 0;
        while let Some(n) = arriving.recv().await {
            assert_eq!(n, next);
            next = n.wrapping_add(1);
            // Sometimes it rings while it is having its turn.
            if n % 3 == 0 {
                tokio::task::yield_now().await;
            }
        }
        next
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_ring_is_lost_whenever_it_comes() {
        let (send, arriving) = mpsc::unbounded_channel();
        let (to_request, for_request) = mpsc::unbounded_channel();
        let ringing = std::thread::spawn(move || {
            for n in 0..20_000 {
                send.send(n).unwrap();
                to_request.send(n).unwrap();
                (0..n % 64).for_each(|_| core::hint::spin_loop());
                if n % 50 == 0 {
                    std::thread::sleep(Duration::from_micros(60));
                }
            }
        });
        let nearby = Nearby::default();
        let (done, counted) = oneshot::channel();
        nearby.execute(async move { done.send(count(for_request).await).unwrap() });
        let both = async {
            let counted = async { counted.await.unwrap() };
            tokio::join!(count(arriving), counted)
        };
        assert_eq!(served(both, nearby).await, (20_000, 20_000));
        ringing.join().unwrap();
    }

    #[tokio::test]
    async fn a_request_waits_for_no_other() {
        let nearby = Nearby::default();
        let (go_on, waits) = oneshot::channel();
        let (first, first_answer) = oneshot::channel();
        let (second, second_answer) = oneshot::channel();
        nearby.execute(async move { first.send(waits.await.unwrap()).unwrap() });
        nearby.execute(async move { second.send("second").unwrap() });
        let both = async {
            let second = second_answer.await.unwrap();
            go_on.send("first").unwrap();
            (second, first_answer.await.unwrap())
        };
        assert_eq!(served(both, nearby).await, ("second", "first"));
    }

    #[tokio::test]
    async fn what_was_begun_goes_on_when_the_client_hangs_up() {
        let nearby = Nearby::default();
        let (recorded, waits) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        nearby.execute(async move {
            waits.await.unwrap();
            done.send(()).unwrap();
        });
        served(async {}, nearby).await;
        recorded.send(()).expect("the request was broken off");
        timeout(SOON, finished).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_request_that_panics_ends_alone() {
        let nearby = Nearby::default();
        nearby.execute(async { panic!("planted") });
        let after = {
            let nearby = nearby.clone();
            async move {
                let (send, answered) = oneshot::channel();
                nearby.execute(async move { send.send("answered").unwrap() });
                answered.await
            }
        };
        assert_eq!(served(after, nearby).await, Ok("answered"));
    }

    #[test]
    fn who_always_has_something_to_do_lets_others_have_their_turn() {
        let polls = AtomicUsize::new(0);
        let busy = poll_fn(|cx| {
            cx.waker().wake_by_ref();
            if polls.fetch_add(1, Ordering::Relaxed) > 1_000 { Poll::Ready(()) } else { Poll::Pending }
        });
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let flushed = AtomicUsize::new(0);
        let mut served = pin!(serve(busy, Nearby::default(), |_| {
            flushed.fetch_add(1, Ordering::Relaxed);
            None
        }));
        assert!(served.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!((polls.load(Ordering::Relaxed), woken.0.load(Ordering::Relaxed)), (ROUNDS, 1));
        assert!(served.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert_eq!(flushed.load(Ordering::Relaxed), 2);
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
