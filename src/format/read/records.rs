//! CSV as any system writes it, record by record and in bounded memory: quotes where they are needed or everywhere, lines that end
//! with `\n` or `\r\n`. What is between two delimiters is a cell, whatever bytes it has.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use crate::error::{Error, Kind, Result};

/// The most bytes of a record: a cell of some megabytes is one, a quote that is never closed is none.
pub(crate) const MOST_RECORD: usize = 64 << 20;

/// A cell of a record.
#[derive(Debug, Clone)]
struct Cell {
    range: Range<usize>,
    quoted: bool,
    /// True if there are two quotes that stand for one.
    escaped: bool,
}

/// The records of a file.
pub(crate) struct Records<R> {
    input: R,
    delimiter: u8,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    over: bool,
    cells: Vec<Cell>,
    /// The line on which the record begins, from 1.
    line: u64,
    next_line: u64,
    text: Vec<u8>,
}

impl<R: Read> Records<R> {
    /// The records of a file whose cells have this byte between them.
    pub(crate) fn new(input: R, delimiter: u8) -> Self {
        let (buffer, cells, text) = (vec![0; 1 << 18], Vec::new(), Vec::new());
        Self { input, delimiter, buffer, start: 0, end: 0, over: false, cells, line: 1, next_line: 1, text }
    }

    /// Reads the next record; `false` after the last.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, ends within a quoted cell, or has a record of more than 64 MiB.
    pub(crate) fn next(&mut self) -> Result<bool> {
        loop {
            self.cells.clear();
            if let Some(length) = parse(&self.buffer[self.start..self.end], self.delimiter, self.over, &mut self.cells)
            {
                let record = self.start..self.start + length;
                self.line = self.next_line;
                self.next_line += self.buffer[record.clone()].iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                self.cells.iter_mut().for_each(|cell| {
                    cell.range = cell.range.start + self.start..cell.range.end + self.start;
                });
                self.start = record.end;
                // A line without anything is no record of one empty cell: files often end with one.
                if length > 0 && self.cells.len() == 1 && self.cells[0].range.is_empty() && !self.cells[0].quoted {
                    continue;
                }
                return Ok(length > 0);
            }
            if self.over {
                return Err(self.wrong("the file ends within a quoted cell: is it whole?"));
            }
            self.fill()?;
        }
    }

    /// Reads more of the file, behind what is not parsed yet.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            if self.end >= MOST_RECORD {
                return Err(self.wrong("a record has more than 64 MiB: is a quote not closed?"));
            }
            self.buffer.resize(self.end * 2, 0);
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.over = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::new(Kind::Io, format!("the file cannot be read: {error}"))),
            }
            return Ok(());
        }
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(Kind::Verification, format!("line {}: {what}", self.next_line))
    }

    /// The number of cells.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The line on which the record begins.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// A cell: its bytes, and whether they were in quotes.
    pub(crate) fn cell(&mut self, at: usize) -> (&[u8], bool) {
        let Cell { range, quoted, escaped } = self.cells[at].clone();
        let bytes = &self.buffer[range];
        if !escaped {
            return (bytes, quoted);
        }
        self.text.clear();
        let mut rest = bytes;
        while let Some(quote) = rest.windows(2).position(|two| two == b"\"\"") {
            self.text.extend_from_slice(&rest[..=quote]);
            rest = &rest[quote + 2..];
        }
        self.text.extend_from_slice(rest);
        (&self.text, quoted)
    }
}

/// The cells of the record at the start of some bytes, and its length with the end of its line; 0 at the end of the file. `None` where
/// the record does not end in them.
fn parse(bytes: &[u8], delimiter: u8, over: bool, cells: &mut Vec<Cell>) -> Option<usize> {
    if bytes.is_empty() {
        return over.then_some(0);
    }
    let ends = |byte: u8| byte == delimiter || byte == b'\n';
    let mut at = 0;
    loop {
        if bytes.get(at) == Some(&b'"') {
            let (start, mut escaped, mut end) = (at + 1, false, at + 1);
            loop {
                end += bytes[end..].iter().position(|byte| *byte == b'"')?;
                match bytes.get(end + 1) {
                    Some(b'"') => (end, escaped) = (end + 2, true),
                    None if !over => return None,
                    _ => break,
                }
            }
            cells.push(Cell { range: start..end, quoted: true, escaped });
            at = end + 1;
            // Whatever follows a closing quote belongs to the cell, which is then as it stands.
            if !bytes.get(at).is_none_or(|byte| ends(*byte)) && !bytes[at..].starts_with(b"\r\n") {
                let rest = bytes[at..].iter().position(|byte| ends(*byte));
                at = rest.map(|rest| at + rest).or(over.then_some(bytes.len()))?;
                if let Some(cell) = cells.last_mut() {
                    *cell = Cell { range: start - 1..at, quoted: false, escaped: false };
                }
            }
        } else {
            let rest = bytes[at..].iter().position(|byte| ends(*byte));
            let end = rest.map(|rest| at + rest).or(over.then_some(bytes.len()))?;
            cells.push(Cell { range: at..end, quoted: false, escaped: false });
            at = end;
        }
        match bytes.get(at) {
            Some(byte) if *byte == delimiter => at += 1,
            Some(b'\r') => return if bytes.len() > at + 1 { Some(at + 2) } else { over.then_some(at + 1) },
            end => {
                if let Some(cell) =
                    cells.last_mut().filter(|cell| !cell.quoted && bytes[cell.range.clone()].ends_with(b"\r"))
                {
                    cell.range.end -= 1;
                }
                return Some(at + usize::from(end.is_some()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(bytes: &[u8]) -> Result<Vec<Vec<(String, bool)>>> {
        let (mut records, mut all) = (Records::new(bytes, b','), Vec::new());
        while records.next()? {
            let cell = |at: usize, records: &mut Records<&[u8]>| {
                let (bytes, quoted) = records.cell(at);
                (String::from_utf8_lossy(bytes).into_owned(), quoted)
            };
            all.push((0..records.len()).map(|at| cell(at, &mut records)).collect());
        }
        Ok(all)
    }

    fn bare(text: &str) -> (String, bool) {
        (text.to_owned(), false)
    }

    fn quoted(text: &str) -> (String, bool) {
        (text.to_owned(), true)
    }

    #[test]
    fn every_way_of_writing_a_record_is_read() {
        let all = records(b"a,b\r\n\"x \"\"y\"\"\",\r\n\r\n\"1\n2\",\"\"\n last,z").expect("reads");
        assert_eq!(
            all,
            [
                vec![bare("a"), bare("b")],
                vec![quoted("x \"y\""), bare("")],
                vec![quoted("1\n2"), quoted("")],
                vec![bare(" last"), bare("z")]
            ]
        );
        assert_eq!(records(b"\"a\"b,c\n").expect("reads"), [vec![bare("\"a\"b"), bare("c")]]);
        assert_eq!(records(b"a,\"b\"").expect("reads"), [vec![bare("a"), quoted("b")]]);
        assert_eq!(records(b"\n\n").expect("reads"), Vec::<Vec<_>>::new());
    }

    #[test]
    fn any_byte_may_stand_between_cells() {
        let mut records = Records::new(&b"a;\"b;\";c,d\n"[..], b';');
        assert!(records.next().expect("reads"));
        let cells: Vec<Vec<u8>> = (0..records.len()).map(|at| records.cell(at).0.to_vec()).collect();
        assert_eq!(cells, [&b"a"[..], b"b;", b"c,d"]);
    }

    #[test]
    fn half_a_file_and_an_endless_cell_are_errors() {
        let error = records(b"a,b\n1,\"x").expect_err("half");
        assert!(error.message().starts_with("line 2: the file ends within"), "{error}");
        let mut long = b"a\n\"".to_vec();
        long.resize(MOST_RECORD + 10, b'x');
        assert!(records(&long).expect_err("too long").message().contains("64 MiB"));
    }

    #[test]
    fn a_large_cell_is_read() {
        let large = "y".repeat(10 << 20);
        let all = records(format!("a,b\n\"{large}\",1\n2,3\n").as_bytes()).expect("reads");
        assert_eq!((all.len(), all[1][0].0.len(), all[2][1].0.as_str()), (3, 10 << 20, "3"));
    }
}
