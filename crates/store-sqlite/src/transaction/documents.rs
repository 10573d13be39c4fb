//! Documents, and the deletions the feed of changes remembers.

use rusqlite::params;
use skiff_store::{Expect, Key, Rev};

use super::{Applied, Counters, Transaction};

impl Transaction<'_> {
    pub(super) fn put(&mut self, key: &Key, value: &[u8], expect: Expect) -> rusqlite::Result<Applied> {
        let (key, rev) = (key.as_str(), self.counters.rev);
        let changed = match expect {
            Expect::Any => self.execute(
                "INSERT INTO docs (key, value, rev) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value, rev = excluded.rev",
                params![key, value, rev],
            )?,
            Expect::Absent => self.execute(
                "INSERT INTO docs (key, value, rev) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO NOTHING",
                params![key, value, rev],
            )?,
            Expect::Rev(Rev(found)) => self.execute(
                "UPDATE docs SET value = ?2, rev = ?3 WHERE key = ?1 AND rev = ?4",
                // A revision no file can hold is one no document has.
                params![key, value, rev, i64::try_from(found).unwrap_or(-1)],
            )?,
        };
        if changed == 1 {
            self.counters.gone -= self.execute("DELETE FROM gone WHERE key = ?1", [key])?;
        }
        Ok(Applied::when(changed == 1))
    }

    pub(super) fn delete(&mut self, key: &Key, expect: Expect) -> rusqlite::Result<Applied> {
        let key = key.as_str();
        let found: Option<u64> = self.one("SELECT rev FROM docs WHERE key = ?1", [key])?;
        let holds = match expect {
            Expect::Any => true,
            Expect::Absent => found.is_none(),
            Expect::Rev(rev) => found == Some(rev.0),
        };
        if holds && found.is_some() {
            self.execute("DELETE FROM docs WHERE key = ?1", [key])?;
            self.execute("INSERT INTO gone VALUES (?1, ?2)", params![key, self.counters.rev])?;
            self.counters.gone += 1;
        }
        Ok(Applied::when(holds))
    }

    /// Forgets the oldest deletions when there are too many, the oldest tenth at once.
    pub(super) fn forget_deletions(&mut self) -> rusqlite::Result<()> {
        let Counters { gone, .. } = self.counters;
        if gone <= self.deletions_max {
            return Ok(());
        }
        let excess = gone - (self.deletions_max - self.deletions_max / 10);
        let last = "SELECT rev FROM gone ORDER BY rev, key LIMIT 1 OFFSET ?1";
        if let Some(horizon) = self.one(last, [excess - 1])? {
            self.counters.horizon = horizon;
        }
        self.counters.gone -= self.execute(
            "DELETE FROM gone WHERE key IN (SELECT key FROM gone ORDER BY rev, key LIMIT ?1)",
            [excess],
        )?;
        Ok(())
    }
}
