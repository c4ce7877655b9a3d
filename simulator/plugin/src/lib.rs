//! A plugin for QEMU's user emulation (API version 1, QEMU 7.2): reports to the [`simulator`] what a program executes, and gives the program
//! simulated time.
//!
//! `qemu-aarch64 -plugin file=libsimulator_plugin.so,settings=FILE PROGRAM…`, where FILE holds [`simulator::Settings`] as JSON. At the
//! program's end a [`simulator::Report`] is written. The crate `emulator` does both.
//!
//! | module | what it holds |
//! |---|---|
//! | `qemu` | the functions of QEMU that are called |
//! | `observer` | what is simulated at present: blocks, accesses, regions |
//! | `code` | blocks that were translated |
//! | `calls` | system calls whose answers would show the host |
//! | `hidden` | files of the host that a program does not see |
//! | `clock` | simulated time |
//! | `guest` | the program's memory |
//!
//! Outside marked regions blocks only count their instructions, which costs little; a region begins and ends with all code being
//! translated again.

mod calls;
mod clock;
mod code;
mod guest;
mod hidden;
mod observer;
mod qemu;

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

use observer::Observer;
use simulator::Settings;

/// The version of the API: QEMU looks it up by this name.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static qemu_plugin_version: c_int = 1;

/// The only one there is: QEMU's callbacks carry no state of ours.
static OBSERVER: OnceLock<Observer> = OnceLock::new();

/// Why the plugin does not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("this QEMU has version {found} of the plugin API, this plugin is for version {}", qemu_plugin_version)]
    Api { found: c_int },
    #[error("this is not QEMU's user emulation of aarch64")]
    Target,
    #[error("the argument settings=FILE is missing")]
    NoSettings,
    #[error("{file}: {source}")]
    Read { file: String, source: std::io::Error },
    #[error("{file}: {source}")]
    Settings { file: String, source: serde_json::Error },
    #[error(
        "this plugin is of another build than the profiler: scripts/setup-simulator.sh in a clone of the project builds it again"
    )]
    Build,
    #[error(transparent)]
    Chip(#[from] simulator::ChipError),
}

/// Called by QEMU once the plugin is loaded.
///
/// # Safety
/// `info` and `argv` are as QEMU gives them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: qemu::PluginId,
    info: *const qemu::Info,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    // SAFETY: QEMU gives `argc` strings that end with 0.
    let arguments: Vec<String> = (0..usize::try_from(argc).unwrap_or(0))
        .map(|k| unsafe { CStr::from_ptr(*argv.add(k)) }.to_string_lossy().into_owned())
        .collect();
    // SAFETY: QEMU gives a valid pointer.
    match start(unsafe { &*info }, &arguments) {
        Ok(observer) => {
            let simulates = observer.begins_at_once();
            if OBSERVER.set(observer).is_err() {
                return -1;
            }
            register(id, simulates);
            0
        }
        Err(error) => {
            eprintln!("simulator: {error}");
            -1
        }
    }
}

fn start(info: &qemu::Info, arguments: &[String]) -> Result<Observer, StartError> {
    if info.version.current != qemu_plugin_version {
        return Err(StartError::Api { found: info.version.current });
    }
    // SAFETY: QEMU gives a string that ends with 0.
    if info.system_emulation || unsafe { CStr::from_ptr(info.target_name) } != c"aarch64" {
        return Err(StartError::Target);
    }
    let file = arguments.iter().find_map(|argument| argument.strip_prefix("settings=")).ok_or(StartError::NoSettings)?;
    let text = std::fs::read(file).map_err(|source| StartError::Read { file: file.to_owned(), source })?;
    let settings: Settings =
        serde_json::from_slice(&text).map_err(|source| StartError::Settings { file: file.to_owned(), source })?;
    if settings.build != simulator::report::BUILD {
        return Err(StartError::Build);
    }
    Ok(Observer::new(settings.chip()?, settings))
}

/// Registers what is to be called from here on: all that runs, or only what counts instructions.
fn register(id: qemu::PluginId, simulates: bool) {
    // SAFETY: functions of the right types, which live as long as the process.
    unsafe {
        qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, if simulates { translated_to_simulate } else { translated_to_count });
        qemu::qemu_plugin_register_vcpu_init_cb(id, thread_started);
        qemu::qemu_plugin_register_vcpu_syscall_cb(id, call_begins);
        qemu::qemu_plugin_register_vcpu_syscall_ret_cb(id, call_ends);
        qemu::qemu_plugin_register_atexit_cb(id, ended, std::ptr::null_mut());
    }
}

fn observer() -> &'static Observer {
    OBSERVER.get().expect("callbacks are registered once the observer is there")
}

extern "C" fn reset_to_simulate(id: qemu::PluginId) {
    register(id, true);
}

extern "C" fn reset_to_count(id: qemu::PluginId) {
    register(id, false);
}

extern "C" fn thread_started(_: qemu::PluginId, _: c_uint) {
    observer().thread_started();
}

extern "C" fn translated_to_count(_: qemu::PluginId, block: *mut qemu::Block) {
    // SAFETY: QEMU gives a block that is valid during the call; the counter lives as long as the process.
    unsafe {
        observer().see(block);
        let instructions = qemu::qemu_plugin_tb_n_insns(block) as u64;
        qemu::qemu_plugin_register_vcpu_tb_exec_inline(block, qemu::INLINE_ADD_U64, observer().counter(), instructions);
    }
}

extern "C" fn translated_to_simulate(_: qemu::PluginId, block: *mut qemu::Block) {
    // SAFETY: QEMU gives a block that is valid during the call; entries live as long as the process.
    unsafe {
        observer().see(block);
        let entry = observer().translate(block);
        qemu::qemu_plugin_register_vcpu_tb_exec_cb(
            block,
            executed,
            qemu::NO_REGISTERS,
            std::ptr::from_ref(entry).cast_mut().cast(),
        );
        for k in (0..entry.block.len()).filter(|k| entry.block.touches_memory(*k)) {
            let instruction = qemu::qemu_plugin_tb_get_insn(block, k);
            // The place of the instruction is what the callback needs to know, and is given in the pointer.
            qemu::qemu_plugin_register_vcpu_mem_cb(instruction, accessed, qemu::NO_REGISTERS, qemu::READ_WRITE, k as *mut c_void);
        }
    }
}

extern "C" fn executed(thread: c_uint, entry: *mut c_void) {
    // SAFETY: the pointer is that of an entry, registered above.
    observer().executed(thread, unsafe { &*entry.cast::<code::Entry>().cast_const() });
}

extern "C" fn accessed(thread: c_uint, info: u32, address: u64, place: *mut c_void) {
    // SAFETY: QEMU's own value.
    let shift = unsafe { qemu::qemu_plugin_mem_size_shift(info) };
    observer().accessed(thread, place as usize as u32, address, 1 << shift);
}

#[allow(clippy::too_many_arguments)]
extern "C" fn call_begins(
    id: qemu::PluginId,
    thread: c_uint,
    number: i64,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    _: u64,
    _: u64,
    _: u64,
) {
    let switch = observer().call_begins(thread, calls::Call { number, arguments: [a, b, c, d, e] });
    let register_anew = match switch {
        None => return,
        Some(observer::Switch::ToSimulate) => reset_to_simulate,
        Some(observer::Switch::ToCount) => reset_to_count,
    };
    // SAFETY: all code is translated again before the program goes on, with the callbacks that the function registers.
    unsafe { qemu::qemu_plugin_reset(id, register_anew) };
}

extern "C" fn call_ends(_: qemu::PluginId, thread: c_uint, number: i64, result: i64) {
    observer().call_ends(thread, number, result);
}

extern "C" fn ended(_: qemu::PluginId, _: *mut c_void) {
    if let Err(error) = observer().write_report() {
        eprintln!("simulator: the report cannot be written: {error}");
    }
}
