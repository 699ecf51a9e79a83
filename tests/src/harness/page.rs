//! Pages of a daemon's ops listener.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use anyhow::Context;

/// Status and body of a page.
pub fn page(address: &str, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    // In this version the end of an answer is the end of the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").context("a head ends")?;
    let status = head.split(' ').nth(1).context("a status")?;
    Ok((status.parse()?, body.to_owned()))
}
