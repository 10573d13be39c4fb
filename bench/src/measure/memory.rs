//! (e) What an idle instance costs, everything counted.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::Bench;
use crate::http::Connection;
use crate::memory::{Footprint, available_mb};
use crate::package::{CLOCK, small};
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::Server;

const FUNCTION: &str = "idle";
/// How long a pool may remember the demand that it was sized for.
const DEMAND_MAX: Duration = Duration::from_secs(22);
/// How long the pools may take to shrink after so many starts.
const SHRINK_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(500);
/// The kernel frees some of what died only after a while.
const SETTLE: Duration = Duration::from_secs(2);

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let instances = bench.samples(200, 40);
    let without_server = available_mb()?;
    let server = Server::start(bench)?;
    server.create(FUNCTION, &small(CLOCK)?)?;
    // One call before the baseline, so that what every first call loads is in it.
    fill(&server, 1)?;
    server.make_cold(FUNCTION, 1)?;
    let pool = rest(&server, 0, None)?;
    let (available_before, before) = (available_mb()?, Footprint::of_tree(server.id())?);
    fill(&server, instances)?;
    rest(&server, instances, Some(pool))?;
    let (available_after, after) = (available_mb()?, Footprint::of_tree(server.id())?);
    let each = |total: f64| total / instances as f64;
    let whole = each(available_before - available_after);
    let processes = each(after.pss_mb - before.pss_mb);
    let mut table = Table::new(format!("one of {instances} idle instances"), Unit::Megabytes);
    table.add(
        Whose::Ours,
        "A: whole system, by MemAvailable: the kernel, control groups and networks counted",
        &[whole],
    );
    table.add(
        Whose::Ours,
        "B: its processes, by proportional set size, the server's growth counted",
        &[processes],
    );
    let mut all_in = whole.max(processes);
    if let (Some(before), Some(after)) = (before.kernel_mb, after.kernel_mb) {
        let kernel = each(after - before);
        table.add(Whose::Ours, "C: kernel memory charged to control groups", &[kernel]);
        all_in = whole.max(processes + kernel);
    }
    table.add(Whose::Ours, "all-in: the larger of A and B + C", &[all_in]);
    section.tables.push(table);
    let mut table = Table::new("no instance", Unit::Megabytes);
    table.add(
        Whose::Ours,
        format!("server, zygote and {pool} stem cells, by MemAvailable"),
        &[without_server - available_before],
    );
    table.add(Whose::Ours, "the same, by proportional set size", &[before.pss_mb]);
    table.add(Whose::Ours, "of that, the server's own process", &[before.root_pss_mb]);
    section.tables.push(table);
    section.targets = vec![Target::below("idle Python instance, all-in", all_in, 1.5, "MB")];
    section.how = vec![format!(
        "{instances} calls at once, each of which waits; then all are idle, and the pool is as large as before."
    )];
    Ok(())
}

/// Makes as many instances: calls at once, so long that none is free for another.
fn fill(server: &Server, instances: usize) -> Result<()> {
    let seconds = if instances > 1 { 8 } else { 0 };
    let request = server.invocation(FUNCTION, &format!(r#"{{"seconds": {seconds}}}"#));
    let mut connections = (0..instances)
        .map(|_| Connection::open(server.gateway()))
        .collect::<Result<Vec<_>>>()?;
    for connection in &mut connections {
        connection.send(&request)?;
    }
    for connection in &mut connections {
        connection.receive()?.ok()?;
    }
    Ok(())
}

/// Waits until so many instances are idle and the pool has its resting size, this one where it is known; tells it.
fn rest(server: &Server, instances: usize, pool: Option<u64>) -> Result<u64> {
    let deadline = Instant::now() + SHRINK_MAX;
    if pool.is_none() {
        thread::sleep(DEMAND_MAX);
    }
    loop {
        server.rest()?;
        let status = server.status()?;
        if status.idle != instances as u64 {
            bail!("{} idle instances instead of {instances}", status.idle);
        }
        if pool.is_none_or(|pool| pool == status.stem_cells) {
            thread::sleep(SETTLE);
            return Ok(status.stem_cells);
        }
        if Instant::now() > deadline {
            bail!(
                "{} stem cells instead of {pool:?}: the figures would count them",
                status.stem_cells
            );
        }
        thread::sleep(LOOK);
    }
}
