//! Libraries that read columnar files may panic on hostile bytes: an index out of bounds, a slice too long. Here a panic
//! becomes an error. That is safe because a reader that panicked is never asked again.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use super::malformed;
use crate::error::Result;

thread_local! {
    /// Set while the thread reads: its panics become errors and are not printed.
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read`; a panic becomes an error.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !READING.get() {
                usual(panic);
            }
        }));
    });
    let before = READING.replace(true);
    let caught = catch_unwind(AssertUnwindSafe(read));
    READING.set(before);
    caught.unwrap_or_else(|_| Err(malformed("the file is damaged: its pages contradict themselves")))
}
