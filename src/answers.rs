//! The answer key of a data set: for each table and measure three numbers, of the world (`clean`), of the files (`sent`), and of what a
//! correct system holds in the end (`accepted`).
//!
//! [`Questions`] are what is asked of a data set; a [`Tally`] has the answers to them of some rows, and adds up in any order; an
//! [`AnswerKey`] is the form that is written and read. Rows are counted before they are protected, because sums of sealed cells say
//! nothing; what reads a protected column is not asked, so that no protected value is in an answer. The digests of the key are of the
//! rows as they are written.

mod cell;
mod groups;
mod key;
mod over;
mod questions;
mod tally;

use std::sync::Mutex;

pub use key::{Answer, AnswerKey, Held, LeftOut, Merge};
pub use over::{Found, Over};
pub use questions::{Question, Questions, with_hidden};
pub use tally::{Tally, View, Views};

use crate::error::Result;
use crate::order::lock;
use crate::stage::TreeBatch;

/// The answers of a run, which its workers add to.
pub struct Collector {
    /// The questions.
    pub questions: Questions,
    tally: Mutex<Tally>,
}

impl Collector {
    /// A collector that has seen no row.
    #[must_use]
    pub fn new(questions: Questions) -> Self {
        Self { questions, tally: Mutex::default() }
    }

    /// Adds the answers of some rows.
    ///
    /// # Errors
    ///
    /// If an answer has too many groups.
    pub fn add(&self, tally: Tally) -> Result<()> {
        lock(&self.tally).merge(tally, &self.questions)
    }

    /// The answers so far.
    #[must_use]
    pub fn key(&self) -> AnswerKey {
        self.questions.key(&lock(&self.tally))
    }
}

impl TreeBatch {
    /// Corrects the digests of the rows that are held, after those that are sent were added: by the rows that a correct system does not
    /// hold, and those that it holds although they are not sent.
    pub(crate) fn settle(&self, tally: &mut Tally) {
        for (id, accepted) in &self.accepted {
            let (released, held) = &accepted.digests;
            // The table of an output of the plan has its number.
            tally.release(id.0, released);
            tally.hold(id.0, held);
        }
    }
}
