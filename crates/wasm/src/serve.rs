//! The conversation with the server: boots, warms itself, takes code and then runs one event at a time.

use std::io;
use std::path::Path;
use std::time::Instant;

use skiff_domain::COMPILED_SUFFIX;
use skiff_runtimes::inside::Inside;
use skiff_runtimes::wire::{Request, Response};
use skiff_sandbox::Waiting;
use tokio::runtime::{Builder, Runtime};

use crate::code;
use crate::engine::Host;
use crate::places::Places;
use crate::program::{End, Order, Program};

/// Serves until the server is gone, or the program is at its end.
pub(crate) fn serve(waiting: Waiting, places: &Places) -> io::Result<()> {
    let mut inside = Inside {
        requests: waiting.requests,
        responses: waiting.responses,
    };
    inside.answer(Response::Ready, 0, &[])?;
    // What there is to warm is needed in any case, and does not depend on the code.
    let host = Host::new().map_err(io::Error::other)?;
    let waits = Builder::new_current_thread().enable_io().enable_time().build()?;
    if waiting.warm {
        inside.answer(Response::Warm, 0, &[])?;
    }
    let (sequence, order) = loop {
        let (head, body) = inside.read()?;
        if head.kind == Request::Load as u32 {
            break (head.sequence, serde_json::from_slice(&body)?);
        }
        if head.kind != Request::Compile as u32 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        compile(&host, &places.code, &mut inside, head.sequence)?;
    };
    match load(&host, places, &waits, &mut inside, sequence, order)? {
        Some(program) => run(program, places, &waits, &mut inside),
        None => Ok(()),
    }
}

fn compile(host: &Host, package: &Path, inside: &mut Inside, sequence: u32) -> io::Result<()> {
    for path in code::sources(package) {
        let name = path.to_str().map(|name| format!("{name}{COMPILED_SUFFIX}"));
        if let (Some(name), Some(made)) = (name, code::compile(&host.engine, &package.join(&path))) {
            inside.compiled(sequence, &name, &made)?;
        }
    }
    inside.answer(Response::CompileDone, sequence, &[])
}

fn load(
    host: &Host,
    places: &Places,
    waits: &Runtime,
    inside: &mut Inside,
    sequence: u32,
    order: Order,
) -> io::Result<Option<Program>> {
    let begun = Instant::now();
    match waits.block_on(Program::load(host, places, order)) {
        Ok(program) => {
            let own = if program.is_kept() {
                begun.elapsed().as_micros()
            } else {
                0
            };
            inside.answer(Response::Loaded, sequence, own.to_string().as_bytes())?;
            Ok(Some(program))
        }
        Err(error) => {
            inside.answer(error.kind, sequence, &serde_json::to_vec(&error.fault)?)?;
            Ok(None)
        }
    }
}

fn run(mut program: Program, places: &Places, waits: &Runtime, inside: &mut Inside) -> io::Result<()> {
    loop {
        let (head, mut body) = inside.read()?;
        let length = body
            .first_chunk()
            .map_or(0, |length| u32::from_le_bytes(*length) as usize);
        let head_bytes = size_of::<u32>();
        if head.kind != Request::Invoke as u32 || body.len() < head_bytes + length {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let event = body.split_off(head_bytes + length);
        match waits.block_on(program.call(places, &body[head_bytes..], event)) {
            End::Answer(kind, text) => inside.answer(kind, head.sequence, &text)?,
            End::Raised { fault, ends } => {
                let kind = if ends { Response::RaisedLast } else { Response::Raised };
                inside.answer(kind, head.sequence, &serde_json::to_vec(&fault)?)?;
                if ends {
                    return Ok(());
                }
            }
            End::Exit(status) => std::process::exit(status),
        }
    }
}
