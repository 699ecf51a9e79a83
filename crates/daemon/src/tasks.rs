//! Tasks that run as long as a daemon does.
//!
//! One owner holds all of them, so no task ends unnoticed. A task is either *essential*, and its end
//! is the owner's reason to stop in order, or it is *restarted* whenever it ends. The end of each is
//! logged with its cause.

use std::{fmt, pin::Pin, time::Duration};

use tokio::{
    task::{AbortHandle, JoinError, JoinSet},
    time::sleep,
};
use tracing::{debug, error};

/// Delay before a task restarts, so that one that fails at once does not spin.
const RESTART_DELAY: Duration = Duration::from_secs(1);

type Run<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Start<T> = Box<dyn FnMut() -> Run<T> + Send>;

/// Tasks with their owner; all are aborted when it is dropped.
pub struct Tasks<T = ()> {
    set: JoinSet<T>,
    running: Vec<Running<T>>,
}

struct Running<T> {
    handle: AbortHandle,
    name: &'static str,
    /// Creates the task again; `None` for an essential task.
    start: Option<Start<T>>,
}

/// Essential tasks, for one who only looks whether they run.
#[derive(Debug, Clone, Default)]
pub struct Vitals(Vec<(&'static str, AbortHandle)>);

/// The end of a task.
#[derive(Debug)]
pub struct Ended<T = ()> {
    pub name: &'static str,
    /// Value that the task returned, or why it did not.
    pub result: Result<T, Cause>,
}

/// Cause of a task's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    #[error("the task returned")]
    Returned,
    #[error("the task panicked: see the log above")]
    Panicked,
    #[error("the task was aborted")]
    Aborted,
}

impl Vitals {
    /// Names of the essential tasks that have ended.
    #[must_use]
    pub fn ended(&self) -> Vec<&'static str> {
        let ended = self.0.iter().filter(|(_, handle)| handle.is_finished());
        ended.map(|(name, _)| *name).collect()
    }
}

impl<T> Ended<T> {
    /// Cause of its end, in words for a log.
    pub fn cause(&self) -> Cause {
        self.result.as_ref().err().copied().unwrap_or(Cause::Returned)
    }
}

impl From<JoinError> for Cause {
    fn from(error: JoinError) -> Self {
        if error.is_panic() { Self::Panicked } else { Self::Aborted }
    }
}

impl<T> fmt::Debug for Tasks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.running.iter().map(|task| task.name)).finish()
    }
}

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self { set: JoinSet::new(), running: Vec::new() }
    }
}

impl<T: Send + 'static> Tasks<T> {
    /// Starts a task without which the daemon cannot go on.
    pub fn essential(
        &mut self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) {
        let handle = self.set.spawn(task);
        self.running.push(Running { handle, name, start: None });
    }

    /// Starts a task that is started anew, after a second, whenever it ends.
    pub fn restarted<F>(
        &mut self,
        name: &'static str,
        mut start: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let handle = self.set.spawn(start());
        let start: Start<T> = Box::new(move || Box::pin(start()));
        self.running.push(Running { handle, name, start: Some(start) });
    }

    /// Waits for an essential task to end, and restarts the others meanwhile. Cancel-safe.
    pub async fn ended(&mut self) -> Ended<T> {
        loop {
            let Some((start, ended)) = self.next().await else {
                return std::future::pending().await;
            };
            let (name, cause) = (ended.name, ended.cause());
            let Some(mut start) = start else {
                error!(task = name, %cause, "an essential task ended");
                return ended;
            };
            error!(task = name, %cause, "a task ended and is started again");
            let run = start();
            let handle = self.set.spawn(async {
                sleep(RESTART_DELAY).await;
                run.await
            });
            self.running.push(Running { handle, name, start: Some(start) });
        }
    }

    /// Waits until every task has ended after a stop request; logs and returns the end of each.
    pub async fn finish(mut self) -> Vec<Ended<T>> {
        let mut all = Vec::new();
        while let Some((_, ended)) = self.next().await {
            match ended.cause() {
                Cause::Returned => debug!(task = ended.name, "task ended"),
                cause => {
                    error!(task = ended.name, %cause, "a task failed while the daemon stopped");
                }
            }
            all.push(ended);
        }
        all
    }

    /// Aborts a task; its end reaches the owner like any other. True if a task of this name ran.
    #[expect(clippy::must_use_candidate, reason = "who stops a task need not know whether it ran")]
    pub fn abort(&self, name: &str) -> bool {
        let found = self.running.iter().find(|task| task.name == name);
        found.inspect(|task| task.handle.abort()).is_some()
    }

    /// The essential tasks that run now.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        let essential = self.running.iter().filter(|task| task.start.is_none());
        Vitals(essential.map(|task| (task.name, task.handle.clone())).collect())
    }

    /// Names of the tasks, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.running.iter().map(|task| task.name)
    }

    async fn next(&mut self) -> Option<(Option<Start<T>>, Ended<T>)> {
        let (id, result) = match self.set.join_next_with_id().await? {
            Ok((id, returned)) => (id, Ok(returned)),
            Err(error) => (error.id(), Err(error.into())),
        };
        let at = self.running.iter().position(|task| task.handle.id() == id);
        let at = at.expect("every task of the set is listed");
        let Running { name, start, .. } = self.running.swap_remove(at);
        Some((start, Ended { name, result }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use tokio::time::interval;

    use super::*;

    /// Runs until it is aborted, and counts its starts.
    fn counted(starts: &Arc<AtomicU32>) -> impl FnMut() -> Run<()> + use<> {
        let starts = Arc::clone(starts);
        move || {
            starts.fetch_add(1, Ordering::SeqCst);
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_essential_task_is_told_with_its_cause() {
        let mut tasks = Tasks::default();
        tasks.essential("returning", async { 1 });
        let Ended { name, result } = tasks.ended().await;
        assert_eq!((name, result), ("returning", Ok(1)));
        tasks.essential("panicking", async { panic!("on purpose") });
        let Ended { name, result } = tasks.ended().await;
        assert_eq!((name, result), ("panicking", Err(Cause::Panicked)));
        tasks.essential("aborted", std::future::pending());
        assert!(tasks.abort("aborted"));
        let Ended { name, result } = tasks.ended().await;
        assert_eq!((name, result), ("aborted", Err(Cause::Aborted)));
        assert!(!tasks.abort("aborted"));
    }

    #[tokio::test(start_paused = true)]
    async fn other_tasks_are_started_again_until_an_essential_one_ends() {
        let (often, starts) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let mut tasks = Tasks::default();
        let often_started = Arc::clone(&often);
        tasks.restarted("failing", move || {
            often_started.fetch_add(1, Ordering::SeqCst);
            async { panic!("on purpose") }
        });
        tasks.restarted("aborted", counted(&starts));
        assert!(tasks.abort("aborted"));
        let (starting, end) = (Arc::clone(&often), RESTART_DELAY / 4);
        tasks.essential("essential", async move {
            let mut looking = interval(end);
            while starting.load(Ordering::SeqCst) < 4 {
                looking.tick().await;
            }
        });
        let Ended { name, result } = tasks.ended().await;
        assert_eq!((name, result), ("essential", Ok(())));
        assert_eq!((often.load(Ordering::SeqCst), starts.load(Ordering::SeqCst)), (4, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn vitals_tell_of_essential_tasks_that_ended() {
        let mut tasks: Tasks = Tasks::default();
        tasks.essential("one", std::future::pending());
        tasks.essential("two", std::future::pending());
        tasks.restarted("three", std::future::pending);
        let vitals = tasks.vitals();
        assert_eq!(vitals.ended(), Vec::<&str>::new());
        assert!(tasks.abort("two"));
        assert_eq!(tasks.ended().await.name, "two");
        assert_eq!(vitals.ended(), ["two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn all_ends_are_told_when_tasks_finish() {
        let mut tasks = Tasks::default();
        tasks.essential("one", async { 1 });
        tasks.restarted("two", || async { 2 });
        let mut ends: Vec<_> = tasks.finish().await.into_iter().map(|it| it.name).collect();
        ends.sort_unstable();
        assert_eq!(ends, ["one", "two"]);
    }
}
