//! (f) From a package of 1 MB in a request to a function that answers.

use std::fs::File;
use std::io::Write;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::Bench;
use crate::clock::ms;
use crate::http::Connection;
use crate::package::{CLOCK, large, small};
use crate::report::{Section, Table, Target, Unit, Whose};
use crate::server::{Server, creation, read_response};

const CREATED: &str = "CreateFunction: request to answer";

pub(crate) fn measure(bench: &Bench, section: &mut Section) -> Result<()> {
    let server = Server::start(bench)?;
    // There are other functions, as on most servers: their runtime is booted.
    server.create("resident", &small(CLOCK)?)?;
    let (mut created, mut invoked, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let mut api = Connection::open(server.api())?;
    let mut gateway = Connection::open(server.gateway())?;
    let mut bytes = 0;
    for round in 0..=bench.samples(40, 5) {
        let package = large(round as u64)?;
        bytes = package.len();
        let name = format!("upload-{round}");
        let (creation, invocation) = (creation(&name, &package), server.invocation(&name, r#"{"a": 1}"#));
        let creation = server.signed("CreateFunction", &creation);
        server.rest()?;
        let began = Instant::now();
        read_response("CreateFunction", api.call(&creation)?.ok()?)?;
        let answered = began.elapsed();
        let answer = gateway.call(&invocation)?;
        let called = began.elapsed();
        let body = answer.ok()?;
        if body != br#"[{"a": 1}, 0]"# {
            bail!("the uploaded function answers {}", String::from_utf8_lossy(body));
        }
        let durable = write_durably(bench, &package)?;
        // The first of all finds a cold machine; it is nobody's figure.
        if round > 0 {
            created.push(ms(answered));
            invoked.push(ms(called));
            written.push(durable);
        }
        server.delete(&name)?;
    }
    let mut table = Table::new("upload of 1 MB", Unit::Milliseconds);
    table.add(Whose::Ours, CREATED, &created);
    table.add(Whose::Ours, "and until its first call is answered", &invoked);
    table.add(Whose::Theirs, "the same bytes written and synced", &written);
    let table = table.compared();
    let ours = table.median(CREATED).unwrap_or(f64::NAN);
    section.targets = vec![Target::below("upload of 1 MB to invocable, median", ours, 50.0, "ms")];
    section.tables.push(table);
    section.how = vec![
        format!(
            "A zip of {bytes} bytes: 102 Python files, about 6 KB of source each, and data that does not compress."
        ),
        "It travels as base64 in a signed request. Every package is new; the call is a cold start, pool hit."
            .to_owned(),
    ];
    Ok(())
}

/// What nobody can do without who keeps what he acknowledges.
fn write_durably(bench: &Bench, bytes: &[u8]) -> Result<f64> {
    let path = bench.scratch.join(format!("skiff-bench-{}", std::process::id()));
    let began = Instant::now();
    let mut file = File::create(&path)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    let elapsed = began.elapsed();
    std::fs::remove_file(path)?;
    Ok(ms(elapsed))
}
