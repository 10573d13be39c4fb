//! How code is compiled and what it finds when it is linked: the same in every sandbox, so that what one has compiled
//! another can take.

use wasmtime::component::ResourceTable;
use wasmtime::{Config, Engine, Result, WasmBacktraceDetails, component};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// What a component's calls of WASI work on.
pub(crate) struct World {
    /// Its folders, streams and variables.
    pub(crate) wasi: WasiCtx,
    /// What it has open.
    pub(crate) table: ResourceTable,
}

impl WasiView for World {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// The compiler and WASI, for modules and for components.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    /// WASI 0.1, which modules are linked with.
    pub(crate) modules: wasmtime::Linker<WasiP1Ctx>,
    /// WASI 0.2, which components are linked with.
    pub(crate) components: component::Linker<World>,
}

impl Host {
    pub(crate) fn new() -> Result<Self> {
        let engine = engine()?;
        let mut modules = wasmtime::Linker::new(&engine);
        wasmtime_wasi::p1::add_to_linker_async(&mut modules, |wasi| wasi)?;
        let mut components = component::Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut components)?;
        Ok(Self {
            engine,
            modules,
            components,
        })
    }
}

/// What limits memory and time is the sandbox, as for every runtime: nothing is counted here.
fn engine() -> Result<Engine> {
    let mut config = Config::new();
    // Files and lines, where the package has them.
    config.wasm_backtrace_details(WasmBacktraceDetails::Enable);
    // Traces follow frame pointers.
    config.native_unwind_info(false);
    Engine::new(&config)
}
