//! `clear` and `null`: everything stays, nothing stays.

use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::DataType;

use super::{Handling, Protect, Rows};
use crate::error::Result;

pub(super) static CLEAR: Handling = Handling {
    name: "clear",
    about: "as it is",
    keyed: false,
    joins: true,
    domains: false,
    make: |_| Ok(Box::new(Clear)),
};

pub(super) static NULL: Handling = Handling {
    name: "null",
    about: "no value at all",
    keyed: false,
    joins: false,
    domains: false,
    make: |_| Ok(Box::new(Null)),
};

struct Clear;

impl Protect for Clear {
    fn data_type(&self, clear: &DataType) -> DataType {
        clear.clone()
    }

    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Ok(ArrayRef::clone(clear))
    }
}

struct Null;

impl Protect for Null {
    fn data_type(&self, clear: &DataType) -> DataType {
        match clear {
            // A dictionary would tell which values there could be.
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        }
    }

    fn nullable(&self, _: bool) -> bool {
        true
    }

    fn apply(&self, clear: &ArrayRef, _: &Rows) -> Result<ArrayRef> {
        Ok(new_null_array(&self.data_type(clear.data_type()), clear.len()))
    }
}
