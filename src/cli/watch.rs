//! A run as it goes on: a bar for people, events for programs, silence where nobody looks.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::{LogFormat, log};
use crate::dataset::DataSet;
use crate::engine::{self, Outcome, Progress, Start, Target};
use crate::error::{Error, Result};

/// What is said while a run goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Talk {
    /// Nothing at all.
    None,
    /// Nothing but the end: stderr is a file or a pipe.
    Silent,
    /// A bar on a terminal.
    Bar,
    /// Events.
    Json,
}

impl Talk {
    pub(super) fn of(log_format: LogFormat) -> Self {
        match log_format {
            LogFormat::Json => Self::Json,
            LogFormat::Text if std::io::stderr().is_terminal() => Self::Bar,
            LogFormat::Text => Self::Silent,
        }
    }
}

/// Runs, and tells meanwhile how far it is.
pub(super) fn watched(set: &DataSet, target: &dyn Target, start: Start, threads: usize, talk: Talk) -> Result<Outcome> {
    let progress = Progress::default();
    heed(&progress)?;
    let total: u64 = set.trees().iter().map(|tree| tree.rows.end - tree.rows.start).sum();
    let run = || engine::run(set, target, start, threads, &progress);
    if matches!(talk, Talk::None | Talk::Silent) {
        return run();
    }
    let bar = if talk == Talk::Bar { ProgressBar::new(total) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left") {
        bar.set_style(style);
    }
    let started = Instant::now();
    let mut said = started;
    if talk == Talk::Json {
        log::progress(0, total, 0);
    }
    std::thread::scope(|scope| {
        let work = scope.spawn(run);
        // Asked before the files are told: those of the last moment are told too.
        while {
            let going = !work.is_finished();
            if talk == Talk::Json {
                progress.take_events().into_iter().for_each(log::event);
            }
            going
        } {
            std::thread::sleep(Duration::from_millis(if talk == Talk::Json { 20 } else { 100 }));
            let (done, rows) = (progress.done.load(Ordering::Relaxed), progress.rows.load(Ordering::Relaxed));
            if talk == Talk::Json && said.elapsed() >= Duration::from_secs(1) {
                said = Instant::now();
                log::progress(done, total, rows);
            }
            bar.set_position(done);
            bar.set_message(format!("{:.1} M rows/s", rows as f64 / started.elapsed().as_secs_f64().max(0.1) / 1e6));
        }
        bar.finish_and_clear();
        work.join().unwrap_or_else(|_| Err(Error::internal("a worker panicked")))
    })
}

/// SIGINT and SIGTERM stop the run at the next chunk; a second one ends the process at once.
fn heed(progress: &Progress) -> Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let (first, number) = (Arc::clone(&again), signal as usize);
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))
            .and_then(|_| flag::register(signal, first))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&progress.stop), number))
            .map_err(|error| Error::internal(format!("no signals: {error}")))?;
    }
    Ok(())
}
