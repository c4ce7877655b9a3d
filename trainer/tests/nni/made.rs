//! Files written here: what must be read, and what must be refused.

use std::path::Path;

use blocks::Space;
use trainer::nni::{Choice, Import, ImportError};
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

#[test]
fn a_supernets_choice_is_the_one_written_or_the_most_probable() {
    let space = Space::load(&tiny()).unwrap();
    let chosen = |file: &File| {
        let checkpoint = import(&file.legacy(), Choice::Shapes).unwrap();
        let choice = trainer::search::chosen(&checkpoint, Path::new("x"), &space).unwrap();
        choice.iter().map(|p| p.name()).collect::<Vec<_>>()
    };
    let mut file = supernet();
    assert_eq!(chosen(&file), ["sep_k3", "gh_k3"]);
    file.arch_sample = Some(vec!["mb_k3_res", "gh_k3"]);
    assert_eq!(chosen(&file), ["mb_k3_res", "gh_k3"]);
    file.arch_sample = Some(vec!["mb_k3_res", "gh_k5"]);
    assert!(refusal(&file).contains("layer 2: 'gh_k5' is not among its candidates"));
}

#[test]
fn a_subnet_whose_shapes_tell_all_needs_no_help() {
    let space = Space::load(&tiny()).unwrap();
    let file = of_space(&space, Some(&["sep_k3", "mb_k3_e2_res"]), "module.");
    let checkpoint = import(&file.zip(zip::CompressionMethod::Stored), Choice::Shapes).unwrap();
    assert_eq!((checkpoint.meta.kind, checkpoint.meta.choice.unwrap().join(" ")), (Kind::Subnet, "sep_k3 mb_k3_e2_res".into()));
    let named = ["mb_k3_res", "mb_k3_e2_res"].map(str::to_string);
    let message = import(&file.legacy(), Choice::Names(&named)).unwrap_err().to_string();
    assert!(message.contains("layer 1: its weights are not those of 'mb_k3_res'; they fit sep_k3"), "{message}");
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
    let message = refusal(&file);
    for expected in [
        "'conv7.weight' is missing",
        "'fc2.bias' is [1, 3], not [3]",
        "'conv9.0.weight' is in the file only",
        "'conv1.0.weight' is missing",
        "'blocks.1.registered_module.path_alpha' is missing, or is no row of 2",
        "--space",
    ] {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn other_files_are_refused() {
    let message = |bytes: &[u8]| import(bytes, Choice::Shapes).unwrap_err().to_string();
    assert!(message(b"hello").contains("neither a zip archive"));
    assert!(message(b"PK\x03\x04").contains("no whole file of torch.save"));
    let compressed = supernet().zip(zip::CompressionMethod::Deflated);
    assert!(message(&compressed).contains("compressed"));
    let mut file = supernet();
    file.backbone.retain(|t| !t.name.contains("fc.weight"));
    assert!(refusal(&file).contains("no 'fc.weight'"));

    let legacy = supernet().legacy();
    assert!(message(&legacy[..legacy.len() - 1]).contains("cut off"));
    let with = |from: &[u8], to: &[u8]| {
        let at = legacy.windows(from.len()).position(|w| w == from).unwrap();
        message(&[&legacy[..at], to, &legacy[at + from.len()..]].concat())
    };
    assert!(with(b"ctorch._utils\n_rebuild_tensor_v2\n", b"cos\nsystem\n").contains("\"os.system\" would be imported"));
    assert!(with(b"FloatStorage", b"IntStorage").contains("single precision"));
    assert!(with(b"\x88s.", b"\x89s.").contains("big-endian"));
    assert!(with(b"M\xe9\x03.", b"M\xe8\x03.").contains("unknown version"));
    assert!(with(b"pfld_backbone", b"pfld_backbonf").contains("no dict 'pfld_backbone'"));
    // A shape that reaches beyond its storage must not be filled up from elsewhere.
    let huge = |dims: Vec<usize>| {
        let mut file = supernet();
        let tensor = file.backbone.iter_mut().find(|t| t.name.ends_with("conv7.weight")).unwrap();
        tensor.values.truncate(5);
        tensor.dims = dims;
        refusal(&file)
    };
    assert!(huge(vec![128, 1, 7, 7]).contains("reaches beyond its storage"));
    assert!(huge(vec![128, 1, 7, 2_000_000_000]).contains("conv7.weight' is [128, 1, 7, 2000000000], not [128, 1, 7, 7]"));
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
    let message = import(&damaged, Choice::Shapes).unwrap_err().to_string();
    assert!(message.contains("checksum"), "{message}");
}
