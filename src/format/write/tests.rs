//! Promises of every format: its exact bytes, its values through a foreign reader, and no trace of how rows were cut.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "small numbers"
)]
#![expect(clippy::cast_precision_loss, reason = "both sides lose the same")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::metadata::RowGroupMetaData;
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    RecordBatch, RecordBatchReader, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_ipc::reader::FileReader;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;

use super::*;
use crate::error::Kind;
use crate::format::{FORMATS, Format, Options, arrow, csv, find, json, of_tables, parquet};
use crate::notes::{Key, Noted};

/// A writer whose bytes can be read after it was boxed.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn file(format: &Format, schema: &SchemaRef, batches: &[RecordBatch], compression: Option<&str>) -> Vec<u8> {
    let memory = Memory::default();
    let options = format.options(compression.map(|value| ("compression", value))).unwrap();
    let encoder = (format.encoder)(schema, &options).unwrap();
    let mut sink = encoder.open(Box::new(memory.clone())).unwrap();
    for batch in batches {
        sink.append(encoder.encode(batch.clone()).unwrap()).unwrap();
    }
    sink.finish().unwrap().flush().unwrap();
    memory.0.lock().unwrap().clone()
}

fn code_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn schema() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let types = [
        ("id", DataType::Int64),
        ("ok", DataType::Boolean),
        ("rate", DataType::Float64),
        ("paid", DataType::Decimal128(12, 2)),
        ("name", DataType::Utf8),
        ("code", code_type()),
        ("born", DataType::Date32),
        ("at", utc),
    ];
    let fields = types
        .map(|(name, data_type)| Field::new(name, data_type, true).with_note(Key::Pii, &format!("class of {name}")));
    Arc::new(Schema::new(fields.to_vec()))
}

/// Four rows with the values that go wrong first; `code` has an unused value, one twice, and a null among its values.
fn small() -> RecordBatch {
    let values = StringArray::from(vec![Some("unused"), Some("A\"1"), None, Some("é, ☃"), Some("A\"1")]);
    let keys = Int32Array::from(vec![Some(1), Some(3), Some(2), Some(4)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), Some(i64::MIN), None, Some(-42)])),
        Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)])),
        Arc::new(Float64Array::from(vec![Some(0.1), Some(-1.0), None, Some(f64::NAN)])),
        Arc::new(
            Decimal128Array::from(vec![Some(1250), Some(-5), None, Some(0)]).with_precision_and_scale(12, 2).unwrap(),
        ),
        Arc::new(StringArray::from(vec![Some("Doe, \"J\"\n\u{1}"), Some(""), None, Some(" padded")])),
        Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(values))),
        Arc::new(Date32Array::from(vec![Some(20_269), Some(-1), None, Some(-719_162)])),
        Arc::new(
            TimestampMicrosecondArray::from(vec![Some(1_751_286_896_000_000), Some(-1), None, Some(0)])
                .with_timezone("UTC"),
        ),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

#[test]
fn csv_is_written_byte_for_byte() {
    let expected = "id,ok,rate,paid,name,code,born,at\n\
        1,true,0.1,12.50,\"Doe, \"\"J\"\"\n\u{1}\",\"A\"\"1\",2025-06-30,2025-06-30T12:34:56Z\n\
        -9223372036854775808,false,-1.0,-0.05,\"\",\"é, ☃\",1969-12-31,1969-12-31T23:59:59.999999Z\n\
        ,,,,,,,\n\
        -42,true,NaN,0.00,\" padded\",\"A\"\"1\",0001-01-01,1970-01-01T00:00:00Z\n";
    assert_eq!(String::from_utf8(file(&csv::CSV, &schema(), &[small()], None)).unwrap(), expected);
}

#[test]
fn csv_quotes_only_what_needs_it() {
    let schema =
        Arc::new(Schema::new(vec![Field::new("a b", DataType::Utf8, true), Field::new("a,b", code_type(), true)]));
    let quoted = ["", " ", " a", "a ", "a,b", "a\nb", "a\rb", "\r\n", ",", "a\"b", "\""];
    let plain = [
        "a",
        "a b",
        "a;b",
        "a\tb",
        "'a'",
        "=1+1",
        "é",
        "\u{2028}",
        "\\",
        "\u{1}",
        "a cell of more than the thirty-two bytes of a wide copy",
    ];
    for (text, needs) in quoted.iter().map(|text| (*text, true)).chain(plain.iter().map(|text| (*text, false))) {
        let code: DictionaryArray<Int32Type> = [Some(text)].into_iter().collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(vec![text])), Arc::new(code)];
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let cell = if needs { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() };
        let written = String::from_utf8(file(&csv::CSV, &schema, &[batch], None)).unwrap();
        assert_eq!(written, format!("a b,\"a,b\"\n{cell},{cell}\n"));
    }
}

const ROWS: [&str; 4] = [
    r#"{"id":1,"ok":true,"rate":0.1,"paid":12.50,"name":"Doe, \"J\"\n\u0001","code":"A\"1","born":"2025-06-30","at":"2025-06-30T12:34:56Z"}"#,
    r#"{"id":-9223372036854775808,"ok":false,"rate":-1.0,"paid":-0.05,"name":"","code":"é, ☃","born":"1969-12-31","at":"1969-12-31T23:59:59.999999Z"}"#,
    r#"{"id":null,"ok":null,"rate":null,"paid":null,"name":null,"code":null,"born":null,"at":null}"#,
    r#"{"id":-42,"ok":true,"rate":null,"paid":0.00,"name":" padded","code":"A\"1","born":"0001-01-01","at":"1970-01-01T00:00:00Z"}"#,
];

#[test]
fn json_is_written_byte_for_byte() {
    let lines = String::from_utf8(file(&json::NDJSON, &schema(), &[small()], None)).unwrap();
    assert_eq!(lines, ROWS.join("\n") + "\n");
    let array = String::from_utf8(file(&json::JSON, &schema(), &[small()], None)).unwrap();
    assert_eq!(array, format!("[\n{}\n]\n", ROWS.join(",\n")));
    let read: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
    assert_eq!(read[0]["name"], "Doe, \"J\"\n\u{1}");
    assert_eq!(read[1]["id"], i64::MIN);
}

#[test]
fn json_escapes_as_serde_json_does() {
    let text: String = (0..0x3000).filter_map(char::from_u32).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("a\"\\\n", DataType::Utf8, true)]));
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(StringArray::from(vec![text.as_str()]))]).unwrap();
    let expected = serde_json::json!({ "a\"\\\n": text }).to_string() + "\n";
    assert_eq!(String::from_utf8(file(&json::NDJSON, &schema, &[batch], None)).unwrap(), expected);
}

#[test]
fn tables_without_rows_are_complete_files() {
    let text =
        |format: &Format, batches: &[RecordBatch]| String::from_utf8(file(format, &schema(), batches, None)).unwrap();
    for batches in [vec![], vec![small().slice(0, 0)]] {
        assert_eq!(text(&csv::CSV, &batches), "id,ok,rate,paid,name,code,born,at\n");
        assert_eq!(text(&json::NDJSON, &batches), "");
        assert_eq!(text(&json::JSON, &batches), "[]\n");
        assert_eq!(read_parquet(&file(&parquet::PARQUET, &schema(), &batches, None)).num_rows(), 0);
        assert_eq!(read_arrow(file(&arrow::ARROW, &schema(), &batches, None)).num_rows(), 0);
    }
}

/// Rows in plenty, told by their number: nulls of all densities, texts long, short, quoted and plain.
fn row(n: i64) -> (Option<i64>, Option<String>, Option<&'static str>) {
    const CODES: [&str; 5] =
        ["open", "closed", "", "re,opened", "a code longer than the thirty-two bytes of a wide copy"];
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
    let pick = (mixed.cast_unsigned() >> 40) as usize;
    let number = (n % 20_000 > 3_000 && !pick.is_multiple_of(7)).then_some(mixed >> (pick % 60));
    let text = match pick % 11 {
        0 => None,
        1 if n % 5_000 > 2_000 => Some(format!("say \"{n}\", twice")),
        2 => Some("x".repeat(pick % 90)),
        _ => Some(format!("plain {n}")),
    };
    let code = (pick % 5 != 1 || n > 60_000).then_some(CODES[pick % 5]);
    (number, text, code)
}

/// The rows `rows` in one batch, whose buffers differ in all that is not a value: what stands behind nulls, the order of
/// the dictionary, its repetitions and its nulls.
fn batch(rows: std::ops::Range<i64>, noise: i64) -> RecordBatch {
    let made: Vec<_> = rows.map(row).collect();
    let valid: Vec<bool> = made.iter().map(|row| row.0.is_some()).collect();
    let nulls = || Some(NullBuffer::from(valid.clone()));
    let number = |n: usize, scale: i64| made[n].0.unwrap_or(noise) / scale;
    let numbers = |scale: i64| (0..made.len()).map(move |n| number(n, scale));
    let mut dictionary: Vec<Option<&str>> = vec![Some("unused"), None];
    dictionary.resize(2 + made.len() % 5, Some("unused too"));
    let mut keys = Vec::new();
    for (n, (_, _, code)) in made.iter().enumerate() {
        // Now and then a value stands in the dictionary again.
        let known = dictionary.iter().position(|value| value == code).filter(|_| n % 977 != 3);
        keys.push(match (code, known) {
            (None, _) => (n % 3 == 0).then_some(1),
            (Some(_), Some(at)) => Some(at as i32),
            (Some(_), None) => {
                dictionary.push(*code);
                Some(dictionary.len() as i32 - 1)
            }
        });
    }
    let texts: Vec<&str> = made.iter().map(|row| row.1.as_deref().unwrap_or("behind a null")).collect();
    let lengths = OffsetBuffer::from_lengths(texts.iter().map(|text| text.len()));
    let text_nulls = NullBuffer::from(made.iter().map(|row| row.1.is_some()).collect::<Vec<_>>());
    let bits = (0..made.len()).map(|n| number(n, 1) % 2 == 0).collect::<BooleanBuffer>();
    let days = (0..made.len()).map(|n| (number(n, 1) % 700_000) as i32).collect::<ScalarBuffer<_>>();
    let micros = numbers(1_000).map(|n| n % 60_000_000_000 * 1_000_000 + if n % 3 == 0 { n % 1_000 } else { 0 });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::new(numbers(1).collect(), nulls())),
        Arc::new(BooleanArray::new(bits, nulls())),
        Arc::new(Float64Array::new(numbers(1).map(|n| n as f64 / 8.0).collect(), nulls())),
        Arc::new(
            Decimal128Array::new(numbers(100_000_000).map(i128::from).collect(), nulls())
                .with_precision_and_scale(12, 2)
                .unwrap(),
        ),
        Arc::new(StringArray::new(lengths, Buffer::from(texts.concat().into_bytes()), Some(text_nulls))),
        Arc::new(DictionaryArray::<Int32Type>::new(Int32Array::from(keys), Arc::new(StringArray::from(dictionary)))),
        Arc::new(Date32Array::new(days, nulls())),
        Arc::new(TimestampMicrosecondArray::new(micros.collect(), nulls()).with_timezone("UTC")),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

const TOTAL: i64 = 140_001;

fn cut(size: i64) -> Vec<RecordBatch> {
    (0..TOTAL).step_by(size as usize).map(|at| batch(at..TOTAL.min(at + size), size ^ at)).collect()
}

#[test]
fn bytes_depend_on_rows_and_not_on_batches() {
    let whole = cut(TOTAL);
    let cuts: Vec<Vec<RecordBatch>> = [1, 7, 1_000, 70_000].map(cut).into_iter().collect();
    for format in of_tables() {
        let compression = format.settings.iter().find(|setting| setting.name == "compression");
        let compressions = [None].into_iter().chain(compression.iter().flat_map(|one| one.values).copied().map(Some));
        for compression in compressions {
            let expected = file(format, &schema(), &whole, compression);
            assert!(expected.len() > 100_000);
            for batches in &cuts {
                let same = file(format, &schema(), batches, compression) == expected;
                assert!(same, "{} {compression:?} in {} batches", format.name, batches.len());
            }
            let sliced: Vec<_> = (0..TOTAL as usize)
                .step_by(4_099)
                .map(|at| whole[0].slice(at, 4_099.min(TOTAL as usize - at)))
                .collect();
            assert!(file(format, &schema(), &sliced, compression) == expected, "{} in slices", format.name);
        }
    }
}

fn parquet_file(bytes: &[u8]) -> ParquetRecordBatchReaderBuilder<std::fs::File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    ParquetRecordBatchReaderBuilder::try_new(file).unwrap()
}

fn read_parquet(bytes: &[u8]) -> RecordBatch {
    let reader = parquet_file(bytes).build().unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

fn read_arrow(bytes: Vec<u8>) -> RecordBatch {
    let reader = FileReader::try_new(io::Cursor::new(bytes), None).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

fn assert_equal(read: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(read.num_rows(), expected.num_rows());
    for ((read, expected), field) in read.columns().iter().zip(expected.columns()).zip(expected.schema().fields()) {
        let flat = |array: &ArrayRef| match array.data_type() {
            DataType::Dictionary(..) => cast(array, &DataType::Utf8).unwrap(),
            _ => Arc::clone(array),
        };
        assert!(flat(read).to_data() == flat(expected).to_data(), "{}", field.name());
    }
}

#[test]
fn parquet_reads_back_with_its_metadata() {
    let whole = cut(TOTAL).remove(0);
    for compression in ["snappy", "zstd", "none"] {
        let bytes = file(&parquet::PARQUET, &schema(), std::slice::from_ref(&whole), Some(compression));
        let builder = parquet_file(&bytes);
        let metadata = builder.metadata().file_metadata();
        assert_eq!(metadata.created_by(), Some("placebo"));
        let keys: Vec<_> = metadata.key_value_metadata().unwrap().iter().map(|pair| pair.key.as_str()).collect();
        assert_eq!(keys, ["ARROW:schema"]);
        let groups: Vec<_> = builder.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(groups, [131_072, TOTAL - 131_072]);
        let dictionaries: Vec<_> =
            builder.metadata().row_group(0).columns().iter().map(|c| c.dictionary_page_offset().is_some()).collect();
        assert_eq!(dictionaries, [false, false, false, false, false, true, false, false]);
        assert!(builder.metadata().row_group(0).columns().iter().all(|c| c.statistics().is_some()));
        assert_eq!(builder.schema(), &schema(), "types, nullability and field metadata");
        assert_equal(&read_parquet(&bytes), &whole);
    }
    let unknown = parquet::PARQUET.options([("compression", "lzma")]);
    assert_eq!(unknown.err().unwrap().kind(), Kind::Usage);
}

#[test]
fn arrow_reads_back_with_its_metadata() {
    let whole = cut(TOTAL).remove(0);
    let read = read_arrow(file(&arrow::ARROW, &schema(), std::slice::from_ref(&whole), None));
    assert_eq!(read.schema().field(5).data_type(), &DataType::Utf8);
    assert_eq!(read.schema().field(5).metadata(), schema().field(5).metadata());
    assert_equal(&read, &whole);
}

#[test]
fn csv_reads_back() {
    let whole = cut(TOTAL).remove(0);
    let bytes = file(&csv::CSV, &schema(), std::slice::from_ref(&whole), None);
    let mut reader = ::csv::Reader::from_reader(bytes.as_slice());
    assert_eq!(
        reader.headers().unwrap().iter().collect::<Vec<_>>(),
        ["id", "ok", "rate", "paid", "name", "code", "born", "at"]
    );
    let mut count = 0;
    for (record, n) in reader.records().zip(0..) {
        let record = record.unwrap();
        let (number, text, code) = row(n);
        let shown = |value: Option<String>| value.unwrap_or_default();
        assert_eq!(&record[0], shown(number.map(|n| n.to_string())));
        assert_eq!(&record[1], shown(number.map(|n| (n % 2 == 0).to_string())));
        assert_eq!(&record[2], shown(number.map(|n| format!("{:?}", n as f64 / 8.0))));
        assert_eq!(&record[4], shown(text));
        assert_eq!(&record[5], code.unwrap_or_default());
        count += 1;
    }
    assert_eq!(count, TOTAL);
}

#[test]
fn json_reads_back() {
    let whole = cut(TOTAL).remove(0);
    let bytes = file(&json::NDJSON, &schema(), std::slice::from_ref(&whole), None);
    let lines = std::str::from_utf8(&bytes).unwrap().lines();
    assert_eq!(lines.clone().count() as i64, TOTAL);
    for (line, n) in lines.zip(0..) {
        let (number, text, code) = row(n);
        let read: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(read["id"], serde_json::json!(number));
        assert_eq!(read["name"], serde_json::json!(text));
        assert_eq!(read["code"], serde_json::json!(code));
    }
}

#[test]
fn a_date_without_a_form_is_an_error_and_names_its_column() {
    let schema = Arc::new(Schema::new(vec![Field::new("born", DataType::Date32, true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Date32Array::from(vec![i32::MAX]))]).unwrap();
    let encoder = (csv::CSV.encoder)(&schema, &Options::default()).unwrap();
    assert_eq!(encoder.encode(batch).err().unwrap().path(), "born");
}

#[test]
fn a_closed_pipe_is_told_from_a_full_disk() {
    struct Fails(io::ErrorKind);
    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let kinds = [(io::ErrorKind::BrokenPipe, Kind::ClosedPipe), (io::ErrorKind::StorageFull, Kind::Io)];
    for (format, (cause, kind)) in of_tables().flat_map(|format| kinds.map(|kind| (format, kind))) {
        let encoder = (format.encoder)(&schema(), &Options::default()).unwrap();
        let written = encoder.open(Box::new(Fails(cause))).and_then(|mut sink| {
            sink.append(encoder.encode(small())?)?;
            sink.finish()
        });
        let error = written.err().unwrap();
        assert_eq!(error.kind(), kind, "{}: {error}", format.name);
    }
}

#[test]
fn formats_have_one_name_each_and_none_is_forgotten() {
    let mut names = std::collections::BTreeSet::new();
    for format in FORMATS {
        assert!(names.insert(format.name), "`{}` twice", format.name);
        assert!(format.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        assert!(format.about.len() > 10 && format.mediatype.contains('/'), "{} is not described", format.name);
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    let defined = texts.flat_map(|text| {
        let names = text
            .lines()
            .filter_map(|line| line.strip_prefix("pub(super) static ")?.strip_suffix(": Format = Format {"));
        names.map(str::to_ascii_lowercase).collect::<Vec<_>>()
    });
    assert_eq!(defined.collect::<std::collections::BTreeSet<_>>(), names.into_iter().map(str::to_owned).collect());
    assert!(find("cvs").err().unwrap().hint_text().is_some());
}
