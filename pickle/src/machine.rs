//! The stack machine, with no more than the opcodes of plain data.

use std::collections::HashMap;

use super::{Global, Id, MARKS, OBJECTS, Object, PickleFault, STRING, Vocabulary};

type Fallible<T> = Result<T, PickleFault>;

/// A pickle half read.
pub struct Machine<'a> {
    bytes: &'a [u8],
    vocabulary: Vocabulary,
    at: usize,
    /// Where the current opcode stands.
    opcode: usize,
    objects: Vec<(usize, Object<'a>)>,
    stack: Vec<Id>,
    /// Lengths that the stack had where marks were set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Before the first opcode, which stands at `start`.
    pub fn new(bytes: &'a [u8], start: usize, vocabulary: Vocabulary) -> Self {
        let memo = HashMap::new();
        Self { bytes, vocabulary, at: start, opcode: start, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo }
    }

    /// Where the last opcode stands.
    pub fn opcode(&self) -> usize {
        self.opcode
    }

    /// Behind the last opcode.
    pub fn position(&self) -> usize {
        self.at
    }

    /// All objects, each with the place of the opcode that made it.
    pub fn into_objects(self) -> Vec<(usize, Object<'a>)> {
        self.objects
    }

    /// Goes to the end; gives what the pickle stands for.
    pub fn run(&mut self) -> Fallible<Id> {
        loop {
            self.opcode = self.at;
            match self.array::<1>()?[0] {
                0x80 => match self.array::<1>()?[0] {
                    2..=5 => {}
                    version => return Err(PickleFault::Protocol(version)),
                },
                // FRAME: how many bytes to read ahead.
                0x95 => drop(self.array::<8>()?),
                b'.' => return self.stop(),
                b'N' => self.push(Object::None)?,
                0x88 => self.push(Object::Bool(true))?,
                0x89 => self.push(Object::Bool(false))?,
                b'K' => self.int(1)?,
                b'M' => self.int(2)?,
                b'J' => {
                    let n = i32::from_le_bytes(self.array()?);
                    self.push(Object::Int(n.into()))?;
                }
                // LONG1: so many bytes.
                0x8a => {
                    let length = usize::from(self.array::<1>()?[0]);
                    self.long(length)?;
                }
                b'G' => {
                    let x = f64::from_be_bytes(self.array()?);
                    self.push(Object::Float(x))?;
                }
                0x8c => self.text(1)?,
                b'X' => self.text(4)?,
                b'C' => self.opaque(1)?,
                b'B' => self.opaque(4)?,
                b'(' => self.mark()?,
                b')' => self.push(Object::Tuple(Vec::new()))?,
                count @ 0x85..=0x87 => {
                    let items = self.pop_many(usize::from(count - 0x84))?;
                    self.push(Object::Tuple(items))?;
                }
                b't' => {
                    let items = self.pop_marked()?;
                    self.push(Object::Tuple(items))?;
                }
                b']' => self.push(Object::List(Vec::new()))?,
                b'a' => {
                    let item = self.pop()?;
                    self.append(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_marked()?;
                    self.append(items)?;
                }
                b'}' => self.push(Object::Dict(Vec::new()))?,
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(&items)?;
                }
                b'u' => {
                    let items = self.pop_marked()?;
                    self.set_items(&items)?;
                }
                0x94 => {
                    let index = self.memo.len() as u32;
                    self.memoize(index)?;
                }
                b'q' => {
                    let index = self.array::<1>()?[0].into();
                    self.memoize(index)?;
                }
                b'r' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.memoize(index)?;
                }
                b'h' => {
                    let index = self.array::<1>()?[0].into();
                    self.recall(index)?;
                }
                b'j' => {
                    let index = u32::from_le_bytes(self.array()?);
                    self.recall(index)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    match (self.object(module), self.object(name)) {
                        (&Object::Text(module), &Object::Text(name)) => self.global(module, name)?,
                        _ => return Err(PickleFault::Unfit("a global's name is no text")),
                    }
                }
                b'Q' if self.vocabulary == Vocabulary::Torch => {
                    let name = self.pop()?;
                    self.push(Object::Outside(name))?;
                }
                b'R' => self.reduce()?,
                b'b' => self.build()?,
                other => return Err(PickleFault::Opcode(other)),
            }
        }
    }

    fn stop(&mut self) -> Fallible<Id> {
        let root = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err(PickleFault::LEFT_OVER);
        }
        Ok(root)
    }

    fn slice(&mut self, length: usize) -> Fallible<&'a [u8]> {
        let slice = self.bytes[self.at..].get(..length).ok_or(PickleFault::Cut)?;
        self.at += length;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Fallible<[u8; N]> {
        self.slice(N)?.try_into().map_err(|_| PickleFault::Cut)
    }

    /// A whole number of up to eight bytes, the lowest first.
    fn unsigned(&mut self, width: usize) -> Fallible<usize> {
        Ok(self.slice(width)?.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    }

    fn int(&mut self, width: usize) -> Fallible<()> {
        let n = self.unsigned(width)?;
        self.push(Object::Int(n as i64))
    }

    /// A signed number, the lowest byte first; the highest one's top bit is its sign.
    fn long(&mut self, length: usize) -> Fallible<()> {
        if length > 8 {
            return Err(PickleFault::Unfit("a whole number of more than 64 bits"));
        }
        let bytes = self.slice(length)?;
        let start = if bytes.last().is_some_and(|&b| b >= 0x80) { -1 } else { 0 };
        self.push(Object::Int(bytes.iter().rev().fold(start, |n, &byte| n << 8 | i64::from(byte))))
    }

    fn counted(&mut self, width: usize) -> Fallible<&'a [u8]> {
        let length = self.unsigned(width)?;
        if length > STRING {
            return Err(PickleFault::TooMany { what: "bytes in a string", limit: STRING });
        }
        self.slice(length)
    }

    fn text(&mut self, width: usize) -> Fallible<()> {
        let text = std::str::from_utf8(self.counted(width)?).map_err(|_| PickleFault::NotText)?;
        self.push(Object::Text(text))
    }

    fn opaque(&mut self, width: usize) -> Fallible<()> {
        self.counted(width)?;
        self.push(Object::Bytes)
    }

    fn line(&mut self) -> Fallible<&'a str> {
        let rest = &self.bytes[self.at..];
        let within = &rest[..rest.len().min(STRING)];
        let length = within.iter().position(|&b| b == b'\n').ok_or(PickleFault::Cut)?;
        let line = std::str::from_utf8(&within[..length]).map_err(|_| PickleFault::NotText)?;
        self.at += length + 1;
        Ok(line)
    }

    fn object(&self, id: Id) -> &Object<'a> {
        &self.objects[id.0 as usize].1
    }

    fn push(&mut self, object: Object<'a>) -> Fallible<()> {
        if self.objects.len() >= OBJECTS {
            return Err(PickleFault::TooMany { what: "objects", limit: OBJECTS });
        }
        let id = Id(self.objects.len() as u32);
        self.objects.push((self.opcode, object));
        self.place(id)
    }

    fn place(&mut self, id: Id) -> Fallible<()> {
        if self.stack.len() >= OBJECTS {
            return Err(PickleFault::TooMany { what: "objects on the stack", limit: OBJECTS });
        }
        self.stack.push(id);
        Ok(())
    }

    /// Takes the last `count` objects; none from below the last mark.
    fn pop_many(&mut self, count: usize) -> Fallible<Vec<Id>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= floor => Ok(self.stack.split_off(start)),
            _ => Err(PickleFault::Unfit("takes more from the stack than there is")),
        }
    }

    fn pop(&mut self) -> Fallible<Id> {
        Ok(self.pop_many(1)?[0])
    }

    fn mark(&mut self) -> Fallible<()> {
        if self.marks.len() >= MARKS {
            return Err(PickleFault::TooMany { what: "nested objects", limit: MARKS });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn pop_marked(&mut self) -> Fallible<Vec<Id>> {
        let start = self.marks.pop().ok_or(PickleFault::Unfit("asks for a mark that is not there"))?;
        Ok(self.stack.split_off(start))
    }

    /// The object on top, which stays there.
    fn top(&mut self) -> Fallible<&mut Object<'a>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack[floor..].last() {
            Some(id) => Ok(&mut self.objects[id.0 as usize].1),
            None => Err(PickleFault::Unfit("takes more from the stack than there is")),
        }
    }

    fn append(&mut self, mut items: Vec<Id>) -> Fallible<()> {
        match self.top()? {
            Object::List(list) => list.append(&mut items),
            _ => return Err(PickleFault::Unfit("appends to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Fallible<()> {
        match self.top()? {
            Object::Dict(entries) if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => Err(PickleFault::Unfit("sets items of what is no dict")),
        }
    }

    fn memoize(&mut self, index: u32) -> Fallible<()> {
        self.top()?;
        if self.memo.len() >= OBJECTS {
            return Err(PickleFault::TooMany { what: "remembered objects", limit: OBJECTS });
        }
        self.memo.extend(self.stack.last().map(|&id| (index, id)));
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Fallible<()> {
        let id = *self.memo.get(&index).ok_or(PickleFault::Unfit("recalls an object that was not remembered"))?;
        self.place(id)
    }

    fn global(&mut self, module: &str, name: &str) -> Fallible<()> {
        let global = self.vocabulary.global(module, name).ok_or_else(|| PickleFault::Global(format!("{module}.{name}")))?;
        self.push(Object::Global(global))
    }

    /// Where Python would call a function: what its result would be.
    fn reduce(&mut self) -> Fallible<()> {
        let (tuple, function) = (self.pop()?, self.pop()?);
        let (&Object::Global(function), Object::Tuple(arguments)) = (self.object(function), self.object(tuple)) else {
            return Err(PickleFault::Unfit("calls what is no function"));
        };
        let first = arguments.first().map(|&id| self.object(id));
        let result = match (function, first) {
            (Global::Reconstruct, Some(Object::Global(Global::Ndarray))) => Object::Array(None),
            (Global::Dtype, Some(Object::Text("O" | "O8" | "O4"))) => Object::Dtype,
            (Global::Dtype, _) => return Err(PickleFault::Unfit("an array of something else than objects")),
            (Global::Encode, Some(Object::Text(_))) => Object::Bytes,
            (Global::OrderedDict, None) => Object::Dict(Vec::new()),
            (Global::RebuildTensor, Some(Object::Outside(_))) => Object::Tensor(tuple),
            (Global::RebuildParameter, Some(&Object::Tensor(parts))) => Object::Tensor(parts),
            _ => return Err(PickleFault::Unfit("calls a function in a way that makes no plain data")),
        };
        self.push(result)
    }

    /// Where Python would set an object's state.
    fn build(&mut self) -> Fallible<()> {
        let state = self.pop()?;
        let (parts, attributes) = match self.object(state) {
            // An array's: version, shape, dtype, order, items. A dtype's says nothing new.
            Object::Tuple(parts) => match parts[..] {
                [_, shape, _, _, items] => (Some((shape, items)), false),
                _ => (None, false),
            },
            // An ordered dict's: attributes beside its entries, which nothing asks for.
            Object::Dict(_) => (None, true),
            _ => return Err(PickleFault::Unfit("a state that is no tuple")),
        };
        match self.top()? {
            Object::Dtype if !attributes => Ok(()),
            Object::Dict(_) if attributes => Ok(()),
            Object::Array(content) if parts.is_some() => {
                *content = parts;
                Ok(())
            }
            _ => Err(PickleFault::Unfit("a state for what has none")),
        }
    }
}
