//! The names of column types in manifests. They are stable, and a reader needs nothing else to know a type.

use arrow_schema::{DataType, TimeUnit};

/// The name of a column's type: `boolean`, `integer`, `double`, `decimal(12,2)`, `date`, `timestamp`, `datetime`, `text`, `bytes`, or `code` for
/// a text of few values.
#[must_use]
pub fn type_name(ty: &DataType) -> String {
    match ty {
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int64 => "integer".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "datetime".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Utf8 => "text".to_owned(),
        DataType::Binary => "bytes".to_owned(),
        DataType::Dictionary(..) => "code".to_owned(),
        // No sink takes another one.
        other => other.to_string(),
    }
}

/// The type with a name; `None` where no type has it.
#[must_use]
pub fn type_named(name: &str) -> Option<DataType> {
    Some(match name {
        "boolean" => DataType::Boolean,
        "integer" => DataType::Int64,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "datetime" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "text" => DataType::Utf8,
        "bytes" => DataType::Binary,
        "code" => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        _ => {
            let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            let (precision, scale) = (precision.parse::<u8>().ok()?, scale.parse::<i8>().ok()?);
            let fits = (1..=38).contains(&precision) && (0..=precision.cast_signed()).contains(&scale);
            fits.then_some(DataType::Decimal128(precision, scale))?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_that_leads_back() {
        for name in [
            "boolean",
            "integer",
            "double",
            "decimal(12,2)",
            "decimal(38,0)",
            "date",
            "timestamp",
            "datetime",
            "text",
            "bytes",
            "code",
        ] {
            assert_eq!(type_name(&type_named(name).expect(name)), name);
        }
        for name in
            ["", "int", "decimal", "decimal(0,0)", "decimal(39,1)", "decimal(5,-1)", "decimal(5,6)", "decimal(a,b)"]
        {
            assert_eq!(type_named(name), None, "{name}");
        }
    }
}
