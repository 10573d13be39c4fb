//! A bare axum route: what the HTTP stack alone costs. It runs in a process of its own, this program started anew.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::http;
use crate::process::Process;

/// The argument that makes this program the peer.
pub(crate) const ARGUMENT: &str = "peer-axum";

#[derive(Debug)]
pub(crate) struct Axum {
    pub(crate) address: SocketAddr,
    _process: Process,
}

impl Axum {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(ARGUMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the axum peer")?;
        let output = child.stdout.take();
        let process = Process::new(child);
        let mut line = String::new();
        BufReader::new(output.context("the axum peer's output")?).read_line(&mut line)?;
        let address = line.trim().parse().context("the axum peer's address")?;
        Ok(Self {
            address,
            _process: process,
        })
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        http::get(self.address, "/", &[])
    }
}

/// The peer itself: as axum's own first example, on as many threads as there are cores.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        let router = Router::new().route("/", get(|| async { "Hello, World!" }));
        // Skiff does so too: without it both would wait for more to send.
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await?;
        Ok(())
    })
}
