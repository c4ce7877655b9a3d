//! Engines by name, those too that this build does not hold.

use engines::{Delivery, EngineError, EngineKind, ModelFormat, open};

#[test]
fn an_engine_of_another_build_is_named_with_the_way_to_get_it() {
    let absent: Vec<_> = EngineKind::ALL.into_iter().filter(|kind| !kind.is_built()).collect();
    for kind in absent {
        let Some(EngineError::NotBuilt { engine, remedy }) = open(kind, None).err() else { panic!("{kind}") };
        assert!(engine == kind.name() && remedy.contains("cargo build"), "{engine}: {remedy}");
    }
}

#[test]
fn engines_are_named_on_the_command_line() {
    assert_eq!("ort".parse(), Ok(EngineKind::OnnxRuntime));
    for kind in EngineKind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("tflite".parse::<EngineKind>().unwrap_err().contains("ort"));
}

/// What is found and sent by an engine's description would otherwise be missed only on a device.
#[test]
fn every_engine_is_described_whole() {
    for kind in EngineKind::ALL {
        let entry = kind.entry();
        assert_eq!(entry.full_name.parse(), Ok(kind));
        for builds in [&entry.agents.prepared, &entry.agents.crossed] {
            assert!(!builds.of(true).is_empty() && !builds.of(false).is_empty(), "{kind}");
        }
        assert_eq!(entry.open.is_some(), kind.is_built());
        let named = kind.check_library(Some(std::path::Path::new("lib.so")));
        assert_eq!(named.is_ok(), matches!(entry.delivery, Delivery::Library(_)), "{kind}");
        if let ModelFormat::Own(format) = entry.format {
            assert_eq!(format.setup, format!("profiler setup {kind}"));
            assert!(entry.setup.is_some() && !format.ending.contains('.'), "{kind}");
        }
        if let Some(setup) = &entry.setup {
            let script = support::project_root().join("scripts").join(setup.script);
            assert_eq!(std::fs::read_to_string(script).unwrap(), setup.text);
        }
    }
}
