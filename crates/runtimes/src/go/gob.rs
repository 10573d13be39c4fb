//! As much of Go's `encoding/gob` as `net/rpc` needs: messages that describe their own types.
//!
//! The other side is the user's program. What it sends is read with a bound on its depth and on the number of its values.

use std::collections::HashMap;

use bytes::{Buf, Bytes};

/// How deep values may nest, and types of types.
const DEPTH_MAX: u32 = 16;
/// Most values in one message: a reply has some, and a stack of a hundred frames.
const VALUES_MAX: u32 = 20_000;
/// Most types of one connection.
const TYPES_MAX: usize = 256;

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
    Struct(Vec<(String, Value)>),
    /// A slice.
    List(Vec<Value>),
}

impl Value {
    /// A field of a structure; none where it is zero.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
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

/// Writes one message: its length, then what is written into it.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn uint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(small @ 0..=0x7f) => self.0.push(small),
            _ => {
                let bytes = value.to_be_bytes();
                let length = 8 - value.leading_zeros() as usize / 8;
                self.0.push((length as u8).wrapping_neg());
                self.0.extend_from_slice(&bytes[8 - length..]);
            }
        }
    }

    pub(crate) fn int(&mut self, value: i64) {
        let bits = if value < 0 { (!value << 1) | 1 } else { value << 1 };
        self.uint(bits.cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
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

    /// The message, behind those that were written before.
    pub(crate) fn finish(self, to: &mut Vec<u8>) {
        let mut length = Self::default();
        length.uint(self.0.len() as u64);
        to.extend_from_slice(&length.0);
        to.extend_from_slice(&self.0);
    }
}

/// Describes a structure to the other side: a message of its own.
pub(crate) fn describe(id: i64, name: &str, fields: &[(&str, i64)], to: &mut Vec<u8>) {
    let mut message = Writer::default();
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
    message.finish(to);
}

/// What a sender has described.
#[derive(Debug, Clone)]
enum Type {
    Struct(Vec<(String, i64)>),
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
        let mut budget = Budget {
            depth: DEPTH_MAX,
            values: VALUES_MAX,
        };
        let id = int(&mut message)?;
        if id >= 0 {
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
        let described = described(&mut message, &mut budget)?;
        self.types.insert(-id, described);
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
                    let mut next = 0;
                    loop {
                        let skip = usize::try_from(uint(from)?).map_err(|_| NoGob("a field without end"))?;
                        if skip == 0 {
                            break Value::Struct(found);
                        }
                        next += skip;
                        let (name, of) = fields.get(next - 1).ok_or(NoGob("a field its type has not"))?;
                        found.push((name.clone(), budget.deeper(|budget| self.value(*of, from, budget))?));
                    }
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
fn described(from: &mut Bytes, budget: &mut Budget) -> Result<Type, NoGob> {
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
    loop {
        budget.spend()?;
        match uint(from)? {
            0 => break,
            skip => at += skip,
        }
        match (at, &mut described) {
            (1, _) => common(from, budget)?,
            (2, Type::List(of)) => *of = int(from)?,
            (2, Type::Struct(fields)) => {
                for _ in 0..uint(from)? {
                    budget.spend()?;
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
fn common(from: &mut Bytes, budget: &mut Budget) -> Result<(), NoGob> {
    let mut at = 0;
    loop {
        budget.spend()?;
        match uint(from)? {
            0 => return Ok(()),
            skip => at += skip,
        }
        match at {
            1 => drop(bytes(from)?),
            2 => drop(int(from)?),
            _ => return Err(NoGob("a type with a field types have not")),
        }
    }
}

fn field(from: &mut Bytes) -> Result<(String, i64), NoGob> {
    let (mut name, mut id, mut at) = (String::new(), 0, 0);
    loop {
        match uint(from)? {
            0 => return Ok((name, id)),
            skip => at += skip,
        }
        match at {
            1 => name = String::from_utf8_lossy(&bytes(from)?).into_owned(),
            2 => id = int(from)?,
            _ => return Err(NoGob("a field with what fields have not")),
        }
    }
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
        let check = |write: &dyn Fn(&mut Writer)| {
            let mut writer = Writer::default();
            write(&mut writer);
            writer.0
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
        let fields = vec![("X".to_owned(), Value::Int(22)), ("Y".to_owned(), Value::Int(33))];
        assert_eq!(values, [Value::Struct(fields)]);
        let mut written = Vec::new();
        describe(65, "Point", &[("X", builtin::INT), ("Y", builtin::INT)], &mut written);
        let mut value = Writer::default();
        value.int(65);
        value.skip(1).int(22);
        value.skip(1).int(33);
        value.end();
        value.finish(&mut written);
        assert_eq!(written, unhex(POINT));
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
        ] {
            assert!(reader.read(Bytes::copy_from_slice(bad)).is_err(), "{bad:?}");
        }
        // A list of itself, and one that says it is endless.
        let mut list = Writer::default();
        list.int(-70);
        list.skip(2).skip(1).skip(2).int(70);
        list.end();
        list.skip(1).int(70);
        list.end();
        list.end();
        assert_eq!(reader.read(Bytes::from(list.0)), Ok(None));
        let deep = [&[0xff, 0x8c, 0][..], &[1; 10_000]].concat();
        assert_eq!(reader.read(Bytes::from(deep)), Err(NoGob("values too deep")));
        let wide = [&[0xff, 0x8c, 0, 0xf8][..], &[0xff; 8], &[0; 30_000]].concat();
        assert_eq!(reader.read(Bytes::from(wide)), Err(NoGob("too many values")));
        assert!(Reader::length(&[0x80]).is_err());
    }
}
