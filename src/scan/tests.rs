use proptest::prelude::*;

use super::*;

/// Some values of some columns and groups.
struct List(Vec<(u8, usize, String)>);

impl Values for List {
    fn each(&self, put: &mut dyn FnMut(Value<'_>) -> Result<()>) -> Result<()> {
        self.0
            .iter()
            .try_for_each(|(group, column, text)| put(Value { group: *group, column: *column, text: text.as_bytes() }))
    }
}

impl List {
    fn own(values: &[&str]) -> Self {
        Self(values.iter().map(|text| (OWN, 0, (*text).to_owned())).collect())
    }

    fn search(&self, controls: u8) -> Search {
        let columns = self.0.iter().map(|(_, column, _)| column + 1).max().unwrap_or(0);
        let size = Size { values: self.0.len() as u64, columns, controls, memory: 16 << 20 };
        Search::new(self, size).expect("room")
    }

    /// The hits in one text.
    fn scan(&self, controls: u8, texts: &[&[u8]]) -> Outcome<usize> {
        let search = self.search(controls);
        let files: Vec<Candidates<usize>> = texts
            .iter()
            .map(|text| {
                let mut scanner = search.scanner();
                scanner.feed(text, &|at| at);
                scanner.finish()
            })
            .collect();
        search.confirm(self, &files).expect("confirms")
    }
}

fn digits(n: u64) -> String {
    let n = windows::mix(n) % 1_000_000_000;
    format!("{:03}-{:02}-{:04}", n / 1_000_000, n / 10_000 % 100, n % 10_000)
}

#[test]
fn a_value_is_found_in_any_dress_and_nothing_else_is() {
    let ssn = List::own(&["123-45-6789", "Noël O'Brien", "a\u{1}b-longest-part"]);
    for text in
        ["x,123-45-6789,y", "123456789", "{\"a\":\"123 45 6789\"}", "\\u0031\\u0032\\u0033-45-6789", "n123-45-6789n"]
    {
        let outcome = ssn.scan(0, &[text.as_bytes()]);
        assert_eq!(outcome.findings.len(), 1, "{text}");
        assert_eq!(outcome.findings[0].values, 1, "{text}");
    }
    for text in ["NOëL OBRIEN", "noël o\\u0027brien", "No\\u00ebl O'Brien", "B LONGEST PART"] {
        assert_eq!(ssn.scan(0, &[text.as_bytes()]).findings.len(), 1, "{text}");
    }
    for text in ["123-45-678", "987-65-4321", "", "12345678 x 9", "\0\0"] {
        assert!(ssn.scan(0, &[text.as_bytes()]).findings.is_empty(), "{text}");
    }
}

#[test]
fn one_number_among_very_many_words_is_a_leak_and_its_place_is_told() {
    let values: Vec<String> = (0..20_000).map(digits).collect();
    let list = List::own(&values.iter().map(String::as_str).collect::<Vec<_>>());
    let mut text = (0..200_000).map(|n| format!("word{n} {n}\n")).collect::<Vec<_>>().concat();
    assert!(list.scan(0, &[text.as_bytes()]).findings.iter().all(|finding| !finding.leak));
    let at = text.len();
    text += &values[777];
    let found = list.scan(0, &[b"nothing here", text.as_bytes()]).findings;
    let leak = found.iter().find(|finding| finding.leak).expect("found");
    assert_eq!((leak.file, leak.place), (1, at));
}

#[test]
fn what_every_group_has_is_no_leak() {
    let names = ["Alexander", "Elizabeth", "Margaret", "Jonathan", "Christopher", "Katherine"];
    let group =
        |group: u8| (0..100).map(move |n| (group, 0, format!("{} {}", names[n % 6], n / 6 + usize::from(group))));
    let list = List((0..4).flat_map(group).collect());
    let text = (0..30).map(|n| format!("{} {n}", names[n % 6])).collect::<Vec<_>>().join("\n");
    let outcome = list.scan(3, &[text.as_bytes()]);
    assert!(outcome.findings.iter().all(|finding| !finding.leak), "{outcome:?}");
    assert!(outcome.shared[0] > 0);
    // The same values where only the data set's own are in the text.
    let own: Vec<String> = (0..100).map(digits).collect();
    let mut all: Vec<(u8, usize, String)> = own.iter().map(|text| (OWN, 0, text.clone())).collect();
    all.extend((0..300).map(|n| (1 + (n % 3) as u8, 0, digits(1_000 + n))));
    let outcome = List(all).scan(3, &[own.join("\n").as_bytes()]);
    assert!(outcome.findings.len() == 1 && outcome.findings[0].leak && outcome.findings[0].values == 100);
}

#[test]
fn numbers_in_a_row_are_in_other_columns_by_chance() {
    let own: Vec<String> = (0..1_000).map(|n| format!("{:08}", 10_000_000 + n)).collect();
    let list = List::own(&own.iter().map(String::as_str).collect::<Vec<_>>());
    let text = (0..500).map(|n| (10_000_000 + 2 * n).to_string()).collect::<Vec<_>>().join(",");
    assert!(list.scan(0, &[text.as_bytes()]).findings.iter().all(|finding| !finding.leak));
}

#[test]
fn too_little_memory_is_an_error() {
    let list = List::own(&["123-45-6789"]);
    let size = Size { values: 1 << 40, columns: 1, controls: 0, memory: 1 << 20 };
    assert!(Search::new(&list, size).is_err());
    let values: Vec<String> = (0..10_000).map(digits).collect();
    let list = List(values.iter().map(|text| (1, 0, text.clone())).collect());
    let size = Size { values: 10_000, columns: 1, controls: 1, memory: 256 << 10 };
    let search = Search::new(&list, size).expect("room for the filter");
    let mut scanner = search.scanner();
    scanner.feed(values.join(",").as_bytes(), &|at| at);
    assert!(search.confirm(&list, &[scanner.finish()]).is_err(), "candidates that were dropped are told");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every value with enough letters is found at any offset, in any neighbourhood, under escapes, and across pieces.
    #[test]
    fn nothing_is_missed(
        value in "[ -~]{0,60}",
        before in "[ -~\\x00\\n]{0,40}",
        after in "[ -~\\x00\\n]{0,40}",
        escape in any::<bool>(),
        cut in 0_usize..100,
    ) {
        let list = List::own(&[&value]);
        let mut runs = Runs::default();
        runs.split(value.as_bytes());
        prop_assume!(runs.longest().len() >= LEAST);
        let inner = if escape { serde_json::to_string(&value).expect("JSON") } else { value.clone() };
        // A backslash before the value would be the start of an escape of its own.
        let text = format!("{}{inner}{after}", before.replace('\\', "/"));
        let search = list.search(0);
        let mut scanner = search.scanner();
        let cut = cut.min(text.len());
        scanner.feed(&text.as_bytes()[..(cut + OVERLAP).min(text.len())], &|at| at);
        scanner.feed(&text.as_bytes()[cut..], &|at| at);
        prop_assert_eq!(search.confirm(&list, &[scanner.finish()]).expect("confirms").findings.len(), 1);
    }
}
