//! Sockets of the server's inside a cell's namespace, made after it: for what only some cells have.
//!
//! A socket stays in the namespace it was made in, so a thread goes there, makes it and ends there.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::net::TcpSocket;

/// A hand into one namespace. The namespace lives for as long as somebody holds one.
#[derive(Debug, Clone)]
pub struct Inside {
    netns: Arc<OwnedFd>,
}

impl Inside {
    pub(super) fn of(netns: &OwnedFd) -> io::Result<Self> {
        Ok(Self {
            netns: Arc::new(netns.try_clone()?),
        })
    }

    /// Listens there; what connects comes from this cell and no other. Non-blocking. Takes some ten microseconds.
    ///
    /// # Errors
    /// When the address is taken, or the kernel refuses.
    pub fn listen(&self, address: SocketAddr) -> io::Result<TcpListener> {
        self.make(|| {
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
    }

    /// A socket that connects to what listens there. Takes some ten microseconds.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn socket(&self) -> io::Result<TcpSocket> {
        self.make(TcpSocket::new_v4)
    }

    fn make<T: Send>(&self, make: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let maker = thread::Builder::new().name("skiff-inside".to_owned());
            let maker = maker.spawn_scoped(scope, || {
                move_into_link_name_space(self.netns.as_fd(), Some(LinkNameSpaceType::Network))?;
                make()
            })?;
            maker
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the thread in a namespace panicked")))
        })
    }
}
