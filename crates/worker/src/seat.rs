//! The place of a runtime's zygote: it is booted when it is needed, replaced when it is old or gone, let go when nobody
//! needs it.

use std::sync::Arc;

use skiff_runtimes::{Manifest, Speech};
use skiff_sandbox::{BootError, Zygote, ZygoteConfig};
use tokio::time::Instant;

use crate::config::PoolConfig;

/// One runtime's zygote: booted when needed, replaced when it is old or gone.
#[derive(Debug)]
pub(crate) struct ZygoteSeat {
    config: ZygoteConfig,
    manifest: Manifest,
    speech: Speech,
    pool: PoolConfig,
    seated: tokio::sync::Mutex<Option<Seated>>,
}

#[derive(Debug)]
struct Seated {
    zygote: Arc<Zygote>,
    births: u64,
    since: Instant,
    last: Instant,
}

impl ZygoteSeat {
    /// For functions that take events.
    pub(crate) fn new(config: ZygoteConfig, manifest: Manifest, pool: PoolConfig) -> Arc<Self> {
        let speech = manifest.speech();
        Self::with(config, manifest, speech, pool)
    }

    /// For web functions of this runtime.
    pub(crate) fn for_web(config: ZygoteConfig, manifest: &Manifest, pool: PoolConfig) -> Arc<Self> {
        Self::with(config, manifest.for_web(), Speech::Web, pool)
    }

    fn with(config: ZygoteConfig, manifest: Manifest, speech: Speech, pool: PoolConfig) -> Arc<Self> {
        Arc::new(Self {
            config,
            manifest,
            speech,
            pool,
            seated: tokio::sync::Mutex::default(),
        })
    }

    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn speech(&self) -> Speech {
        self.speech
    }

    pub(crate) fn pool(&self) -> &PoolConfig {
        &self.pool
    }

    /// The zygote for one birth. Children of one zygote share its address layout, so none has too many.
    pub(crate) async fn zygote(&self) -> Result<Arc<Zygote>, BootError> {
        let mut seated = self.seated.lock().await;
        if let Some(seat) = seated.as_mut() {
            let worn = seat.births >= self.pool.zygote_births_max || seat.since.elapsed() > self.pool.zygote_age_max;
            if seat.zygote.is_alive() && !worn {
                seat.births += 1;
                seat.last = Instant::now();
                return Ok(Arc::clone(&seat.zygote));
            }
        }
        // The old one lives on for as long as its children do.
        let zygote = Zygote::boot(&self.config, &self.manifest.template).await?;
        *seated = Some(Seated {
            zygote: Arc::clone(&zygote),
            births: 1,
            since: Instant::now(),
            last: Instant::now(),
        });
        Ok(zygote)
    }

    /// Lets the zygote go when nothing was born of it for a while. It lives on for as long as its children do, and the
    /// next birth boots another.
    pub(crate) fn rest(&self) {
        if let Ok(mut seated) = self.seated.try_lock()
            && seated
                .as_ref()
                .is_some_and(|seat| seat.last.elapsed() > self.pool.zygote_unused_max)
        {
            *seated = None;
        }
    }
}
