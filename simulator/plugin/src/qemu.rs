//! The functions of QEMU's plugin API, version 1, that are called. QEMU itself provides them when it loads the plugin.
//!
//! Names and types are those of QEMU's documentation, "QEMU TCG Plugins", for release 7.2.

use std::ffi::{c_char, c_int, c_uint, c_void};

/// Which plugin.
pub(crate) type PluginId = u64;

/// What QEMU says of itself: the first members of its structure.
#[repr(C)]
pub struct Info {
    pub(crate) target_name: *const c_char,
    pub(crate) version: Versions,
    pub(crate) system_emulation: bool,
}

/// Versions of the API.
#[repr(C)]
pub(crate) struct Versions {
    pub(crate) least: c_int,
    pub(crate) current: c_int,
}

/// A block being translated.
#[repr(C)]
pub(crate) struct Block {
    _opaque: [u8; 0],
}

/// An instruction of it.
#[repr(C)]
pub(crate) struct Instruction {
    _opaque: [u8; 0],
}

/// Callbacks read no registers.
pub(crate) const NO_REGISTERS: c_int = 0;
/// Loads and stores.
pub(crate) const READ_WRITE: c_int = 3;
/// The one operation that is done without a callback.
pub(crate) const INLINE_ADD_U64: c_int = 0;

pub(crate) type Simple = extern "C" fn(PluginId);
pub(crate) type WithThread = extern "C" fn(PluginId, c_uint);
pub(crate) type WithData = extern "C" fn(PluginId, *mut c_void);
pub(crate) type Translated = extern "C" fn(PluginId, *mut Block);
pub(crate) type Executed = extern "C" fn(c_uint, *mut c_void);
pub(crate) type Accessed = extern "C" fn(c_uint, u32, u64, *mut c_void);
pub(crate) type CallBegins = extern "C" fn(PluginId, c_uint, i64, u64, u64, u64, u64, u64, u64, u64, u64);
pub(crate) type CallEnds = extern "C" fn(PluginId, c_uint, i64, i64);

unsafe extern "C" {
    pub(crate) fn qemu_plugin_reset(id: PluginId, done: Simple);
    pub(crate) fn qemu_plugin_register_vcpu_init_cb(id: PluginId, callback: WithThread);
    pub(crate) fn qemu_plugin_register_vcpu_tb_trans_cb(id: PluginId, callback: Translated);
    pub(crate) fn qemu_plugin_register_vcpu_tb_exec_cb(block: *mut Block, callback: Executed, flags: c_int, data: *mut c_void);
    pub(crate) fn qemu_plugin_register_vcpu_tb_exec_inline(block: *mut Block, operation: c_int, value: *mut c_void, operand: u64);
    pub(crate) fn qemu_plugin_register_vcpu_mem_cb(
        instruction: *mut Instruction,
        callback: Accessed,
        flags: c_int,
        direction: c_int,
        data: *mut c_void,
    );
    pub(crate) fn qemu_plugin_register_vcpu_syscall_cb(id: PluginId, callback: CallBegins);
    pub(crate) fn qemu_plugin_register_vcpu_syscall_ret_cb(id: PluginId, callback: CallEnds);
    pub(crate) fn qemu_plugin_register_atexit_cb(id: PluginId, callback: WithData, data: *mut c_void);
    pub(crate) fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    pub(crate) fn qemu_plugin_tb_vaddr(block: *const Block) -> u64;
    pub(crate) fn qemu_plugin_tb_get_insn(block: *const Block, index: usize) -> *mut Instruction;
    pub(crate) fn qemu_plugin_insn_data(instruction: *const Instruction) -> *const c_void;
    pub(crate) fn qemu_plugin_insn_haddr(instruction: *const Instruction) -> *mut c_void;
    pub(crate) fn qemu_plugin_mem_size_shift(info: u32) -> c_uint;
    pub(crate) fn qemu_plugin_entry_code() -> u64;
}
