//! The canonical texts of a column, and new columns made of them.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BinaryArray, DictionaryArray, StringArray};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use crate::error::{Error, Result};
use crate::format::write::texts as canonical_texts;

/// The texts of a column, as an unencrypted CSV would have them; those of bytes are text cells of ciphertext.
///
/// # Errors
///
/// If a value has no text, such as a date after the year 9999.
pub fn canonical(array: &ArrayRef) -> Result<StringArray> {
    canonical_texts::texts(array)
}

/// The text of each row, as an unencrypted CSV would have it.
pub enum Texts {
    /// One text a row.
    Plain(StringArray),
    /// Codes, and the text of each.
    Coded(DictionaryArray<Int32Type>, StringArray),
}

impl Texts {
    /// The texts of a column; those of bytes are text cells of ciphertext.
    ///
    /// # Errors
    ///
    /// If a value has no text, such as a date after the year 9999.
    pub fn new(array: &ArrayRef) -> Result<Self> {
        Ok(match array.as_dictionary_opt::<Int32Type>() {
            Some(codes) => Self::Coded(codes.clone(), canonical_texts::texts(codes.values())?),
            None => Self::Plain(canonical_texts::texts(array)?),
        })
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Texts::Plain(texts) => texts.len(),
            Texts::Coded(codes, _) => codes.len(),
        }
    }

    /// Tells whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text of a row; `None` is null.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self {
            Texts::Plain(texts) => (!texts.is_null(row)).then(|| texts.value(row)),
            Texts::Coded(codes, values) => {
                let key = codes.key(row)?;
                (!values.is_null(key)).then(|| values.value(key))
            }
        }
    }

    /// A column of the texts that `write` appends for each text. Nulls stay null. `write` is called once for each code, so it
    /// must give equal texts equal values.
    ///
    /// # Errors
    ///
    /// The error of `write`, or if the column has more than 2 GiB.
    pub fn map(&self, mut write: impl FnMut(&str, &mut Vec<u8>) -> Result<()>) -> Result<ArrayRef> {
        let mut out = Filled::new(self.len(), 32);
        let mut known: Vec<Option<Range<usize>>> = Vec::new();
        if let Texts::Coded(_, values) = self {
            known.resize(values.len(), None);
        }
        for row in 0..self.len() {
            let Some(text) = self.get(row) else {
                out.null()?;
                continue;
            };
            let mut place = match self {
                Texts::Plain(_) => None,
                Texts::Coded(codes, _) => codes.key(row).and_then(|key| known.get_mut(key)),
            };
            if let Some(Some(span)) = &place {
                out.bytes.extend_from_within(span.clone());
            } else {
                let start = out.bytes.len();
                write(text, &mut out.bytes)?;
                if let Some(place) = &mut place {
                    **place = Some(start..out.bytes.len());
                }
            }
            out.end()?;
        }
        out.text_ref()
    }
}

/// A builder of a column of texts or bytes.
pub struct Filled {
    /// The bytes of the values, one after the other.
    pub bytes: Vec<u8>,
    offsets: Vec<i32>,
    valid: Vec<bool>,
    nulls: bool,
}

impl Filled {
    /// An empty column, with room for so many rows of that width in bytes.
    #[must_use]
    pub fn new(rows: usize, width: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self { bytes: Vec::with_capacity(rows * width), offsets, valid: Vec::with_capacity(rows), nulls: false }
    }

    /// Adds a null for each `true`, and the next of `values` for each `false`.
    ///
    /// # Errors
    ///
    /// If the column has more than 2 GiB.
    pub fn add<'v>(&mut self, nulls: &[bool], mut values: impl Iterator<Item = &'v [u8]>) -> Result<()> {
        for null in nulls {
            if *null {
                self.null()?;
            } else if let Some(value) = values.next() {
                self.bytes.extend_from_slice(value);
                self.end()?;
            }
        }
        Ok(())
    }

    /// A column of the values with these numbers, in their order.
    ///
    /// # Errors
    ///
    /// If the column has more than 2 GiB.
    pub fn pick(&self, numbers: impl ExactSizeIterator<Item = usize>) -> Result<Self> {
        let mut out = Self::new(numbers.len(), self.bytes.len().div_ceil(self.valid.len().max(1)));
        for n in numbers {
            if self.valid[n] {
                out.bytes.extend_from_slice(&self.bytes[self.offsets[n] as usize..self.offsets[n + 1] as usize]);
                out.end()?;
            } else {
                out.null()?;
            }
        }
        Ok(out)
    }

    /// Ends the value whose bytes were appended.
    ///
    /// # Errors
    ///
    /// If the column has more than 2 GiB.
    pub fn end(&mut self) -> Result<()> {
        self.close(true)
    }

    /// Adds a null.
    ///
    /// # Errors
    ///
    /// If the column has more than 2 GiB.
    pub fn null(&mut self) -> Result<()> {
        self.nulls = true;
        self.close(false)
    }

    fn close(&mut self, valid: bool) -> Result<()> {
        let end = i32::try_from(self.bytes.len()).map_err(|_| {
            Error::new(crate::error::Kind::Usage, "more than 2 GiB of one protected column in a chunk")
                .hint("the profile says how many rows a chunk has: chunk = 1_000")
        })?;
        self.offsets.push(end);
        self.valid.push(valid);
        Ok(())
    }

    fn parts(self) -> (OffsetBuffer<i32>, Buffer, Option<NullBuffer>) {
        let nulls = self.nulls.then(|| NullBuffer::from(self.valid));
        (OffsetBuffer::new(ScalarBuffer::from(self.offsets)), Buffer::from_vec(self.bytes), nulls)
    }

    /// The column as text.
    ///
    /// # Errors
    ///
    /// If a value is not UTF-8.
    pub fn text(self) -> Result<StringArray> {
        let (offsets, bytes, nulls) = self.parts();
        Ok(StringArray::try_new(offsets, bytes, nulls)?)
    }

    /// The column as bytes.
    ///
    /// # Errors
    ///
    /// If there are too many of them.
    pub fn binary(self) -> Result<BinaryArray> {
        let (offsets, bytes, nulls) = self.parts();
        Ok(BinaryArray::try_new(offsets, bytes, nulls)?)
    }

    /// The column as text, shared.
    ///
    /// # Errors
    ///
    /// As [`Filled::text`].
    pub fn text_ref(self) -> Result<ArrayRef> {
        Ok(Arc::new(self.text()?))
    }
}
