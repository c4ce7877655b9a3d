//! The stack machine: it follows the opcodes, and does nothing that they ask for but to note it.

use std::collections::HashMap;

use crate::error::PickleFault;
use crate::input::Input;
use crate::object::{Array, Bytes, Dtype, Global, Id, Object, Unread};

/// Most objects, stack places and memo entries.
const OBJECTS: usize = 500_000;
/// Most open marks: the deepest nesting.
const MARKS: usize = 64;

type Fallible<T> = Result<T, PickleFault>;

/// A pickle half read.
pub struct Machine<'a> {
    input: Input<'a>,
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
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        let memo = HashMap::new();
        Self { input: Input::new(bytes, start), opcode: start, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo }
    }

    /// Where the last opcode stands.
    pub fn opcode(&self) -> usize {
        self.opcode
    }

    /// Behind the last opcode.
    pub fn position(&self) -> usize {
        self.input.position()
    }

    /// All objects, each with the place of the opcode that made it.
    pub fn into_objects(self) -> Vec<(usize, Object<'a>)> {
        self.objects
    }

    /// Goes to the end; gives what the pickle stands for.
    pub fn run(&mut self) -> Fallible<Id> {
        loop {
            self.opcode = self.input.position();
            match self.input.array::<1>()?[0] {
                b'.' => return self.stop(),
                0x80 => match self.input.array::<1>()?[0] {
                    2..=5 => {}
                    version => return Err(PickleFault::Protocol(version)),
                },
                // FRAME: how many bytes to read ahead.
                0x95 => drop(self.input.array::<8>()?),
                opcode @ (b'N' | 0x88 | 0x89 | b'K' | b'M' | b'J' | 0x8a | 0x8b | b'G') => self.value(opcode)?,
                0x8c => self.text(1)?,
                b'X' => self.text(4)?,
                0x8d => self.text(8)?,
                b'C' => self.bytes(1)?,
                b'B' => self.bytes(4)?,
                // BINBYTES8, BYTEARRAY8.
                0x8e | 0x96 => self.bytes(8)?,
                b'(' => self.mark()?,
                opcode @ (b')' | 0x85..=0x87 | b't' | b']' | 0x8f | b'a' | b'e' | 0x90 | 0x91 | b'}' | b's' | b'u') => {
                    self.collection(opcode)?;
                }
                opcode @ (0x94 | b'q' | b'r' | b'h' | b'j') => self.remember(opcode)?,
                opcode @ (b'c' | 0x93 | b'Q' | b'R' | 0x81 | 0x92 | b'b') => self.call(opcode)?,
                b'0' => self.discard()?,
                b'1' => drop(self.pop_marked()?),
                b'2' => {
                    let id = self.pop()?;
                    self.place(id)?;
                    self.place(id)?;
                }
                other => return Err(PickleFault::Opcode(other)),
            }
        }
    }

    /// An opcode that makes a number, a truth value or `None`.
    fn value(&mut self, opcode: u8) -> Fallible<()> {
        match opcode {
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'K' => self.int(1),
            b'M' => self.int(2),
            b'J' => {
                let n = i32::from_le_bytes(self.input.array()?);
                self.push(Object::Int(n.into()))
            }
            // LONG1: so many bytes.
            0x8a => {
                let length = usize::from(self.input.array::<1>()?[0]);
                self.long(length)
            }
            // LONG4: a length of four bytes.
            0x8b => {
                let length = self.input.unsigned(4)?;
                self.long(length)
            }
            b'G' => {
                let x = f64::from_be_bytes(self.input.array()?);
                self.push(Object::Float(x))
            }
            other => Err(PickleFault::Opcode(other)),
        }
    }

    /// An opcode that makes a tuple, list, set or dict, or puts items into one.
    fn collection(&mut self, opcode: u8) -> Fallible<()> {
        match opcode {
            b')' => self.push(Object::Tuple(Vec::new())),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Tuple(items))
            }
            b't' => {
                let items = self.pop_marked()?;
                self.push(Object::Tuple(items))
            }
            // EMPTY_LIST, EMPTY_SET.
            b']' | 0x8f => self.push(Object::List(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            // APPENDS, ADDITEMS.
            b'e' | 0x90 => {
                let items = self.pop_marked()?;
                self.append(items)
            }
            // FROZENSET.
            0x91 => {
                let items = self.pop_marked()?;
                self.push(Object::List(items))
            }
            b'}' => self.push(Object::Dict(Vec::new())),
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)
            }
            b'u' => {
                let items = self.pop_marked()?;
                self.set_items(&items)
            }
            other => Err(PickleFault::Opcode(other)),
        }
    }

    /// An opcode that writes to the memo or reads from it.
    fn remember(&mut self, opcode: u8) -> Fallible<()> {
        let index = match opcode {
            // MEMOIZE: the next index.
            0x94 => self.memo.len() as u32,
            b'q' | b'h' => self.input.array::<1>()?[0].into(),
            _ => u32::from_le_bytes(self.input.array()?),
        };
        match opcode {
            b'h' | b'j' => self.recall(index),
            _ => self.memoize(index),
        }
    }

    /// An opcode that imports a name, calls something, or names what stands outside.
    fn call(&mut self, opcode: u8) -> Fallible<()> {
        match opcode {
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.global(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.object(module), self.object(name)) {
                    (&Object::Text(module), &Object::Text(name)) => self.global(module, name),
                    _ => Err(PickleFault::Unfit("a global's name is not text")),
                }
            }
            b'Q' => {
                let name = self.pop()?;
                self.push(Object::Outside(name))
            }
            b'R' => self.reduce(),
            // NEWOBJ: a class and a tuple; NEWOBJ_EX: a dict too.
            0x81 | 0x92 => {
                let class = self.pop_many(if opcode == 0x81 { 2 } else { 3 })?[0];
                self.make(class)
            }
            b'b' => self.build(),
            other => Err(PickleFault::Opcode(other)),
        }
    }

    fn stop(&mut self) -> Fallible<Id> {
        let root = self.pop()?;
        if !self.stack.is_empty() || !self.marks.is_empty() {
            return Err(PickleFault::LEFT_OVER);
        }
        Ok(root)
    }

    fn int(&mut self, width: usize) -> Fallible<()> {
        let n = self.input.unsigned(width)?;
        self.push(Object::Int(n as i64))
    }

    /// A signed number, the lowest byte first; the highest one's top bit is its sign.
    fn long(&mut self, length: usize) -> Fallible<()> {
        let bytes = self.input.slice(length)?;
        if length > 8 {
            return self.push(Object::Unread(Unread::Long));
        }
        let start = if bytes.last().is_some_and(|&b| b >= 0x80) { -1 } else { 0 };
        self.push(Object::Int(bytes.iter().rev().fold(start, |n, &byte| n << 8 | i64::from(byte))))
    }

    fn text(&mut self, width: usize) -> Fallible<()> {
        let text = std::str::from_utf8(self.input.counted(width)?);
        self.push(text.map_or(Object::Unread(Unread::NotText), Object::Text))
    }

    fn bytes(&mut self, width: usize) -> Fallible<()> {
        let bytes = self.input.counted(width)?;
        self.push(Object::Bytes(Bytes::Plain(bytes)))
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
            _ => Err(PickleFault::Unfit("takes more from the stack than it holds")),
        }
    }

    fn pop(&mut self) -> Fallible<Id> {
        Ok(self.pop_many(1)?[0])
    }

    /// Takes away the object on top, or the mark where it is on top.
    fn discard(&mut self) -> Fallible<()> {
        match self.marks.last() {
            Some(&floor) if floor == self.stack.len() => drop(self.marks.pop()),
            _ => drop(self.pop()?),
        }
        Ok(())
    }

    fn mark(&mut self) -> Fallible<()> {
        if self.marks.len() >= MARKS {
            return Err(PickleFault::TooMany { what: "nested objects", limit: MARKS });
        }
        self.marks.push(self.stack.len());
        Ok(())
    }

    fn pop_marked(&mut self) -> Fallible<Vec<Id>> {
        let start = self.marks.pop().ok_or(PickleFault::Unfit("asks for a mark that does not exist"))?;
        Ok(self.stack.split_off(start))
    }

    /// The object on top, which stays there.
    fn top(&mut self) -> Fallible<&mut Object<'a>> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack[floor..].last() {
            Some(id) => Ok(&mut self.objects[id.0 as usize].1),
            None => Err(PickleFault::Unfit("takes more from the stack than it holds")),
        }
    }

    fn append(&mut self, mut items: Vec<Id>) -> Fallible<()> {
        match self.top()? {
            Object::List(list) => list.append(&mut items),
            Object::Unread(_) => {}
            _ => return Err(PickleFault::Unfit("appends to an object that is not a list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Fallible<()> {
        match self.top()? {
            Object::Dict(entries) if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            Object::Unread(_) => Ok(()),
            _ => Err(PickleFault::Unfit("sets items of an object that is not a dict")),
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
        let id = *self.memo.get(&index).ok_or(PickleFault::Unfit("reads an object that was not stored in the memo"))?;
        self.place(id)
    }

    fn global(&mut self, module: &'a str, name: &'a str) -> Fallible<()> {
        self.push(Global::of(module, name).map_or(Object::Unread(Unread::Name(module, name)), Object::Global))
    }

    /// What a call would give; it is not made.
    fn make(&mut self, of: Id) -> Fallible<()> {
        match self.object(of) {
            Object::Global(_) | Object::Unread(_) => self.push(Object::Unread(Unread::Made(of))),
            _ => Err(PickleFault::Unfit("calls an object that is not a function")),
        }
    }

    /// Where Python would call a function: what its result would be.
    fn reduce(&mut self) -> Fallible<()> {
        let (tuple, function) = (self.pop()?, self.pop()?);
        let Object::Tuple(arguments) = self.object(tuple) else {
            return Err(PickleFault::Unfit("calls a function with arguments that are not a tuple"));
        };
        let &Object::Global(global) = self.object(function) else { return self.make(function) };
        let object = |i: usize| arguments.get(i).map(|&id| self.object(id));
        let result = match (global, object(0), object(1)) {
            (Global::Reconstruct, Some(Object::Global(Global::Ndarray)), _) => Object::Array(None),
            (Global::FromBuffer, Some(Object::Bytes(_)), Some(Object::Dtype(_))) if arguments.len() > 2 => {
                Object::Array(Some(Array { shape: arguments[2], dtype: arguments[1], items: arguments[0] }))
            }
            (Global::Scalar, Some(Object::Dtype(_)), Some(Object::Bytes(_))) => Object::Scalar(arguments[0], arguments[1]),
            (Global::Dtype, Some(&Object::Text(code)), _) => Object::Dtype(Dtype { code, big_endian: false }),
            (Global::Encode, Some(&Object::Text(text)), Some(Object::Text("latin1"))) => Object::Bytes(Bytes::Latin1(text)),
            // A dict's first argument may be what makes its missing items.
            (Global::Dict, None | Some(Object::None | Object::Unread(_) | Object::Global(_)), None) => Object::Dict(Vec::new()),
            (Global::Deque, None, _) => Object::List(Vec::new()),
            (Global::Deque, Some(Object::Tuple(items)), _) if items.is_empty() => Object::List(Vec::new()),
            (Global::Holder, None, _) => Object::List(Vec::new()),
            // The very same object, so that no call makes a copy.
            (Global::Holder, Some(Object::Dict(_) | Object::List(_)), _) => {
                let held = arguments[0];
                return self.place(held);
            }
            (Global::RebuildTensor, Some(Object::Outside(_)), _) => Object::Tensor(tuple),
            (Global::RebuildParameter, Some(&Object::Tensor(parts)), _) => Object::Tensor(parts),
            _ => Object::Unread(Unread::Made(function)),
        };
        self.push(result)
    }

    /// Where Python would set an object's state.
    fn build(&mut self) -> Fallible<()> {
        let state = self.pop()?;
        let parts = match self.object(state) {
            Object::Tuple(parts) => parts.as_slice(),
            _ => &[],
        };
        // An array's: version, shape, type, order, items. A type's: version, order of bytes, …
        let array = match *parts {
            [_, shape, dtype, _, items] => Some(Array { shape, dtype, items }),
            _ => None,
        };
        let big_endian = parts.get(1).is_some_and(|&order| *self.object(order) == Object::Text(">"));
        match self.top()? {
            Object::Array(content) => *content = array,
            Object::Dtype(dtype) => dtype.big_endian = big_endian,
            // Attributes beside their entries, which nothing asks for.
            Object::Dict(_) | Object::List(_) | Object::Tensor(_) | Object::Unread(_) => {}
            _ => return Err(PickleFault::Unfit("sets the state of an object that has none")),
        }
        Ok(())
    }
}
