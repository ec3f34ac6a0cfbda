//! `clear` and `null`: everything stays, nothing stays.

use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::DataType;

use super::{Domain, Handling, Protect, Rows, any_column};
use crate::error::Result;
use crate::kinds::{self, Remains};

pub(super) static CLEAR: Handling = Handling {
    name: kinds::CLEAR,
    about: "as it is",
    keyed: false,
    leaves: Remains::Everything,
    domain: Domain::None,
    joins: true,
    accepts: any_column,
    make: |_| Ok(Box::new(Clear)),
};

pub(super) static NULL: Handling = Handling {
    name: "null",
    about: "no value at all",
    keyed: false,
    leaves: Remains::Nothing,
    domain: Domain::None,
    joins: false,
    accepts: any_column,
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
