//! Calls that answer with more than one message.

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::{HeaderMap, Response, header};
use bytes::Bytes;
use hyper::body::Frame;
use prost::Message;
use tokio::sync::mpsc;

use super::status::{self, Status};
use super::{CONTENT_TYPE, frame};

/// Where the messages of an answer go. Dropped, the call has succeeded.
#[derive(Debug)]
pub(super) struct Messages(mpsc::Sender<Result<Bytes, Status>>);

/// The client is gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

impl Messages {
    /// An answer that has begun, and where its messages go.
    pub(super) fn begin() -> (Self, Response<Body>) {
        // One waits while one is on its way: a client that does not read makes nothing pile up.
        let (send, receive) = mpsc::channel(1);
        let mut response = Response::new(Body::new(Sent { receive, ended: false }));
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        (Self(send), response)
    }

    pub(super) async fn send(&self, message: &impl Message) -> Result<(), Gone> {
        self.0.send(Ok(frame::encode(message))).await.map_err(|_| Gone)
    }

    pub(super) async fn fail(self, status: Status) {
        let _ = self.0.send(Err(status)).await;
    }

    /// Until the client is gone.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// The messages as a body, with the status in its trailers.
struct Sent {
    receive: mpsc::Receiver<Result<Bytes, Status>>,
    ended: bool,
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.receive.poll_recv(context));
        Poll::Ready(Some(Ok(match next {
            Some(Ok(message)) => Frame::data(message),
            Some(Err(failed)) => {
                self.ended = true;
                let mut trailers = HeaderMap::new();
                failed.write(&mut trailers);
                Frame::trailers(trailers)
            }
            None => {
                self.ended = true;
                Frame::trailers(status::ok())
            }
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
