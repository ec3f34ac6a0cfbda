//! Numbers: integers, exact decimals, and the distributions. Parameters may be expressions over other columns.

use std::sync::Arc;

use arrow_array::types::{Decimal128Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::domain::{Domain, HUGE, number};
use super::operand::View;
use super::{Def, Fill, Generator, Operand, Origin, Params, Scope};
use crate::error::{Error, Kind, Result};
use crate::profile::Expr;
use crate::rng::Cell;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[
    Def::of::<Integer>(),
    Def::of::<Decimal>(),
    Def::of::<Uniform>(),
    Def::of::<Normal>(),
    Def::of::<Lognormal>(),
    Def::of::<Exponential>(),
    Def::of::<Poisson>(),
    Def::of::<Geometric>(),
    Def::of::<NegativeBinomial>(),
    Def::of::<Zipf>(),
];

/// The form of a drawn number as a value: rounded half away from zero to `scale` decimals if a scale is given, else a
/// double.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Float,
    Integer,
    Decimal(u8),
}

impl Shape {
    /// The shape for a scale within its domain.
    fn of(scale: Option<u8>) -> Self {
        match scale {
            None => Shape::Float,
            Some(0) => Shape::Integer,
            Some(scale) => Shape::Decimal(scale),
        }
    }
}

type Draw = Box<dyn Fn(&[Option<f64>; 4], &mut Cell) -> Option<f64> + Send + Sync>;

/// A continuous distribution: up to four number parameters and a draw.
struct Continuous {
    parameters: Vec<Operand<Float64Type>>,
    shape: Shape,
    draw: Draw,
}

impl Generator for Continuous {
    fn data_type(&self) -> DataType {
        match self.shape {
            Shape::Float => DataType::Float64,
            Shape::Integer => DataType::Int64,
            Shape::Decimal(scale) => DataType::Decimal128(18, scale as i8),
        }
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let views: Vec<View<'_, Float64Type>> = self.parameters.iter().map(|p| p.view(fill)).collect();
        let value = |i: usize, mut cell: Cell| {
            let mut parameters = [None; 4];
            for (slot, view) in parameters.iter_mut().zip(&views) {
                *slot = Some(view.at(i)?);
            }
            (self.draw)(&parameters, &mut cell)
        };
        // Beyond its bound a number has no place in the column's type.
        let drawn = |i: usize, unit: f64, bound: f64| match value(i, fill.cell(i)).map(|x| (x, x * unit)) {
            Some((_, scaled)) if scaled.abs() < bound => Ok(Some(scaled)),
            Some((x, _)) if fill.wants(i) => Err(too_large(x, &self.data_type()).in_row(i)),
            _ => Ok(None),
        };
        let rows = 0..fill.len();
        Ok(match self.shape {
            Shape::Float => {
                Arc::new(rows.map(|i| drawn(i, 1.0, f64::INFINITY)).collect::<Result<PrimitiveArray<Float64Type>>>()?)
            }
            Shape::Integer => {
                let whole = |x: Option<f64>| x.map(|x| libm::round(x) as i64);
                let values = rows.map(|i| drawn(i, 1.0, INTEGERS).map(whole));
                Arc::new(values.collect::<Result<PrimitiveArray<Int64Type>>>()?)
            }
            Shape::Decimal(scale) => {
                let unit = 10_u32.pow(u32::from(scale)) as f64;
                let whole = |x: Option<f64>| x.map(|x| libm::round(x) as i128);
                let values = rows.map(|i| drawn(i, unit, DECIMALS).map(whole));
                let array = values.collect::<Result<PrimitiveArray<Decimal128Type>>>()?;
                Arc::new(array.with_precision_and_scale(18, scale as i8)?)
            }
        })
    }
}

/// The first number that no integer of 64 bits is.
const INTEGERS: f64 = 9_223_372_036_854_775_808.0;
/// The first whole number that has more than 18 digits.
const DECIMALS: f64 = 1e18;

fn too_large(x: f64, ty: &DataType) -> Error {
    let room = match ty {
        DataType::Int64 => "an integer of 64 bits",
        DataType::Float64 => "a finite number",
        _ => "18 digits",
    };
    Error::new(Kind::Profile, format!("the drawn value {} does not fit into {room}", number(x)))
        .hint("`max` cuts what is drawn; a smaller `scale` leaves more digits before the point")
}

/// Plans a continuous distribution from its parameters: name, expression if given, default.
fn continuous(
    scope: &mut dyn Scope,
    parameters: &[(&str, Option<&Expr>, f64)],
    scale: Option<u8>,
    draw: impl Fn(&[Option<f64>; 4], &mut Cell) -> Option<f64> + Send + Sync + 'static,
) -> Result<Box<dyn Generator>> {
    let shape = Shape::of(scale);
    let parameters = parameters
        .iter()
        .map(|(field, expr, default)| Operand::plan_or(scope, field, *expr, *default))
        .collect::<Result<_>>()?;
    Ok(Box::new(Continuous { parameters, shape, draw: Box::new(draw) }))
}

/// An integer from `min` to `max`, both included, all equally likely.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Integer {
    /// The least value.
    min: Expr,
    /// The greatest value.
    max: Expr,
}

impl Params for Integer {
    const NAME: &'static str = "integer";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "min = 1\nmax = 6";
    const DOMAINS: &'static [Domain] = &[Domain::up_to("min", "max")];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (min, max) = (Operand::plan(scope, "min", &self.min)?, Operand::plan(scope, "max", &self.max)?);
        Ok(Box::new(Between { min, max, scale: None }))
    }
}

/// An exact decimal from `min` to `max`, both included and all equally likely, such as an amount of money.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decimal {
    /// The least value.
    min: Expr,
    /// The greatest value.
    max: Expr,
    /// Digits after the point, 1 to 9.
    scale: u8,
}

impl Params for Decimal {
    const NAME: &'static str = "decimal";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "min = 0\nmax = 99.99\nscale = 2";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("scale", 1.0, 9.0),
        Domain::decimal("min", "scale"),
        Domain::decimal("max", "scale"),
        Domain::up_to("min", "max").scaled_by("scale"),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unit = 10_i64.pow(u32::from(self.scale));
        let scaled = |expr: &Expr| Expr(format!("CAST(round(({}) * {unit}, 0) AS BIGINT)", expr.0));
        let min = Operand::plan(scope, "min", &scaled(&self.min))?;
        let max = Operand::plan(scope, "max", &scaled(&self.max))?;
        Ok(Box::new(Between { min, max, scale: Some(self.scale as i8) }))
    }
}

/// Integers, or decimals as integers in units of their last digit.
struct Between {
    min: Operand<Int64Type>,
    max: Operand<Int64Type>,
    scale: Option<i8>,
}

impl Generator for Between {
    fn data_type(&self) -> DataType {
        self.scale.map_or(DataType::Int64, |scale| DataType::Decimal128(18, scale))
    }

    fn values(&self) -> Option<u64> {
        let (min, max) = (self.min.constant()?, self.max.constant()?);
        u64::try_from(i128::from(max) - i128::from(min) + 1).ok()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        let (min, max) = (self.min.view(fill), self.max.view(fill));
        let value = |i: usize, mut cell: Cell| {
            let (min, max) = (min.at(i)?, max.at(i)?);
            (min <= max).then(|| cell.between(min, max))
        };
        Ok(match self.scale {
            None => Arc::new(fill.optional::<Int64Type>(value)),
            Some(scale) => {
                let array = fill.optional::<Decimal128Type>(|i, cell| value(i, cell).map(i128::from));
                Arc::new(array.with_precision_and_scale(18, scale)?)
            }
        })
    }
}

/// A uniformly distributed number, at least `min` and below `max`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Uniform {
    /// The least value, 0 by default.
    min: Option<Expr>,
    /// The upper bound, 1 by default; not included before rounding.
    max: Option<Expr>,
    /// Digits after the point: 0 gives integers, 1 to 9 exact decimals, none a floating-point number.
    scale: Option<u8>,
}

impl Params for Uniform {
    const NAME: &'static str = "uniform";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "min = 0\nmax = 1";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("min", -HUGE, HUGE),
        Domain::number("max", -HUGE, HUGE),
        Domain::up_to_or("min", "max", (Some(0.0), Some(1.0))),
        Domain::number("scale", 0.0, 9.0),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let parameters = [("min", self.min.as_ref(), 0.0), ("max", self.max.as_ref(), 1.0)];
        continuous(scope, &parameters, self.scale, |p, cell| {
            let (min, max) = (p[0]?, p[1]?);
            Some(min + (max - min) * cell.unit())
        })
    }
}

/// A normally distributed number, clamped to `min` and `max` if they are given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Normal {
    /// The mean.
    mean: Expr,
    /// The standard deviation.
    sd: Expr,
    /// Lower values become this one.
    min: Option<Expr>,
    /// Higher values become this one.
    max: Option<Expr>,
    /// Digits after the point: 0 gives integers, 1 to 9 exact decimals, none a floating-point number.
    scale: Option<u8>,
}

impl Params for Normal {
    const NAME: &'static str = "normal";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "mean = 118\nsd = 12\nscale = 0";
    const DOMAINS: &'static [Domain] = &[
        Domain::number("mean", -HUGE, HUGE),
        Domain::number("sd", 0.0, HUGE),
        Domain::number("min", -HUGE, HUGE),
        Domain::number("max", -HUGE, HUGE),
        Domain::up_to("min", "max"),
        Domain::number("scale", 0.0, 9.0),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let parameters = [
            ("mean", Some(&self.mean), 0.0),
            ("sd", Some(&self.sd), 1.0),
            ("min", self.min.as_ref(), f64::MIN),
            ("max", self.max.as_ref(), f64::MAX),
        ];
        continuous(scope, &parameters, self.scale, |p, cell| {
            Some((p[0]? + p[1]? * cell.normal()).max(p[2]?).min(p[3]?))
        })
    }
}

/// A lognormally distributed number: above zero with a long right tail; clamped to `min` and `max` if they are given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lognormal {
    /// The median.
    median: Expr,
    /// The standard deviation of the logarithm.
    sigma: Expr,
    /// Lower values become this one.
    min: Option<Expr>,
    /// Higher values become this one.
    max: Option<Expr>,
    /// Digits after the point: 0 gives integers, 1 to 9 exact decimals, none a floating-point number.
    scale: Option<u8>,
}

impl Params for Lognormal {
    const NAME: &'static str = "lognormal";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "median = 3\nsigma = 0.75\nscale = 2";
    const DOMAINS: &'static [Domain] = &[
        Domain::above("median", 0.0, HUGE),
        Domain::number("sigma", 0.0, 20.0),
        Domain::number("min", -HUGE, HUGE),
        Domain::number("max", -HUGE, HUGE),
        Domain::up_to_or("min", "max", (Some(0.0), Some(1e15))),
        Domain::number("scale", 0.0, 9.0),
    ];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let parameters = [
            ("median", Some(&self.median), 1.0),
            ("sigma", Some(&self.sigma), 1.0),
            ("min", self.min.as_ref(), 0.0),
            ("max", self.max.as_ref(), 1e15),
        ];
        continuous(scope, &parameters, self.scale, |p, cell| {
            Some((p[0]? * libm::exp(p[1]? * cell.normal())).max(p[2]?).min(p[3]?))
        })
    }
}

/// An exponentially distributed number, such as the time between independent events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Exponential {
    /// The mean.
    mean: Expr,
    /// Higher values become this one.
    max: Option<Expr>,
    /// Digits after the point: 0 gives integers, 1 to 9 exact decimals, none a floating-point number.
    scale: Option<u8>,
}

impl Params for Exponential {
    const NAME: &'static str = "exponential";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "mean = 20";
    const DOMAINS: &'static [Domain] =
        &[Domain::number("mean", 0.0, HUGE), Domain::number("max", 0.0, HUGE), Domain::number("scale", 0.0, 9.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let parameters = [("mean", Some(&self.mean), 1.0), ("max", self.max.as_ref(), f64::MAX)];
        continuous(scope, &parameters, self.scale, |p, cell| Some((p[0]? * cell.exponential()).min(p[1]?)))
    }
}

/// A Poisson count, such as the number of independent events in a span of time.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Poisson {
    /// The mean.
    mean: Expr,
}

impl Params for Poisson {
    const NAME: &'static str = "poisson";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "mean = 3.1";
    const DOMAINS: &'static [Domain] = &[Domain::number("mean", 0.0, 1e6)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let parameters = [("mean", Some(&self.mean), 0.0)];
        continuous(scope, &parameters, Some(0), |p, cell| {
            p[0].filter(|mean| (0.0..=1e6).contains(mean)).map(|mean| cell.poisson(mean) as f64)
        })
    }
}

/// A geometric count: the number of failures before the first success.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Geometric {
    /// The chance of success, above 0 and at most 1; the mean is (1 − p) / p.
    p: Expr,
}

impl Params for Geometric {
    const NAME: &'static str = "geometric";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "p = 0.4";
    const DOMAINS: &'static [Domain] = &[Domain::above("p", 0.0, 1.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        continuous(scope, &[("p", Some(&self.p), 1.0)], Some(0), |p, cell| {
            p[0].filter(|p| *p > 0.0 && *p <= 1.0).map(|p| cell.geometric(p) as f64)
        })
    }
}

/// A negative binomial count: a Poisson count whose mean varies between rows, so that a few rows have many.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NegativeBinomial {
    /// The dispersion r, above 0: the smaller it is, the more the counts differ.
    r: Expr,
    /// The mean.
    mean: Expr,
}

impl Params for NegativeBinomial {
    const NAME: &'static str = "negative_binomial";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "r = 0.9\nmean = 3.1";
    const DOMAINS: &'static [Domain] = &[Domain::above("r", 0.0, 1e9), Domain::number("mean", 0.0, 1e6)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        continuous(scope, &[("r", Some(&self.r), 1.0), ("mean", Some(&self.mean), 0.0)], Some(0), |p, cell| {
            let (r, mean) = (p[0].filter(|r| *r > 0.0)?, p[1].filter(|mean| (0.0..=1e6).contains(mean))?);
            Some(cell.negative_binomial(r, mean) as f64)
        })
    }
}

/// A Zipf-distributed rank from 1 to `n`, rank k with weight 1 / k^s: few ranks are common, many are rare.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Zipf {
    /// The greatest rank, at least 1.
    n: Expr,
    /// The exponent, 0 (uniform) or more.
    s: Expr,
}

impl Params for Zipf {
    const NAME: &'static str = "zipf";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "n = 1000\ns = 1.1";
    const DOMAINS: &'static [Domain] = &[Domain::number("n", 1.0, 1e15), Domain::number("s", 0.0, 100.0)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        continuous(scope, &[("n", Some(&self.n), 1.0), ("s", Some(&self.s), 1.0)], Some(0), |p, cell| {
            let (n, s) = (p[0].filter(|n| *n >= 1.0)?, p[1].filter(|s| *s >= 0.0)?);
            Some(cell.zipf(n as u64, s) as f64 + 1.0)
        })
    }
}
