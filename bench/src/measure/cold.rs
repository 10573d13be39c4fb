//! (a) From a request for a function without an instance to its handler's first statement, and to the response.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Bench;
use crate::clock::{monotonic_ns, ms, ms_between};
use crate::http::Connection;
use crate::package::{CLOCK, small};
use crate::peers::interpreter;
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::{Server, creation};

pub(super) const FUNCTION: &str = "clock";
/// Nothing is under way any more when a sample begins.
pub(super) const CALM: Duration = Duration::from_millis(20);
/// The instance's start as the server saw it, where an answer carries it.
const INIT_HEADER: &str = "X-Scf-Init-Ms";

const HIT_STATEMENT: &str = "pool hit: request to first handler statement";
const BARE: &str = "python -I -S -c pass";

/// The samples of one server.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) statement: Vec<f64>,
    pub(super) response: Vec<f64>,
    pub(super) start: Vec<f64>,
}

/// Calls one function, whose result is the clock at its first statement, each time without an instance.
pub(super) struct Caller<'a> {
    server: &'a Server,
    connection: Connection,
    request: Vec<u8>,
    pub(super) samples: Samples,
}

impl<'a> Caller<'a> {
    /// A function that `CreateFunction` makes of this.
    pub(super) fn new(server: &'a Server, creation: &Value) -> Result<Self> {
        server.act("CreateFunction", creation)?;
        let mut caller = Self {
            server,
            connection: Connection::open(server.gateway())?,
            request: server.invocation(FUNCTION, "{}"),
            samples: Samples::default(),
        };
        // The first of all finds a cold machine; it is nobody's figure.
        caller.cold_call(0)?;
        caller.samples = Samples::default();
        Ok(caller)
    }

    pub(super) fn cold_call(&mut self, round: usize) -> Result<()> {
        self.server.make_cold(FUNCTION, round)?;
        thread::sleep(CALM);
        let sent = monotonic_ns();
        let answer = self.connection.call(&self.request)?;
        let answered = monotonic_ns();
        let text = std::str::from_utf8(answer.ok()?)?;
        let stated: i64 = text
            .trim()
            .parse()
            .with_context(|| format!("a handler answered {text}"))?;
        if !(sent..=answered).contains(&stated) {
            bail!("the handler's clock is not the client's");
        }
        self.samples.statement.push(ms_between(sent, stated));
        self.samples.response.push(ms_between(sent, answered));
        let start = answer.header(INIT_HEADER).and_then(|text| text.parse().ok());
        self.samples.start.extend::<Option<f64>>(start);
        Ok(())
    }
}

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let (_, python) = interpreter::of_the_server()?;
    let (hit, empty) = (Server::start(bench)?, Server::start_without_pool(bench)?);
    let creation = creation(FUNCTION, &small(CLOCK)?);
    let (mut hit, mut empty) = (Caller::new(&hit, &creation)?, Caller::new(&empty, &creation)?);
    let mut bare = Vec::new();
    for round in 1..=bench.samples(300, 20) {
        hit.cold_call(round)?;
        thread::sleep(CALM);
        bare.push(ms(interpreter::pass(&python)?));
        empty.cold_call(round)?;
    }
    let mut table = Table::new("cold start", Unit::Milliseconds);
    let (hit, empty) = (hit.samples, empty.samples);
    table.add(Whose::Ours, HIT_STATEMENT, &hit.statement);
    table.add(Whose::Ours, "pool hit: request to response", &hit.response);
    table.add(
        Whose::Ours,
        "pool hit: start of the instance, seen by the server",
        &hit.start,
    );
    table.add(
        Whose::Ours,
        "pool empty: request to first handler statement",
        &empty.statement,
    );
    table.add(Whose::Ours, "pool empty: request to response", &empty.response);
    table.add(
        Whose::Ours,
        "pool empty: start of the instance, seen by the server",
        &empty.start,
    );
    table.add(Whose::Theirs, BARE, &bare);
    let table = table.compared();
    let ours = table.median(HIT_STATEMENT).unwrap_or(f64::NAN);
    let theirs = table.median(BARE).unwrap_or(f64::NAN);
    section.targets = vec![
        Target::below(
            "cold start, pool hit, to first handler statement, median",
            ours,
            1.0,
            "ms",
        ),
        Target::below("the same, against the bare interpreter", ours / theirs, 0.15, "x"),
    ];
    section.tables.push(table);
    section.how = vec![
        "Direct invocation on a kept-alive connection; a new configuration before each call retires every instance."
            .to_owned(),
        "The handler's first statement reads CLOCK_MONOTONIC, which the client reads before it sends.".to_owned(),
        format!(
            "{} is spawned and waited for, bare: no sandbox, no code of a user, no HTTP.",
            python.display()
        ),
    ];
    Ok(())
}
