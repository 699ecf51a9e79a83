//! Questions that take long: lists of flags, paths, causes, trends, rankings of the whole nation by
//! anything but their value.
//!
//! They are computed on threads of their own, so that the workers stay free for batches and light
//! questions. At most `running_max` are computed at once and `waiting_max` wait; more are refused. The
//! same question about the same version of the view is computed once a second, whoever asks: the
//! answer is kept for so long, since what is stale depends on the time.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use phuxanh_core::Timestamp;
use tokio::{
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
};

use super::Error;

/// Most answers that are kept.
const KEPT_MAX: usize = 64;
const SECOND: i64 = 1_000_000;

/// Numbers of heavy questions.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Questions that are computed at once.
    pub running_max: usize,
    /// Questions that wait beside them.
    pub waiting_max: usize,
}

/// Computes heavy questions.
#[derive(Debug)]
pub struct Heavy {
    /// Questions that wait or are computed.
    admitted: Semaphore,
    running: Arc<Semaphore>,
    /// Behind a lock and not in a task of its own: each use is one look into a small map.
    kept: Mutex<Kept>,
}

/// Answers of one moment.
#[derive(Debug, Default)]
struct Kept {
    moment: Option<Moment>,
    answers: HashMap<Question, Arc<OnceCell<Answer>>>,
}

/// Version of the view, and the second in which the question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    view_version: u64,
    second: i64,
}

/// Type of the request, which stands for the method, and the request as bytes.
type Question = (TypeId, Vec<u8>);
type Answer = Arc<dyn Any + Send + Sync>;

impl Moment {
    pub(super) const fn new(view_version: u64, now: Timestamp) -> Self {
        Self { view_version, second: now.micros().div_euclid(SECOND) }
    }
}

impl Heavy {
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let Rules { running_max, waiting_max } = rules;
        Self {
            admitted: Semaphore::new(running_max + waiting_max),
            running: Arc::new(Semaphore::new(running_max)),
            kept: Mutex::default(),
        }
    }

    /// Answers a question, by computing it or with those who ask the same.
    pub(super) async fn answer<Q: 'static, A: Clone + Send + Sync + 'static>(
        &self,
        moment: Moment,
        request: Vec<u8>,
        compute: impl FnOnce() -> Result<A, Error> + Send + 'static,
    ) -> Result<A, Error> {
        let cell = self.cell(moment, (TypeId::of::<Q>(), request));
        let answer = cell.get_or_try_init(|| self.compute(compute)).await?;
        let answer = answer.downcast_ref::<Result<A, Error>>();
        answer.cloned().unwrap_or(Err(Error::Uncomputed))
    }

    async fn compute<A: Send + Sync + 'static>(
        &self,
        compute: impl FnOnce() -> Result<A, Error> + Send + 'static,
    ) -> Result<Answer, Error> {
        let _admitted = self.admitted.try_acquire().map_err(|_| Error::Busy)?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        let running = running.map_err(|_| Error::Uncomputed)?;
        let computing = spawn_blocking(move || {
            let answer = Arc::new(compute());
            // Whoever asked may be gone by now, and the thread is busy all the same until here.
            drop(running);
            answer as Answer
        });
        computing.await.map_err(|_| Error::Uncomputed)
    }

    /// Place of an answer; one of its own if there are too many.
    fn cell(&self, moment: Moment, question: Question) -> Arc<OnceCell<Answer>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.moment != Some(moment) {
            *kept = Kept { moment: Some(moment), answers: HashMap::new() };
        }
        if kept.answers.len() >= KEPT_MAX && !kept.answers.contains_key(&question) {
            return Arc::default();
        }
        Arc::clone(kept.answers.entry(question).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    fn moment(second: i64) -> Moment {
        Moment { view_version: 1, second }
    }

    #[tokio::test]
    async fn a_question_is_computed_once_in_its_moment() {
        let heavy = Heavy::new(Rules { running_max: 1, waiting_max: 1 });
        let computed = Arc::new(AtomicUsize::new(0));
        let ask = |second, request: u8| {
            let computed = Arc::clone(&computed);
            let count = move || Ok(computed.fetch_add(1, Ordering::Relaxed));
            heavy.answer::<u8, usize>(moment(second), vec![request], count)
        };
        // More ask than may wait: those who ask the same need no place.
        let all = futures_util::future::join_all((0..9).map(|_| ask(0, 1))).await;
        assert_eq!(all, vec![Ok(0); 9]);
        assert_eq!((ask(0, 2).await, ask(0, 1).await), (Ok(1), Ok(0)));
        assert_eq!(ask(1, 1).await, Ok(2));
    }

    #[tokio::test]
    async fn questions_beyond_those_that_may_wait_are_refused_and_not_remembered() {
        let heavy = Arc::new(Heavy::new(Rules { running_max: 1, waiting_max: 1 }));
        let held = Arc::new(Barrier::new(2));
        let ask = |request: u8| {
            let (heavy, held) = (Arc::clone(&heavy), Arc::clone(&held));
            let compute = move || {
                if request == 0 {
                    held.wait();
                }
                Ok(request)
            };
            async move { heavy.answer::<u8, u8>(moment(0), vec![request], compute).await }
        };
        let first = tokio::spawn(ask(0));
        let second = tokio::spawn(ask(1));
        while heavy.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(2).await, Err(Error::Busy));
        assert!(!first.is_finished() && !second.is_finished());
        let release = Arc::clone(&held);
        spawn_blocking(move || release.wait()).await.expect("released");
        assert_eq!(
            (first.await.expect("no panic"), second.await.expect("no panic")),
            (Ok(0), Ok(1))
        );
        assert_eq!(ask(2).await, Ok(2));
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer_and_no_place() {
        let heavy = Heavy::new(Rules { running_max: 1, waiting_max: 0 });
        let panic = heavy.answer::<u8, u8>(moment(0), vec![0], || panic!("a fault"));
        assert_eq!(panic.await, Err(Error::Uncomputed));
        assert_eq!(heavy.answer::<u8, u8>(moment(0), vec![0], || Ok(1)).await, Ok(1));
    }
}
