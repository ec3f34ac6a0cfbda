//! The values of branches put together: numbers in one pass, texts as keys into one dictionary.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, Int32Array, PrimitiveArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::interleave::interleave;

use crate::error::Result;
use crate::sql::{Value, cast};

/// The most bytes of text a row in a dictionary of all branches.
const WIDEST: usize = 32;

/// The rows of one branch, with their values.
pub(super) struct Part {
    /// The rows, in order.
    pub(super) rows: Vec<u32>,
    pub(super) values: Value,
    /// `true` if the values are those of these rows alone; of all rows otherwise.
    pub(super) own: bool,
}

impl Part {
    /// The rows, each with the place of its value.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let one = matches!(self.values, Value::Scalar(_));
        self.rows.iter().enumerate().map(move |(at, row)| {
            let row = *row as usize;
            match (one, self.own) {
                (true, _) => (row, 0),
                (false, true) => (row, at),
                (false, false) => (row, row),
            }
        })
    }
}

/// Puts the parts together, which have every one of `rows` rows once; `ty` is the type of their values, without encoding.
pub(super) fn merge(mut parts: Vec<Part>, rows: usize, ty: &DataType) -> Result<ArrayRef> {
    if ty == &DataType::Utf8
        && let Some(array) = keyed(&parts, rows)?
    {
        return Ok(array);
    }
    for part in &mut parts {
        let plain = cast(part.values.array(), ty)?;
        part.values = match part.values {
            Value::Array(_) => Value::Array(plain),
            Value::Scalar(_) => Value::Scalar(plain),
        };
    }
    Ok(match ty {
        DataType::Int64 => scattered::<Int64Type>(&parts, rows, ty),
        DataType::Float64 => scattered::<Float64Type>(&parts, rows, ty),
        DataType::Date32 => scattered::<Date32Type>(&parts, rows, ty),
        DataType::Timestamp(..) => scattered::<TimestampMicrosecondType>(&parts, rows, ty),
        DataType::Decimal128(..) => scattered::<Decimal128Type>(&parts, rows, ty),
        _ => interleaved(&parts, rows)?,
    })
}

fn scattered<T: ArrowPrimitiveType>(parts: &[Part], rows: usize, ty: &DataType) -> ArrayRef {
    let mut all = vec![T::Native::default(); rows];
    let mut valid: Option<Vec<bool>> = None;
    for part in parts {
        let array = part.values.array().as_primitive::<T>();
        let values = array.values();
        part.places().for_each(|(row, at)| all[row] = values[at]);
        if let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) {
            let valid = valid.get_or_insert_with(|| vec![true; rows]);
            part.places().for_each(|(row, at)| valid[row] = nulls.is_valid(at));
        }
    }
    let array = PrimitiveArray::<T>::new(all.into(), valid.map(NullBuffer::from));
    Arc::new(array.with_data_type(ty.clone()))
}

/// Keys into one dictionary, where a branch has keys and the others have those or constants; `None` where that would be large.
fn keyed(parts: &[Part], rows: usize) -> Result<Option<ArrayRef>> {
    let (mut dictionaries, mut starts): (Vec<ArrayRef>, Vec<i32>) = (Vec::new(), Vec::new());
    let (mut size, mut bytes, mut any) = (0, 0, false);
    for part in parts {
        let texts = match (&part.values, part.values.array().as_dictionary_opt::<Int32Type>()) {
            (_, Some(dictionary)) => {
                any = true;
                dictionary.values()
            }
            (Value::Scalar(one), None) => one,
            (Value::Array(_), None) => return Ok(None),
        };
        let null = matches!(&part.values, Value::Scalar(one) if one.data_type() == &DataType::Null || one.is_null(0));
        starts.push(size);
        if null {
            continue;
        }
        let Some(plain) = texts.as_string_opt::<i32>().filter(|plain| plain.null_count() == 0) else {
            return Ok(None);
        };
        size += plain.len() as i32;
        bytes += plain.value_data().len();
        dictionaries.push(Arc::clone(texts));
    }
    if !any || dictionaries.is_empty() || bytes > rows * WIDEST || size as usize > rows {
        return Ok(None);
    }
    let (mut keys, mut valid) = (vec![0_i32; rows], None::<Vec<bool>>);
    for (part, start) in parts.iter().zip(starts) {
        let array = part.values.array();
        let own = array.as_dictionary_opt::<Int32Type>().map(DictionaryArray::keys);
        match own {
            Some(own) => part.places().for_each(|(row, at)| keys[row] = start + own.value(at)),
            None => part.places().for_each(|(row, _)| keys[row] = start),
        }
        let is_null = |at: usize| own.map_or(array.is_null(at), |own| own.is_null(at));
        if array.data_type() == &DataType::Null || array.null_count() > 0 {
            let none = array.data_type() == &DataType::Null;
            let valid = valid.get_or_insert_with(|| vec![true; rows]);
            part.places().for_each(|(row, at)| valid[row] = !none && !is_null(at));
        }
    }
    if let Some(valid) = &valid {
        // The key of a null may be any: 0 is one that there is.
        keys.iter_mut().zip(valid).filter(|(_, valid)| !**valid).for_each(|(key, _)| *key = 0);
    }
    let all: Vec<&dyn Array> = dictionaries.iter().map(AsRef::as_ref).collect();
    let keys = Int32Array::new(keys.into(), valid.map(NullBuffer::from));
    Ok(Some(Arc::new(DictionaryArray::new(keys, concat(&all)?))))
}

fn interleaved(parts: &[Part], rows: usize) -> Result<ArrayRef> {
    let mut places = vec![(0, 0); rows];
    for (n, part) in parts.iter().enumerate() {
        part.places().for_each(|(row, at)| places[row] = (n, at));
    }
    let arrays: Vec<&dyn Array> = parts.iter().map(|part| part.values.array().as_ref()).collect();
    Ok(interleave(&arrays, &places)?)
}

#[cfg(test)]
mod tests {
    use arrow_array::{BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray, new_null_array};
    use proptest::prelude::*;

    use super::*;

    /// An array of some numbers, one of each type.
    fn array(kind: usize, values: &[Option<i64>]) -> ArrayRef {
        let all = values.iter().copied();
        match kind {
            0 => Arc::new(Int64Array::from(values.to_vec())),
            1 => Arc::new(all.map(|n| n.map(|n| n as f64 / 3.0)).collect::<Float64Array>()),
            2 => {
                let wide = all.map(|n| n.map(|n| i128::from(n) << 50)).collect::<Decimal128Array>();
                Arc::new(wide.with_data_type(DataType::Decimal128(38, 2)))
            }
            3 => Arc::new(all.map(|n| n.map(|n| n > 0)).collect::<BooleanArray>()),
            4 => Arc::new(all.map(|n| n.map(|n| n.to_string())).collect::<StringArray>()),
            _ => {
                let texts: Vec<Option<String>> = all.map(|n| n.map(|n| (n % 3).to_string())).collect();
                Arc::new(texts.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>())
            }
        }
    }

    fn value() -> impl Strategy<Value = Option<i64>> {
        prop_oneof![3 => Just(None), 1 => Just(Some(i64::MIN)), 1 => Just(Some(i64::MAX)), 9 => (-9_i64..9).prop_map(Some)]
    }

    proptest! {
        #[test]
        fn parts_are_put_together_as_row_by_row(
            kinds in prop::collection::vec((0_usize..6, 0_usize..4), 1..5),
            rows in prop::collection::vec((0_usize..5, value()), 1..80),
        ) {
            let ty = crate::sql::types::logical(array(kinds[0].0, &[None]).data_type()).clone();
            let all: Vec<Option<i64>> = rows.iter().map(|(_, value)| *value).collect();
            let part = |(n, (kind, form)): (usize, &(usize, usize))| {
                // Texts have two encodings; the other branches have the type of the first.
                let kind = if kinds[0].0 >= 4 { 4 + kind % 2 } else { kinds[0].0 };
                let mine = (0_u32..).zip(&rows).filter(|(_, (branch, _))| branch % kinds.len() == n);
                let mine: Vec<u32> = mine.map(|(row, _)| row).collect();
                let own: Vec<Option<i64>> = mine.iter().map(|row| all[*row as usize]).collect();
                let values = match form {
                    0 => Value::Array(array(kind, &all)),
                    1 => Value::Array(array(kind, &own)),
                    2 => Value::Scalar(array(kind, &all[..1])),
                    _ => Value::Scalar(new_null_array(&DataType::Null, 1)),
                };
                Part { rows: mine, values, own: *form == 1 }
            };
            let parts = || kinds.iter().enumerate().map(part).collect::<Vec<_>>();
            let merged = cast(&merge(parts(), rows.len(), &ty).expect("values"), &ty).expect("a type");
            for part in parts() {
                let plain = cast(part.values.array(), &ty).expect("a type");
                for (row, at) in part.places() {
                    prop_assert_eq!(merged.slice(row, 1).to_data(), plain.slice(at, 1).to_data());
                }
            }
        }
    }
}
