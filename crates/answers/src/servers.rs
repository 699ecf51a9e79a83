//! Several aggregators of one store: a question that one of them cannot answer goes to the next.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{Client, Document, Error, Identity, Question, Words};

/// Wait before the first server is asked again.
const PAUSE: Duration = Duration::from_millis(300);

/// Aggregators of one store, any of which can answer, in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Servers {
    /// URLs of the form `http://host:port` or `https://host:port`; at least one.
    pub urls: Vec<String>,
    pub identity: Identity,
    /// Longest time for each call.
    pub timeout: Duration,
}

impl Servers {
    /// Asks the first server that can be reached. A question changes nothing, so one whose server
    /// fails on the way is asked anew as a whole, of the next server, and once more of each while the
    /// time for a call has not passed. Pages of two servers are never put together.
    pub async fn ask(&self, question: &Question) -> Result<Document, Error> {
        let begun = Instant::now();
        match self.ask_each(question).await {
            Err(error) if error.is_unreachable() && begun.elapsed() < self.timeout => {
                sleep(PAUSE).await;
                self.ask_each(question).await
            }
            answered => answered,
        }
    }

    async fn ask_each(&self, question: &Question) -> Result<Document, Error> {
        let mut failed = Vec::new();
        for url in &self.urls {
            match self.ask_one(url, question.clone()).await {
                Err(Error::Unreachable { server, reason }) => failed.push((server, reason)),
                answered => return answered,
            }
        }
        Err(unreachable(failed))
    }

    async fn ask_one(&self, url: &str, question: Question) -> Result<Document, Error> {
        let client = Client::connect(url, &self.identity).await?.with_timeout(self.timeout);
        question.answer(&client).await
    }
}

/// Names every server that failed, and why.
fn unreachable(failed: Vec<(String, Words)>) -> Error {
    let (servers, mut reasons): (Vec<_>, Vec<_>) = failed.into_iter().unzip();
    reasons.dedup();
    let joined = |half: fn(&Words) -> &str| reasons.iter().map(half).collect::<Vec<_>>().join("; ");
    let reason = Words { vi: joined(|it| &it.vi).into(), en: joined(|it| &it.en).into() };
    Error::Unreachable { server: servers.join(", "), reason }
}
