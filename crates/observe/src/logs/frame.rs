//! A record as bytes: what a segment of the local log, and a chunk sealed from it, are made of.
//!
//! ```text
//! segment = magic, frame*                     chunk = zstd(segment)
//! frame   = payload's length u32, its CRC-32 u32, payload
//! payload = version u8, request id [16], accepted ns i64, run ns u64, billed ms u64, peak bytes u64, memory MB u32,
//!           retry u32, status u16, origin u8, cold start u8, (length u8, text) of uid, namespace, name, label and
//!           qualifier, (length u32, bytes) of the result, log
//! ```
//! Numbers are little-endian. A search reads the head of every payload and copies nothing.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use skiff_domain::{AttemptRecord, FunctionKey, Origin, RequestId, StatusCode};

/// How a segment begins: what it is, and the version of its shape.
pub(crate) const MAGIC: &[u8; 8] = b"SKLOG\0\0\x01";
/// The version of the payload written now.
const VERSION: u8 = 1;
/// Bytes of a frame before its payload.
const FRAME_HEAD: usize = 8;

/// Every origin and its number; the numbers never change.
const ORIGINS: [(Origin, u8); 6] = [
    (Origin::Api, 0),
    (Origin::Gateway, 1),
    (Origin::Timer, 2),
    (Origin::Object, 3),
    (Origin::Queue, 4),
    (Origin::Http, 5),
];

/// A record as it lies in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View<'a> {
    pub(crate) request_id: RequestId,
    pub(crate) started_at: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) billed_ms: u64,
    pub(crate) memory_peak_bytes: u64,
    pub(crate) memory_mb: u32,
    pub(crate) retry_num: u32,
    pub(crate) status: StatusCode,
    pub(crate) origin: Origin,
    pub(crate) cold_start: bool,
    pub(crate) uid: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) qualifier: &'a str,
    pub(crate) ret_msg: &'a [u8],
    pub(crate) log: &'a [u8],
}

/// Appends a record's frame.
pub(crate) fn write(record: &AttemptRecord, to: &mut Vec<u8>) {
    let frame = to.len();
    to.extend_from_slice(&[0; FRAME_HEAD]);
    to.push(VERSION);
    to.extend_from_slice(record.request_id.0.as_bytes());
    let started_ns = i64::try_from(record.started_at.as_nanosecond()).unwrap_or(i64::MAX);
    to.extend_from_slice(&started_ns.to_le_bytes());
    let duration_ns = u64::try_from(record.duration.as_nanos()).unwrap_or(u64::MAX);
    to.extend_from_slice(&duration_ns.to_le_bytes());
    to.extend_from_slice(&record.billed_ms.to_le_bytes());
    to.extend_from_slice(&record.memory_peak_bytes.to_le_bytes());
    to.extend_from_slice(&record.memory_mb.to_le_bytes());
    to.extend_from_slice(&record.retry_num.to_le_bytes());
    to.extend_from_slice(&record.status.code().to_le_bytes());
    let origin = ORIGINS.iter().find(|(origin, _)| *origin == record.origin);
    to.push(origin.map_or(0, |(_, number)| *number));
    to.push(u8::from(record.cold_start));
    for text in [
        record.uid.as_str(),
        record.key.namespace.as_str(),
        record.key.name.as_str(),
        record.label.as_str(),
        record.qualifier.as_str(),
    ] {
        // Names are 64 bytes at most (skiff-domain).
        let text = &text.as_bytes()[..text.len().min(usize::from(u8::MAX))];
        to.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        to.extend_from_slice(text);
    }
    to.extend_from_slice(&length(&record.ret_msg).to_le_bytes());
    to.extend_from_slice(&record.ret_msg);
    to.extend_from_slice(&record.log);
    let payload = &to[frame + FRAME_HEAD..];
    let (size, crc) = (length(payload), crc32fast::hash(payload));
    to[frame..frame + 4].copy_from_slice(&size.to_le_bytes());
    to[frame + 4..frame + FRAME_HEAD].copy_from_slice(&crc.to_le_bytes());
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The records of some frames, each with the place of its frame.
#[derive(Debug, Clone)]
pub(crate) struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    /// The frames that begin at this place.
    pub(crate) fn from(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The place behind the last whole frame that was read.
    pub(crate) fn good(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (usize, View<'a>);

    /// Ends at the end, or before the first frame that is torn or damaged. A whole frame that cannot be understood is
    /// left out: a later version wrote it.
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let at = self.at;
            let mut fields = Fields(self.bytes.get(at..)?);
            let size = fields.u32()? as usize;
            let crc = fields.u32()?;
            let payload = fields.take(size)?;
            if crc32fast::hash(payload) != crc {
                return None;
            }
            self.at += FRAME_HEAD + size;
            if let Some(view) = View::read(payload) {
                return Some((at, view));
            }
        }
    }
}

impl<'a> View<'a> {
    fn read(payload: &'a [u8]) -> Option<Self> {
        let mut fields = Fields(payload);
        if fields.u8()? != VERSION {
            return None;
        }
        let request_id = RequestId(uuid::Uuid::from_bytes(fields.array()?));
        let started_at = Timestamp::from_nanosecond(i64::from_le_bytes(fields.array()?).into()).ok()?;
        Some(Self {
            request_id,
            started_at,
            duration: Duration::from_nanos(fields.u64()?),
            billed_ms: fields.u64()?,
            memory_peak_bytes: fields.u64()?,
            memory_mb: fields.u32()?,
            retry_num: fields.u32()?,
            status: StatusCode::try_from(u16::from_le_bytes(fields.array()?)).ok()?,
            origin: fields.origin()?,
            cold_start: fields.u8()? != 0,
            uid: fields.text()?,
            namespace: fields.text()?,
            name: fields.text()?,
            label: fields.text()?,
            qualifier: fields.text()?,
            ret_msg: {
                let size = fields.u32()? as usize;
                fields.take(size)?
            },
            log: fields.0,
        })
    }

    /// Bytes of the texts a reader is given.
    pub(crate) fn text_bytes(&self) -> usize {
        self.ret_msg.len() + self.log.len()
    }

    /// The record itself. `None` for names that are none, which is never written.
    pub(crate) fn to_record(self) -> Option<AttemptRecord> {
        Some(AttemptRecord {
            request_id: self.request_id,
            uid: self.uid.parse().ok()?,
            key: self.key()?,
            label: self.label.parse().ok()?,
            qualifier: self.qualifier.parse().ok()?,
            started_at: self.started_at,
            status: self.status,
            duration: self.duration,
            billed_ms: self.billed_ms,
            memory_mb: self.memory_mb,
            memory_peak_bytes: self.memory_peak_bytes,
            retry_num: self.retry_num,
            origin: self.origin,
            cold_start: self.cold_start,
            ret_msg: Bytes::copy_from_slice(self.ret_msg),
            log: Bytes::copy_from_slice(self.log),
        })
    }

    /// The function's name.
    pub(crate) fn key(&self) -> Option<FunctionKey> {
        Some(FunctionKey {
            namespace: self.namespace.parse().ok()?,
            name: self.name.parse().ok()?,
        })
    }
}

/// What is left to read of some bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(size)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let size = usize::from(self.u8()?);
        std::str::from_utf8(self.take(size)?).ok()
    }

    fn origin(&mut self) -> Option<Origin> {
        let number = self.u8()?;
        ORIGINS
            .iter()
            .find(|(_, known)| *known == number)
            .map(|(origin, _)| *origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::fixtures::record;

    #[test]
    fn a_record_reads_back_as_written() {
        let mut bytes = MAGIC.to_vec();
        let records: Vec<AttemptRecord> = ORIGINS
            .iter()
            .zip(StatusCode::ALL)
            .map(|((origin, number), status)| AttemptRecord {
                origin: *origin,
                status,
                cold_start: *number == 0,
                log: Bytes::from(vec![0xff; usize::from(*number) * 1000]),
                ..record(u32::from(*number))
            })
            .collect();
        records.iter().for_each(|record| write(record, &mut bytes));
        let mut frames = Frames::from(&bytes, MAGIC.len());
        let read: Vec<AttemptRecord> = frames.by_ref().filter_map(|(_, view)| view.to_record()).collect();
        assert_eq!(read, records);
        assert_eq!(frames.good(), bytes.len());
    }

    #[test]
    fn a_frame_of_a_later_version_is_left_out_and_those_behind_it_are_read() {
        let mut bytes = Vec::new();
        write(&record(0), &mut bytes);
        bytes[FRAME_HEAD] = VERSION + 1;
        let crc = crc32fast::hash(&bytes[FRAME_HEAD..]);
        bytes[4..FRAME_HEAD].copy_from_slice(&crc.to_le_bytes());
        write(&record(1), &mut bytes);
        let mut frames = Frames::from(&bytes, 0);
        let ids: Vec<RequestId> = frames.by_ref().map(|(_, view)| view.request_id).collect();
        assert_eq!(ids, [record(1).request_id]);
        assert_eq!(frames.good(), bytes.len());
    }

    #[test]
    fn reading_ends_before_the_first_torn_or_damaged_frame() {
        let mut bytes = Vec::new();
        let ends: Vec<usize> = (0..3)
            .map(|n| {
                write(&record(n), &mut bytes);
                bytes.len()
            })
            .collect();
        let whole_before = |at: usize| ends.iter().filter(|end| **end <= at).count();
        for cut in 0..bytes.len() {
            let mut frames = Frames::from(&bytes[..cut], 0);
            assert_eq!(frames.by_ref().count(), whole_before(cut), "cut at {cut}");
            let good = ends[..whole_before(cut)].last().copied().unwrap_or(0);
            assert_eq!(frames.good(), good);
            let mut damaged = bytes.clone();
            damaged[cut] ^= 0x10;
            assert_eq!(Frames::from(&damaged, 0).count(), whole_before(cut), "damaged at {cut}");
        }
    }
}
