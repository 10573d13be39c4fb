//! What a program writes: to the log, or as its result.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use tokio::io::AsyncWrite;

/// As much may be written at once.
const PERMIT_BYTES: usize = 1 << 20;

/// A result in the making: kept up to its limit, and counted beyond it.
#[derive(Debug, Clone)]
pub(crate) struct Written(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    bytes_max: usize,
    total: u64,
}

/// More was written than a result may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooMuch(pub(crate) u64);

impl Written {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            bytes_max,
            ..Kept::default()
        })))
    }

    /// What was written.
    pub(crate) fn take(&self) -> Result<Vec<u8>, TooMuch> {
        let mut kept = self.kept();
        if kept.total > kept.bytes_max as u64 {
            return Err(TooMuch(kept.total));
        }
        Ok(std::mem::take(&mut kept.bytes))
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.kept();
        kept.total += bytes.len() as u64;
        if kept.total <= kept.bytes_max as u64 {
            kept.bytes.extend_from_slice(bytes);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for Written {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Written {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Written {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT_BYTES)
    }
}

impl Pollable for Written {
    fn ready<'a: 'b, 'b>(&'a mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'b>>
    where
        Self: 'b,
    {
        Box::pin(std::future::ready(()))
    }
}

impl AsyncWrite for Written {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_kept_up_to_its_limit_and_counted_beyond_it() {
        let written = Written::new(4);
        written.push(b"ab");
        written.push(b"cd");
        assert_eq!(written.take(), Ok(b"abcd".to_vec()));
        written.push(&[0; 1 << 20]);
        assert_eq!(written.take(), Err(TooMuch(4 + (1 << 20))));
        assert_eq!(written.kept().bytes.len(), 0);
    }
}
