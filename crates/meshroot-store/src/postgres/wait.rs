use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Drives a future on the calling thread until it is done; `None` when the time is up first.
///
/// It needs no runtime and minds none, so a store can be called from anywhere: the sockets are served by a thread of the
/// store's own, and what is driven here only waits for that.
#[allow(clippy::disallowed_methods, reason = "it measures how long it waits; what is stored does not depend on it")]
pub(super) fn wait<F: Future>(future: F, at_most: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        let left = at_most.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_comes_is_not_waited_for_longer_than_said() {
        assert_eq!(wait(std::future::pending::<()>(), Duration::from_millis(20)), None);
        assert_eq!(wait(async { 7 }, Duration::ZERO), Some(7));
    }

    #[test]
    fn an_answer_from_another_thread_wakes_who_waits() {
        let (send, receive) = tokio::sync::oneshot::channel();
        thread::spawn(move || send.send(7));
        assert_eq!(wait(receive, Duration::from_secs(10)), Some(Ok(7)));
    }

    #[test]
    fn it_can_be_called_where_a_runtime_forbids_blocking() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { wait(async { 7 }, Duration::from_secs(1)) }), Some(7));
    }
}
