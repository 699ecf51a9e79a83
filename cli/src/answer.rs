//! From a command to the bytes that answer it.

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use phuxanh_answers::{BadNews, Document, Language, Question, Servers, render};
use serde::Serialize;

use crate::{
    args::{self, Args, Command, Form},
    error::Error,
    output::Output,
    pki,
};

/// Form of an answer that comes from no aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Table { colour: bool, language: Language },
}

/// Answer that comes from no aggregator.
#[derive(Debug, Default)]
pub struct Answer {
    pub text: String,
}

impl Answer {
    pub const fn table(text: String) -> Self {
        Self { text }
    }

    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(Self::table(text))
    }
}

/// Bytes for stdout or a file, and what the reader has to know about them.
#[derive(Debug, Default)]
pub struct Written {
    bytes: Vec<u8>,
    file: Option<PathBuf>,
    pub warnings: Vec<String>,
    /// Reason why the answer, given in full, is bad news for the exit code too.
    bad_news: Option<String>,
}

/// Asks the server and writes its answer, or makes a certificate.
pub fn answer(args: Args, output: &Output) -> Result<Written, Error> {
    let question = match args.command {
        Command::Ask(question) => Question::from(question),
        Command::Pki(command) => {
            return Ok(unasked(pki::answer(&command, format(output))?.text.into_bytes(), output));
        }
        Command::Completion { shell } => {
            let script = args::completion(shell, output.layout.language);
            return Ok(unasked(script, output));
        }
        Command::Man { directory } => {
            let written = args::write_man_pages(&directory);
            written.map_err(|error| Error::File { path: directory, error })?;
            return Ok(Written::default());
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let servers =
        Servers { urls: args.server, identity: args.identity.into(), timeout: args.timeout };
    let document = runtime.block_on(servers.ask(&question))?;
    let text = |sentence: &phuxanh_answers::Sentence| sentence.text(output.layout.language);
    let bad_news = document.bad_news.as_ref();
    Ok(Written {
        bytes: bytes(&document, output)?,
        file: output.file.clone(),
        warnings: document.warnings.iter().map(text).collect(),
        bad_news: bad_news.map(|BadNews(sentence)| text(sentence)),
    })
}

/// What comes from no aggregator.
fn unasked(bytes: Vec<u8>, output: &Output) -> Written {
    Written { bytes, file: output.file.clone(), ..Written::default() }
}

/// Form of an answer that comes from no aggregator.
const fn format(output: &Output) -> Format {
    match output.form {
        Form::Json => Format::Json,
        Form::Table | Form::Wide | Form::Csv | Form::Xlsx | Form::Md => {
            Format::Table { colour: output.layout.colour, language: output.layout.language }
        }
    }
}

fn bytes(document: &Document, output: &Output) -> Result<Vec<u8>, Error> {
    let language = output.layout.language;
    Ok(match output.form {
        Form::Table | Form::Wide => render::text(document, output.layout).into_bytes(),
        Form::Json => render::json(document).into_bytes(),
        Form::Csv => render::csv(document, output.table.as_deref())?.into_bytes(),
        Form::Xlsx => render::xlsx(document, language)?,
        Form::Md => render::markdown(document, language).into_bytes(),
    })
}

impl Written {
    /// Writes the answer. A reader that has seen enough (`| head`) is no failure.
    pub fn put(&self, out: &mut impl Write) -> Result<(), Error> {
        if let Some(path) = &self.file {
            let failed = |error| Error::File { path: path.clone(), error };
            return fs::write(path, &self.bytes).map_err(failed);
        }
        match out.write_all(&self.bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    /// Ends the command once the answer is written.
    pub fn verdict(self) -> Result<(), Error> {
        self.bad_news.map_or(Ok(()), |reason| Err(Error::BadNews(reason)))
    }
}
