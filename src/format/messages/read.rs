//! Messages out of their frames.

use std::fs::File;

use arrow_schema::SchemaRef;

use super::{Framing, tar, text_extension};
use crate::error::Result;
use crate::format::Options;
use crate::format::read::cell::Class;
use crate::format::read::text::{Cell, Grammar, Step, Text};
use crate::format::read::{Source, malformed};

/// Opens a file of messages.
pub(super) fn open(file: File, schema: &SchemaRef, options: &Options) -> Result<Box<dyn Source>> {
    let (framing, extension) = (Framing::new(schema, options)?, text_extension(schema)?.to_owned());
    Ok(Box::new(Text::new(file, schema, Frames { framing, extension, files: 0, over: false })?))
}

struct Frames {
    framing: Framing,
    extension: String,
    /// The files of an archive so far, and whether its end was read.
    files: u64,
    over: bool,
}

impl Frames {
    /// The places of the text and of the end of the next frame; `None` where the bytes end before it does.
    fn next(&self, bytes: &[u8]) -> Result<Option<(std::ops::Range<usize>, usize)>> {
        let ending = |mark: u8| bytes.iter().position(|byte| *byte == mark);
        match self.framing {
            Framing::Lines => Ok(ending(b'\n').map(|end| (0..end, end + 1))),
            Framing::Mllp if bytes[0] != 0x0b => Err(malformed("the frame does not begin with 0B")),
            Framing::Mllp => match ending(0x1c).map(|end| (end, bytes.get(end + 1))) {
                Some((end, Some(b'\r'))) => Ok(Some((1..end, end + 2))),
                Some((_, Some(_))) => Err(malformed("the frame does not end with 1C 0D")),
                _ => Ok(None),
            },
            Framing::Length => {
                let Some([high, low]) = bytes.get(..2) else { return Ok(None) };
                let end = 2 + usize::from(u16::from_be_bytes([*high, *low]));
                Ok((bytes.len() >= end).then_some((2..end, end)))
            }
            Framing::Tar => {
                let Some(header) = bytes.get(..tar::BLOCK) else { return Ok(None) };
                let size = tar::size(header).ok_or_else(|| malformed("the header of the file has no size"))?;
                if tar::header(self.files + 1, &self.extension, size)? != header {
                    return Err(malformed("the header of the file is another one"));
                }
                let (text, end) = (tar::BLOCK + size, tar::BLOCK + size + tar::padding(size));
                match bytes.get(text..end) {
                    None => Ok(None),
                    Some(filling) if filling.iter().any(|byte| *byte != 0) => {
                        Err(malformed("the file is not filled up with zeros"))
                    }
                    Some(_) => Ok(Some((tar::BLOCK..text, end))),
                }
            }
        }
    }
}

impl Grammar for Frames {
    fn step(&mut self, bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Result<Step> {
        if bytes.is_empty() && whole {
            return match self.framing == Framing::Tar && !self.over {
                true => Err(malformed("the end of the archive is missing")),
                false => Ok(Step::End),
            };
        }
        if bytes.is_empty() {
            return Ok(Step::More);
        }
        if self.over {
            return Err(malformed("the file goes on behind the end of the archive"));
        }
        if self.framing == Framing::Tar && bytes[0] == 0 {
            let end = bytes.get(..tar::END.len());
            return match end {
                None => Ok(Step::More),
                Some(end) if *end != tar::END => Err(malformed("the end of the archive is not of zeros")),
                Some(end) => {
                    self.over = true;
                    Ok(Step::Skip(end.len()))
                }
            };
        }
        let Some((text, end)) = self.next(bytes)? else { return Ok(Step::More) };
        self.files += 1;
        cells.push(Cell::Bare(text));
        Ok(Step::Row(end))
    }

    fn fits(&self, class: Class, quoted: bool) -> bool {
        class == Class::Text && !quoted
    }

    fn unescape(&self, text: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(text);
        Ok(())
    }
}
