//! (b) A call of an instance that is there, over HTTP.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::Bench;
use crate::clock::ms;
use crate::http::Connection;
use crate::package::{HELLO, small};
use crate::peers::axum::Axum;
use crate::peers::functions_framework::FunctionsFramework;
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::Server;

const FUNCTION: &str = "hello";
pub(crate) const EVENT: &str = r#"{"name": "Skiff"}"#;

pub(crate) const OURS: &str = "skiff";
pub(crate) const AXUM: &str = "axum";
pub(crate) const FRAMEWORK: &str = "functions-framework";

/// Everyone who answers, and what they are asked.
#[derive(Debug)]
pub(crate) struct Field {
    server: Server,
    axum: Axum,
    framework: FunctionsFramework,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) whose: Whose,
    pub(crate) address: SocketAddr,
    pub(crate) request: Vec<u8>,
    /// What it answers.
    pub(crate) body: Vec<u8>,
}

impl Field {
    pub(crate) fn start(bench: &Bench) -> Result<Self> {
        let server = Server::start(bench)?;
        server.create(FUNCTION, &small(HELLO)?)?;
        Ok(Self {
            server,
            axum: Axum::start()?,
            framework: FunctionsFramework::start(&bench.venv, EVENT)?,
        })
    }

    /// All of them, ours first. Each has answered once, and rightly.
    pub(crate) fn contenders(&self) -> Result<Vec<Contender>> {
        let (server, axum, framework) = (&self.server, &self.axum, &self.framework);
        let all = [
            (OURS, Whose::Ours, server.gateway(), server.invocation(FUNCTION, EVENT)),
            (AXUM, Whose::Theirs, axum.address, axum.request()),
            (FRAMEWORK, Whose::Theirs, framework.address, framework.request(EVENT)),
        ];
        all.into_iter()
            .map(|(name, whose, address, request)| {
                let mut connection = Connection::open(address)?;
                let body = connection.call(&request)?.ok()?.to_vec();
                if !String::from_utf8_lossy(&body).contains("Hello, ") {
                    bail!("{name} answers {}", String::from_utf8_lossy(&body));
                }
                Ok(Contender {
                    name,
                    whose,
                    address,
                    request,
                    body,
                })
            })
            .collect()
    }
}

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let field = Field::start(bench)?;
    let contenders = field.contenders()?;
    let mut connections = contenders
        .iter()
        .map(|contender| Ok((contender, Connection::open(contender.address)?, Vec::new())))
        .collect::<Result<Vec<_>>>()?;
    let warm_up = bench.samples(500, 50);
    for round in 0..warm_up + bench.samples(5000, 300) {
        // What one goes on with after it has answered falls on whoever is next: half the time on itself, on nobody else more.
        connections.reverse();
        for (contender, connection, samples) in &mut connections {
            let began = Instant::now();
            let body = connection.call(&contender.request)?.ok()?.to_vec();
            let elapsed = began.elapsed();
            if body != contender.body {
                bail!("{} answers {}", contender.name, String::from_utf8_lossy(&body));
            }
            if round >= warm_up {
                samples.push(ms(elapsed) * 1e3);
            }
        }
    }
    let mut table = Table::new("warm call", Unit::Microseconds);
    connections.sort_by_key(|(contender, ..)| contender.whose == Whose::Theirs);
    for (contender, _, samples) in &connections {
        table.add(contender.whose, contender.name, samples);
    }
    let table = table.compared();
    let median = |name| table.median(name).unwrap_or(f64::NAN);
    section.targets = vec![
        Target::below(
            "warm call, p50, against bare axum",
            median(OURS) / median(AXUM),
            4.0,
            "x",
        ),
        Target::below(
            "warm call, p50, against functions-framework",
            median(OURS) / median(FRAMEWORK),
            0.25,
            "x",
        ),
    ];
    section.tables.push(table);
    section.how = vec![
        "Call by call in turn, forwards and backwards: skiff, axum, functions-framework; a blocking client, everyone on \
         the same cores."
            .to_owned(),
        "skiff and functions-framework parse a JSON event, greet in Python and answer JSON; skiff checks who calls."
            .to_owned(),
        "axum answers GET / with a constant text from its own process, on a multi-threaded runtime.".to_owned(),
        format!(
            "functions-framework's own start, to its first answer: {:.0} ms.",
            ms(field.framework.start)
        ),
    ];
    Ok(())
}
