//! Writes a built-in space with PFLD's trunk as a folder of ONNX files: `cargo run -p blocks --example as_folder -- pfld DIR`.
//!
//! The folder is measured as anybody's space is, and must give the built-in one's table.

use std::error::Error;
use std::fs;
use std::path::Path;

use blocks::trunk::Trunk;
use blocks::{Measurable, PartId, PrimitiveSpace, Space};

/// Landmarks of the networks.
const POINTS: usize = 106;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = &words[..] else { return Err("give a space's name and a folder".into()) };
    fs::create_dir_all(folder)?;
    write(&PrimitiveSpace { space: Space::load(name)?, points: POINTS }, Path::new(folder))
}

/// Writes the space into that folder, its parts alone a file each.
pub fn write(space: &PrimitiveSpace, folder: &Path) -> Result<(), Box<dyn Error>> {
    let Some(Trunk::Pfld { side_layer }) = space.space.trunk() else { return Err("the space does not have PFLD's trunk".into()) };
    let side = format!("L{}", side_layer + 1);
    let layers = space.layers();
    let last = format!("L{}", layers.len());
    let input = space.space.input();
    let mut text = format!(
        "format = \"blocktime-space\"\nschema = 1\nkind = \"onnx\"\nname = \"{}\"\ninput = [{}, {}, {}]\n",
        space.name(),
        input.c,
        input.h,
        input.w
    );
    let file = |id: PartId, name: String| -> Result<String, Box<dyn Error>> {
        let part = space.part_file(id)?.ok_or_else(|| format!("no part {id}"))?;
        fs::write(folder.join(&name), part.bytes)?;
        Ok(name)
    };
    let fixed = |name: &str, inputs: &str| -> Result<String, Box<dyn Error>> {
        let file = file(PartId::Fixed(name), format!("{name}.onnx"))?;
        Ok(format!("\n[[slot]]\nname = \"{name}\"\nfile = \"{file}\"\n{inputs}"))
    };
    text += &(fixed("stem", "")? + &fixed("block4_1", "")?);
    for (i, layer) in layers.iter().enumerate() {
        text += &format!("\n[[slot]]\nname = \"{}\"\ncandidates = [\n", layer.name);
        for (k, candidate) in layer.candidates.iter().enumerate() {
            let what = match candidate.is_identity {
                true => "identity = true".to_string(),
                false => format!("file = \"{}\"", file(PartId::Block(&candidate.key), format!("{i}-{k}.onnx"))?),
            };
            text += &format!("    {{ name = \"{}\", {what} }},\n", candidate.name);
        }
        text += "]\n";
    }
    text += &fixed("avg_pool1", "inputs = [\"stem:1\"]\n")?;
    text += &fixed("avg_pool2", &format!("inputs = [\"{side}\"]\n"))?;
    text += &fixed("block6_1", &format!("inputs = [\"{last}\", \"avg_pool2\", \"avg_pool1\"]\n"))?;
    for name in ["block6_2", "block6_3", "conv7", "fc"] {
        text += &fixed(name, "")?;
    }
    Ok(fs::write(folder.join("space.toml"), text)?)
}
