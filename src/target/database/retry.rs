//! Waiting before something is tried again: longer each time, up to a bound, and never for equal times, so that loaders do not meet
//! again.

use std::time::{Duration, Instant};

use super::connection::{Again, Attempt, Failure};
use crate::engine::Progress;
use crate::error::{Error, Result};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);
/// The time between two looks at whether the run was stopped.
const GLANCE: Duration = Duration::from_millis(100);

/// The attempts at one thing.
pub(super) struct Retry<'p> {
    progress: &'p Progress,
    since: Instant,
    most: Duration,
    attempts: u32,
}

impl<'p> Retry<'p> {
    /// Attempts for so many seconds.
    pub(super) fn new(progress: &'p Progress, seconds: u64) -> Self {
        Self { progress, since: Instant::now(), most: Duration::from_secs(seconds), attempts: 0 }
    }

    /// Waits after a failure that may not come again.
    ///
    /// # Errors
    ///
    /// The failure, if it would come again or the time is over; or that the run was stopped.
    pub(super) fn wait(&mut self, failure: Failure) -> Attempt<()> {
        let pause = FIRST.saturating_mul(1 << self.attempts.min(10)).min(LONGEST).mul_f64(0.5 + jitter());
        if failure.again == Again::Never {
            return Err(failure);
        }
        if self.since.elapsed() + pause > self.most {
            let (seconds, attempts) = (self.most.as_secs(), self.attempts + 1);
            let Failure { error, .. } = failure;
            let hint = "the same command continues from here; --retry-seconds tries for longer";
            let tried = if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
            let message = format!("{}; tried {tried} in {seconds} seconds", error.message());
            return Err(Error::new(error.kind(), message).hint(hint).caused_by(error).into());
        }
        self.attempts += 1;
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.progress.stopped()?;
            std::thread::sleep(left.min(GLANCE));
        }
        Ok(())
    }
}

/// A number from 0 to 1 that has nothing to do with the data.
fn jitter() -> f64 {
    let mut bytes = [0; 2];
    // Without randomness the pauses are just not spread.
    let _unspread = getrandom::fill(&mut bytes);
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}

/// Does something until it succeeds, fails for good, or the time is over.
///
/// # Errors
///
/// As [`Retry::wait`].
pub(super) fn until_done<T>(progress: &Progress, seconds: u64, mut attempt: impl FnMut() -> Attempt<T>) -> Result<T> {
    let mut retry = Retry::new(progress, seconds);
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(failure) => retry.wait(failure)?,
        }
    }
}
