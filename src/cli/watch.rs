//! Progress of a run on stderr: a bar on a terminal, JSON events for programs, nothing in a pipe.

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

/// Form in which progress is reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reporting {
    /// No progress and no summary (`--quiet`).
    None,
    /// The summary only: stderr is a file or a pipe.
    Silent,
    /// A bar, then the summary: stderr is a terminal.
    Bar,
    /// Events, one JSON object a line.
    Json,
}

impl Reporting {
    pub(super) fn of(log_format: LogFormat) -> Self {
        match log_format {
            LogFormat::Json => Self::Json,
            LogFormat::Text if std::io::stderr().is_terminal() => Self::Bar,
            LogFormat::Text => Self::Silent,
        }
    }
}

/// Runs the engine and reports progress meanwhile.
///
/// # Errors
/// The run's own errors, and signals that cannot be handled.
pub(super) fn run_reporting(
    set: &DataSet,
    target: &dyn Target,
    start: Start,
    threads: usize,
    reporting: Reporting,
) -> Result<Outcome> {
    let progress = Progress::default();
    install_signal_handlers(&progress)?;
    end_what_does_not_stop(&progress);
    let total: u64 = set.trees().iter().map(|tree| tree.rows.end - tree.rows.start).sum();
    let run = || engine::run(set, target, start, threads, &progress);
    if matches!(reporting, Reporting::None | Reporting::Silent) {
        return run();
    }
    let bar = if reporting == Reporting::Bar { ProgressBar::new(total) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  {eta} left") {
        bar.set_style(style);
    }
    let started = Instant::now();
    let mut said = started;
    if reporting == Reporting::Json {
        log::progress(0, total, 0);
    }
    std::thread::scope(|scope| {
        let work = scope.spawn(run);
        // `going` is read first, so that files finished during the last turn are reported too.
        while {
            let going = !work.is_finished();
            if reporting == Reporting::Json {
                progress.take_events().into_iter().for_each(log::event);
            }
            going
        } {
            std::thread::sleep(Duration::from_millis(if reporting == Reporting::Json { 20 } else { 100 }));
            let (done, rows) = (progress.done.load(Ordering::Relaxed), progress.rows.load(Ordering::Relaxed));
            if reporting == Reporting::Json && said.elapsed() >= Duration::from_secs(1) {
                said = Instant::now();
                log::progress(done, total, rows);
            }
            bar.set_position(done);
            let [rows_made, roots, all] = [rows, done, total].map(super::text_table::count);
            let speed = rows as f64 / started.elapsed().as_secs_f64().max(0.1) / 1e6;
            bar.set_message(format!("{roots} of {all} root rows, {rows_made} rows, {speed:.1} M rows/s"));
        }
        bar.finish_and_clear();
        work.join().unwrap_or_else(|_| Err(Error::internal("a worker panicked")))
    })
}

/// The time that a run has to stop after a signal. The next chunk ends it within a second, unless the run waits for something, such
/// as the reader of a pipe.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ends the process where a run does not stop by itself. A folder is then as after `kill -9`.
#[expect(clippy::exit, reason = "a thread that waits for the system cannot be asked to return")]
fn end_what_does_not_stop(progress: &Progress) {
    let stop = Arc::clone(&progress.stop);
    std::thread::spawn(move || {
        while stop.load(Ordering::Relaxed) == 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        std::thread::sleep(PATIENCE);
        std::process::exit(128 + stop.load(Ordering::Relaxed) as i32);
    });
}

/// Makes SIGINT and SIGTERM stop the run at the next chunk, and a second one end the process at once.
fn install_signal_handlers(progress: &Progress) -> Result<()> {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let (first, number) = (Arc::clone(&again), signal as usize);
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))
            .and_then(|_| flag::register(signal, first))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&progress.stop), number))
            .map_err(|error| Error::internal(format!("cannot handle SIGINT and SIGTERM: {error}")))?;
    }
    Ok(())
}
