//! (c) How many calls are answered in a second when as many as there are connections are under way.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::Bench;
use crate::load::Order;
use crate::report::{Section, Table, Unit};

use super::warm::Field;

const CONNECTIONS: [usize; 3] = [1, 16, 64];

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let (rounds, seconds) = (bench.samples(5, 2), bench.samples(3, 1) as u64);
    let field = Field::start(bench)?;
    let contenders = field.contenders()?;
    for connections in CONNECTIONS {
        let mut rates = vec![Vec::new(); contenders.len()];
        let mut latencies = vec![Vec::new(); contenders.len()];
        // The first round starts instances and threads; it is nobody's figure.
        for round in 0..=rounds {
            for (at, contender) in contenders.iter().enumerate() {
                let order = Order {
                    address: contender.address,
                    request: &contender.request,
                    body: &contender.body,
                    connections,
                    duration: Duration::from_secs(seconds),
                };
                let outcome = order
                    .drive()
                    .with_context(|| format!("{} with {connections} connections", contender.name))?;
                if round > 0 {
                    rates[at].push(outcome.calls_per_second);
                    latencies[at].extend(outcome.latencies_ms);
                }
            }
        }
        let connections = match connections {
            1 => "1 connection".to_owned(),
            more => format!("{more} connections"),
        };
        let mut table = Table::new(format!("calls, {connections}"), Unit::PerSecond);
        let mut time = Table::new(format!("time of a call, {connections}"), Unit::Milliseconds);
        for (at, contender) in contenders.iter().enumerate() {
            table.add(contender.whose, contender.name, &rates[at]);
            time.add(contender.whose, contender.name, &latencies[at]);
        }
        section.tables.extend([table.compared(), time.compared()]);
    }
    section.how = vec![
        format!(
            "{rounds} rounds of {seconds} s each, in turn; a generator on one thread, on the same cores as everyone."
        ),
        "Each connection has one call under way at all times. skiff runs as many instances as there are connections."
            .to_owned(),
    ];
    Ok(())
}
