//! Engines by name, those too that this build does not hold.

use engines::{EngineKind, open};

#[test]
fn an_engine_of_another_build_is_named_with_the_way_to_get_it() {
    let absent: Vec<_> = EngineKind::ALL.into_iter().filter(|kind| !kind.is_built()).collect();
    for kind in absent {
        let message = open(kind, None).err().unwrap().to_string();
        assert!(message.contains(kind.name()) && message.contains("cargo build"), "{message}");
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
