//! Instants some time after other instants.

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, TimestampMicrosecondType};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DAY, HOUR, Resolution, SECOND, instant_type, instants, steps_up};
use crate::error::{Error, Kind, Result};
use crate::generator::domain::number;
use crate::generator::{Fill, Generator, Operand, Origin, Params, Scope};
use crate::profile::{Expr, Wait};

/// An instant some time after another, rounded up to the resolution, so that it is never before it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    /// The instant to count from.
    from: Expr,
    /// The time between: a number, an expression or a number generator of `seconds`, `minutes`, `hours` or `days`, as
    /// in `wait.hours.lognormal = { median = 6, sigma = 0.9 }`. Below 0 counts as 0.
    wait: Wait,
    /// `minute`, `second`, `millisecond` or `microsecond`; `second` by default.
    #[serde(default)]
    resolution: Resolution,
}

impl Params for After {
    const NAME: &'static str = "after";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "from = \"DATE '2024-01-01'\"\nwait.hours.exponential.mean = 36";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let from = Operand::plan(scope, "from", &self.from)?;
        let (field, value, unit) = match &self.wait {
            Wait::Seconds(value) => ("wait.seconds", value, SECOND),
            Wait::Minutes(value) => ("wait.minutes", value, 60 * SECOND),
            Wait::Hours(value) => ("wait.hours", value, HOUR),
            Wait::Days(value) => ("wait.days", value, DAY),
        };
        let wait: Operand<Float64Type> = Operand::plan_value(scope, field, value)?;
        if let Some(negative) = wait.constant().filter(|wait| *wait < 0.0) {
            return Err(scope.error(field, format!("{negative} is negative")));
        }
        Ok(Box::new(Later { from, wait, unit: unit as f64, step: self.resolution.micros() }))
    }
}

/// The first number of microseconds that no 64 bits hold.
const MICROS: f64 = 9_223_372_036_854_775_808.0;

fn beyond(wait: f64) -> Error {
    Error::new(Kind::Profile, format!("a wait of {} leads beyond the range of instants", number(wait)))
}

struct Later {
    from: Operand<TimestampMicrosecondType>,
    wait: Operand<Float64Type>,
    unit: f64,
    step: i64,
}

impl Generator for Later {
    fn data_type(&self) -> DataType {
        instant_type()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (from, wait) = (self.from.view(fill), self.wait.view(fill));
        let later = |i: usize| {
            let (Some(from), Some(wait)) = (from.at(i), wait.at(i)) else { return Ok(None) };
            let micros = libm::rint(wait.max(0.0) * self.unit);
            // What is no number, and what leaves the range of instants, is never shown as another instant.
            let end = if micros.abs() < MICROS { from.checked_add(micros as i64) } else { None };
            match end.and_then(|end| steps_up(end, self.step).checked_mul(self.step)) {
                None if fill.wants(i) => Err(beyond(wait).in_row(i)),
                end => Ok(end),
            }
        };
        Ok(instants((0..fill.len()).map(later).collect::<Result<_>>()?))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;

    use super::*;
    use crate::generator::testing::Bed;

    #[test]
    fn nothing_comes_before_what_it_follows() {
        let toml = "from = \"t\"\nwait.seconds = \"0.2\"\nresolution = \"minute\"";
        let times = Bed::root(1_000).fill("after", toml).expect("a column");
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let base = Bed::root(1_000).input("t");
        for (time, from) in times.iter().zip(base.as_primitive::<TimestampMicrosecondType>()) {
            match (time, from) {
                (Some(time), Some(from)) => assert!(time >= from && time % (60 * SECOND) == 0),
                (None, None) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
