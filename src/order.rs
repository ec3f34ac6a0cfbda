//! Parallel work that is bounded, stops at the first error, and gives its results in order.
//!
//! [`parallel`] hands items to all workers of a pool and keeps those in flight within a window. A [`Lane`] appends what workers
//! submit in any order in the order of their numbers; whoever finds it free appends, so that nobody waits for a turn. [`ordered`] is
//! one with the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

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

/// Locks a mutex, also after another thread panicked with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes items from `next` until it gives `None`, and works on them on all threads of the pool. At most two items a thread are ahead
/// of the oldest unfinished one. `may_go_on` is asked before each item, and its error ends the work as any other does.
///
/// # Errors
///
/// The error of the first item, in the order of `next`, that has one; items after it may have been worked on.
pub fn parallel<I: Send>(
    pool: &ThreadPool,
    may_go_on: &(dyn Fn() -> Result<()> + Sync),
    next: impl FnMut() -> Result<Option<I>> + Send,
    work: impl Fn(u64, I) -> Result<()> + Sync,
) -> Result<()> {
    let state = State { next, index: 0, oldest: 0, finished: BTreeSet::new(), ended: false, error: None };
    let queue = Queue { state: Mutex::new(state), room: Condvar::new(), window: 2 * pool.current_num_threads() as u64 };
    pool.broadcast(|_| {
        while let Some((index, item)) = queue.take(may_go_on) {
            let mut finish = Finish { queue: &queue, index, made: Err(Error::internal("a worker panicked")) };
            finish.made = work(index, item);
        }
    });
    let state = queue.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.error.map_or(Ok(()), |(_, error)| Err(error))
}

/// Works on items on all threads of the pool, as [`parallel`] does, and puts the results in the order of the items.
///
/// ```
/// use placebo::order::{ordered, pool};
/// let (mut numbers, mut squares) = (1..=4, Vec::new());
/// ordered(&pool(2)?, &|| Ok(()), || Ok(numbers.next()), |n| Ok(n * n), |square| {
///     squares.push(square);
///     Ok(())
/// })?;
/// assert_eq!(squares, [1, 4, 9, 16]);
/// # Ok::<(), placebo::error::Error>(())
/// ```
///
/// # Errors
///
/// As [`parallel`]; `next`, `work` and `put` may each fail.
pub fn ordered<I: Send, T: Send>(
    pool: &ThreadPool,
    may_go_on: &(dyn Fn() -> Result<()> + Sync),
    next: impl FnMut() -> Result<Option<I>> + Send,
    work: impl Fn(I) -> Result<T> + Sync,
    put: impl FnMut(T) -> Result<()> + Send,
) -> Result<()> {
    let lane = Lane::new(put);
    parallel(pool, may_go_on, next, |index, item| lane.submit(index, work(item)?, |put, _, made| put(made)))
}

/// Items that are handed out, and how far they are.
struct Queue<N> {
    state: Mutex<State<N>>,
    room: Condvar,
    window: u64,
}

struct State<N> {
    next: N,
    /// The number of the next item.
    index: u64,
    /// The oldest item that is not finished.
    oldest: u64,
    finished: BTreeSet<u64>,
    ended: bool,
    /// The error of the first item that has one.
    error: Option<(u64, Error)>,
}

impl<N> State<N> {
    fn fail(&mut self, index: u64, error: Error) {
        if self.error.as_ref().is_none_or(|(first, _)| index < *first) {
            self.error = Some((index, error));
        }
    }
}

impl<N> Queue<N> {
    fn take<I>(&self, may_go_on: &(dyn Fn() -> Result<()> + Sync)) -> Option<(u64, I)>
    where
        N: FnMut() -> Result<Option<I>>,
    {
        let mut state = lock(&self.state);
        loop {
            if state.error.is_some() || state.ended {
                return None;
            }
            if let Err(error) = may_go_on() {
                state.fail(u64::MAX, error);
                return None;
            }
            if state.index < state.oldest + self.window {
                let index = state.index;
                match (state.next)() {
                    Ok(Some(item)) => {
                        state.index += 1;
                        return Some((index, item));
                    }
                    Ok(None) => state.ended = true,
                    Err(error) => state.fail(index, error),
                }
                return None;
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn finished(&self, index: u64, made: Result<()>) {
        let mut state = lock(&self.state);
        if let Err(error) = made {
            state.fail(index, error);
        }
        state.finished.insert(index);
        while {
            let oldest = state.oldest;
            state.finished.remove(&oldest)
        } {
            state.oldest += 1;
        }
        self.room.notify_all();
    }
}

/// Marks an item as finished when it is dropped, also by a panic: others may wait for it.
struct Finish<'q, N> {
    queue: &'q Queue<N>,
    index: u64,
    made: Result<()>,
}

impl<N> Drop for Finish<'_, N> {
    fn drop(&mut self) {
        self.queue.finished(self.index, std::mem::replace(&mut self.made, Ok(())));
    }
}

/// A place where items that arrive in any order are appended in order: to a state `S`, such as an open file.
pub struct Lane<T, S> {
    waiting: Mutex<BTreeMap<u64, T>>,
    state: Mutex<Appended<S>>,
}

struct Appended<S> {
    next: u64,
    state: S,
}

impl<T, S> Lane<T, S> {
    /// A lane that waits for item 0.
    pub fn new(state: S) -> Self {
        Self { waiting: Mutex::default(), state: Mutex::new(Appended { next: 0, state }) }
    }

    /// Submits item `index`, from 0 and without gaps in the end. Appends every item that is next in order, unless another thread
    /// does so already: then that one appends it, and this one need not wait.
    ///
    /// # Errors
    ///
    /// The error of `append`; the lane then takes nothing more.
    pub fn submit(&self, index: u64, item: T, mut append: impl FnMut(&mut S, u64, T) -> Result<()>) -> Result<()> {
        lock(&self.waiting).insert(index, item);
        loop {
            let mut open = match self.state.try_lock() {
                Ok(open) => open,
                Err(TryLockError::WouldBlock) => return Ok(()),
                Err(TryLockError::Poisoned(_)) => return Err(Error::internal("a worker panicked")),
            };
            while let Some(item) = {
                let next = open.next;
                lock(&self.waiting).remove(&next)
            } {
                let at = open.next;
                append(&mut open.state, at, item)?;
                open.next += 1;
            }
            let next = open.next;
            drop(open);
            // An item submitted between the last look and the release would wait for ever.
            if !lock(&self.waiting).contains_key(&next) {
                return Ok(());
            }
        }
    }

    /// The state, once all is submitted.
    pub fn into_inner(self) -> S {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).state
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::error::Kind;

    /// Numbers `0..end`, those before `slow` late.
    fn run(end: u64, work: impl Fn(u64) -> Result<u64> + Sync) -> (Result<()>, Vec<u64>) {
        let (mut numbers, mut put) = (0..end, Vec::new());
        let made = ordered(
            &pool(4).expect("a pool"),
            &|| Ok(()),
            || Ok(numbers.next()),
            work,
            |n| {
                put.push(n);
                Ok(())
            },
        );
        (made, put)
    }

    #[test]
    fn results_come_in_order_and_few_are_in_flight() {
        let (started, finished, most) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let (made, put) = run(200, |n| {
            let ahead = started.fetch_add(1, Ordering::SeqCst) + 1 - finished.load(Ordering::SeqCst);
            most.fetch_max(ahead, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(if n % 7 == 0 { 900 } else { 30 }));
            finished.fetch_add(1, Ordering::SeqCst);
            Ok(n)
        });
        made.expect("no error");
        assert_eq!(put, (0..200).collect::<Vec<_>>());
        assert!(most.into_inner() <= 8, "more than two items a thread are in flight");
    }

    #[test]
    fn the_first_error_in_order_is_told_and_nothing_after_it_is_put() {
        for _ in 0..20 {
            let (made, put) = run(100, |n| match n {
                20 | 21 | 23 => {
                    // The later ones fail before.
                    std::thread::sleep(Duration::from_millis(24 - n));
                    Err(Error::usage(n.to_string()))
                }
                n => Ok(n),
            });
            assert_eq!(made.expect_err("an error").message(), "20");
            assert!(put.len() <= 20 && put.iter().copied().eq(0..put.len() as u64), "{put:?}");
        }
    }

    #[test]
    fn a_stop_ends_it_and_so_does_an_error_of_next_or_put() {
        let (seen, workers) = (AtomicU64::new(0), pool(2).expect("a pool"));
        let stop =
            || if seen.load(Ordering::SeqCst) > 10 { Err(Error::new(Kind::Interrupted, "stopped")) } else { Ok(()) };
        let endless = || Ok(Some(()));
        let work = |_, ()| {
            seen.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        assert_eq!(parallel(&workers, &stop, endless, work).expect_err("stops").kind(), Kind::Interrupted);
        let next = || Err::<Option<u64>, _>(Error::usage("no more"));
        assert_eq!(parallel(&workers, &|| Ok(()), next, |_, _| Ok(())).expect_err("fails").message(), "no more");
        let put = |()| Err(Error::usage("full"));
        assert_eq!(ordered(&workers, &|| Ok(()), endless, Ok, put).expect_err("fails").message(), "full");
    }

    #[test]
    fn a_panic_is_told_and_nobody_waits_for_it() {
        let caught = std::panic::catch_unwind(|| run(50, |n| if n == 5 { panic!("a defect") } else { Ok(n) }));
        assert!(caught.is_err());
    }
}
