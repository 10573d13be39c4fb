//! Zips for tests: honest ones, and ones whose every byte can be chosen.

use std::io::{Cursor, Write};

use bytes::Bytes;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Modes as a zip made on Linux has them.
pub(crate) const FILE: u32 = 0o100_644;
pub(crate) const PROGRAM: u32 = 0o100_755;
pub(crate) const LINK: u32 = 0o120_777;

/// An honest zip of deflated files.
pub(crate) fn honest(files: &[(&str, &[u8])]) -> Bytes {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner().into()
}

/// One entry, stored, said to be whatever its fields say.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    /// The unpacked size it claims.
    pub(crate) claims: u32,
    /// Shares the bytes of this earlier entry.
    pub(crate) at: Option<usize>,
}

impl Raw {
    pub(crate) fn new(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>, mode: u32) -> Self {
        let data = data.as_ref().to_vec();
        Self {
            name: name.as_ref().to_vec(),
            mode,
            flags: 0,
            method: 0,
            crc: crc32(&data),
            claims: u32::try_from(data.len()).unwrap(),
            at: None,
            data,
        }
    }

    pub(crate) fn file(name: &str) -> Self {
        Self::new(name, "x", FILE)
    }

    pub(crate) fn link(name: &str, target: &str) -> Self {
        Self::new(name, target, LINK)
    }
}

/// A zip of these entries, whatever they are.
pub(crate) fn raw(entries: &[Raw]) -> Bytes {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    let mut offsets: Vec<u32> = Vec::new();
    for entry in entries {
        let offset = match entry.at {
            Some(earlier) => offsets[earlier],
            None => u32::try_from(zip.len()).unwrap(),
        };
        offsets.push(offset);
        let size = u32::try_from(entry.data.len()).unwrap();
        let name_len = u16::try_from(entry.name.len()).unwrap();
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes()); // version needed
        common.extend(entry.flags.to_le_bytes());
        common.extend(entry.method.to_le_bytes());
        common.extend([0, 0, 0x21, 0]); // 1980-01-01 00:00
        common.extend(entry.crc.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(entry.claims.to_le_bytes());
        common.extend(name_len.to_le_bytes());
        common.extend([0, 0]); // extra field
        if entry.at.is_none() {
            zip.extend(*b"PK\x03\x04");
            zip.extend(&common);
            zip.extend(&entry.name);
            zip.extend(&entry.data);
        }
        directory.extend(*b"PK\x01\x02");
        directory.extend([20, 3]); // made on Unix
        directory.extend(&common);
        directory.extend([0; 6]); // comment, disk, internal attributes
        directory.extend((entry.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.name);
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let start = u32::try_from(zip.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    zip.extend(directory);
    zip.extend(*b"PK\x05\x06\0\0\0\0");
    zip.extend(count);
    zip.extend(count);
    zip.extend(size.to_le_bytes());
    zip.extend(start.to_le_bytes());
    zip.extend([0, 0]);
    zip.into()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc: u32, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            let low = crc & 1;
            (crc >> 1) ^ (0xedb8_8320 * low)
        })
    })
}
