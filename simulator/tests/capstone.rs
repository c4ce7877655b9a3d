//! The decoder agrees with Capstone.

#![allow(clippy::unwrap_used)]

#[test]
fn placeholder() {
    use capstone::prelude::*;
    let cs = Capstone::new().arm64().mode(capstone::arch::arm64::ArchMode::Arm).detail(true).build().unwrap();
    let i = cs.disasm_all(&0x4fa21020u32.to_le_bytes(), 0).unwrap();
    println!("{i}");
}
