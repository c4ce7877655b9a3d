//! Names of the functions in which the cycles were spent, from the program's symbols.

use std::collections::BTreeMap;
use std::path::Path;

use object::{Object, ObjectSymbol, SymbolKind};
use simulator::report::BlockCycles;

/// What code outside the program's own file is called.
pub const ELSEWHERE: &str = "(libraries)";
/// What code without a symbol is called.
pub const UNNAMED: &str = "(no symbol)";

/// The functions of a program.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    /// Address of the first byte, and name.
    by_address: BTreeMap<u64, String>,
    /// Addresses that the file's own code takes.
    code: Option<(u64, u64)>,
}

impl Functions {
    /// Reads a program's symbols; one without them, or one that cannot be read, has no functions. `entry` is the address at which it began
    /// ([`simulator::Report::entry`]).
    pub fn of(program: &Path, entry: u64) -> Self {
        let Ok(bytes) = std::fs::read(program) else { return Self::default() };
        let Ok(file) = object::File::parse(&*bytes) else { return Self::default() };
        let moved = entry.wrapping_sub(file.entry());
        let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
        let named = functions.filter_map(|symbol| Some((symbol.address().wrapping_add(moved), demangle(symbol.name().ok()?))));
        let range = file.segments_range().map(|(from, to)| (from.wrapping_add(moved), to.wrapping_add(moved)));
        Self { by_address: named.collect(), code: range }
    }

    /// The function that holds an address.
    pub fn name(&self, address: u64) -> &str {
        match self.code {
            Some((from, to)) if (from..to).contains(&address) => {
                self.by_address.range(..=address).next_back().map_or(UNNAMED, |(_, name)| name)
            }
            Some(_) => ELSEWHERE,
            None => UNNAMED,
        }
    }

    /// Cycles by function, the most first.
    pub fn cycles(&self, blocks: &[BlockCycles]) -> Vec<(String, u64)> {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for block in blocks {
            *sums.entry(self.name(block.address)).or_default() += block.cycles;
        }
        let mut sums: Vec<(String, u64)> = sums.into_iter().map(|(name, cycles)| (name.to_owned(), cycles)).collect();
        sums.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sums
    }
}

/// The addresses between a file's first and last loaded byte.
trait SegmentsRange<'data> {
    fn segments_range(&self) -> Option<(u64, u64)>;
}

impl<'data, T: Object<'data>> SegmentsRange<'data> for T {
    fn segments_range(&self) -> Option<(u64, u64)> {
        use object::ObjectSegment;
        let from = self.segments().map(|segment| segment.address()).min()?;
        let to = self.segments().map(|segment| segment.address().saturating_add(segment.size())).max()?;
        Some((from, to))
    }
}

/// A name as the source has it, without hashes and without arguments.
fn demangle(name: &str) -> String {
    if let Ok(name) = rustc_demangle::try_demangle(name) {
        return format!("{name:#}");
    }
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle_with_options(&options).ok())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_source() {
        assert_eq!(demangle("_ZN3MNN10CPUBackend9onExecuteEv"), "MNN::CPUBackend::onExecute");
        assert_eq!(demangle("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE"), "core::fmt::Formatter::pad");
        assert_eq!(demangle("memcpy"), "memcpy");
    }

    #[test]
    fn cycles_are_summed_by_function() {
        let by_address = [(0x1000, "first".to_owned()), (0x2000, "second".to_owned())].into();
        let functions = Functions { by_address, code: Some((0x800, 0x3000)) };
        let block = |address, cycles| BlockCycles { address, bytes: 16, cycles };
        let sums = functions.cycles(&[block(0x1000, 5), block(0x2ffc, 7), block(0x1fff, 3), block(0x900, 1), block(0x5000, 2)]);
        let expected = [("first", 8), ("second", 7), (ELSEWHERE, 2), (UNNAMED, 1)];
        assert_eq!(sums, expected.map(|(name, cycles)| (name.to_owned(), cycles)));
    }
}
