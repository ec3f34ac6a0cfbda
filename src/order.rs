//! Worker threads.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};

/// Bytes of a worker's stack: columns and expressions are walked as deep as they depend on each other.
pub const STACK: usize = 16 << 20;

/// Makes a pool of so many worker threads, with stacks that are deep enough for evaluation.
///
/// # Errors
///
/// If the system refuses a thread.
pub fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .stack_size(STACK)
        .build()
        .map_err(|error| Error::internal(format!("no threads: {error}")))
}
