//! Whether the machine has room for another instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Between two looks at the machine's memory.
const PERIOD: Duration = Duration::from_millis(500);

/// The machine's free memory as of the last look. Reading it is free.
#[derive(Debug)]
pub(crate) struct Pressure {
    available: AtomicU64,
    reserve: u64,
}

impl Pressure {
    pub(crate) fn new(reserve: u64) -> Arc<Self> {
        Arc::new(Self {
            available: AtomicU64::new(available().unwrap_or(u64::MAX)),
            reserve,
        })
    }

    /// An error text when there is no room.
    pub(crate) fn check(&self) -> Result<(), String> {
        let available = self.available.load(Ordering::Relaxed);
        if available >= self.reserve {
            return Ok(());
        }
        Err(format!(
            "{} MB of memory are left and {} MB are kept for the host (--memory-reserve)",
            available >> 20,
            self.reserve >> 20
        ))
    }

    /// Looks again and again, for as long as it is polled.
    pub(crate) async fn watch(&self) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tick.tick().await;
            if let Some(bytes) = available() {
                self.available.store(bytes, Ordering::Relaxed);
            }
        }
    }
}

/// `MemAvailable`, in bytes. The file is the kernel's memory, not a disk.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_reserve_there_is_no_room() {
        assert!(Pressure::new(0).check().is_ok());
        assert!(Pressure::new(u64::MAX).check().is_err());
    }
}
