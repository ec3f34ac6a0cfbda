//! Readers of Arrow arrays that the layers above share.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, PrimitiveArray, StringArray};

/// The texts of a column, read by row number, plain or through a dictionary.
pub enum Texts<'a> {
    /// The text in row 0, for every row.
    One(Box<Texts<'a>>),
    /// A text for each row.
    Plain(&'a StringArray),
    /// A key for each row, and the texts that keys stand for.
    Keyed(&'a PrimitiveArray<Int32Type>, &'a StringArray),
    /// Null in every row.
    Null,
}

/// Reads the texts of a `Utf8` array or of a dictionary of texts; every row of another array is null.
#[must_use]
pub fn texts(array: &ArrayRef) -> Texts<'_> {
    if let Some(plain) = array.as_string_opt::<i32>() {
        return Texts::Plain(plain);
    }
    match array.as_dictionary_opt::<Int32Type>() {
        Some(dictionary) => Texts::Keyed(dictionary.keys(), dictionary.values().as_string::<i32>()),
        None => Texts::Null,
    }
}

impl Texts<'_> {
    /// The text in row `i`; `None` is null.
    #[inline]
    #[must_use]
    pub fn at(&self, i: usize) -> Option<&str> {
        match self {
            Texts::One(all) => all.at(0),
            Texts::Plain(array) => (!array.is_null(i)).then(|| array.value(i)),
            Texts::Keyed(keys, values) => (!keys.is_null(i)).then(|| values.value(keys.value(i) as usize)),
            Texts::Null => None,
        }
    }
}
