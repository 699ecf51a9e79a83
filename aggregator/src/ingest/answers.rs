//! Queue of a session's requests to the store; the answers come in the order of the requests.

use std::pin::Pin;

use futures_util::{StreamExt, stream::FuturesOrdered};
use phuxanh_core::delivery::receiver::Input;
use tokio::task::unconstrained;

use crate::store;

type Answer = Result<Input, store::Error>;

/// Requests that the store has not answered yet.
#[derive(Default)]
pub(super) struct Answers(FuturesOrdered<Pin<Box<dyn Future<Output = Answer> + Send>>>);

impl Answers {
    /// Queues a request behind the earlier ones.
    ///
    /// Futures are first polled in the order in which they came, and pass their request to the
    /// store then. If the task had used up its cooperative budget, a future would have to wait, and
    /// later ones would overtake it. So the requests are exempt from the budget.
    pub(super) fn ask(&mut self, answer: impl Future<Output = Answer> + Send + 'static) {
        self.0.push_back(Box::pin(unconstrained(answer)));
    }

    /// Returns the next answer; `None` if there is no open request.
    pub(super) async fn next(&mut self) -> Option<Answer> {
        self.0.next().await
    }
}

#[cfg(test)]
mod tests {
    use phuxanh_core::delivery::receiver::Input;
    use tokio::{
        sync::mpsc,
        task::coop::{consume_budget, has_budget_remaining},
    };

    use super::*;

    const COUNT: usize = 300;

    #[tokio::test]
    async fn the_store_is_asked_in_order_by_a_task_without_budget() {
        let (store, mut asked) = mpsc::channel(COUNT);
        let mut answers = Answers::default();
        for number in 0..COUNT {
            let store = store.clone();
            answers.ask(async move {
                store.send(number).await.expect("the store listens");
                Ok(Input::Tick)
            });
        }
        while has_budget_remaining() {
            consume_budget().await;
        }
        for _ in 0..COUNT {
            assert!(answers.next().await.expect("an answer").is_ok());
        }
        let mut order = Vec::new();
        while let Ok(number) = asked.try_recv() {
            order.push(number);
        }
        assert_eq!(order, (0..COUNT).collect::<Vec<_>>());
    }
}
