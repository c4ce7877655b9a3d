//! A list of a few items, stored in place.

use std::ops::Deref;

/// At most `N` items, without an allocation.
#[derive(Clone, Copy, Debug)]
pub struct Few<T, const N: usize> {
    items: [T; N],
    count: u8,
}

impl<T: Copy, const N: usize> Few<T, N> {
    /// None; `filler` is what the places hold that are not in use.
    pub(crate) const fn new(filler: T) -> Self {
        Self { items: [filler; N], count: 0 }
    }

    /// Adds one.
    ///
    /// # Panics
    /// Where there are `N` already.
    pub(crate) fn push(&mut self, item: T) {
        self.items[usize::from(self.count)] = item;
        self.count += 1;
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items[..usize::from(self.count)]
    }
}

impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Few<T, N> {}
