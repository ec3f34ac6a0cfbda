//! Functions whose values are computed by `libm`: the same bits on every machine, which the mathematics of the system does not promise.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, Float64Array};
use arrow_schema::DataType::{self, Float64};

use super::{Carries, Function, Nulls, Resolved};
use crate::sql::types::is_number;

macro_rules! curve {
    ($name:literal, $about:literal, $example:literal, $value:literal, $f:expr) => {
        Function {
            name: $name,
            signature: concat!($name, "(number) → double"),
            about: $about,
            example: ($example, $value),
            types: |args| numbers(args, 1),
            eval: |args, _, _| {
                let f: fn(f64) -> f64 = $f;
                let numbers = args[0].array().as_primitive::<Float64Type>();
                let value = |x: f64| Some(f(x)).filter(|y| y.is_finite());
                Ok(Arc::new(numbers.iter().map(|x| x.and_then(value)).collect::<Float64Array>()))
            },
            nulls: Nulls::Anywhere,
            carries: Carries::Nothing,
        }
    };
}

pub(super) const FUNCTIONS: &[Function] = &[
    curve!("sin", "The sine of an angle in radians.", "round(sin(pi() / 6), 12)", "0.5", libm::sin),
    curve!("cos", "The cosine of an angle in radians.", "cos(0)", "1.0", libm::cos),
    curve!("tan", "The tangent of an angle in radians.", "tan(0)", "0.0", libm::tan),
    curve!(
        "exp",
        "e to the power of a number; null where that is too large for a double.",
        "round(exp(1), 9)",
        "2.718281828",
        libm::exp
    ),
    curve!("ln", "The natural logarithm; null for a number that is not above 0.", "ln(1)", "0.0", libm::log),
    curve!(
        "log10",
        "The logarithm to base 10; null for a number that is not above 0.",
        "log10(1000)",
        "3.0",
        libm::log10
    ),
    Function {
        name: "power",
        signature: "power(number, number) → double",
        about: "The first number to the power of the second; null where that is no finite number.",
        example: ("power(2, 0.5)", "1.4142135623730951"),
        types: |args| numbers(args, 2),
        eval: |args, rows, _| {
            let [base, exponent] = [0, 1].map(|at| args[at].array().as_primitive::<Float64Type>());
            let value = |row: usize| {
                let (b, e) = (args[0].row(row), args[1].row(row));
                let known = base.is_valid(b) && exponent.is_valid(e);
                known.then(|| libm::pow(base.value(b), exponent.value(e))).filter(|value| value.is_finite())
            };
            Ok(Arc::new((0..rows).map(value).collect::<Float64Array>()))
        },
        nulls: Nulls::Anywhere,
        carries: Carries::Nothing,
    },
    Function {
        name: "pi",
        signature: "pi() → double",
        about: "The ratio of a circle's circumference to its diameter.",
        example: ("pi()", "3.141592653589793"),
        types: |args| args.is_empty().then(|| (Vec::new(), Float64)),
        eval: |_, rows, _| Ok(Arc::new(Float64Array::from(vec![std::f64::consts::PI; rows]))),
        nulls: Nulls::Never,
        carries: Carries::Nothing,
    },
];

fn numbers(args: &[DataType], count: usize) -> Option<Resolved> {
    (args.len() == count && args.iter().all(is_number)).then(|| (vec![Float64; count], Float64))
}
