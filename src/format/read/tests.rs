//! Promises of every reader: the values that were written, and an error for files that no writer made.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::*;
use crate::format::FORMATS;

fn schema() -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let code = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let types = [
        ("id", DataType::Int64),
        ("ok", DataType::Boolean),
        ("rate", DataType::Float64),
        ("paid", DataType::Decimal128(12, 2)),
        ("a \"name\"", DataType::Utf8),
        ("code", code),
        ("born", DataType::Date32),
        ("at", utc),
    ];
    Arc::new(Schema::new(types.map(|(name, ty)| Field::new(name, ty, name != "id")).to_vec()))
}

const HEADER: &str = "id,ok,rate,paid,\"a \"\"name\"\"\",code,born,at\n";

fn read(format: &str, schema: &SchemaRef, text: &[u8], guard: bool) -> Result<RecordBatch> {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text).expect("writes");
    Rows::open(file.path(), format, schema, &options(guard))?.take(100)
}

fn options(guard: bool) -> Options {
    super::super::csv::CSV.options(guard.then_some(("csv-guard", "quote"))).expect("a setting")
}

#[test]
fn csv_tells_null_from_empty_and_quotes_from_text() {
    let text = format!(
        "{HEADER}1,true,0.1,-12.50,,\"\",2025-06-30,2025-06-30T12:34:56Z\n\
         -9223372036854775808,,NaN,0.00,\"a \"\"b\"\"\n,\",\" c\",0001-01-01,1969-12-31T23:59:59.999999Z\n"
    );
    let batch = read("csv", &schema(), text.as_bytes(), false).expect("reads");
    let encoder = (FORMATS[0].encoder)(&schema(), &Options::default()).expect("csv");
    let crate::format::write::Piece::Bytes(again) = encoder.encode(batch).expect("encodes") else { panic!("rows") };
    assert_eq!(HEADER.to_owned() + &String::from_utf8(again).expect("text"), text);
}

#[test]
fn what_no_sink_writes_is_refused_with_row_and_line() {
    let good = "1,true,1.0,1.00,a,b,2025-06-30,2025-06-30T12:34:56Z\n";
    assert!(read("csv", &schema(), format!("{HEADER}{good}").as_bytes(), false).is_ok());
    let cases = [
        ("id", ",true,1.0,1.00,a,b,2025-06-30,", "a value is missing"),
        ("id", "01,true,1.0,1.00,a,b,2025-06-30,", "not an integer"),
        ("id", "-0,true,1.0,1.00,a,b,2025-06-30,", "not an integer"),
        ("id", "+1,true,1.0,1.00,a,b,2025-06-30,", "not an integer"),
        ("id", "9223372036854775808,true,1.0,1.00,a,b,2025-06-30,", "not an integer"),
        ("id", "\"1\",true,1.0,1.00,a,b,2025-06-30,", "has quotes"),
        ("ok", "1,TRUE,1,1.00,a,b,2025-06-30,", "not a boolean"),
        ("rate", "1,true,1e5,1.00,a,b,2025-06-30,", "not a number"),
        ("rate", "1,true,2,1.00,a,b,2025-06-30,", "not a number"),
        ("rate", "1,true,2.50,1.00,a,b,2025-06-30,", "not a number"),
        ("rate", "1,true,infinity,1.00,a,b,2025-06-30,", "not a number"),
        ("paid", "1,true,1.0,1.0,a,b,2025-06-30,", "not a decimal(12,2)"),
        ("paid", "1,true,1.0,1.000,a,b,2025-06-30,", "not a decimal(12,2)"),
        ("paid", "1,true,1.0,12345678901.00,a,b,2025-06-30,", "not a decimal(12,2)"),
        ("paid", "1,true,1.0,-0.00,a,b,2025-06-30,", "not a decimal(12,2)"),
        ("born", "1,true,1.0,1.00,a,b,2025-02-29,", "not a date"),
        ("born", "1,true,1.0,1.00,a,b,2025-13-01,", "not a date"),
        ("born", "1,true,1.0,1.00,a,b,0000-01-01,", "not a date"),
        ("at", "1,true,1.0,1.00,a,b,,2025-06-30T24:00:00Z", "not an instant"),
        ("at", "1,true,1.0,1.00,a,b,,2025-06-30T23:00:00", "not an instant"),
        ("at", "1,true,1.0,1.00,a,b,,2025-06-30T23:00:00.000000Z", "not an instant"),
        ("", "1,true,1.0,1.00,a,b,2025-06-30", "7 cells instead of 8"),
        ("", "1,true,1.0,1.00,a\"b,b,2025-06-30,", "quoted"),
        ("", "1,true,1.0,1.00,\"a\"b,b,2025-06-30,", "quoted"),
        ("", "1,true,1.0,1.00,a,b,2025-06-30,\r", "quoted"),
    ];
    for (column, row, what) in cases {
        let text = format!("{HEADER}{good}{row}\n");
        let error = read("csv", &schema(), text.as_bytes(), false).expect_err(row);
        assert!(error.message().contains(what) && error.message().contains(column), "{row}: {error}");
        assert!(error.message().contains("row 2 (line 3)"), "{error}");
        assert_eq!(error.kind(), Kind::Verification);
    }
    for text in
        ["", "id\n", "id,ok\n", &HEADER[..HEADER.len() - 1], &HEADER.replace("rate", "r"), &format!("{HEADER}1,")]
    {
        assert!(read("csv", &schema(), text.as_bytes(), false).is_err(), "{text}");
    }
}

#[test]
fn the_guard_is_taken_away_where_it_was_put() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("t", DataType::Utf8, false)]));
    let texts = ["=1", "'=1", "''-", "'", "''", "", "a'=1", "@", "\tx", "\r", "'é", "'a=1"];
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![Arc::new(arrow_array::StringArray::from(texts.to_vec())) as arrow_array::ArrayRef],
    )
    .expect("a batch");
    let options = options(true);
    let encoder = (FORMATS[0].encoder)(&schema, &options).expect("csv");
    let crate::format::write::Piece::Bytes(rows) = encoder.encode(batch.clone()).expect("encodes") else {
        panic!("rows")
    };
    let text = [b"t\n", rows.as_slice()].concat();
    assert!(text.starts_with(b"t\n'=1\n''=1\n'''-\n'\n"));
    assert_eq!(read("csv", &schema, &text, true).expect("reads"), batch);
    assert_ne!(read("csv", &schema, &text, false).expect("reads"), batch);
}

#[test]
fn json_is_read_to_the_letter() {
    let row = r#"{"id":1,"ok":null,"rate":-0.0,"paid":0.05,"a \"name\"":"\"\\\n\u0001é/","code":"","born":"2024-02-29","at":null}"#;
    let lines = format!("{row}\n{row}\n");
    let array = format!("[\n{row},\n{row}\n]\n");
    let read_lines = read("ndjson", &schema(), lines.as_bytes(), false).expect("reads");
    assert_eq!(read_lines.num_rows(), 2);
    assert_eq!(read("json", &schema(), array.as_bytes(), false).expect("reads"), read_lines);
    assert_eq!(read("json", &schema(), b"[]\n", false).expect("reads").num_rows(), 0);
    for end in 0..array.len() {
        assert!(read("json", &schema(), &array.as_bytes()[..end], false).is_err(), "{end} bytes");
    }
    let wrong = [
        row.replace("\"id\":1", "\"id\":\"1\""),
        row.replace("\"id\":1", "\"id\":null"),
        row.replace("\"id\":1", "\"id\":"),
        row.replace("\"2024-02-29\"", "2024"),
        row.replace("\\u0001", "\\u0041"),
        row.replace("\\u0001", "\u{1}"),
        row.replace("\"code\"", "\"Code\""),
        row.replace(",\"at\":null", ""),
        row.replace("null}", "null,\"x\":1}"),
        row.replace("{\"id\"", "{ \"id\""),
        row.replace("-0.0", "NaN"),
        row.replace("-0.0", "-0"),
        row.replace("-0.0", "0"),
        format!("{row} "),
    ];
    for row in wrong {
        assert!(read("ndjson", &schema(), format!("{row}\n").as_bytes(), false).is_err(), "{row}");
    }
    for text in
        [format!("[\n{row},\n]\n"), format!("[\n{row}\n]"), format!("{array} "), format!("[\n{row}\n{row}\n]\n")]
    {
        assert!(read("json", &schema(), text.as_bytes(), false).is_err(), "{text}");
    }
}
