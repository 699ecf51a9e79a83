//! File format of an export: length-delimited frames, sealed by counts and a hash.
//!
//! Reads and writes byte streams; knows no file system and no store. A file with a changed byte or
//! another end is refused.

use std::io::{self, Read, Write};

use phuxanh_core::{
    LocalityCode, Timestamp,
    delivery::order::{Frame, Misplaced, Order},
};
use phuxanh_proto::{
    convert::{self, FieldError},
    storage::v1::{self as storage, export_frame::Content},
};
use prost::Message;
use sha2::{Digest, Sha256};

const FORMAT: u32 = 1;
/// Largest frame: a checkpoint of a province with a million cells has some 60 MB.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// Longest encoding of a length.
const VARINT_BYTES_MAX: usize = 10;

/// Reason why an export cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot write the export")]
    Write(#[source] io::Error),
    #[error("cannot read the export")]
    Read(#[source] io::Error),
    #[error("the export is truncated: it ends after {0} bytes")]
    Cut(u64),
    #[error("the file is not an export, or was altered: frame at byte {at}: {detail}")]
    Unreadable { at: u64, detail: String },
    #[error(
        "the export was written by format {0}, and this program reads format {FORMAT}: import it with the \
         version of the aggregator that wrote it"
    )]
    Format(u32),
    #[error("checksum mismatch: the file was altered after it was written")]
    Altered,
    #[error("frame too large: {0} bytes, and at most {FRAME_BYTES_MAX} can be read")]
    Large(usize),
    #[error(transparent)]
    Misplaced(#[from] Misplaced),
}

/// Counts of a file's contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub references: u64,
    pub reporters: u64,
    pub records: u64,
    pub checkpoints: u64,
    pub bytes: u64,
}

/// Order, counts and hash of the frames so far; the trailer must match them.
#[derive(Debug, Default)]
struct Seal {
    order: Order,
    tally: Tally,
    hash: Sha256,
}

impl Seal {
    fn take(&mut self, frame: &Frame) -> Result<(), Misplaced> {
        self.order.follow(frame)?;
        let count = match frame {
            Frame::Reference(_) => &mut self.tally.references,
            Frame::Reporter { .. } => &mut self.tally.reporters,
            Frame::Record(_) => &mut self.tally.records,
            Frame::Checkpoint { .. } => &mut self.tally.checkpoints,
        };
        *count += 1;
        Ok(())
    }

    fn hash(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.tally.bytes += bytes.len() as u64;
    }

    fn trailer(&self) -> Result<storage::ExportTrailer, Misplaced> {
        self.order.end()?;
        Ok(storage::ExportTrailer {
            reference_count: self.tally.references,
            reporter_count: self.tally.reporters,
            record_count: self.tally.records,
            checkpoint_count: self.tally.checkpoints,
            digest: self.hash.clone().finalize().to_vec(),
        })
    }
}

/// Writes an export.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    seal: Seal,
}

impl<W: Write> Writer<W> {
    /// Writes the header of an export that begins `now`.
    pub fn begin(output: W, now: Timestamp) -> Result<Self, Error> {
        let mut writer = Self { output, seal: Seal::default() };
        let header = storage::ExportHeader { format: FORMAT, export_micros: now.micros() };
        writer.write(Content::Header(header))?;
        Ok(writer)
    }

    /// Writes the next frame.
    pub fn put(&mut self, frame: Frame) -> Result<(), Error> {
        self.seal.take(&frame)?;
        self.write(content(frame))
    }

    /// Writes the trailer and flushes the output; does not sync it.
    pub fn finish(mut self) -> Result<(W, Tally), Error> {
        let trailer = self.seal.trailer()?;
        self.write(Content::Trailer(trailer))?;
        self.output.flush().map_err(Error::Write)?;
        Ok((self.output, self.seal.tally))
    }

    fn write(&mut self, content: Content) -> Result<(), Error> {
        let frame = storage::ExportFrame { content: Some(content) };
        if frame.encoded_len() > FRAME_BYTES_MAX {
            return Err(Error::Large(frame.encoded_len()));
        }
        let bytes = frame.encode_length_delimited_to_vec();
        self.seal.hash(&bytes);
        self.output.write_all(&bytes).map_err(Error::Write)
    }
}

/// Reads an export.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    seal: Seal,
    exported: Timestamp,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn begin(input: R) -> Result<Self, Error> {
        let exported = Timestamp::from_micros(0).map_err(|error| unreadable(0, error))?;
        let mut reader = Self { input, seal: Seal::default(), exported };
        let (content, bytes) = reader.read_frame()?;
        let Content::Header(header) = content else {
            return Err(unreadable(0, "expected a header"));
        };
        if header.format != FORMAT {
            return Err(Error::Format(header.format));
        }
        reader.exported =
            Timestamp::from_micros(header.export_micros).map_err(|error| unreadable(0, error))?;
        reader.seal.hash(&bytes);
        Ok(reader)
    }

    /// Time at which the export began.
    #[must_use]
    pub const fn exported(&self) -> Timestamp {
        self.exported
    }

    /// Counts of the frames read so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.seal.tally
    }

    /// Returns the next frame; `None` at the end, once the trailer matches. Only then are the
    /// frames known to be those that were exported.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        let at = self.seal.tally.bytes;
        let (content, bytes) = self.read_frame()?;
        let Content::Trailer(trailer) = content else {
            let frame = frame(content).map_err(|error| unreadable(at, error))?;
            self.seal.hash(&bytes);
            self.seal.take(&frame)?;
            return Ok(Some(frame));
        };
        if trailer != self.seal.trailer()? {
            return Err(Error::Altered);
        }
        self.seal.hash(&bytes);
        match self.input.read(&mut [0]) {
            Ok(0) => Ok(None),
            Ok(_) => Err(unreadable(self.seal.tally.bytes, "expected the end of the file")),
            Err(error) => Err(Error::Read(error)),
        }
    }

    /// Reads the next frame; returns it with its bytes, the length included.
    fn read_frame(&mut self) -> Result<(Content, Vec<u8>), Error> {
        let at = self.seal.tally.bytes;
        let mut bytes = Vec::with_capacity(VARINT_BYTES_MAX);
        while bytes.last().is_none_or(|byte| byte & 0x80 != 0) && bytes.len() < VARINT_BYTES_MAX {
            self.read(1, &mut bytes)?;
        }
        let length = prost::decode_length_delimiter(&bytes[..]);
        let length = length.ok().filter(|length| *length <= FRAME_BYTES_MAX);
        let length = length.ok_or_else(|| unreadable(at, "invalid length"))?;
        let start = bytes.len();
        self.read(length, &mut bytes)?;
        let frame = storage::ExportFrame::decode(&bytes[start..]);
        let content = frame.map_err(|error| unreadable(at, error))?.content;
        Ok((content.ok_or_else(|| unreadable(at, "unknown contents"))?, bytes))
    }

    /// Appends `count` bytes of the input. The buffer grows only as bytes arrive, so that a wrong
    /// length allocates nothing.
    fn read(&mut self, count: usize, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let read = self.input.by_ref().take(count as u64).read_to_end(bytes);
        if read.map_err(Error::Read)? < count {
            return Err(Error::Cut(self.seal.tally.bytes + bytes.len() as u64));
        }
        Ok(())
    }
}

fn content(frame: Frame) -> Content {
    match frame {
        Frame::Reference((digest, contents)) => {
            Content::Reference(storage::ExportReference { digest: digest.to_vec(), contents })
        }
        Frame::Reporter { reporter, cursor, first_record } => {
            Content::Reporter(storage::ExportReporter {
                reporter: reporter.number(),
                cursor: Some(convert::to_cursor(cursor)),
                first_record,
            })
        }
        Frame::Record(record) => Content::Record(convert::to_record(record)),
        Frame::Checkpoint { record_count, receipt, bytes } => {
            Content::Checkpoint(storage::ExportCheckpoint {
                record_count,
                receipt_micros: receipt.micros(),
                contents: bytes,
            })
        }
    }
}

/// Description of a faulty frame.
type Fault = String;

fn frame(content: Content) -> Result<Frame, Fault> {
    let faulty = |error: FieldError| error.to_string();
    Ok(match content {
        Content::Header(_) | Content::Trailer(_) => return Err("second header".to_owned()),
        Content::Reference(it) => {
            let digest = it.digest.try_into().map_err(|_| "reference.digest: expected 32 bytes")?;
            Frame::Reference((digest, it.contents))
        }
        Content::Reporter(it) => {
            let reporter = LocalityCode::from_number(it.reporter.into());
            Frame::Reporter {
                reporter: reporter.map_err(|error| error.to_string())?,
                cursor: convert::from_cursor(it.cursor.unwrap_or_default()).map_err(faulty)?,
                first_record: it.first_record,
            }
        }
        Content::Record(it) => Frame::Record(convert::from_record(it).map_err(faulty)?),
        Content::Checkpoint(it) => Frame::Checkpoint {
            record_count: it.record_count,
            receipt: Timestamp::from_micros(it.receipt_micros)
                .map_err(|error| error.to_string())?,
            bytes: it.contents,
        },
    })
}

fn unreadable(at: u64, detail: impl std::fmt::Display) -> Error {
    Error::Unreadable { at, detail: detail.to_string() }
}

#[cfg(test)]
mod tests;
