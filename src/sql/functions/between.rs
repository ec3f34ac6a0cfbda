//! Whole units of time between two instants.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_schema::DataType::{self, Date32, Int64, Null, Timestamp};

use super::days::pairs;
use super::{Carries, Function, Nulls, Resolved};
use crate::sql::civil::{self, DAY};
use crate::sql::types::{datetime, timestamp};

macro_rules! between {
    ($name:literal, $about:literal, $answer:literal, $unit:expr) => {
        Function {
            name: $name,
            signature: concat!($name, "(from, to) → bigint"),
            about: $about,
            example: (concat!($name, "(TIMESTAMP '2024-02-29 12:00:00', TIMESTAMP '2025-03-01 11:59:59')"), $answer),
            types: two_instants,
            eval: |args, rows, _| {
                let [a, b] = [0, 1].map(|at| args[at].array().as_primitive::<TimestampMicrosecondType>());
                let unit: fn(i64, i64) -> i64 = $unit;
                Ok(Arc::new(pairs::<_, _, Int64Type>(args, rows, a, b, |a, b| Some(unit(a, b)))?))
            },
            nulls: Nulls::Strict,
            carries: Carries::Nothing,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    between!("years_between", "Whole years from one instant to another: an age.", "1", |a, b| {
        civil::months_between(a, b) / 12
    }),
    between!("months_between", "Whole months from one instant to another.", "12", civil::months_between),
    between!("days_between", "Whole days of 24 hours from one instant to another.", "365", |a, b| (b - a) / DAY),
    between!("hours_between", "Whole hours from one instant to another.", "8783", |a, b| (b - a) / 3_600_000_000),
    between!("minutes_between", "Whole minutes from one instant to another.", "527039", |a, b| (b - a) / 60_000_000),
    between!("seconds_between", "Whole seconds from one instant to another.", "31622399", |a, b| (b - a) / 1_000_000),
];

fn two_instants(args: &[DataType]) -> Option<Resolved> {
    let local = args.contains(&datetime());
    let instant = |ty: &DataType| match ty {
        Date32 | Null => true,
        Timestamp(_, zone) => zone.is_none() == local,
        _ => false,
    };
    let time = if local { datetime() } else { timestamp() };
    (args.len() == 2 && args.iter().all(instant)).then(|| (vec![time.clone(), time], Int64))
}
