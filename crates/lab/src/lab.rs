//! A lab: its id, its directory, and the end of everything that bears its name.

mod buffers;
mod interrupt;
mod owner;
mod remains;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use nucleon_linux::{LinkName, Netns, NetnsDir, NetnsName};
use rand::Rng;

use crate::tools;

pub use self::interrupt::exit_on_interrupt;
pub(crate) use self::owner::Owner;
pub(crate) use self::remains::Places;
pub use self::remains::{Swept, sweep};

/// Where labs keep their files, a directory each. Not under `/run`, where programs may not be
/// executed, nor where others may write.
const ROOT: &str = "/var/lib/nucleon-lab";

/// The short name of a lab, unique on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabId(String);

/// A lab. Dropping it ends its processes, deletes its namespaces and its files.
#[derive(Debug)]
pub struct Lab {
    id: LabId,
    dir: PathBuf,
}

impl Lab {
    /// Makes an empty lab. Sweeps what dead labs left.
    pub fn new() -> Result<Self> {
        tools::check()?;
        interrupt::watch()?;
        sweep()?;
        let lab = {
            let _lock = remains::lock()?;
            let lab = Self::claim()?;
            buffers::raise(Path::new(ROOT))?;
            lab
        };
        Ok(lab)
    }

    fn claim() -> Result<Self> {
        for _ in 0..100 {
            let id = LabId::random();
            let dir = Path::new(ROOT).join(&id.0);
            match fs::create_dir(&dir) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                made => {
                    made.with_context(|| format!("make {}", dir.display()))?;
                    Owner::this_process()?.write(&dir)?;
                    interrupt::register(&id);
                    return Ok(Self { id, dir });
                }
            }
        }
        bail!("no free id for a lab in {ROOT}")
    }

    pub fn id(&self) -> &LabId {
        &self.id
    }

    /// The lab's own directory, gone with it.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A directory in it for one thing of the lab.
    pub fn dir_of(&self, name: &str) -> Result<PathBuf> {
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(dir)
    }

    /// Makes a network namespace with its loopback up; where it can be entered by path, too.
    pub async fn netns(&self, name: &str) -> Result<(Netns, PathBuf)> {
        let name = NetnsName::new(format!("{}{name}", self.id.prefix()))?;
        let dir = NetnsDir::default();
        let netns = dir.ensure(&name).await?;
        netns.links().set_up(&LinkName::new("lo")?).await?;
        Ok((netns, dir.path_of(&name)))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Err(error) = remains::remove(&self.id) {
            eprintln!("lab {} was not removed whole: {error:#}", self.id);
        }
        interrupt::unregister(&self.id);
    }
}

impl LabId {
    fn random() -> Self {
        const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = rand::rng();
        let letter = |_| LETTERS.get(random.random_range(0..LETTERS.len())).copied();
        Self((0..4).filter_map(letter).map(char::from).collect())
    }

    /// What the names of the lab's namespaces begin with.
    fn prefix(&self) -> String {
        format!("nl-{}-", self.0)
    }

    /// The lab that a namespace belongs to by its name.
    fn of_namespace(name: &str) -> Option<Self> {
        let (id, _) = name.strip_prefix("nl-")?.split_once('-')?;
        (id.len() == 4).then(|| Self(id.to_owned()))
    }
}

impl fmt::Display for LabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_tells_its_lab() {
        let id = LabId::random();
        let name = format!("{}compute1", id.prefix());
        assert_eq!(LabId::of_namespace(&name), Some(id));
        for foreign in ["qdhcp-1", "nl-", "nl-abcd", "nl-toolong-vm1", "xnl-abcd-vm1"] {
            assert_eq!(LabId::of_namespace(foreign), None, "{foreign}");
        }
    }
}
