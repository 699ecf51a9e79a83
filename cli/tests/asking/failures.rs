//! Failures, with their exit codes and words.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener},
    thread,
};

use crate::{ask, command, fake::Fake, run};

#[test]
fn a_server_that_does_not_listen_is_unreachable() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let server = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let complaint = run(&server, &["lowest"]).failure(69);
    assert!(complaint.contains(&format!("cannot reach the aggregator at {server}")), "{complaint}");
    for part in ["onnection refused", "Is it running?", "--server URL", "PHUXANH_SERVER"] {
        assert!(complaint.contains(part), "{complaint}");
    }
}

#[test]
fn a_server_that_speaks_something_else_is_unreachable() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let server = listener.local_addr().expect("bound").to_string();
    let web_server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("phuxanh connects");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("phuxanh listens");
        // Until phuxanh leaves, so that what was written arrives.
        stream.read_to_end(&mut Vec::new()).unwrap_or_default();
    });
    let complaint = run(&server, &["lowest"]).failure(69);
    assert!(complaint.contains("cannot reach the aggregator"), "{complaint}");
    web_server.join().expect("the server ends with its only client");
}

/// Address at which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    format!("http://{}", listener.local_addr().expect("bound"))
}

#[test]
fn the_next_server_is_asked_where_one_cannot_be_reached() {
    let fake = Fake::start();
    let (one, other) = (nobody(), nobody());
    let expected = ask(&fake, &["catalogue"]).output();
    let server = format!("{one},{}", fake.server());
    assert_eq!(run(&server, &["catalogue"]).output(), expected);
    // What another server refuses is the answer, and is asked of no third one.
    let complaint = run(&server, &["lowest", "--period", "2025-7"]).failure(2);
    assert!(complaint.contains("is not a period"), "{complaint}");
    let complaint = run(&format!("{one},{other}"), &["catalogue"]).failure(69);
    assert!(complaint.contains(&format!("at {one}, {other}: ")), "{complaint}");
}

/// A server that ends while it is asked is asked once more.
#[test]
fn a_question_outlives_a_server_that_restarts() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let server = listener.local_addr().expect("bound");
    let restarted = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("phuxanh connects");
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).expect("phuxanh speaks");
        drop((stream, listener));
        Fake::start_at(server)
    });
    let answered = run(&server.to_string(), &["catalogue"]).output();
    let fake = restarted.join().expect("it starts again");
    assert_eq!(ask(&fake, &["catalogue"]).output(), answered);
}

#[test]
fn an_unavailable_server_is_unreachable() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["lowest", "--indicator", "away"]).failure(69);
    assert!(complaint.contains("restoring the view"), "{complaint}");
}

#[test]
fn a_refused_question_names_its_fields() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["lowest", "--period", "2025-7"]).failure(2);
    assert_eq!(
        complaint,
        "phuxanh: the server refuses the question: a field is malformed\n  \
         period: \"2025-7\" is not a period\n"
    );
}

#[test]
fn a_server_that_fails_is_a_failure() {
    let fake = Fake::start();
    let complaint = ask(&fake, &["lowest", "--indicator", "broken"]).failure(1);
    assert!(complaint.contains("Internal"), "{complaint}");
}

#[test]
fn wrong_usage_is_told_before_anything_is_asked() {
    for args in [
        &["lowest", "--limit", "-1"][..],
        &["lowest", "--level", "nation"],
        &["standing"],
        &["scorecard", "04", "--server", "ftp://example.org"],
        &["standing", "04", "--neighbours", "0"],
        &[],
    ] {
        let complaint = run("http://127.0.0.1:1", args).failure(2);
        assert!(complaint.contains("Usage") || complaint.contains("--help"), "{complaint}");
    }
}

#[test]
fn the_flag_goes_before_the_environment() {
    let fake = Fake::start();
    let args = ["--server", &fake.server(), "catalogue"];
    let output = command("http://127.0.0.1:1", &args).output().expect("phuxanh runs");
    assert_eq!(output.status.code(), Some(0));
}
