//! (h) Many calls at once of a function that has no instance, each of which keeps its instance until all of them run.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::executed::{java, node};
use crate::Bench;
use crate::clock::{monotonic_ns, ms_between};
use crate::http::Connection;
use crate::package::{CLOCK, small};
use crate::report::{Section, Table, Unit, Whose};
use crate::server::{Server, creation};

const BURST: usize = 50;
const FUNCTION: &str = "burst";
/// How long a pool remembers the demand that it was sized for, and may take to shrink.
const CALM: Duration = Duration::from_secs(22);
/// For the pool to grow by the demand that there was.
const REFILL: Duration = Duration::from_secs(5);

/// One function, and how its burst is measured.
struct Order<'a> {
    name: &'a str,
    request: Vec<u8>,
    rounds: usize,
}

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    section.how = vec![
        format!("{BURST} direct invocations sent at once over as many connections, after {CALM:?} without a start: the pool has"),
        "the few stem cells it always has. Each call keeps its instance until all run; afterwards there must be as many.".to_owned(),
        format!("*Again* is a second burst, of a new configuration, {REFILL:?} later, while the pool remembers the first."),
    ];
    let classes = tempfile::tempdir_in(&bench.scratch)?;
    let languages = [node(), java(classes.path())?];
    let runtimes: Vec<&str> = languages.iter().map(|language| language.runtime).collect();
    let server = Server::start_with_runtimes(bench, &runtimes)?;

    server.act("CreateFunction", &creation(FUNCTION, &small(CLOCK)?))?;
    let python = Order {
        name: "Python",
        request: server.invocation(FUNCTION, r#"{"seconds": 2}"#),
        rounds: bench.samples(5, 1),
    };
    section.tables.push(python.measure(&server)?);
    server.delete(FUNCTION)?;
    for language in languages {
        server.act("CreateFunction", &language.creation(FUNCTION, language.holding)?)?;
        let order = Order {
            name: language.runtime,
            request: server.invocation(FUNCTION, language.event),
            rounds: bench.samples(2, 1),
        };
        let table = order.measure(&server).with_context(|| language.runtime.to_owned())?;
        section.tables.push(table);
        server.delete(FUNCTION)?;
    }
    Ok(())
}

impl Order<'_> {
    fn measure(&self, server: &Server) -> Result<Table> {
        let (mut calm, mut again) = (Vec::new(), Vec::new());
        for round in 0..self.rounds {
            server.make_cold(FUNCTION, 2 * round)?;
            thread::sleep(CALM);
            server.rest()?;
            calm.extend(self.burst(server)?);
            server.make_cold(FUNCTION, 2 * round + 1)?;
            thread::sleep(REFILL);
            again.extend(self.burst(server)?);
        }
        let title = format!("burst of {BURST}, {}: sent to first handler statement", self.name);
        let mut table = Table::new(title, Unit::Milliseconds);
        table.add(Whose::Ours, "after a quiet time", &calm);
        table.add(Whose::Ours, "again", &again);
        Ok(table)
    }

    /// From sending to each handler's first statement.
    fn burst(&self, server: &Server) -> Result<Vec<f64>> {
        let mut connections = (0..BURST)
            .map(|_| Connection::open(server.gateway()))
            .collect::<Result<Vec<_>>>()?;
        let began = monotonic_ns();
        for connection in &mut connections {
            connection.send(&self.request)?;
        }
        let mut waits = Vec::new();
        for connection in &mut connections {
            let answer = connection.receive()?;
            let stated: i64 = std::str::from_utf8(answer.ok()?)?.trim().parse()?;
            waits.push(ms_between(began, stated));
        }
        // Whoever was served by an instance that had served already would have found it warm.
        let idle = server.status()?.idle;
        if idle != BURST as u64 {
            bail!("{idle} instances served {BURST} calls: some had ended before all ran");
        }
        Ok(waits)
    }
}
