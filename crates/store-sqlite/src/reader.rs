//! Reads: a few connections, each used briefly by one question at a time.
//!
//! A reader that stays keeps the write-ahead log from being folded and lets it grow without bound. So every question
//! has a deadline, and every answer is small and read to its end before the connection goes back.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use skiff_store::{
    Bucket, Change, Doc, Entry, Key, LIMIT_MAX, Page, Prefix, QueueId, QueueStats, Rev, StoreError, UsageBy,
    UsageCounts, UsageQuery, UsageSum,
};
use tokio::sync::Semaphore;

use crate::connection::{self, corrupt, engine};

/// Connections, and so questions answered at the same time.
const READERS: usize = 4;
/// How long a question may take.
const DEADLINE: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock: some ten microseconds.
const STEPS: i32 = 1000;

/// The pool.
#[derive(Debug)]
pub(crate) struct Readers {
    places: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let open = |_| {
            let conn = connection::open(path)?;
            conn.pragma_update(None, "query_only", true)?;
            Ok(conn)
        };
        Ok(Self {
            places: Arc::new(Semaphore::new(READERS)),
            idle: Arc::new(Mutex::new((0..READERS).map(open).collect::<rusqlite::Result<_>>()?)),
        })
    }

    /// Lets the connections go as they come back; later questions are refused.
    pub(crate) fn close(&self) {
        self.places.close();
        self.idle.lock().clear();
    }

    /// Answers a question within the deadline, off the caller's thread.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read_within(DEADLINE, question).await
    }

    async fn read_within<T: Send + 'static>(
        &self,
        deadline: Duration,
        question: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (idle, places) = (Arc::clone(&self.idle), Arc::clone(&self.places));
        // Runs to its end even when the caller has gone, so that the connection always comes back.
        let answer = tokio::task::spawn_blocking(move || {
            let mut conn = idle.lock().pop().ok_or(StoreError::Closed)?;
            let until = Instant::now() + deadline;
            conn.progress_handler(STEPS, Some(move || Instant::now() > until))
                .map_err(engine)?;
            let answer = question(&mut conn);
            if !places.is_closed() {
                idle.lock().push(conn);
            }
            drop(place);
            answer
        });
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

pub(crate) fn get(conn: &Connection, key: &Key) -> Result<Option<Doc>, StoreError> {
    let mut statement = conn
        .prepare_cached("SELECT value, rev FROM docs WHERE key = ?1")
        .map_err(engine)?;
    let doc = statement.query_row([key.as_str()], |row| doc(row, 0)).optional();
    doc.map_err(engine)
}

pub(crate) fn list(
    conn: &mut Connection,
    prefix: &Prefix,
    after: Option<&Key>,
    limit: u32,
) -> Result<Page, StoreError> {
    let limit = limit.min(LIMIT_MAX) as usize;
    let end = prefix.end();
    // Behind `after`, and not before the prefix: the later of the two begins the range.
    let after = after.map(Key::as_str).filter(|after| *after >= prefix.as_str());
    let (from, start) = if let Some(after) = after {
        (">", after)
    } else {
        (">=", prefix.as_str())
    };
    let to = if end.is_some() {
        "AND key < ?3"
    } else {
        "AND ?3 IS NULL"
    };
    let sql = format!("SELECT value, rev, key FROM docs WHERE key {from} ?2 {to} ORDER BY key LIMIT ?1");
    // One transaction: the revision is that of the page.
    let tx = conn.transaction().map_err(engine)?;
    let rev = counter(&tx, "rev")?;
    let mut entries = {
        let mut statement = tx.prepare_cached(&sql).map_err(engine)?;
        let rows = statement.query_map(params![limit as u64 + 1, start, end], |row| {
            Ok((row.get::<_, String>(2)?, doc(row, 0)?))
        });
        collect(rows, |(key, doc)| {
            Ok(Entry {
                key: key.try_into().map_err(corrupt)?,
                doc,
            })
        })?
    };
    let more = entries.len() > limit;
    entries.truncate(limit);
    Ok(Page { entries, more, rev })
}

pub(crate) fn changes(conn: &mut Connection, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
    const SINCE: &str = "SELECT rev, key, value FROM docs WHERE rev > ?1 UNION ALL \
                         SELECT rev, key, NULL FROM gone WHERE rev > ?1 ORDER BY rev, key LIMIT ?2";
    const OF: &str = "SELECT rev, key, value FROM docs WHERE rev = ?1 UNION ALL \
                      SELECT rev, key, NULL FROM gone WHERE rev = ?1 ORDER BY rev, key LIMIT ?2";
    let tx = conn.transaction().map_err(engine)?;
    let horizon = counter(&tx, "horizon")?;
    if after < horizon {
        return Err(StoreError::Compacted { horizon });
    }
    let read = |sql: &str, rev: Rev, limit: i64| {
        let mut statement = tx.prepare_cached(sql).map_err(engine)?;
        let rows = statement.query_map(params![signed(rev.0), limit], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
        });
        collect(rows, |(rev, key, value): (u64, String, _)| {
            Ok(Change {
                rev: Rev(rev),
                key: key.try_into().map_err(corrupt)?,
                value: value.map(Into::into),
            })
        })
    };
    let limit = limit.clamp(1, LIMIT_MAX) as usize;
    let mut changes = read(SINCE, after, i64::try_from(limit + 1).unwrap_or(i64::MAX))?;
    if changes.len() > limit {
        let (first, cut) = (changes[0].rev, changes[limit].rev);
        if first == cut {
            return read(OF, first, i64::MAX);
        }
        changes.retain(|change| change.rev < cut);
    }
    Ok(changes)
}

pub(crate) fn queue_stats(conn: &Connection, queue: &QueueId, now_ms: i64) -> Result<QueueStats, StoreError> {
    let mut statement = conn
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE visible_at <= ?2),
                    count(*) FILTER (WHERE visible_at > ?2 AND NOT leased),
                    count(*) FILTER (WHERE visible_at > ?2 AND leased),
                    min(visible_at) FILTER (WHERE visible_at <= ?2)
             FROM messages WHERE queue = ?1 AND expires_at > ?2",
        )
        .map_err(engine)?;
    let counted = statement.query_row(params![queue.as_str(), now_ms], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Option<i64>>(3)?))
    });
    let (ready, delayed, leased, since) = counted.map_err(engine)?;
    Ok(QueueStats {
        ready,
        delayed,
        leased,
        ready_since: since
            .map(jiff::Timestamp::from_millisecond)
            .transpose()
            .map_err(corrupt)?,
    })
}

pub(crate) fn usage(conn: &Connection, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
    let (start_s, end_s) = (ceil_s(query.start), ceil_s(query.end));
    let piece = match query.bucket {
        Bucket::Minute => "minute_s",
        Bucket::Hour => "minute_s - minute_s % 3600",
        Bucket::Day => "minute_s - (minute_s + 28800) % 86400",
        Bucket::Whole => "NULL",
    };
    let (uid, group) = match query.by {
        UsageBy::Total => ("NULL", ""),
        UsageBy::Function => ("uid", ", uid"),
    };
    let mut filter = String::new();
    let mut values = vec![Value::from(start_s), Value::from(end_s)];
    if let Some(uid) = &query.uid {
        values.push(uid.as_str().to_owned().into());
        filter.push_str(&format!(" AND uid = ?{}", values.len()));
    }
    if let Some(namespace) = &query.namespace {
        values.push(namespace.as_str().to_owned().into());
        filter.push_str(&format!(" AND namespace = ?{}", values.len()));
    }
    let sql = format!(
        "SELECT {piece} AS piece, {uid}, max(namespace), max(name), sum(invocations), sum(errors), sum(throttles),
                sum(cold_starts), sum(duration_us), sum(billed_ms), sum(mb_ms), sum(egress_bytes),
                max(memory_peak_bytes)
         FROM usage WHERE minute_s >= ?1 AND minute_s < ?2{filter}
         GROUP BY piece{group} ORDER BY piece{group}"
    );
    let mut statement = conn.prepare_cached(&sql).map_err(engine)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        let names: (Option<i64>, Option<String>, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((names, counts(row)?))
    });
    collect(rows, |((piece_s, uid, namespace, name), counts)| {
        let function = match uid {
            None => None,
            Some(uid) => {
                let namespace = namespace.parse().map_err(corrupt)?;
                let name = name.parse().map_err(corrupt)?;
                Some((
                    uid.parse().map_err(corrupt)?,
                    skiff_domain::FunctionKey { namespace, name },
                ))
            }
        };
        let piece_s = piece_s.unwrap_or(query.start.as_second());
        Ok(UsageSum {
            start: jiff::Timestamp::from_second(piece_s).map_err(corrupt)?,
            function,
            counts,
        })
    })
}

fn counts(row: &Row<'_>) -> rusqlite::Result<UsageCounts> {
    Ok(UsageCounts {
        invocations: row.get(4)?,
        errors: row.get(5)?,
        throttles: row.get(6)?,
        cold_starts: row.get(7)?,
        duration_us: row.get(8)?,
        billed_ms: row.get(9)?,
        mb_ms: row.get(10)?,
        egress_bytes: row.get(11)?,
        memory_peak_bytes: row.get(12)?,
    })
}

/// The first whole second not before this time.
fn ceil_s(at: jiff::Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

fn counter(conn: &Connection, name: &str) -> Result<Rev, StoreError> {
    let sql = format!("SELECT {name} FROM counters");
    let mut statement = conn.prepare_cached(&sql).map_err(engine)?;
    statement.query_row([], |row| row.get(0).map(Rev)).map_err(engine)
}

/// A document of the columns `value, rev` from this one on.
fn doc(row: &Row<'_>, column: usize) -> rusqlite::Result<Doc> {
    Ok(Doc {
        value: row.get::<_, Vec<u8>>(column)?.into(),
        rev: Rev(row.get(column + 1)?),
    })
}

fn collect<R, T>(
    rows: rusqlite::Result<impl Iterator<Item = rusqlite::Result<R>>>,
    read: impl Fn(R) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.map_err(engine)?.map(|row| read(row.map_err(engine)?)).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_question_that_takes_too_long_is_stopped_and_its_connection_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let readers = Readers::open(&folder.path().join("skiff.db")).unwrap();
        let endless = |conn: &mut Connection| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            conn.query_row(sql, [], |row| row.get::<_, u64>(0)).map_err(engine)
        };
        for _ in 0..=READERS {
            let answer = readers.read_within(Duration::from_millis(20), endless).await;
            assert!(matches!(answer, Err(StoreError::Timeout)), "{answer:?}");
        }
        let one = readers.read(|conn| {
            conn.query_row("SELECT 1", [], |row| row.get::<_, u64>(0))
                .map_err(engine)
        });
        assert_eq!(one.await.unwrap(), 1);
    }
}
