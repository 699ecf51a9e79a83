//! Core that a process runs on, and its running time there.

use std::{collections::BTreeMap, ffi::OsString, fs, path::Path, process::Command, time::Duration};

/// One core for this process, another one for its peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cores {
    Apart {
        own: usize,
        peer: usize,
    },
    /// There is only one core, or nothing to choose it with.
    Shared,
}

impl Cores {
    /// Puts this process on a core; threads that it starts later stay there with it.
    pub fn take() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let [own, peer, ..] = allowed(&status)[..] else { return Self::Shared };
        let pid = std::process::id().to_string();
        let mut taskset = Command::new("taskset");
        taskset.args(["--pid", "--cpu-list", &own.to_string(), &pid]);
        match taskset.output() {
            Ok(done) if done.status.success() => Self::Apart { own, peer },
            Ok(_) | Err(_) => Self::Shared,
        }
    }

    /// A command that runs a program on the peer's core.
    pub fn of_peer(&self, program: &Path) -> Command {
        match self {
            Self::Shared => Command::new(program),
            Self::Apart { peer, .. } => {
                let mut taskset = Command::new("taskset");
                taskset.args(["--cpu-list", &peer.to_string()]).arg(program);
                taskset
            }
        }
    }
}

/// The cores that a process may run on, from its status: lists such as `0-3,8`.
fn allowed(status: &str) -> Vec<usize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let spans = list.unwrap_or_default().split(',').filter_map(|span| {
        let (from, to) = span.split_once('-').unwrap_or((span, span));
        Some(from.trim().parse::<usize>().ok()?..=to.trim().parse::<usize>().ok()?)
    });
    spans.flatten().collect()
}

/// Running time of each thread of a process, by its id; empty where the system does not tell.
pub struct Ran(BTreeMap<OsString, u64>);

impl Ran {
    pub fn of(pid: u32) -> Self {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            Some((thread.file_name(), text.split_whitespace().next()?.parse().ok()?))
        });
        Self(nanos.collect())
    }

    /// Running time beyond `earlier`, without that of threads that have ended since.
    pub fn since(&self, earlier: &Self) -> Duration {
        let more = self.0.iter().map(|(thread, nanos)| {
            nanos.saturating_sub(earlier.0.get(thread).copied().unwrap_or_default())
        });
        Duration::from_nanos(more.sum())
    }
}
