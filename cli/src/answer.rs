//! From a command to the text that answers it.

use std::{
    env,
    io::{self, Write},
};

use serde::Serialize;

use crate::{
    args::{Args, Command, Question},
    audit::{self, Disagreement},
    catalogue, changes,
    client::Client,
    collectors,
    error::Error,
    insight::{compare, days, distribution, gap, path, shortfalls, trend, why},
    lowest, mesh, pki,
    quality::{completeness, flags, receipts, silent},
    scorecard, search, standing,
};

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Table { colour: bool },
}

impl Format {
    /// Colours are for terminals, and `NO_COLOR` (any text) turns them off.
    pub fn new(json: bool, terminal: bool) -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if json { Self::Json } else { Self::Table { colour: terminal && !refused } }
    }
}

/// Text for stdout, and what the reader has to know about it.
#[derive(Debug, Default)]
pub struct Answer {
    pub text: String,
    pub warnings: Vec<String>,
    /// Reason why the answer, given in full, is bad news for the exit code too.
    pub disagreement: Option<Disagreement>,
}

impl Answer {
    pub fn table(text: String) -> Self {
        Self { text, ..Self::default() }
    }

    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(Self::table(text))
    }

    /// Says through when it is complete, where the aggregator's store is out of reach.
    fn dated(mut self, as_of: &str, format: Format) -> Self {
        if format == Format::Json {
            // Every answer is one object, in which this comes first.
            self.text = self.text.replacen('{', &format!("{{\n  \"as_of_time\": \"{as_of}\","), 1);
        }
        let warning = format!(
            "the aggregator's store is out of reach: this is what was known at {as_of}\n  \
             What was delivered to other aggregators since then is missing. Look at: phuxanh mesh"
        );
        self.warning(Some(warning))
    }

    pub fn warning(mut self, warning: Option<String>) -> Self {
        self.warnings.extend(warning);
        self
    }

    /// Ends the command once the answer is written.
    pub fn verdict(self) -> Result<(), Error> {
        self.disagreement.map_or(Ok(()), |disagreement| Err(disagreement.into()))
    }
}

/// Asks the server and words its answer, or makes a certificate.
pub fn answer(args: &Args, format: Format) -> Result<Answer, Error> {
    let question = match &args.command {
        Command::Ask(question) => question,
        Command::Pki(command) => return pki::answer(command, format),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(&args.server, &args.identity).await?;
        let answer = match question {
            Question::Lowest(ask) => lowest::answer(&client, ask, format).await,
            Question::Changes(ask) => changes::answer(&client, ask, format).await,
            Question::Standing(ask) => standing::answer(&client, ask, format).await,
            Question::Scorecard(ask) => scorecard::answer(&client, ask, format).await,
            Question::Distribution(ask) => distribution::answer(&client, ask, format).await,
            Question::Shortfalls(ask) => shortfalls::answer(&client, ask, format).await,
            Question::Path(ask) => path::answer(&client, ask, format).await,
            Question::Why(ask) => why::answer(&client, ask, format).await,
            Question::Gap(ask) => gap::answer(&client, ask, format).await,
            Question::Completeness(ask) => completeness::answer(&client, ask, format).await,
            Question::Silent(ask) => silent::answer(&client, ask, format).await,
            Question::Flags(ask) => flags::answer(&client, ask, format).await,
            Question::Receipts(ask) => receipts::answer(&client, ask, format).await,
            Question::Trend(ask) => trend::answer(&client, ask, format).await,
            Question::Days(ask) => days::answer(&client, ask, format).await,
            Question::Compare(ask) => compare::answer(&client, ask, format).await,
            Question::Search(ask) => search::answer(&client, ask, format).await,
            Question::Audit(ask) => audit::answer(&client, ask, format).await,
            Question::Collectors => collectors::answer(&client, format).await,
            Question::Mesh => mesh::answer(&client, format).await,
            Question::Catalogue => catalogue::answer(&client, format).await,
        }?;
        Ok(match client.as_of() {
            None => answer,
            Some(as_of) => answer.dated(as_of, format),
        })
    })
}

/// A closed stderr leaves nobody to complain to.
pub fn complain(err: &mut impl Write, message: &str) {
    writeln!(err, "phuxanh: {message}").unwrap_or(());
}

/// Writes the answer. A reader that has seen enough (`| head`) is no failure.
pub fn print(out: &mut impl Write, text: &str) -> Result<(), Error> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
