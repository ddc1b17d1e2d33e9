//! HTTP/1.1 over TLS, whose connections hold next to nothing while nobody asks anything: the framework's buffers are let go, and made anew
//! with the next request.

use core::convert::Infallible;
use core::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use crate::front::Answering;

/// After one to two of these without a request a connection rests.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a client may take to let us say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

/// Serves until the client ends it, or says nothing for `idle`, or `stop` turns true; then what was taken is still answered.
pub(super) async fn serve(
    stream: Box<TlsStream<TcpStream>>,
    http: &http1::Builder,
    answer: impl Fn(Request<Incoming>) -> Answering + Send + Sync + 'static,
    idle: Duration,
    mut stop: watch::Receiver<bool>,
) -> Result<(), hyper::Error> {
    let answer = Arc::new(answer);
    let mut stopping = false;
    let mut stopped = pin!(super::stopped(&mut stop));
    let (mut stream, mut begun) = (stream, Bytes::new());
    loop {
        let progress = Arc::new(Progress::default());
        let (counted, answer) = (Arc::clone(&progress), Arc::clone(&answer));
        let service = hyper::service::service_fn(move |request| counted.count(answer(request)));
        // Not in this future's own space, which is there as long as the connection.
        let wire = TokioIo::new(Wire { stream, begun, progress: Arc::clone(&progress) });
        let mut connection = Box::pin(http.serve_connection(wire, service));
        let mut pause = pin!(sleep(PAUSE));
        let (mut seen, mut rests) = (0, false);
        // One turn. The pause is looked at only when there is nothing to do, so that a request that lasts wakes nobody.
        let served = poll_fn(|cx| {
            loop {
                if let Poll::Ready(ended) = connection.poll_without_shutdown(cx) {
                    return Poll::Ready(ended);
                }
                if !stopping && stopped.as_mut().poll(cx).is_ready() {
                    stopping = true;
                } else if !rests && progress.is_done() && pause.as_mut().poll(cx).is_ready() {
                    let taken = progress.taken.load(Ordering::Relaxed);
                    pause.set(sleep(PAUSE));
                    rests = taken > 0 && taken == seen;
                    seen = taken;
                    if !rests {
                        continue;
                    }
                } else {
                    return Poll::Pending;
                }
                connection.as_mut().graceful_shutdown();
            }
        });
        served.await?;
        (stream, begun) = taken_apart(Pin::into_inner(connection).into_parts());
        let goes_on = rests && !stopping && (!begun.is_empty() || somebody_asks(&mut stream, idle, stopped.as_mut()).await);
        if !goes_on {
            let _ = timeout(GOODBYE, stream.shutdown()).await;
            return Ok(());
        }
    }
}

/// What is left of a connection that has rested or ended. Nothing of it may live on in the future that waits for the next request: not
/// the buffer either, which an empty remainder would still hold.
fn taken_apart<S>(parts: http1::Parts<TokioIo<Wire>, S>) -> (Box<TlsStream<TcpStream>>, Bytes) {
    let begun = if parts.read_buf.is_empty() { Bytes::new() } else { parts.read_buf };
    (parts.io.into_inner().stream, begun)
}

/// Waits for the next request. `false` when none will come.
async fn somebody_asks(stream: &mut TlsStream<TcpStream>, idle: Duration, stopped: Pin<&mut impl Future<Output = ()>>) -> bool {
    tokio::select! {
        read = stream.fill_buf() => read.is_ok_and(|octets| !octets.is_empty()),
        () = stopped => false,
        () = sleep(idle) => false,
    }
}

/// How far a connection is.
#[derive(Debug, Default)]
struct Progress {
    taken: AtomicU64,
    answered: AtomicU64,
    /// Whether something was written since everything was out.
    unflushed: AtomicBool,
}

impl Progress {
    fn count(self: &Arc<Self>, answer: Answering) -> Counted {
        self.taken.fetch_add(1, Ordering::Relaxed);
        Counted { answer, progress: Arc::clone(self) }
    }

    /// Whether everything that was asked is answered, and the answers are out.
    fn is_done(&self) -> bool {
        self.taken.load(Ordering::Relaxed) == self.answered.load(Ordering::Relaxed) && !self.unflushed.load(Ordering::Relaxed)
    }
}

/// An answer that counts when it is there.
struct Counted {
    answer: Answering,
    progress: Arc<Progress>,
}

impl Future for Counted {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.answer.as_mut().poll(cx));
        self.progress.answered.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(answer)
    }
}

/// The stream, with what was read of it before.
#[derive(Debug)]
struct Wire {
    stream: Box<TlsStream<TcpStream>>,
    begun: Bytes,
    progress: Arc<Progress>,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.begun.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let n = self.begun.len().min(into.remaining());
        into.put_slice(self.begun.get(..n).unwrap_or_default());
        self.begun.advance(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.progress.unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, octets)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.progress.unflushed.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.progress.unflushed.store(false, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
