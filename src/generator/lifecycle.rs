//! Lifecycles: a weighted random walk through states. Each state that a walk enters is a row of a child table.

use arrow_array::{Array, Float64Array};

use crate::error::{Error, Kind, Result};
use crate::rng::Cell;

/// The most states of one walk. It stops a cycle of states that never ends.
const MAX_STEPS: usize = 1_000;

/// A compiled state machine: states by number.
#[derive(Debug, Clone)]
pub(crate) struct Walker {
    /// The names of the states.
    pub states: Vec<String>,
    /// The state in which every walk starts.
    pub start: usize,
    /// The states that may follow each state, each with the index of its weights.
    pub next: Vec<Vec<(usize, usize)>>,
    /// The column key of the walk's randomness.
    pub key: u64,
}

impl Walker {
    /// Walks for each parent row. Returns the offset of each walk in the list of states, with the list's length at the
    /// end, and the list of states by number. `weights` has an array for each transition, with a weight for each parent
    /// row. A row for which `alive` is false has no states.
    ///
    /// # Errors
    ///
    /// If a weight is null, negative or not finite, or a walk takes more than 1,000 steps.
    pub(crate) fn walk(
        &self,
        keys: &[u64],
        weights: &[Float64Array],
        alive: impl Fn(usize) -> bool,
    ) -> Result<(Vec<u32>, Vec<u32>)> {
        let (mut offsets, mut walked) = (vec![0], Vec::new());
        for (row, key) in keys.iter().enumerate() {
            if alive(row) {
                let mut cell = Cell::new(self.key, *key);
                let mut state = Some(self.start);
                let first = walked.len();
                while let Some(at) = state {
                    walked.push(at as u32);
                    if walked.len() - first > MAX_STEPS {
                        return Err(Error::new(
                            Kind::Profile,
                            format!("a walk from `{}` took more than {MAX_STEPS} steps", self.states[self.start]),
                        )
                        .hint("give each cycle of states a way out that is likely enough"));
                    }
                    state = self.follow(at, row, weights, &mut cell)?;
                }
            }
            offsets.push(walked.len() as u32);
        }
        Ok((offsets, walked))
    }

    fn follow(&self, state: usize, row: usize, weights: &[Float64Array], cell: &mut Cell) -> Result<Option<usize>> {
        let next = &self.next[state];
        if next.is_empty() {
            return Ok(None);
        }
        let weight = |index: usize| {
            let array = &weights[index];
            let weight = if array.is_null(row) { 0.0 } else { array.value(row) };
            if weight.is_finite() && weight >= 0.0 {
                return Ok(weight);
            }
            Err(Error::new(Kind::Profile, format!("a weight after state `{}` is {weight}", self.states[state]))
                .hint("a weight must be finite and not negative; wrap the expression in greatest(0, …)"))
        };
        let mut sum = 0.0;
        for (_, index) in next {
            sum += weight(*index)?;
        }
        let mut left = cell.unit() * sum;
        for (target, index) in next {
            let weight = weight(*index)?;
            if left < weight {
                return Ok(Some(*target));
            }
            left -= weight;
        }
        // Reached by rounding in the last bit, or if all weights are 0: then the walk ends.
        next.iter()
            .rev()
            .map(|(target, index)| Ok((*target, weight(*index)?)))
            .find_map(|entry: Result<_>| match entry {
                Ok((target, weight)) if weight > 0.0 => Some(Ok(target)),
                Err(error) => Some(Err(error)),
                Ok(_) => None,
            })
            .transpose()
    }
}
