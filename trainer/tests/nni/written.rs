//! Files as `torch.save` writes them, in both forms, with a few weights.

use std::io::Write;

use blocks::{Graph, Space, Weights};

/// A tensor of a file.
pub struct Saved {
    pub name: String,
    pub dims: Vec<usize>,
    pub values: Vec<f32>,
}

/// A checkpoint to be written.
pub struct File {
    pub backbone: Vec<Saved>,
    pub pose: Vec<Saved>,
    pub arch_sample: Option<Vec<&'static str>>,
    /// More entries, as a pickle has them: names and values in turn.
    pub more: Vec<u8>,
}

/// The weights of a graph, called as NNI does on several devices where `prefix` is `module.`.
pub fn saved(graph: &Graph, weights: &Weights, prefix: &str) -> Vec<Saved> {
    let tensor = |p: blocks::graph::Param| {
        let values = weights.0[&p.name].clone();
        Saved { name: format!("{prefix}{}", p.name), dims: p.dims, values }
    };
    graph.params().into_iter().map(tensor).collect()
}

/// A supernet's or (with a choice) a subnet's checkpoint with weights by chance.
pub fn of_space(space: &Space, choice: Option<&[&str]>, prefix: &str) -> File {
    let backbone = match choice {
        Some(names) => space.subnet(&space.choice(names).unwrap(), 3),
        None => space.supernet(3),
    };
    let mut weights = saved(&backbone, &Weights::for_measuring(&backbone, 1), prefix);
    if choice.is_none() {
        for (i, layer) in space.layers().iter().enumerate() {
            let n = layer.primitives.len();
            let name = format!("{prefix}blocks.{i}.registered_module.path_alpha");
            // The last candidate of each layer.
            weights.push(Saved { name, dims: vec![n], values: (0..n).map(|k| k as f32 * 0.1).collect() });
        }
    }
    let pose = space.pose_net().unwrap();
    File { backbone: weights, pose: saved(&pose, &Weights::for_measuring(&pose, 2), prefix), arch_sample: None, more: Vec::new() }
}

impl File {
    fn tensors(&self) -> impl Iterator<Item = &Saved> {
        self.backbone.iter().chain(&self.pose)
    }

    /// The pickle, and what it stands for: a dict of two dicts, an epoch, perhaps a choice.
    fn pickle(&self) -> Vec<u8> {
        let mut p = Pickle(b"\x80\x02}(".to_vec());
        let mut key = 0;
        for (net, tensors) in [("pfld_backbone", &self.backbone), ("auxiliarynet", &self.pose)] {
            p.text(net);
            p.put(b"ccollections\nOrderedDict\n)R(");
            for tensor in tensors {
                p.text(&tensor.name);
                p.tensor(key, tensor);
                key += 1;
            }
            // As PyTorch does: attributes beside the entries.
            p.put(b"u}");
            p.text("_metadata");
            p.put(b"ccollections\nOrderedDict\n)Rsb");
        }
        p.text("epoch");
        p.int(7);
        p.text("arch_sample");
        match &self.arch_sample {
            None => p.put(b"N"),
            Some(names) => {
                p.put(b"](");
                names.iter().for_each(|name| p.text(name));
                p.put(b"e");
            }
        }
        p.put(&self.more);
        p.put(b"u.");
        p.0
    }

    /// The form of PyTorch up to 1.5.
    pub fn legacy(&self) -> Vec<u8> {
        let mut p = Pickle(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e\x80\x02M\xe9\x03.\x80\x02}".to_vec());
        p.text("little_endian");
        p.put(b"\x88s.");
        p.put(&self.pickle());
        p.put(b"\x80\x02](");
        (0..self.tensors().count()).for_each(|key| p.text(&key.to_string()));
        p.put(b"e.");
        for tensor in self.tensors() {
            p.put(&(tensor.values.len() as u64).to_le_bytes());
            tensor.values.iter().for_each(|v| p.put(&v.to_le_bytes()));
        }
        p.0
    }

    /// The form since PyTorch 1.6.
    pub fn zip(&self, compression: zip::CompressionMethod) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(compression);
        let mut part = |name: String, bytes: &[u8]| {
            archive.start_file(name, options).unwrap();
            archive.write_all(bytes).unwrap();
        };
        part("net/data.pkl".to_string(), &self.pickle());
        part("net/byteorder".to_string(), b"little");
        for (key, tensor) in self.tensors().enumerate() {
            let bytes: Vec<u8> = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            part(format!("net/data/{key}"), &bytes);
        }
        archive.finish().unwrap().into_inner()
    }
}

struct Pickle(Vec<u8>);

impl Pickle {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.put(b"X");
        self.put(&(text.len() as u32).to_le_bytes());
        self.put(text.as_bytes());
    }

    fn int(&mut self, n: usize) {
        self.put(b"J");
        self.put(&(n as i32).to_le_bytes());
    }

    fn ints(&mut self, numbers: &[usize]) {
        self.put(b"(");
        numbers.iter().for_each(|&n| self.int(n));
        self.put(b"t");
    }

    fn tensor(&mut self, key: usize, tensor: &Saved) {
        self.put(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage");
        self.put(b"ctorch\nFloatStorage\n");
        self.text(&key.to_string());
        self.text("cuda:0");
        self.int(tensor.values.len());
        self.put(b"NtQ");
        self.int(0);
        self.ints(&tensor.dims);
        let strides = (0..tensor.dims.len()).map(|i| tensor.dims[i + 1..].iter().product()).collect::<Vec<usize>>();
        self.ints(&strides);
        self.put(b"\x89ccollections\nOrderedDict\n)RtR");
    }
}
