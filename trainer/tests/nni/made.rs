//! Files written here: what must be read, and what must be refused.

use std::path::Path;

use blocks::Space;
use pickle::PickleFault;
use trainer::nni::{Choice, Import, ImportError, TorchError};
use trainer::run::{Checkpoint, Kind};

use crate::written::{File, of_space};

fn tiny() -> String {
    support::project_root().join("tests/spaces/tiny.toml").to_str().unwrap().to_string()
}

fn import(bytes: &[u8], choice: Choice<'_>) -> Result<Checkpoint, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.pth");
    std::fs::write(&path, bytes).unwrap();
    Import { path: &path, space: &tiny(), choice }.read().map(|imported| imported.checkpoint)
}

fn refusal(file: &File) -> String {
    import(&file.legacy(), Choice::Shapes).unwrap_err().to_string()
}

fn supernet() -> File {
    of_space(&Space::load(&tiny()).unwrap(), None, "module.")
}

#[test]
fn both_forms_and_both_prefixes_give_one_checkpoint() {
    let space = Space::load(&tiny()).unwrap();
    let first = import(&supernet().legacy(), Choice::Shapes).unwrap();
    assert_eq!((first.meta.kind, first.meta.points, first.meta.epoch), (Kind::Supernet, 3, 7));
    for prefix in ["", "module."] {
        let file = of_space(&space, None, prefix);
        for bytes in [file.legacy(), file.zip(zip::CompressionMethod::Stored)] {
            assert!(import(&bytes, Choice::Shapes).unwrap() == first);
        }
    }
}

/// What people save beside the weights, in the form that Python gives it.
const BESIDE: [(&str, &[u8]); 15] = [
    ("a scheduler's milestones", b"ccollections\nCounter\n}(K\x0aK\x01K\x14K\x02u\x85R"),
    ("arguments", b"cargparse\nNamespace\n)\x81}(X\x02\0\0\0lrG?\xf0\0\0\0\0\0\0X\x02\0\0\0of](K\x01K\x02eub"),
    ("a set", b"c__builtin__\nset\n](K\x01K\x02e\x85R"),
    ("a frozen set", b"cbuiltins\nfrozenset\n](K\x01K\x02e\x85R"),
    ("a set of protocol 4", b"\x8f(K\x01K\x02\x90"),
    (
        "a number of numpy's",
        b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\0\0\0f8K\0K\x01\x87R(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xff\
          J\xff\xff\xff\xffK\0tbc_codecs\nencode\nX\x08\0\0\0abcdefghX\x06\0\0\0latin1\x86R\x86R",
    ),
    ("a date", b"cdatetime\ndatetime\nc_codecs\nencode\nX\x02\0\0\0\x07ZX\x06\0\0\0latin1\x86R\x85R"),
    ("a path", b"cpathlib\nPosixPath\nX\x01\0\0\0/X\x01\0\0\0x\x86R"),
    ("a queue", b"ccollections\ndeque\n)K\x05\x86R(K\x01K\x02e"),
    ("a dict with a default", b"ccollections\ndefaultdict\nc__builtin__\nlist\n\x85R(K\x01]u"),
    ("an object that holds itself", b"cmodels.pfld\nPFLD\n)\x81q\x63}(X\x02\0\0\0meh\x63ub"),
    ("an enum's member", b"c__builtin__\ngetattr\ncmodels\nColour\nX\x03\0\0\0RED\x86R"),
    ("a number of 100 bits", b"\x8a\x0d\0\0\0\0\0\0\0\0\0\0\0\0\x10"),
    ("a string that is no UTF-8", b"X\x04\0\0\0\xed\xb2\x80a"),
    ("what would run", b"cos\nsystem\nX\x04\0\0\0true\x85R"),
];

#[test]
fn what_lies_beside_the_weights_does_not_matter() {
    let first = import(&supernet().legacy(), Choice::Shapes).unwrap();
    for (what, value) in BESIDE {
        let more = [b"X\x05\0\0\0extra", value].concat();
        let file = File { more, ..supernet() };
        for bytes in [file.legacy(), file.zip(zip::CompressionMethod::Stored)] {
            let found = import(&bytes, Choice::Shapes).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert!(found == first, "{what}");
        }
    }
    let text = [b"X\x05\0\0\0extraX\x88\x13\0\0".as_slice(), &[b'x'; 5000]].concat();
    assert!(import(&File { more: text, ..supernet() }.legacy(), Choice::Shapes).unwrap() == first, "a long text");
}

/// A later entry replaces the earlier one.
#[test]
fn what_is_not_read_is_named_where_it_is_needed() {
    let refusal = |more: &[u8]| refusal(&File { more: more.to_vec(), ..supernet() });
    let message = refusal(b"X\x0d\0\0\0pfld_backbonecmodels.pfld\nPFLD\n)\x81}b");
    for name in ["'pfld_backbone'", "state_dict()", "\"models.pfld.PFLD\""] {
        assert!(message.contains(name), "{message}");
    }
    let message = refusal(b"X\x0c\0\0\0auxiliarynet}X\x01\0\0\0acos\nsystem\nX\x04\0\0\0true\x85Rs");
    assert!(["'a'", "'auxiliarynet'", "\"os.system\""].iter().all(|name| message.contains(name)), "{message}");
    let message = refusal(b"X\x0b\0\0\0arch_sample](cos\nsystem\n)Re");
    assert!(message.contains("'arch_sample'") && message.contains("os.system"), "{message}");
}

#[test]
fn a_supernets_choice_is_the_one_written_or_the_most_probable() {
    let space = Space::load(&tiny()).unwrap();
    let chosen = |file: &File| {
        let checkpoint = import(&file.legacy(), Choice::Shapes).unwrap();
        let choice = checkpoint.chosen(Path::new("x"), &space).unwrap();
        choice.iter().map(|p| p.name()).collect::<Vec<_>>()
    };
    let mut file = supernet();
    assert_eq!(chosen(&file), ["sep_k3", "gh_k3"]);
    file.arch_sample = Some(vec!["mb_k3_res", "gh_k3"]);
    assert_eq!(chosen(&file), ["mb_k3_res", "gh_k3"]);
    file.arch_sample = Some(vec!["mb_k3_res", "gh_k5"]);
    let error = import(&file.legacy(), Choice::Shapes).unwrap_err();
    assert!(matches!(error, ImportError::Choice { .. }) && error.to_string().contains("layer 2: 'gh_k5'"), "{error}");
}

#[test]
fn a_subnet_whose_shapes_tell_all_needs_no_help() {
    let space = Space::load(&tiny()).unwrap();
    let file = of_space(&space, Some(&["sep_k3", "mb_k3_e2_res"]), "module.");
    let checkpoint = import(&file.zip(zip::CompressionMethod::Stored), Choice::Shapes).unwrap();
    assert_eq!((checkpoint.meta.kind, checkpoint.meta.choice.unwrap().join(" ")), (Kind::Subnet, "sep_k3 mb_k3_e2_res".into()));
    let named = ["mb_k3_res", "mb_k3_e2_res"].map(str::to_string);
    let error = import(&file.legacy(), Choice::Names(&named)).unwrap_err();
    let said = error.to_string();
    assert!(matches!(error, ImportError::Choice { .. }), "{said}");
    assert!(["layer 1:", "'mb_k3_res'", "sep_k3"].iter().all(|name| said.contains(name)), "{said}");
}

#[test]
fn weights_of_another_space_are_listed() {
    let mut file = supernet();
    file.backbone.retain(|t| t.name != "module.conv7.weight");
    let alpha = file.backbone.iter_mut().find(|t| t.name.ends_with("1.registered_module.path_alpha")).unwrap();
    (alpha.dims, alpha.values) = (vec![3], vec![0.0; 3]);
    let wrong = file.pose.iter_mut().find(|t| t.name == "module.fc2.bias").unwrap();
    wrong.dims = vec![1, 3];
    file.pose[0].name = "module.conv9.0.weight".to_string();
    let ImportError::Misfit { faults, .. } = import(&file.legacy(), Choice::Shapes).unwrap_err() else { panic!() };
    let expected = [
        "'conv7.weight'",
        "'fc2.bias' is [1, 3], not [3]",
        "'conv9.0.weight'",
        "'conv1.0.weight'",
        "'blocks.1.registered_module.path_alpha'",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for name in expected {
        assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name}: {faults:?}");
    }
}

#[test]
fn other_files_are_refused() {
    let fault = |bytes: &[u8]| match import(bytes, Choice::Shapes) {
        Err(ImportError::Torch { source, .. }) => source,
        other => panic!("{:?}", other.err()),
    };
    assert!(matches!(fault(b"hello"), TorchError::Form));
    assert!(matches!(fault(b"PK\x03\x04"), TorchError::Archive(_)));
    assert!(matches!(fault(&supernet().zip(zip::CompressionMethod::Deflated)), TorchError::Part { .. }));
    let mut file = supernet();
    file.backbone.retain(|t| !t.name.contains("fc.weight"));
    let error = import(&file.legacy(), Choice::Shapes).unwrap_err();
    assert!(matches!(error, ImportError::NotNnis { .. }) && error.to_string().contains("'fc.weight'"), "{error}");

    let legacy = supernet().legacy();
    assert!(matches!(fault(&legacy[..legacy.len() - 1]), TorchError::Cut(_)));
    let with = |from: &[u8], to: &[u8]| {
        let at = legacy.windows(from.len()).position(|w| w == from).unwrap();
        import(&[&legacy[..at], to, &legacy[at + from.len()..]].concat(), Choice::Shapes).unwrap_err()
    };
    let pickle = |from: &[u8], to: &[u8]| match with(from, to) {
        ImportError::Torch { source: TorchError::Pickle(error), .. } => error.fault,
        other => panic!("{other}"),
    };
    let run = with(b"ctorch._utils\n_rebuild_tensor_v2\n", b"cos\nsystem\n");
    assert!(matches!(&run, ImportError::NotNnis { reason, .. } if reason.contains("\"os.system\"")), "{run}");
    // Values of another precision, another order of bytes, another version of the form.
    for (from, to) in [(&b"FloatStorage"[..], &b"IntStorage"[..]), (b"\x88s.", b"\x89s."), (b"M\xe9\x03.", b"M\xe8\x03.")] {
        assert!(matches!(pickle(from, to), PickleFault::Unfit(_)), "{}", to.escape_ascii());
    }
    let error = with(b"pfld_backbone", b"pfld_backbonf");
    assert!(matches!(error, ImportError::NotNnis { .. }) && error.to_string().contains("'pfld_backbone'"), "{error}");
    // A shape that reaches beyond its storage must not be filled up from elsewhere.
    let huge = |dims: Vec<usize>| {
        let mut file = supernet();
        let tensor = file.backbone.iter_mut().find(|t| t.name.ends_with("conv7.weight")).unwrap();
        tensor.values.truncate(5);
        tensor.dims = dims;
        import(&file.legacy(), Choice::Shapes).unwrap_err()
    };
    assert!(matches!(huge(vec![128, 1, 7, 7]), ImportError::Torch { source: TorchError::Pickle(_), .. }));
    let misfit = huge(vec![128, 1, 7, 2_000_000_000]).to_string();
    assert!(misfit.contains("'conv7.weight' is [128, 1, 7, 2000000000]"), "{misfit}");
}

/// One flipped bit in an archive is found by its checksum, wherever the values lie.
#[test]
fn a_damaged_value_of_an_archive_is_found() {
    let file = supernet();
    let bytes = file.zip(zip::CompressionMethod::Stored);
    let value = file.backbone[40].values[0].to_le_bytes();
    let at = bytes.windows(4).position(|w| w == value).unwrap();
    let mut damaged = bytes;
    damaged[at] ^= 1;
    let error = import(&damaged, Choice::Shapes).unwrap_err();
    assert!(matches!(&error, ImportError::Torch { source: TorchError::Part { .. }, .. }), "{error}");
}
