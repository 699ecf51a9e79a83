//! Named servers: a file in TOML, of which `--context NAME` takes one table.
//!
//! What the command line gives goes before the context, and the context before the environment. A
//! fault names file, line and key, and never repeats a value, which may be a secret.

use std::{
    fs, io, mem,
    ops::Range,
    path::{Path, PathBuf},
};

use phuxanh_answers::{Language, Words, client, fault, words};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::args::{Args, Lang};

/// File below the folder of the user's configuration.
const FILE: &str = "phuxanh/contexts.toml";
const KEYS: &str = "server, tls_authorities, tls_certificate, tls_key, token_file, lang";

/// Server with what it takes to ask it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Context {
    servers: Option<Vec<String>>,
    tls_authorities: Option<PathBuf>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    token_file: Option<PathBuf>,
    language: Option<Lang>,
}

/// Reason why a context cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no file of contexts: set PHUXANH_CONFIG or HOME")]
    NoFile,
    #[error(
        "cannot read the file of contexts {}: {error}\n  Write it, or name another one with \
         PHUXANH_CONFIG",
        path.display()
    )]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}, line {line}: {key}{}", path.display(), what.en)]
    Faulty { path: PathBuf, line: usize, key: String, what: Words },
    #[error("{} has no context \"{asked}\"\n  Its contexts: {known}", path.display())]
    Unknown { path: PathBuf, asked: String, known: String },
}

impl Error {
    pub fn vietnamese(&self) -> String {
        match self {
            Self::NoFile => {
                "không có tệp hồ sơ máy chủ: hãy đặt PHUXANH_CONFIG hoặc HOME".to_owned()
            }
            Self::Unreadable { path, error } => format!(
                "không đọc được tệp hồ sơ máy chủ {}: {}\n  Hãy tạo tệp này, hoặc nêu tệp khác bằng \
                 PHUXANH_CONFIG",
                path.display(),
                fault::io(error, Language::Vietnamese)
            ),
            Self::Faulty { path, line, key, what } => {
                format!("{}, dòng {line}: {key}{}", path.display(), what.vi)
            }
            Self::Unknown { path, asked, known } => format!(
                "{} không có hồ sơ máy chủ \"{asked}\"\n  Các hồ sơ: {known}",
                path.display()
            ),
        }
    }
}

/// Puts the context that the arguments name, if any, into them.
pub fn apply(args: &mut Args, variable: impl Fn(&str) -> Option<String>) -> Result<(), Error> {
    let Some(name) = &args.context else { return Ok(()) };
    let path = path(variable).ok_or(Error::NoFile)?;
    let text = fs::read_to_string(&path)
        .map_err(|error| Error::Unreadable { path: path.clone(), error })?;
    let context = File { path: &path, text: &text }.context(name)?;
    context.fill(args);
    Ok(())
}

/// The file of contexts: named by PHUXANH_CONFIG, else in the user's configuration.
fn path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(path) = variable("PHUXANH_CONFIG") {
        return Some(path.into());
    }
    let home = || variable("HOME").map(|home| Path::new(&home).join(".config"));
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home);
    folder.map(|folder| folder.join(FILE))
}

impl Context {
    fn fill(self, args: &mut Args) {
        let is_open = |ids: &[&str]| !ids.iter().any(|id| args.given.contains(id));
        // A certificate belongs to its key.
        let own_is_open = is_open(&["tls_certificate", "tls_key"])
            && (self.tls_certificate.is_some() || self.tls_key.is_some());
        let servers = self.servers.filter(|_| is_open(&["server"]));
        let authorities = self.tls_authorities.filter(|_| is_open(&["tls_authorities"]));
        let token_file = self.token_file.filter(|_| is_open(&["token_file"]));
        let language = self.language.filter(|_| is_open(&["lang"]));
        let tls = &mut args.identity.tls;
        if own_is_open {
            (tls.certificate, tls.key) = (self.tls_certificate, self.tls_key);
        }
        tls.authorities = authorities.or_else(|| tls.authorities.take());
        args.identity.token_file = token_file.or_else(|| args.identity.token_file.take());
        args.output.language = language.or(args.output.language);
        args.server = servers.unwrap_or_else(|| mem::take(&mut args.server));
    }
}

/// The file of contexts.
#[derive(Clone, Copy)]
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// The context of a name. All of the file has to be well-formed, so that no fault waits.
    fn context(self, asked: &str) -> Result<Context, Error> {
        let root = DeTable::parse(self.text).map_err(|error| {
            let line = error.span().unwrap_or_default();
            let cause = error.message().to_owned();
            let what = Words {
                vi: format!("không phải TOML: {cause}").into(),
                en: format!("no TOML: {cause}").into(),
            };
            self.faulty(line, "", what)
        })?;
        let mut found = None;
        let mut known = Vec::new();
        for (key, value) in root.get_ref() {
            let name: &str = key.get_ref();
            let (true, DeValue::Table(contexts)) = (name == "contexts", value.get_ref()) else {
                let what =
                    words(": chỉ cần các bảng [contexts.TÊN]", ": expected tables [contexts.NAME]");
                return Err(self.faulty(key.span(), name, what));
            };
            for (name, value) in contexts {
                let key = format!("contexts.{}", name.get_ref());
                let DeValue::Table(table) = value.get_ref() else {
                    let what = words(
                        ": cần một bảng [contexts.TÊN]",
                        ": expected a table [contexts.NAME]",
                    );
                    return Err(self.faulty(name.span(), &key, what));
                };
                let context = self.read(&key, table)?;
                if name.get_ref() == asked {
                    found = Some(context);
                }
                known.push(name.get_ref().to_string());
            }
        }
        known.sort_unstable();
        found.ok_or_else(|| Error::Unknown {
            path: self.path.to_owned(),
            asked: asked.to_owned(),
            known: known.join(", "),
        })
    }

    fn read(self, name: &str, table: &DeTable<'_>) -> Result<Context, Error> {
        let mut context = Context::default();
        for (key, value) in table {
            let full = format!("{name}.{}", key.get_ref());
            let fault = |what| self.faulty(key.span(), &full, what);
            let path = || text(value).map(|text| self.beside(text)).ok_or_else(|| fault(NO_TEXT));
            match key.get_ref().as_ref() {
                "server" => context.servers = Some(servers(value).ok_or_else(|| fault(NO_SERVER))?),
                "tls_authorities" => context.tls_authorities = Some(path()?),
                "tls_certificate" => context.tls_certificate = Some(path()?),
                "tls_key" => context.tls_key = Some(path()?),
                "token_file" => context.token_file = Some(path()?),
                "lang" => {
                    context.language = Some(language(value).ok_or_else(|| fault(NO_LANGUAGE))?);
                }
                _ => {
                    let what = Words {
                        vi: format!(" không phải một khóa: cần {KEYS}").into(),
                        en: format!(" is no key: expected {KEYS}").into(),
                    };
                    return Err(fault(what));
                }
            }
        }
        Ok(context)
    }

    /// A path, which the file may name from its own folder.
    fn beside(self, text: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(text)
    }

    fn faulty(self, at: Range<usize>, key: &str, what: Words) -> Error {
        let before = self.text.bytes().take(at.start);
        let line = 1 + before.filter(|byte| *byte == b'\n').count();
        Error::Faulty { path: self.path.to_owned(), line, key: key.to_owned(), what }
    }
}

const NO_TEXT: Words = words(
    ": cần đường dẫn một tệp, trong dấu ngoặc kép",
    ": expected the path of a file in quotes",
);
const NO_SERVER: Words = words(
    ": cần http://MÁY-CHỦ:CỔNG hoặc https://MÁY-CHỦ:CỔNG, hoặc danh sách như vậy",
    ": expected http://HOST:PORT or https://HOST:PORT, or a list of them",
);
const NO_LANGUAGE: Words = words(": cần \"vi\" hoặc \"en\"", ": expected \"vi\" or \"en\"");

fn text<'a>(value: &'a Spanned<DeValue<'_>>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.as_ref()),
        _ => None,
    }
}

fn servers(value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
    let url = |value| client::url(text(value)?).ok();
    match value.get_ref() {
        DeValue::Array(values) if !values.is_empty() => values.iter().map(url).collect(),
        _ => url(value).map(|url| vec![url]),
    }
}

fn language(value: &Spanned<DeValue<'_>>) -> Option<Lang> {
    match text(value)? {
        "vi" => Some(Lang::Vi),
        "en" => Some(Lang::En),
        _ => None,
    }
}
