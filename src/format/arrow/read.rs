//! The Arrow IPC file format, a batch at a time.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_ipc::root_as_footer;
use arrow_schema::SchemaRef;

use crate::error::{Error, Kind, Result};
use crate::format::read::columnar::{conform, same_columns};
use crate::format::read::{Source, malformed};

/// Opens a file.
pub(super) fn open(mut file: File, schema: &SchemaRef) -> Result<Box<dyn Source>> {
    blocks_inside(&mut file)?;
    let reader = FileReader::try_new(BufReader::new(file), None).map_err(|error| malformed(error.to_string()))?;
    same_columns(&reader.schema(), schema)?;
    Ok(Box::new(Arrow { reader, schema: SchemaRef::clone(schema) }))
}

/// The last bytes of a file: the length of its footer, and the magic word.
const TAIL: u64 = 10;

/// Refuses a file whose footer, or a block listed there, reaches beyond the file: the library allocates what they claim
/// before it reads.
fn blocks_inside(file: &mut File) -> Result<()> {
    let io = |error: std::io::Error| Error::new(Kind::Io, error.to_string());
    let outside = || malformed("the footer does not fit the file");
    let size = file.metadata().map_err(io)?.len();
    let mut tail = [0; TAIL as usize];
    let at = size.checked_sub(TAIL).ok_or_else(outside)?;
    file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut tail)).map_err(io)?;
    let [a, b, c, d, magic @ ..] = tail;
    let length = u64::try_from(i32::from_le_bytes([a, b, c, d])).map_err(|_| outside())?;
    if &magic != b"ARROW1" || length > at {
        return Err(outside());
    }
    let mut footer = vec![0; length as usize];
    file.seek(SeekFrom::Start(at - length)).and_then(|_| file.read_exact(&mut footer)).map_err(io)?;
    let footer = root_as_footer(&footer).map_err(|_| outside())?;
    let blocks = [footer.dictionaries(), footer.recordBatches()];
    for block in blocks.iter().flatten().copied().flatten() {
        let numbers = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
        let end = numbers.iter().try_fold(0_u64, |sum, number| sum.checked_add(u64::try_from(*number).ok()?));
        if end.is_none_or(|end| end > size) {
            return Err(outside());
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    Ok(())
}

struct Arrow {
    reader: FileReader<BufReader<File>>,
    schema: SchemaRef,
}

impl Source for Arrow {
    fn next(&mut self, _: usize) -> Result<Option<RecordBatch>> {
        for batch in &mut self.reader {
            let batch = conform(&batch.map_err(|error| malformed(error.to_string()))?, &self.schema)?;
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
        Ok(None)
    }
}
