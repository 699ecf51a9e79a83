//! The number of the file's format, and the way from each format to the next.
//!
//! ```text
//! no number (0) ──▶ 1: the number itself
//! ```
//!
//! A file of an earlier format is brought up to date in one transaction, in which every step from
//! its number on is taken. A file of another format is left as it is: it is not damaged, and what it
//! holds is not this program's to touch. A table that changes its rows gets a new name, so that a
//! program from before the change finds no table instead of rows that it misreads.

use redb::{TableError, WriteTransaction};

use super::{
    FatalError,
    file::File,
    tables::{FORMAT, LOG, NUMBER, mark_format},
};

/// Format of a file that was written before formats had numbers.
const UNNUMBERED: u32 = 0;

type Step = fn(&WriteTransaction) -> Result<(), FatalError>;

/// The step from each format to the next. The first one has nothing to do but the number.
const STEPS: [Step; FORMAT as usize] = [|_| Ok(())];

/// Refuses another format, and brings an earlier one up to date.
pub(super) fn bring_up_to_date(file: &mut File) -> Result<(), FatalError> {
    let found = number(file)?;
    if found == FORMAT {
        return Ok(());
    }
    let changed = match take_steps(file, found) {
        // A full disk: what the ballast keeps free is for this, too.
        Err(_) if file.take_want().is_some() && file.give_up_ballast()? => {
            file.reopen()?;
            take_steps(file, found)
        }
        changed => changed,
    };
    changed?;
    tracing::info!(from = found, to = FORMAT, "the spool was brought up to date");
    Ok(())
}

/// The number of a file; an error where this program does not read it.
fn number(file: &File) -> Result<u32, FatalError> {
    let other = |found: &str| FatalError::Format { found: found.to_owned(), reads: FORMAT };
    let transaction = file.read()?;
    match transaction.open_table(NUMBER) {
        Ok(table) => match table.get(())?.map(|number| number.value()) {
            Some(number) if number <= FORMAT => Ok(number),
            Some(number) => Err(other(&number.to_string())),
            None => Err(FatalError::Corrupt("format")),
        },
        Err(TableError::TableDoesNotExist(_)) => {
            // Any spool has a log; a file without one is damaged or none.
            transaction.open_table(LOG)?;
            Ok(UNNUMBERED)
        }
        Err(
            TableError::TableTypeMismatch { .. }
            | TableError::TypeDefinitionChanged { .. }
            | TableError::TableIsMultimap(_),
        ) => Err(other("unknown")),
        Err(error) => Err(error.into()),
    }
}

fn take_steps(file: &File, found: u32) -> Result<(), FatalError> {
    let transaction = file.write()?;
    for step in &STEPS[found as usize..] {
        step(&transaction)?;
    }
    mark_format(&transaction)?;
    Ok(transaction.commit()?)
}
