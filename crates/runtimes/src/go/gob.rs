//! As much of Go's `encoding/gob` as `net/rpc` needs: messages that describe their own types.
//!
//! The other side is the user's program. What it sends is read with a bound on its depth, on the number of its values and on
//! all that is kept of its types.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};

/// How deep values may nest, and types of types.
const DEPTH_MAX: u32 = 16;
/// Most values in one message: a reply has some, and a stack of a hundred frames.
const VALUES_MAX: u32 = 20_000;
/// Most types of one connection.
const TYPES_MAX: usize = 256;
/// Most fields of a type; the library's have three.
const FIELDS_MAX: u64 = 64;
/// Longest name of a field in bytes; the library's have 13. What a connection has described is kept for its life.
const NAME_BYTES_MAX: usize = 64;

/// What is no gob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what it sent is no gob: {0}")]
pub(crate) struct NoGob(&'static str);

/// Types that need no description.
pub(crate) mod builtin {
    pub(crate) const BOOL: i64 = 1;
    pub(crate) const INT: i64 = 2;
    pub(crate) const UINT: i64 = 3;
    pub(crate) const FLOAT: i64 = 4;
    pub(crate) const BYTES: i64 = 5;
    pub(crate) const STRING: i64 = 6;
    /// The first that a sender gives out.
    pub(crate) const FIRST: i64 = 65;
}

/// A value without its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Unsigned numbers and truth values.
    Uint(u64),
    /// Signed ones.
    Int(i64),
    /// Text and bytes.
    Bytes(Bytes),
    /// The fields that are not zero, by name.
    Struct(Vec<(Arc<str>, Value)>),
    /// A slice.
    List(Vec<Value>),
}

impl Value {
    /// A field of a structure; none where it is zero.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(key, _)| &**key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A text or bytes; empty for anything else.
    pub(crate) fn bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            _ => Bytes::new(),
        }
    }
}

/// Writes one message behind those that were written before.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    to: &'a mut Vec<u8>,
    /// Where it begins.
    from: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn behind(to: &'a mut Vec<u8>) -> Self {
        Self { from: to.len(), to }
    }

    pub(crate) fn uint(&mut self, value: u64) {
        let (bytes, from) = uint_bytes(value);
        self.to.extend_from_slice(&bytes[from..]);
    }

    pub(crate) fn int(&mut self, value: i64) {
        let bits = if value < 0 { (!value << 1) | 1 } else { value << 1 };
        self.uint(bits.cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.to.extend_from_slice(bytes);
    }

    /// Begins a field, so many after the one before; a structure begins before its first.
    pub(crate) fn skip(&mut self, fields: u64) -> &mut Self {
        self.uint(fields);
        self
    }

    /// Ends a structure.
    pub(crate) fn end(&mut self) {
        self.uint(0);
    }

    /// Ends the message: its length comes before it.
    pub(crate) fn finish(self) {
        let (bytes, from) = uint_bytes((self.to.len() - self.from) as u64);
        self.to.splice(self.from..self.from, bytes[from..].iter().copied());
    }
}

/// A number as it is written, and from where on.
fn uint_bytes(value: u64) -> ([u8; 9], usize) {
    let mut bytes = [0; 9];
    bytes[1..].copy_from_slice(&value.to_be_bytes());
    if value <= 0x7f {
        return (bytes, 8);
    }
    let length = 8 - value.leading_zeros() as usize / 8;
    bytes[8 - length] = (length as u8).wrapping_neg();
    (bytes, 8 - length)
}

/// Describes a structure to the other side: a message of its own.
pub(crate) fn describe(id: i64, name: &str, fields: &[(&str, i64)], to: &mut Vec<u8>) {
    let mut message = Writer::behind(to);
    message.int(-id);
    // A wire type's third field is a structure; its first is what all types have, a name and a number.
    message.skip(3).skip(1).skip(1).bytes(name.as_bytes());
    message.skip(1).int(id);
    message.end();
    if !fields.is_empty() {
        message.skip(1).uint(fields.len() as u64);
        for (name, of) in fields {
            message.skip(1).bytes(name.as_bytes());
            message.skip(1).int(*of);
            message.end();
        }
    }
    message.end();
    message.end();
    message.finish();
}

/// What a sender has described.
#[derive(Debug, Clone)]
enum Type {
    Struct(Vec<(Arc<str>, i64)>),
    List(i64),
}

/// Reads the messages of one connection.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    types: HashMap<i64, Type>,
}

impl Reader {
    /// The length of the message at the head of what was received, and of its head; `None` while that is not whole.
    pub(crate) fn length(received: &[u8]) -> Result<Option<(usize, usize)>, NoGob> {
        let Some(first) = received.first() else {
            return Ok(None);
        };
        let head = match first {
            0..=0x7f => 1,
            _ => 1 + usize::from(first.wrapping_neg()),
        };
        if head > 9 {
            return Err(NoGob("a length of more than eight bytes"));
        }
        let Some(mut head_bytes) = received.get(..head).map(Bytes::copy_from_slice) else {
            return Ok(None);
        };
        let length = usize::try_from(uint(&mut head_bytes)?).map_err(|_| NoGob("a length without end"))?;
        Ok(Some((head, length)))
    }

    /// Reads one message, without its length: a value, or nothing where it describes a type.
    pub(crate) fn read(&mut self, mut message: Bytes) -> Result<Option<Value>, NoGob> {
        let id = int(&mut message)?;
        if id >= 0 {
            let mut budget = Budget {
                depth: DEPTH_MAX,
                values: VALUES_MAX,
            };
            let is_struct = matches!(self.types.get(&id), Some(Type::Struct(_)));
            // What is no structure stands behind a zero.
            if !is_struct && uint(&mut message)? != 0 {
                return Err(NoGob("a value that does not begin"));
            }
            return self.value(id, &mut message, &mut budget).map(Some);
        }
        if self.types.len() >= TYPES_MAX {
            return Err(NoGob("too many types"));
        }
        let described = described(&mut message)?;
        self.types.insert(id.saturating_neg(), described);
        Ok(None)
    }

    fn value(&self, id: i64, from: &mut Bytes, budget: &mut Budget) -> Result<Value, NoGob> {
        budget.spend()?;
        Ok(match id {
            builtin::BOOL | builtin::UINT | builtin::FLOAT => Value::Uint(uint(from)?),
            builtin::INT => Value::Int(int(from)?),
            builtin::BYTES | builtin::STRING => Value::Bytes(bytes(from)?),
            id => match self.types.get(&id) {
                None => return Err(NoGob("a value of a type that was not described")),
                Some(Type::List(of)) => {
                    let count = uint(from)?;
                    let mut list = Vec::new();
                    for _ in 0..count {
                        list.push(budget.deeper(|budget| self.value(*of, from, budget))?);
                    }
                    Value::List(list)
                }
                Some(Type::Struct(fields)) => {
                    let mut found = Vec::new();
                    let mut at = 0;
                    while let Some(field) = next(&mut at, from)? {
                        let (name, of) = fields.get(field - 1).ok_or(NoGob("a field its type has not"))?;
                        let value = budget.deeper(|budget| self.value(*of, from, budget))?;
                        found.push((Arc::clone(name), value));
                    }
                    Value::Struct(found)
                }
            },
        })
    }
}

/// What may still be read of a message.
struct Budget {
    depth: u32,
    values: u32,
}

impl Budget {
    fn spend(&mut self) -> Result<(), NoGob> {
        self.values = self.values.checked_sub(1).ok_or(NoGob("too many values"))?;
        Ok(())
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, NoGob>) -> Result<T, NoGob> {
        self.depth = self.depth.checked_sub(1).ok_or(NoGob("values too deep"))?;
        let read = read(self);
        self.depth += 1;
        read
    }
}

/// A wire type: one of its fields says which kind it is, and holds what all have and what its kind has.
fn described(from: &mut Bytes) -> Result<Type, NoGob> {
    const SLICE: u64 = 2;
    const STRUCT: u64 = 3;
    let kind = uint(from)?;
    if ![SLICE, STRUCT].contains(&kind) {
        return Err(NoGob("a type a reply does not have"));
    }
    let mut described = match kind {
        SLICE => Type::List(0),
        _ => Type::Struct(Vec::new()),
    };
    let mut at = 0;
    while let Some(part) = next(&mut at, from)? {
        match (part, &mut described) {
            (1, _) => common(from)?,
            (2, Type::List(of)) => *of = int(from)?,
            (2, Type::Struct(fields)) => {
                let count = uint(from)?;
                if count > FIELDS_MAX {
                    return Err(NoGob("a type of too many fields"));
                }
                for _ in 0..count {
                    fields.push(field(from)?);
                }
            }
            _ => return Err(NoGob("a type with a field types have not")),
        }
    }
    match uint(from)? {
        0 => Ok(described),
        _ => Err(NoGob("a type of two kinds")),
    }
}

/// Name and number of a type: nobody asks for them.
fn common(from: &mut Bytes) -> Result<(), NoGob> {
    let mut at = 0;
    while let Some(part) = next(&mut at, from)? {
        match part {
            1 => drop(bytes(from)?),
            2 => drop(int(from)?),
            _ => return Err(NoGob("a type with a field types have not")),
        }
    }
    Ok(())
}

fn field(from: &mut Bytes) -> Result<(Arc<str>, i64), NoGob> {
    let (mut name, mut id, mut at) = (Arc::default(), 0, 0);
    while let Some(part) = next(&mut at, from)? {
        match part {
            1 => {
                let bytes = bytes(from)?;
                if bytes.len() > NAME_BYTES_MAX {
                    return Err(NoGob("a field with too long a name"));
                }
                name = Arc::from(String::from_utf8_lossy(&bytes));
            }
            2 => id = int(from)?,
            _ => return Err(NoGob("a field with what fields have not")),
        }
    }
    Ok((name, id))
}

/// The number of the next field of a structure, from 1 on; none at its end. Each comes after the one before.
fn next(at: &mut usize, from: &mut Bytes) -> Result<Option<usize>, NoGob> {
    let skip = usize::try_from(uint(from)?).map_err(|_| NoGob("a field without end"))?;
    if skip == 0 {
        return Ok(None);
    }
    *at = at.checked_add(skip).ok_or(NoGob("a field without end"))?;
    Ok(Some(*at))
}

fn uint(from: &mut Bytes) -> Result<u64, NoGob> {
    const ENDS: NoGob = NoGob("it ends in the middle");
    let first = from.first().copied().ok_or(ENDS)?;
    from.advance(1);
    if first <= 0x7f {
        return Ok(u64::from(first));
    }
    let length = usize::from(first.wrapping_neg());
    if length > 8 {
        return Err(NoGob("a number of more than eight bytes"));
    }
    if from.len() < length {
        return Err(ENDS);
    }
    Ok(from.get_uint(length))
}

fn int(from: &mut Bytes) -> Result<i64, NoGob> {
    let bits = uint(from)?;
    let value = (bits >> 1).cast_signed();
    Ok(if bits & 1 == 1 { !value } else { value })
}

fn bytes(from: &mut Bytes) -> Result<Bytes, NoGob> {
    let length = usize::try_from(uint(from)?).map_err(|_| NoGob("a text without end"))?;
    if from.len() < length {
        return Err(NoGob("it ends in the middle"));
    }
    Ok(from.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_package_documents() {
        let check = |write: &dyn Fn(&mut Writer<'_>)| {
            let mut written = Vec::new();
            write(&mut Writer::behind(&mut written));
            written
        };
        assert_eq!(check(&|w| w.uint(7)), [0x07]);
        assert_eq!(check(&|w| w.uint(256)), [0xfe, 0x01, 0x00]);
        assert_eq!(check(&|w| w.int(-129)), [0xfe, 0x01, 0x01]);
        for value in [0, 1, -1, 63, 64, -64, i64::MAX, i64::MIN] {
            let mut written = Bytes::from(check(&|w| w.int(value)));
            assert_eq!(int(&mut written), Ok(value));
        }
    }

    /// A message of the documentation of `encoding/gob`: `struct{X, Y int}` with the values 22 and 33.
    const POINT: &str = "1fff810301010550 6f696e7401ff82000102010158010400010159010400000007ff82012c014200";

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }

    #[test]
    fn the_documented_message_is_read_and_written() {
        let mut received = Bytes::from(unhex(POINT));
        let mut reader = Reader::default();
        let mut values = Vec::new();
        while let Some((head, length)) = Reader::length(&received).expect("gob") {
            received.advance(head);
            values.extend(reader.read(received.split_to(length)).expect("gob"));
        }
        let fields = vec![("X".into(), Value::Int(22)), ("Y".into(), Value::Int(33))];
        assert_eq!(values, [Value::Struct(fields)]);
        let mut written = Vec::new();
        describe(65, "Point", &[("X", builtin::INT), ("Y", builtin::INT)], &mut written);
        let mut value = Writer::behind(&mut written);
        value.int(65);
        value.skip(1).int(22);
        value.skip(1).int(33);
        value.end();
        value.finish();
        assert_eq!(written, unhex(POINT));
    }

    /// Describes a list of values of a type.
    fn list(id: i64, of: i64) -> Bytes {
        let mut message = Vec::new();
        let mut list = Writer::behind(&mut message);
        list.int(-id);
        list.skip(2).skip(1).skip(2).int(id);
        list.end();
        list.skip(1).int(of);
        list.end();
        list.end();
        Bytes::from(message)
    }

    #[test]
    fn what_is_cut_or_lies_is_no_gob_and_takes_nothing() {
        let whole = unhex(POINT);
        let describes = Bytes::copy_from_slice(&whole[1..32]);
        let mut reader = Reader::default();
        assert_eq!(reader.read(describes.clone()), Ok(None));
        for end in 0..describes.len() {
            assert!(Reader::default().read(describes.slice(..end)).is_err(), "{end}");
        }
        for bad in [
            // A value of a type nobody described.
            &[0xff, 0x84, 0x00][..],
            // A third field.
            &[0xff, 0x82, 0x03, 0x2c],
            // A number of nine bytes.
            &[0xff, 0x82, 0x01, 0xf7, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            // A field after the first that is so far behind it that counting to it starts anew.
            &[
                0xff, 0x82, 0x01, 0x2c, 0xf8, 255, 255, 255, 255, 255, 255, 255, 255, 0x2c, 0,
            ],
        ] {
            assert!(reader.read(Bytes::copy_from_slice(bad)).is_err(), "{bad:?}");
        }
        // A list of itself, and one that says it is endless.
        assert_eq!(reader.read(list(70, 70)), Ok(None));
        let deep = [&[0xff, 0x8c, 0][..], &[1; 10_000]].concat();
        assert_eq!(reader.read(Bytes::from(deep)), Err(NoGob("values too deep")));
        let wide = [&[0xff, 0x8c, 0, 0xf8][..], &[0xff; 8], &[0; 30_000]].concat();
        assert_eq!(reader.read(Bytes::from(wide)), Err(NoGob("too many values")));
        assert!(Reader::length(&[0x80]).is_err());
    }

    /// A description of a type with these fields, without its length.
    fn described(id: i64, fields: &[(&str, i64)]) -> Bytes {
        let mut message = Vec::new();
        describe(id, "Type", fields, &mut message);
        let (head, _) = Reader::length(&message).expect("gob").expect("whole");
        Bytes::from(message).slice(head..)
    }

    #[test]
    fn what_is_kept_of_types_is_bounded_and_values_share_the_names_of_their_fields() {
        let mut reader = Reader::default();
        let (fits, over) = ("x".repeat(NAME_BYTES_MAX), "x".repeat(NAME_BYTES_MAX + 1));
        let long = reader.read(described(65, &[(&over, builtin::INT)]));
        assert_eq!(long, Err(NoGob("a field with too long a name")));
        let many: Vec<(&str, i64)> = (0..=FIELDS_MAX).map(|_| ("x", builtin::INT)).collect();
        let many = reader.read(described(65, &many));
        assert_eq!(many, Err(NoGob("a type of too many fields")));
        assert_eq!(reader.read(described(65, &[(&fits, builtin::INT)])), Ok(None));
        assert_eq!(reader.read(list(66, 65)), Ok(None));
        let mut values = Vec::new();
        let mut writer = Writer::behind(&mut values);
        writer.int(66);
        writer.end();
        writer.uint(2);
        for value in [1, 2] {
            writer.skip(1).int(value);
            writer.end();
        }
        let Ok(Some(Value::List(values))) = reader.read(Bytes::from(values)) else {
            panic!("no list");
        };
        let [Value::Struct(first), Value::Struct(second)] = &values[..] else {
            panic!("{values:?}");
        };
        assert!(Arc::ptr_eq(&first[0].0, &second[0].0));
    }
}
