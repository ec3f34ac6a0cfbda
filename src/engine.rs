//! Runs a data set into a target: threads take chunks, evaluate and encode them, and deliver them to a session.
//!
//! The engine knows no file and no database. It cuts each tree into chunks, skips those that the session has already, and bounds
//! those in flight, so that memory does not grow with rows. Order, durability and descriptions are the session's business.

mod answers;
mod check;
mod progress;
mod promises;
mod proof;
pub mod target;

use std::ops::Range;

pub use answers::Answers;
pub use check::check;
pub use progress::{Event, Progress};
pub use promises::{Promise, promises};
pub use proof::{Proof, prove};
pub use target::{Begun, ChunkId, Done, Encode, Encoded, LogEnd, Outcome, Session, Start, Target};

use crate::answers::{Collector, Tally};
use crate::dataset::{DataSet, OutputId, TreeShare};
use crate::error::Result;
use crate::format::write::Canonical;
use crate::order::{parallel, pool};
use crate::stage::Difference;

/// Writes a data set to a target on so many threads.
///
/// # Errors
///
/// If a value cannot be made, a limit of the plan is passed, the target refuses or fails, or the run was stopped. What the target
/// has by then stays, and a run with [`Start::Resume`] continues it.
pub fn run(set: &DataSet, target: &dyn Target, start: Start, threads: usize, progress: &Progress) -> Result<Outcome> {
    let pool = pool(threads)?;
    // Estimates walk as deep as the run itself, and need the stack of a worker.
    let session = match pool.install(|| target.begin(set, start, progress))? {
        Begun::Complete(outcome) => return Ok(outcome),
        Begun::Session(session) => session,
    };
    let mut trees = set.trees().into_iter();
    match trees.try_for_each(|share| tree(set, session.as_ref(), &pool, share, progress)) {
        Ok(()) => session.finish(),
        Err(error) => Err(session.fail(error)),
    }
}

/// Makes what the session does not have of a tree.
fn tree(
    set: &DataSet,
    session: &dyn Session,
    pool: &rayon::ThreadPool,
    mut share: TreeShare,
    progress: &Progress,
) -> Result<()> {
    let done = session.begin_tree(&share)?;
    if let Some(collector) = session.answers() {
        recount(set, collector, pool, &share, &done, progress)?;
    }
    let all = share.rows.end - share.rows.start;
    share.outputs.retain(|output| !done.outputs.contains(output));
    if share.outputs.is_empty() {
        progress.reuse(all, done.reused_rows, done.reused_bytes);
    } else {
        let reused = done.rows.iter().map(|rows| rows.end - rows.start).sum();
        progress.reuse(reused, done.reused_rows, done.reused_bytes);
        let encoder = |output: &OutputId| Ok((*output, session.encoder(set.output(*output))?));
        let encoders = share.outputs.iter().map(encoder).collect::<Result<Vec<_>>>()?;
        let mut left = Left { row: share.rows.start, done: &done.rows };
        let next = || Ok(left.next(share.rows.end, |start| set.cut(&share, start)));
        parallel(pool, &|| progress.stopped(), next, |index, rows| {
            chunk(set, session, &share, ChunkId { tree: &share, index, rows }, &encoders, progress)
        })?;
    }
    progress.stopped()?;
    session.end_tree(&share)
}

/// Adds the answers of what an interrupted run left of a tree: its rows are made again, and nothing of them is written.
fn recount(
    set: &DataSet,
    collector: &Collector,
    pool: &rayon::ThreadPool,
    share: &TreeShare,
    done: &Done,
    progress: &Progress,
) -> Result<()> {
    let part = |complete: bool| {
        let outputs = share.outputs.iter().copied().filter(|output| done.outputs.contains(output) == complete);
        TreeShare { outputs: outputs.collect(), ..share.clone() }
    };
    for (share, ranges) in [(part(true), vec![share.rows.clone()]), (part(false), done.rows.clone())] {
        if share.outputs.is_empty() {
            continue;
        }
        let encoder = |output: &OutputId| Ok((*output, Canonical::new(&set.output(*output).schema)?));
        let encoders = share.outputs.iter().map(encoder).collect::<Result<Vec<_>>>()?;
        for range in ranges {
            let mut left = Left { row: range.start, done: &[] };
            let next = || Ok(left.next(range.end, |start| set.cut(&share, start)));
            parallel(pool, &|| progress.stopped(), next, |_, rows| {
                let (made, mut tally) = set.chunk_with_answers(&share, rows, &collector.questions)?;
                for (output, canonical) in &encoders {
                    if let Some(batch) = made.batches.get(output).filter(|_| set.output(*output).sources.is_empty()) {
                        tally.hold(set.output(*output).table, &canonical.buckets(batch)?);
                    }
                }
                made.settle(&mut tally);
                collector.add(tally)
            })?;
        }
    }
    Ok(())
}

/// The chunks between those that are done.
struct Left<'d> {
    row: u64,
    done: &'d [Range<u64>],
}

impl Left<'_> {
    /// The next chunk before row `end`, where `cut` says how far a chunk from a row reaches.
    fn next(&mut self, end: u64, cut: impl Fn(u64) -> u64) -> Option<Range<u64>> {
        while let Some(first) = self.done.first().filter(|first| first.start <= self.row) {
            self.row = self.row.max(first.end);
            self.done = &self.done[1..];
        }
        let start = self.row;
        let stop = self.done.first().map_or(end, |first| first.start.min(end));
        (start < stop).then(|| {
            self.row = cut(start).min(stop);
            start..self.row
        })
    }
}

fn chunk(
    set: &DataSet,
    session: &dyn Session,
    share: &TreeShare,
    id: ChunkId<'_>,
    encoders: &[(OutputId, Box<dyn Encode + '_>)],
    progress: &Progress,
) -> Result<()> {
    let roots = id.rows.end - id.rows.start;
    let (mut made, mut tally) = match session.answers() {
        Some(collector) => set.chunk_with_answers(share, id.rows.clone(), &collector.questions)?,
        None => (set.chunk(share, id.rows.clone())?, Tally::default()),
    };
    let (mut encoded, limits) = (Vec::with_capacity(encoders.len()), &set.plan().limits);
    for (output, encoder) in encoders {
        let Some(batch) = made.batches.swap_remove(output) else { continue };
        let mut piece = encoder.encode(batch)?;
        if set.is_faulty(set.output(*output)) {
            let same = |difference: Option<&Difference>| difference.copied().unwrap_or_default();
            piece.clean = Some(same(made.differences.get(output)).clean(&piece.sum));
        }
        // An estimate may be wrong, and a profile may make it so: the limits hold here too.
        let (rows, bytes) = progress.made(piece.sum.rows, piece.piece.len() as u64);
        limits.allow_rows(rows as f64)?;
        limits.allow_bytes(bytes as f64)?;
        if let Some(held) = piece.held.as_ref().filter(|_| set.output(*output).sources.is_empty()) {
            tally.hold(set.output(*output).table, held);
        }
        encoded.push((*output, piece));
    }
    if let Some(collector) = session.answers() {
        made.settle(&mut tally);
        collector.add(tally)?;
    }
    session.deliver(&id, encoded)?;
    progress.finished(roots);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Left;

    #[test]
    fn chunks_fill_the_gaps_between_those_that_are_done() {
        let all = |done: &[std::ops::Range<u64>]| {
            let mut left = Left { row: 10, done };
            std::iter::from_fn(|| left.next(30, |start| start + 6)).collect::<Vec<_>>()
        };
        assert_eq!(all(&[]), [10..16, 16..22, 22..28, 28..30]);
        assert_eq!(all(&[10..16, 16..22]), [22..28, 28..30]);
        assert_eq!(all(&[12..14, 14..20, 26..30]), [10..12, 20..26]);
        assert_eq!(all(&[0..20, 20..40]), []);
    }
}
