//! The objects of a pickle that was read.

use crate::error::{PickleError, PickleFault};
use crate::machine::Machine;
use crate::object::{Id, Object, Unread};

/// The objects of a pickle.
#[derive(Clone, Debug)]
pub struct Heap<'a> {
    objects: Vec<(usize, Object<'a>)>,
    root: Id,
}

impl<'a> Heap<'a> {
    /// Reads the pickle that begins at `start` and must end where the bytes do.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read(bytes: &'a [u8], start: usize) -> Result<Self, PickleError> {
        match Self::read_one(bytes, start)? {
            (heap, end) if end == bytes.len() => Ok(heap),
            (_, end) => Err(PickleError { offset: end - 1, fault: PickleFault::LEFT_OVER }),
        }
    }

    /// Reads the pickle that begins at `start`; gives the place behind it.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read_one(bytes: &'a [u8], start: usize) -> Result<(Self, usize), PickleError> {
        let mut machine = Machine::new(bytes, start);
        match machine.run() {
            Ok(root) => {
                let end = machine.position();
                Ok((Self { objects: machine.into_objects(), root }, end))
            }
            Err(fault) => Err(PickleError { offset: machine.opcode(), fault }),
        }
    }

    /// What the pickle stands for.
    pub fn root(&self) -> Id {
        self.root
    }

    /// An object.
    pub fn get(&self, id: Id) -> &Object<'a> {
        &self.objects[id.0 as usize].1
    }

    /// All objects.
    pub fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        // The machine counts them in 32 bits.
        (0..self.objects.len() as u32).map(Id)
    }

    /// The value of a dict's entry of that name; none where it has none, or is no dict.
    pub fn entry(&self, dict: Id, name: &str) -> Option<Id> {
        let Object::Dict(entries) = self.get(dict) else { return None };
        // A later entry replaces an earlier one.
        entries.iter().rev().find(|(key, _)| self.text(*key).is_some_and(|key| key == name)).map(|&(_, value)| value)
    }

    /// An error about an object, at the place where it was made. Of what is not read it says why; of the rest, `reason`.
    pub fn unfit(&self, id: Id, reason: &'static str) -> PickleError {
        let mut at = id;
        // What a call makes stands behind what is called, so that this comes to an end.
        while let &Object::Unread(Unread::Made(of)) = self.get(at) {
            at = of;
        }
        let fault = match *self.get(at) {
            Object::Unread(Unread::Name(module, name)) => PickleFault::Global(format!("{module}.{name}")),
            Object::Unread(Unread::Long) => PickleFault::Unfit("a whole number of more than 64 bits"),
            Object::Unread(Unread::NotText) => PickleFault::Unfit("a string is not UTF-8"),
            Object::Global(_) if at != id => PickleFault::Unfit("calls a function in a way that does not make plain data"),
            _ => PickleFault::Unfit(reason),
        };
        PickleError { offset: self.objects[at.0 as usize].0, fault }
    }
}
