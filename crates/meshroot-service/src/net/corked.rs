use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much is kept before it has to be written.
const MOST: usize = 64 << 10;

/// A stream whose writes are kept until [`Cork::release`], so that what one turn of a connection has to say becomes one record and one
/// write. The framework flushes after every frame with data; a gRPC answer took two writes, each of which wakes its reader.
#[derive(Debug)]
pub(super) struct Corked<S>(Arc<Mutex<Inner<S>>>);

/// By which the writes of a [`Corked`] stream are let go.
#[derive(Debug)]
pub(super) struct Cork<S>(Arc<Mutex<Inner<S>>>);

#[derive(Debug)]
struct Inner<S> {
    stream: S,
    kept: Vec<u8>,
    /// How much of it is written.
    written: usize,
}

impl<S> Corked<S> {
    pub(super) fn new(stream: S) -> (Self, Cork<S>) {
        let inner = Arc::new(Mutex::new(Inner { stream, kept: Vec::new(), written: 0 }));
        (Self(Arc::clone(&inner)), Cork(inner))
    }
}

fn lock<S>(inner: &Mutex<Inner<S>>) -> MutexGuard<'_, Inner<S>> {
    // One task has both ends, so nobody ever waits here.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncWrite + Unpin> Cork<S> {
    /// Writes what was kept. To be called when the connection has had its turn, and again whenever its task is woken.
    pub(super) fn release(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).write_out(cx)
    }
}

impl<S: AsyncWrite + Unpin> Inner<S> {
    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.kept.get(self.written..).filter(|left| !left.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.written = self.written.saturating_add(n),
            }
        }
        if !self.kept.is_empty() {
            // An idle connection keeps no buffer.
            (self.kept, self.written) = (Vec::new(), 0);
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn has_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.kept.len() < MOST { Poll::Ready(Ok(())) } else { self.write_out(cx) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Corked<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).stream).poll_read(cx, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Corked<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = lock(&self.0);
        ready!(inner.has_room(cx))?;
        inner.kept.extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut inner = lock(&self.0);
        ready!(inner.has_room(cx))?;
        let before = inner.kept.len();
        slices.iter().for_each(|slice| inner.kept.extend_from_slice(slice));
        Poll::Ready(Ok(inner.kept.len().saturating_sub(before)))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What is kept is on its way: it is let go at the end of this turn.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = lock(&self.0);
        ready!(inner.write_out(cx))?;
        Pin::new(&mut inner.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use core::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_was_written_in_one_turn_goes_out_at_its_end() {
        let (near, mut far) = duplex(1 << 20);
        let (mut corked, cork) = Corked::new(near);
        for part in [&b"head, "[..], b"data, ", b"trailers"] {
            corked.write_all(part).await.unwrap();
            corked.flush().await.unwrap();
        }
        let mut read = [0; 64];
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), far.read(&mut read)).await.is_err(), "something went out early");
        poll_fn(|cx| cork.release(cx)).await.unwrap();
        let n = far.read(&mut read).await.unwrap();
        assert_eq!(&read[..n], b"head, data, trailers");
    }

    #[tokio::test]
    async fn a_reader_that_is_slow_holds_the_writer_and_loses_nothing() {
        let (near, mut far) = duplex(1_000);
        let (mut corked, cork) = Corked::new(near);
        let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
        let expected = sent.clone();
        let writing = tokio::spawn(async move {
            for part in sent.chunks(7_001) {
                corked.write_all(part).await.unwrap();
                assert!(lock(&corked.0).kept.len() < MOST + 7_001, "it keeps without bound");
            }
            poll_fn(|cx| cork.release(cx)).await.unwrap();
            corked.shutdown().await.unwrap();
        });
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        writing.await.unwrap();
        assert!(read == expected);
    }

    #[tokio::test]
    async fn what_is_kept_goes_out_before_the_end() {
        let (near, mut far) = duplex(1_000);
        let (mut corked, _cork) = Corked::new(near);
        corked.write_all(b"goodbye").await.unwrap();
        corked.shutdown().await.unwrap();
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"goodbye");
    }
}
