//! What each page says, and with which status.

use std::fmt::Write;

use http::{Method, StatusCode};
use serde::Serialize;

use super::metric::{Exposition, Sample, memory};
use crate::tasks::Vitals;

const TEXT: &str = "text/plain; charset=utf-8";
/// Text format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const JSON: &str = "application/json";

/// Paths, told to who asks for another one.
const PATHS: &str = "/livez, /readyz, /metrics, /build";

/// Parts of a running daemon that its pages are made from.
pub trait Watched: Clone + Send + Sync + 'static {
    /// The essential tasks.
    fn vitals(&self) -> &Vitals;

    /// Reasons why the daemon does not do its work now; none where it does.
    fn unready(&self) -> impl Future<Output = Vec<String>> + Send;

    /// State of the daemon as numbers.
    fn samples(&self) -> impl Future<Output = Vec<Sample>> + Send;
}

/// Phase of a daemon's life.
#[derive(Debug, Clone)]
pub enum Phase<W> {
    Starting,
    Running(W),
    Stopping,
}

/// Build of a program.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Build {
    pub program: &'static str,
    pub version: &'static str,
    /// Commit of the sources; unknown where the builder did not tell it.
    pub commit: Option<&'static str>,
}

/// Answer to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Page {
    const fn text(status: StatusCode, body: String) -> Self {
        Self { status, content_type: TEXT, body }
    }

    /// 200, or 503 with a reason on each line.
    fn verdict(reasons: &[String]) -> Self {
        if reasons.is_empty() {
            return Self::text(StatusCode::OK, "ok\n".to_owned());
        }
        let mut body = String::new();
        for reason in reasons {
            writeln!(body, "{reason}").expect("a text takes every line");
        }
        Self::text(StatusCode::SERVICE_UNAVAILABLE, body)
    }
}

/// Answers a request.
pub(super) async fn page<W: Watched>(
    method: &Method,
    path: &str,
    phase: Phase<W>,
    build: Build,
    exposition: &Exposition,
) -> Page {
    if *method != Method::GET && *method != Method::HEAD {
        let body = "only GET and HEAD are answered\n".to_owned();
        return Page::text(StatusCode::METHOD_NOT_ALLOWED, body);
    }
    match path {
        "/livez" => Page::verdict(&dead(&phase)),
        "/readyz" => Page::verdict(&unready(&phase).await),
        "/metrics" => {
            let mut samples: Vec<_> = memory().into_iter().collect();
            if let Phase::Running(watched) = &phase {
                samples.extend(watched.samples().await);
            }
            let body = exposition.render(&samples);
            Page { status: StatusCode::OK, content_type: METRICS, body }
        }
        "/build" => Page {
            status: StatusCode::OK,
            content_type: JSON,
            body: serde_json::to_string(&build).expect("texts are JSON"),
        },
        _ => Page::text(StatusCode::NOT_FOUND, format!("the pages are {PATHS}\n")),
    }
}

/// Reasons why the daemon must be started again.
fn dead<W: Watched>(phase: &Phase<W>) -> Vec<String> {
    let Phase::Running(watched) = phase else { return Vec::new() };
    let ended = watched.vitals().ended();
    ended.into_iter().map(|name| format!("essential task \"{name}\" ended")).collect()
}

async fn unready<W: Watched>(phase: &Phase<W>) -> Vec<String> {
    let mut reasons = dead(phase);
    match phase {
        Phase::Starting => reasons.push("starting: see the log".to_owned()),
        Phase::Running(watched) => reasons.extend(watched.unready().await),
        Phase::Stopping => reasons.push("stopping".to_owned()),
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ops::MEMORY, tasks::Tasks};

    const BUILD: Build = Build { program: "phuxanh-test", version: "1.2.3", commit: None };

    #[derive(Clone, Default)]
    struct Fake {
        vitals: Vitals,
        unready: Vec<String>,
    }

    impl Watched for Fake {
        fn vitals(&self) -> &Vitals {
            &self.vitals
        }

        async fn unready(&self) -> Vec<String> {
            self.unready.clone()
        }

        async fn samples(&self) -> Vec<Sample> {
            vec![MEMORY.count(&[], 1)]
        }
    }

    async fn told(path: &str, phase: &Phase<Fake>) -> (u16, String) {
        let nothing = Exposition::default();
        let page = page(&Method::GET, path, phase.clone(), BUILD, &nothing).await;
        (page.status.as_u16(), page.body)
    }

    #[tokio::test]
    async fn a_daemon_is_ready_only_while_it_runs_without_a_reason_against_it() {
        let running = |unready: &[&str]| {
            let unready = unready.iter().copied().map(str::to_owned).collect();
            Phase::Running(Fake { unready, ..Fake::default() })
        };
        let cases = [
            (running(&[]), 200, "ok\n"),
            (running(&["one", "two"]), 503, "one\ntwo\n"),
            (Phase::Starting, 503, "starting: see the log\n"),
            (Phase::Stopping, 503, "stopping\n"),
        ];
        for (phase, status, body) in cases {
            assert_eq!(told("/readyz", &phase).await, (status, body.to_owned()));
            assert_eq!(told("/livez", &phase).await, (200, "ok\n".to_owned()));
        }
    }

    #[tokio::test]
    async fn the_end_of_an_essential_task_is_neither_alive_nor_ready() {
        let mut tasks: Tasks = Tasks::default();
        tasks.essential("source", std::future::pending());
        let vitals = tasks.vitals();
        assert!(tasks.abort("source"));
        assert_eq!(tasks.ended().await.name, "source");
        let phase = Phase::Running(Fake { vitals, unready: vec!["also this".to_owned()] });
        let ended = "essential task \"source\" ended\n";
        assert_eq!(told("/livez", &phase).await, (503, ended.to_owned()));
        assert_eq!(told("/readyz", &phase).await, (503, format!("{ended}also this\n")));
    }

    #[tokio::test]
    async fn state_is_told_in_numbers_while_there_is_any() {
        let running = Phase::Running(Fake::default());
        let (status, body) = told("/metrics", &running).await;
        let of_state = |body: &str| body.lines().any(|it| it == "process_resident_memory_bytes 1");
        assert_eq!((status, of_state(&body)), (200, true), "{body}");
        let (status, body) = told("/metrics", &Phase::Starting).await;
        assert_eq!((status, of_state(&body)), (200, false), "{body}");
        assert!(body.contains("process_resident_memory_bytes"), "{body}");
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_told_what_there_is() {
        let phase = Phase::<Fake>::Starting;
        let build = "{\"program\":\"phuxanh-test\",\"version\":\"1.2.3\",\"commit\":null}";
        assert_eq!(told("/build", &phase).await, (200, build.to_owned()));
        let (status, body) = told("/", &phase).await;
        assert_eq!((status, body.contains("/readyz")), (404, true), "{body}");
        let nothing = Exposition::default();
        let refused = page(&Method::POST, "/livez", phase, BUILD, &nothing).await;
        assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}
