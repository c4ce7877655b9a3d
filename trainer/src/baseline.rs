//! What a searched network has to be better than: random networks of the same latency, and the published baseline, both trained as it
//! was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use blocks::{Space, baseline};
use rand::RngExt;

use crate::comparison::{Comparison, Trained};
use crate::error::{Error, Result};
use crate::masks::{Draw, Purpose};
use crate::pass::{note, scheme_sha256};
use crate::run::{FileError, FinetuneConfig, RunConfig, RunFolder, SearchConfig, Stage, sha256_of_file, write_atomically};
use crate::search::{ArchFile, Costs, primitives};
use crate::stage::{self, Context, Ended};

/// Random networks are at most this much faster or slower than the searched one, as a fraction of its predicted latency.
pub const WINDOW: f64 = 0.03;
/// Draws after which no more random networks are looked for.
const DRAWS: u64 = 1_000_000;

/// A finished run: a search, and the finetune of what it chose.
pub struct Finished {
    /// Its folder.
    pub folder: RunFolder,
    /// What was searched.
    pub search: SearchConfig,
    /// How the choice was trained.
    pub finetune: FinetuneConfig,
    /// What was chosen.
    pub arch: ArchFile,
    /// The search space.
    pub space: Space,
    /// How the finetune ended.
    pub ended: Ended,
}

impl Finished {
    /// The run in `folder`.
    ///
    /// # Errors
    /// It is not finished, or the finetune is of another network.
    pub fn load(folder: &RunFolder) -> Result<Self> {
        let missing = |what: &str, command: &str| {
            Error::Usage(format!("{} holds no finished {what}; first:\n  trainer {command}", folder.root().display()))
        };
        let out = folder.root().display();
        let run = RunConfig::load(&folder.file("config.toml"))?;
        let arch = folder.file("arch.json");
        let Some(search) = run.search.filter(|_| arch.is_file()) else {
            return Err(missing("search", &format!("search --out {out} …")));
        };
        let Some((finetune, ended)) = run.finetune.zip(stage::ended(folder)?) else {
            return Err(missing("finetune", &format!("finetune --out {out} …")));
        };
        let (space, arch) = (Space::load(&search.space)?, ArchFile::load(&arch)?);
        if finetune.choice != arch.choice {
            return Err(Error::Usage(format!(
                "the finetune in {out} is of another network than its search chose; finetune that one (without --arch)"
            )));
        }
        let finished = Self { folder: folder.clone(), search, finetune, arch, space, ended };
        finished.verify()?;
        if finished.finetune.hold_back == 0.0 && finished.finetune.test_list_sha256.is_none() {
            note(format_args!(
                "note: the finetune in {out} does not remember its test list, so that it is not verified: see to it that it is the same"
            ));
        }
        Ok(finished)
    }

    /// Refuses files that changed since the run read them: what is trained from other ones does not compare with it. Who needs one that
    /// is gone will say so.
    fn verify(&self) -> Result<()> {
        let Self { search, finetune, .. } = self;
        let train = |data: &Path, list: &str| data.join("train_data").join(list);
        let test = |data: &Path, list: &str| data.join("test_data").join(list);
        let mut files = vec![
            (train(&search.data, &search.list), Some(&search.list_sha256)),
            (test(&search.data, &search.list), search.test_list_sha256.as_ref()),
            (train(&finetune.data, &finetune.list), Some(&finetune.list_sha256)),
            (test(&finetune.data, &finetune.list), finetune.test_list_sha256.as_ref()),
        ];
        files.extend(search.lut.iter().cloned().zip(search.lut_sha256.iter().map(Some)));
        files.extend(finetune.supernet.clone().map(|path| (path, finetune.supernet_sha256.as_ref())));
        let changed = |(path, sha256): &&(PathBuf, Option<&String>)| {
            path.is_file() && sha256.is_some_and(|sha256| sha256_of_file(path).is_ok_and(|now| now != *sha256))
        };
        let points_sha256 = scheme_sha256(&finetune.data, finetune.points_file.as_deref())?;
        let what = match files.iter().find(changed) {
            Some((path, _)) => path.display().to_string(),
            None if points_sha256 != finetune.points_sha256 => "the point scheme".to_string(),
            None => return Ok(()),
        };
        Err(Error::Usage(format!(
            "{what} has other contents than when {} read it; put the old file back, or start another run",
            self.folder.root().display()
        )))
    }

    /// The folder of something that belongs to the run: `baselines/random-1`, `sweep/beta-3`.
    pub fn inner(&self, path: &str) -> RunFolder {
        RunFolder::new(&self.folder.file(path))
    }

    /// The searched network's indices in the space.
    fn indices(&self) -> Result<Vec<usize>> {
        let choice = self.space.choice(&self.arch.choice).map_err(Error::Usage)?;
        let index = |(layer, p): (&blocks::space::SearchLayer, &blocks::Primitive)| layer.primitives.iter().position(|q| q == p);
        Ok(self.space.layers().iter().zip(&choice).filter_map(index).collect())
    }
}

/// `count` different networks whose predicted cost is within ±[`WINDOW`] of `searched`'s, which is not among them: a faster one and a
/// slower one in turn, each as likely as any other of its side, and what is left from the other side where one has no more. Equal seeds
/// give equal networks, and more of them begin with the same ones.
///
/// # Errors
/// There are not that many.
pub fn random_networks(space: &Space, costs: &Costs, searched: &[usize], count: usize, seed: u64) -> Result<Vec<Vec<usize>>> {
    let centre = costs.network(searched);
    let mut rng = Draw { seed, purpose: Purpose::RandomNetworks, epoch: 0, step: 0 }.rng();
    let mut seen = BTreeSet::from([searched.to_vec()]);
    let (mut faster, mut slower) = (Vec::new(), Vec::new());
    let wanted = [count.div_ceil(2), count / 2];
    for _ in 0..DRAWS {
        if faster.len() >= wanted[0] && slower.len() >= wanted[1] {
            break;
        }
        let network: Vec<usize> = space.layers().iter().map(|layer| rng.random_range(0..layer.primitives.len())).collect();
        let part = costs.network(&network) / centre - 1.0;
        if part.abs() <= WINDOW && seen.insert(network.clone()) {
            if part <= 0.0 { &mut faster } else { &mut slower }.push(network);
        }
    }
    let found = faster.len() + slower.len();
    if found < count {
        return Err(Error::Usage(format!(
            "only {found} networks besides the searched one were found within ±{:.0} % of its {centre:.1} {}; {}",
            100.0 * WINDOW,
            costs.unit,
            match found {
                0 => "it cannot be compared with any of its latency".to_string(),
                n => format!("give --nets {n}"),
            }
        )));
    }
    let pairs = faster.len().min(slower.len());
    let (more_faster, more_slower) = (faster.split_off(pairs), slower.split_off(pairs));
    let in_turn = std::iter::zip(faster, slower).flat_map(|(faster, slower)| [faster, slower]);
    Ok(in_turn.chain(more_faster).chain(more_slower).take(count).collect())
}

/// Trains `nets` random networks as the run's own was, from the same supernet's weights, and holds it against them. Goes on where it
/// stopped.
///
/// # Errors
/// There are not that many networks; whatever ends a training.
pub fn random(run: &Finished, nets: usize, seed: u64, allow_emulated: bool, context: &Context<'_>) -> Result<Comparison> {
    if nets == 0 {
        return Err(Error::Usage("--nets must be at least 1".to_string()));
    }
    let costs = Costs::new(&run.search, &run.space, run.arch.points, allow_emulated)?;
    let searched = run.indices()?;
    let names = |indices: &[usize]| primitives(&run.space, indices).iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut trained = Vec::new();
    for (i, indices) in random_networks(&run.space, &costs, &searched, nets, seed)?.iter().enumerate() {
        let (name, choice, predicted) = (format!("random-{}", i + 1), names(indices), costs.network(indices));
        note(format_args!("random network {} of {nets}: predicted {predicted:.1} {}", i + 1, costs.unit));
        let config = FinetuneConfig { choice: choice.clone(), ..run.finetune.clone() };
        // The trainings before took hours, in which a list may have changed.
        run.verify()?;
        let ended = stage::finetune(&config, &run.inner(&format!("baselines/{name}")), context)?;
        note(format_args!("random network {} of {nets}: NME {:.2} % ({})", i + 1, ended.nme, ended.on));
        trained.push(Trained { name, choice, predicted, nme: ended.nme });
    }
    let own = Trained {
        name: "searched".to_string(),
        choice: run.arch.choice.clone(),
        predicted: costs.network(&searched),
        nme: run.ended.nme,
    };
    let comparison = Comparison::new(own, trained, costs.unit, run.ended.on);
    let path = run.folder.file("baselines/random.json");
    let text =
        serde_json::to_string_pretty(&comparison).map_err(std::io::Error::other).map_err(FileError::new("cannot write", &path))?;
    write_atomically(&path, (text + "\n").as_bytes())?;
    Ok(comparison)
}

/// Trains the published baseline from scratch with the run's recipe, as many epochs as search and finetune had together where none
/// are given. Goes on where it stopped.
///
/// # Errors
/// Whatever ends a training.
pub fn mobilenet(run: &Finished, end_epoch: Option<usize>, context: &Context<'_>) -> Result<(RunFolder, Ended)> {
    let config = FinetuneConfig {
        supernet: None,
        supernet_sha256: None,
        space: baseline::NAME.to_string(),
        choice: Vec::new(),
        end_epoch: end_epoch.unwrap_or(run.search.end_epoch + run.finetune.end_epoch),
        ..run.finetune.clone()
    };
    let folder = run.inner("baselines/mobilenet");
    let ended = stage::finetune(&config, &folder, context)?;
    Ok((folder, ended))
}

/// Removes the folders that `chosen` names in one of the run's folders (`baselines`, `sweep`), so that their trainings start anew.
///
/// # Errors
/// They cannot be removed.
pub fn clear(run: &Finished, folder: &str, chosen: impl Fn(&str) -> bool) -> Result<()> {
    let root = run.folder.file(folder);
    let Ok(entries) = root.read_dir() else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if path.is_dir() && chosen(&name) {
            std::fs::remove_dir_all(&path).map_err(FileError::new("cannot remove", &path))?;
        }
    }
    Ok(())
}

/// The checkpoint of the run's own finetune or of a baseline's.
pub fn last(folder: &RunFolder) -> PathBuf {
    folder.checkpoint(Stage::Finetune, "last")
}
