//! A function: code that is linked, and called once for each event.

use std::io;

use bytes::Bytes;
use serde::Deserialize;
use skiff_domain::UserFault;
use skiff_runtimes::wire::Response;
use wasmtime::component::{self, Component, ResourceTable, TypedFunc};
use wasmtime::{Error, Module, Result, Store};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::code::{Code, NoCode};
use crate::engine::{Host, World};
use crate::fault;
use crate::output::{TooMuch, Written};
use crate::places::Places;

/// The variable in which a command finds the context.
const CONTEXT: &str = "SCF_CONTEXT";
/// What a command of WASI 0.1 begins in.
const START: &str = "_start";
/// What a component exports that is called for each event.
const HANDLE: &str = "handle";
/// What a component exports that is a command of WASI 0.2.
const RUN: &str = "wasi:cli/run@0.2";

/// What is read of [`skiff_runtimes::Load`].
#[derive(Debug, Deserialize)]
pub(crate) struct Order {
    handler: String,
    environment: Vec<(String, String)>,
    result_bytes_max: usize,
}

/// What `handle` takes, event and context, and what it gives: a result, or an error's text.
type Handle = TypedFunc<(String, String), (Result<String, String>,)>;

/// A function that can be called.
pub(crate) struct Program {
    order: Order,
    entry: Entry,
}

enum Entry {
    /// A command of WASI 0.1: an instance for each event.
    Module(wasmtime::InstancePre<WasiP1Ctx>),
    /// A command of WASI 0.2: likewise.
    Command(CommandPre<World>),
    /// A component that is kept, and what it has in its memory.
    Kept { store: Store<World>, handle: Handle },
}

/// Why code does not come to be a function.
#[derive(Debug)]
pub(crate) struct NoProgram {
    pub(crate) kind: Response,
    pub(crate) fault: UserFault,
}

/// How an event ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The program's answer.
    Answer(Response, Vec<u8>),
    /// It raised an error. What is kept of it cannot be relied on any more, where it is to end.
    Raised { fault: UserFault, ends: bool },
    /// It has ended the process.
    Exit(i32),
}

impl Program {
    /// Links the code that an order names.
    pub(crate) async fn load(host: &Host, places: &Places, order: Order) -> Result<Self, NoProgram> {
        let code = Code::open(&host.engine, &places.code, &order.handler).map_err(|error| NoProgram {
            kind: match error {
                NoCode::Missing(_) => Response::NoHandler,
                NoCode::Unreadable { .. } | NoCode::Foreign(_) | NoCode::Invalid { .. } => Response::LoadFailed,
            },
            fault: fault::text(error.to_string()),
        })?;
        let entry = match code {
            Code::Module(module) => link_module(host, &module, &order),
            Code::Component(component) => link_component(host, places, &component, &order).await,
        }?;
        Ok(Self { order, entry })
    }

    /// True for one whose own code has run already, to be kept.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.entry, Entry::Kept { .. })
    }

    /// Runs one event.
    pub(crate) async fn call(&mut self, places: &Places, context: &[u8], event: Vec<u8>) -> End {
        let bytes_max = self.order.result_bytes_max;
        if let Entry::Kept { store, handle } = &mut self.entry {
            return call_kept(store, handle, context, event, bytes_max).await;
        }
        let written = Written::new(bytes_max);
        let ended = match self.wasi(places, context, event, &written) {
            Ok(wasi) => self.run(wasi).await,
            Err(error) => Err(error.into()),
        };
        let fault = match ended {
            Ok(Ok(())) => match written.take() {
                Ok(result) => return End::Answer(Response::Wrote, result),
                Err(TooMuch(total)) => return too_large(total),
            },
            Ok(Err(())) => failed(1),
            Err(error) => match fault::exit_status(&error) {
                Some(status) => failed(status),
                None => fault::of(&error),
            },
        };
        // The next event has an instance of its own.
        End::Raised { fault, ends: false }
    }

    /// The surroundings of a command: the event is its input, the result its output.
    fn wasi(&self, places: &Places, context: &[u8], event: Vec<u8>, written: &Written) -> io::Result<WasiCtxBuilder> {
        let mut wasi = surroundings(places, &self.order)?;
        wasi.arg(&self.order.handler)
            .env(CONTEXT, String::from_utf8_lossy(context))
            .stdin(MemoryInputPipe::new(Bytes::from(event)))
            .stdout(written.clone());
        Ok(wasi)
    }

    /// Runs a command to its end. What it says itself of how it went is inside.
    async fn run(&self, mut wasi: WasiCtxBuilder) -> Result<Result<(), ()>> {
        match &self.entry {
            Entry::Module(linked) => {
                let mut store = Store::new(linked.module().engine(), wasi.build_p1());
                let instance = linked.instantiate_async(&mut store).await?;
                let start = instance.get_typed_func::<(), ()>(&mut store, START)?;
                let ended = start.call_async(&mut store, ()).await;
                ended.map(Ok).or_else(orderly)
            }
            Entry::Command(linked) => {
                let mut store = Store::new(linked.engine(), world(wasi.build()));
                let command = linked.instantiate_async(&mut store).await?;
                let ended = command.wasi_cli_run().call_run(&mut store).await;
                ended.or_else(orderly)
            }
            Entry::Kept { .. } => Ok(Ok(())),
        }
    }
}

/// An exit with status 0 is an end like any other.
fn orderly(error: Error) -> Result<Result<(), ()>> {
    match fault::exit_status(&error) {
        Some(0) => Ok(Ok(())),
        _ => Err(error),
    }
}

fn link_module(host: &Host, module: &Module, order: &Order) -> Result<Entry, NoProgram> {
    if module.get_export(START).is_none() {
        return Err(no_entry(order));
    }
    let linked = host.modules.instantiate_pre(module);
    linked.map(Entry::Module).map_err(|error| not_linked(order, &error))
}

async fn link_component(
    host: &Host,
    places: &Places,
    component: &Component,
    order: &Order,
) -> Result<Entry, NoProgram> {
    let exports = component.component_type();
    let mut exports = exports.exports(&host.engine);
    let is_kept = component.get_export_index(None, HANDLE).is_some();
    if !is_kept && !exports.any(|(name, _)| name.starts_with(RUN)) {
        return Err(no_entry(order));
    }
    let linked = host.components.instantiate_pre(component);
    let linked = linked.map_err(|error| not_linked(order, &error))?;
    if !is_kept {
        let command = CommandPre::new(linked);
        return command.map(Entry::Command).map_err(|error| not_linked(order, &error));
    }
    keep(places, &linked, order).await
}

/// Makes the instance that is kept. Whatever it does now is its initialisation.
async fn keep(places: &Places, linked: &component::InstancePre<World>, order: &Order) -> Result<Entry, NoProgram> {
    let failed = |error: &Error| NoProgram {
        kind: Response::LoadFailed,
        fault: fault::of(error),
    };
    let wasi = surroundings(places, order).map(|mut wasi| {
        // Its result is what it returns.
        wasi.arg(&order.handler).stdout(io::stderr());
        wasi.build()
    });
    let wasi = wasi.map_err(|error| failed(&error.into()))?;
    let mut store = Store::new(linked.component().engine(), world(wasi));
    let instance = linked
        .instantiate_async(&mut store)
        .await
        .map_err(|error| failed(&error))?;
    let handle = instance.get_typed_func(&mut store, HANDLE).map_err(|error| NoProgram {
        kind: Response::NoHandler,
        fault: fault::text(format!(
            "{HANDLE} of {} is not func(event: string, context: string) -> result<string, string>: {error:#}",
            order.handler
        )),
    })?;
    Ok(Entry::Kept { store, handle })
}

async fn call_kept(store: &mut Store<World>, handle: &Handle, context: &[u8], event: Vec<u8>, bytes_max: usize) -> End {
    let texts = (
        String::from_utf8_lossy(&event).into_owned(),
        String::from_utf8_lossy(context).into_owned(),
    );
    match handle.call_async(store, texts).await {
        Ok((Ok(result),)) if result.len() > bytes_max => too_large(result.len() as u64),
        Ok((Ok(result),)) => End::Answer(Response::Wrote, result.into_bytes()),
        Ok((Err(message),)) => End::Raised {
            fault: fault::text(message),
            ends: false,
        },
        Err(error) => match fault::exit_status(&error) {
            Some(status) => End::Exit(status),
            None => End::Raised {
                fault: fault::of(&error),
                ends: true,
            },
        },
    }
}

/// What every program has around it. Networks are what the sandbox has of them.
fn surroundings(places: &Places, order: &Order) -> io::Result<WasiCtxBuilder> {
    let mut wasi = WasiCtx::builder();
    wasi.envs(&order.environment)
        .stderr(io::stderr())
        .inherit_network()
        .allow_tcp(true)
        .allow_udp(true)
        .allow_ip_name_lookup(true)
        // There is nobody else whom waiting for a disk would hold up.
        .allow_blocking_current_thread(true);
    places.show(&mut wasi)?;
    Ok(wasi)
}

fn world(wasi: WasiCtx) -> World {
    World {
        wasi,
        table: ResourceTable::new(),
    }
}

fn failed(status: i32) -> UserFault {
    fault::text(format!("the program exited with status {status}"))
}

fn too_large(total: u64) -> End {
    End::Answer(Response::TooLarge, total.to_string().into_bytes())
}

fn no_entry(order: &Order) -> NoProgram {
    NoProgram {
        kind: Response::NoHandler,
        fault: fault::text(format!(
            "{} has nothing to call: it exports neither {HANDLE}, as a component, nor is it a command of WASI ({START} of \
             a module, wasi:cli/run of a component)",
            order.handler
        )),
    }
}

fn not_linked(order: &Order, error: &Error) -> NoProgram {
    NoProgram {
        kind: Response::LoadFailed,
        fault: fault::text(format!("{} needs what is not there: {error:#}", order.handler)),
    }
}
