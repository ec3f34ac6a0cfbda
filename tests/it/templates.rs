//! Templates: messages made of rows, in every syntax, as tables and as texts.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::run::{good, placebo};

/// A world with the values that a test needs: owners with pets, and a doctor that an owner refers to.
const WORLD: &str = r#"
name = "pets"
as_of = 2025-06-30
[params.greeting]
value = "Hello"
[tables.doctor]
rows = 2
[tables.doctor.columns]
doctor_id = { expr = "row + 1", key = true }
name = "CASE row WHEN 0 THEN 'Ng & Sons' ELSE 'O''Hara' END"
[tables.owner]
rows = 6
chunk = 2
[tables.owner.refs]
doctor = { table = "doctor", pick = "row", at = "row % 2" }
[tables.owner.let]
secret = "'s' || CAST(row AS text)"
[tables.owner.columns]
owner_id = { expr = "row + 1", key = true }
doctor_id = "doctor.doctor_id"
name = { gen.line = { file = "names.csv", column = "name" } }
since = "DATE '2024-02-28' + row"
seen_at = "CAST(DATE '2024-02-28' AS timestamp) + INTERVAL 90061 SECOND"
balance = "CAST(row * 12.5 AS decimal(9,2))"
score = "row / 4.0"
note = { expr = "'n' || CAST(row AS text)", when = "row % 2 = 0" }
happy = "row % 3 = 0"
[tables.pet]
of = "owner"
count = "owner.row % 4"
[tables.pet.columns]
owner_id = { expr = "owner.owner_id", key = true }
number = { expr = "ordinal", key = true }
kind = "CASE ordinal WHEN 1 THEN 'cat' WHEN 2 THEN 'dog' ELSE 'fox' END"
born = "DATE '2024-03-01' - ordinal"
[tables.visit]
of = "pet"
count = "2"
[tables.visit.columns]
visit_id = { gen.uuid = {}, key = true }
price = "CAST(10 * pet.number + ordinal AS decimal(6,2))"
"#;

/// A folder with the world and a template in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(names: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("data")).expect("a folder");
        let world = WORLD.replace("gen.line = { file = \"names.csv\", column = \"name\" }", "NAMES");
        let names: Vec<String> = names.lines().map(|name| name.replace('\'', "''")).collect();
        let cases = names.iter().enumerate().map(|(n, name)| format!("WHEN {n} THEN '{name}' "));
        let world = world.replace(
            "{ NAMES }",
            &toml_text(&format!("CASE row WHEN -1 THEN '' {}ELSE 'Ann' END", cases.collect::<String>())),
        );
        fs::write(folder.path().join("profile.toml"), world).expect("writes");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("text").to_owned()
    }

    fn profile(&self) -> String {
        self.path("profile.toml")
    }

    /// Writes a template of owners, and gives its path.
    fn template(&self, name: &str, syntax: &str, more: &str, body: &str) -> String {
        let text = format!(
            "+++\nabout = \"A test\"\nrow = \"owner\"\nsyntax = \"{syntax}\"\nclass = \"pii\"\n{more}+++\n{body}"
        );
        fs::write(self.path(name), text).expect("writes");
        self.path(name)
    }

    /// The messages of a template, from the lines of a run of `render`.
    fn lines(&self, template: &str, more: &[&str]) -> Vec<String> {
        let profile = self.profile();
        let args = [&["render", &profile, template, "-q", "--framing", "lines"], more].concat();
        let text = String::from_utf8(good(&args).stdout).expect("text");
        text.split_terminator('\n').map(str::to_owned).collect()
    }

    /// Runs `render` into a refusal, and gives what was said.
    fn refused(&self, template: &str) -> String {
        let profile = self.profile();
        let out = placebo(&["render", &profile, template, "-q"]).output().expect("runs");
        assert_eq!(out.status.code(), Some(3), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stderr).expect("text")
    }
}

/// Runs to a bad end, and gives what was said.
fn bad(args: &[&str], code: i32) -> String {
    let out = placebo(args).output().expect("runs");
    let said = String::from_utf8(out.stderr).expect("text");
    assert_eq!(out.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// A text as TOML has it.
fn toml_text(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

#[test]
fn delimited_records_have_escapes_and_no_empty_ends() {
    let place = Place::new("A|B^C&D~E\\F\nBo\t\u{1f600}");
    let body = "MSH|^~\\&|{{ params.greeting }}|{{ as_of }}||\nPID|1||{{ name }}^^^||{{ since }}|{{ seen_at }}|{{ balance }}|\n\
        ZZZ|{{ note }}\nNTE|1|{{ note ! }}\n{% for p in pet order by p.kind desc limit 2 %}\nPET|{{ loop.index }}|{{ p.kind }}^{{ p.born }}\n\
        {% else %}\nNOP|none\n{% endfor %}\n";
    let template = place.template("m.hl7.j2", "hl7", "", body);
    let lines = place.lines(&template, &[]);
    assert_eq!(lines.len(), 6);
    let first = "MSH|^~\\&|Hello|20250630||\rPID|1||A\\F\\B\\S\\C\\T\\D\\R\\E\\E\\F||20240228|20240229010101+0000|0.00\r\
        ZZZ|n0\rNTE|1|n0\rNOP|none\r";
    assert_eq!(lines[0], first);
    let second = "MSH|^~\\&|Hello|20250630||\rPID|1||Bo\\X09\\\u{1f600}||20240229|20240229010101+0000|12.50\rPET|1|cat^20240229\r";
    assert_eq!(lines[1], second, "a segment without a value is left out");
    assert!(lines[3].ends_with("PET|1|fox^20240227\rPET|2|dog^20240228\r"), "{}", lines[3]);
    let x12 = "ST*837*{{ owner_id }}~\nN3*{{ note }}**~\nAMT*{{ balance }}~\nHL*{{ next('hl') : 3 }}~HL*{{ next('hl') }}*{{ last('hl') }}~\nSE*{{ records() }}*{{ owner_id }}~\n";
    let template = place.template("x.x12.j2", "x12", "", x12);
    let lines = place.lines(&template, &[]);
    assert_eq!(lines[1], "ST*837*2~AMT*12.5~HL*001~HL*2*2~SE*5*2~");
    assert_eq!(lines[2], "ST*837*3~N3*n2~AMT*25~HL*001~HL*2*2~SE*6*3~");
    let template = place.template("y.x12.j2", "x12", "", "NM1*{{ name }}~");
    let said = place.refused(&template);
    assert!(said.contains("the message of ") && said.contains("`name`: the character `"), "{said}");
}

#[test]
fn json_and_xml_leave_out_what_has_no_value() {
    let place = Place::new("Q\"\\\u{7}<&>\u{5d0}");
    let body = "{ \"id\": \"owner/{{ owner_id }}\", \"ref\": \"note/{{ note }}\", \"name\": {{ name }}, \"at\": {{ seen_at }}, \"on\": {{ since }},\n\
        \"pets\": [{% for p in pet %}{ \"kind\": {{ p.kind }}, \"last\": {% if loop.last %}true{% else %}false{% endif %} },{% endfor %}],\n\
        \"coding\": [{ \"system\": \"s\", \"code\": {{ note ! }} }], \"balance\": {{ balance }}, \"happy\": {{ happy }} }\n";
    let template = place.template("j.ndjson.j2", "json", "", body);
    let lines = place.lines(&template, &[]);
    let first = "{\"id\":\"owner/1\",\"ref\":\"note/n0\",\"name\":\"Q\\\"\\\\\\u0007<&>\u{5d0}\",\"at\":\"2024-02-29T01:01:01Z\",\
        \"on\":\"2024-02-28\",\"coding\":[{\"system\":\"s\",\"code\":\"n0\"}],\"balance\":0.00,\"happy\":true}";
    assert_eq!(lines[0], first);
    let second = "{\"id\":\"owner/2\",\"name\":\"Ann\",\"at\":\"2024-02-29T01:01:01Z\",\"on\":\"2024-02-29\",\
        \"pets\":[{\"kind\":\"cat\",\"last\":true}],\"balance\":12.50,\"happy\":false}";
    assert_eq!(lines[1], second);
    let place = Place::new("<a&\"b\">");
    let body = "<?xml version=\"1.0\"?>\n<o id=\"{{ owner_id }}\" note=\"{{ note }}\">\n  <n>{{ name }}</n>\n  <e><f>{{ note }}</f></e>\n\
        <amt ccy=\"EUR\">{{ note }}</amt>\n <kept a=\"1\"/>\n <g><h>{{ note ! }}</h><i>x</i></g>\n <code code=\"{{ note ! }}\" s=\"t\"/></o>\n";
    let template = place.template("o.xml.j2", "xml", "", body);
    let lines = place.lines(&template, &[]);
    let first = "<?xml version=\"1.0\"?><o id=\"1\" note=\"n0\"><n>&lt;a&amp;&quot;b&quot;&gt;</n><e><f>n0</f></e><amt ccy=\"EUR\">n0</amt>\
        <kept a=\"1\"/><g><h>n0</h><i>x</i></g><code code=\"n0\" s=\"t\"/></o>";
    assert_eq!(lines[0], first);
    assert_eq!(lines[1], "<?xml version=\"1.0\"?><o id=\"2\"><n>Ann</n><kept a=\"1\"/></o>");
}

#[test]
fn loops_nest_and_compare_and_names_are_set() {
    let place = Place::new("");
    fs::write(place.path("_pet.txt.j2"), "{% set label = upper(p.kind) %}\n").expect("writes");
    let body = "{% set d = owner.doctor %}{{ d.name }}:{% for p in pet if p.born >= owner.since - 1 and p.kind <> 'fox' %}\
        {% include \"_pet.txt.j2\" %}{{ label }}({% for v in p.visit order by v.price desc %}{{ loop.parent.index }}.{{ loop.index }}={{ v.price }}\
        {% if not loop.last %},{% endif %}{% endfor %}){% endfor %} {{ sum(visit.price) }} {{ secret }}";
    let quoted = "{{ 'a'' || ''b' }}{% if name = 'N0'' OR ''x''=''x' %}WRONG{% endif %}{% for p in pet if p.kind = 'q'' OR ''x''=''x' %}WRONG{% endfor %}";
    let template = place.template("quoted.txt.j2", "text", "", quoted);
    assert_eq!(place.lines(&template, &[])[3], "a' || 'b");
    let seen = "{% for p in pet %}{% for v in p.visit if v.price > owner.owner_id and v.price > length('abcdef') and (v.price > 11) = true %}\
        {{ v.price }} {% endfor %}{% endfor %}{% for d in pet if d.born <= owner.seen_at and d.number < owner.balance %}{{ d.kind }}{% endfor %}";
    let template = place.template("seen.txt.j2", "text", "", seen);
    assert_eq!(place.lines(&template, &[])[1], "12.00 cat");
    let pairs = "{% for p in pet %}{% for q in owner.pet if q.number > p.number %}{{ p.kind }}<{{ q.kind }} {% endfor %}{% endfor %}";
    let template = place.template("pairs.txt.j2", "text", "", pairs);
    assert_eq!(place.lines(&template, &[])[3], "cat<dog cat<fox dog<fox ");
    let template = place.template("n.txt.j2", "text", "when = \"owner_id < 4\"\n", body);
    let expected =
        ["Ng & Sons:  s0", "O'Hara:CAT(1.1=12.00,1.2=11.00) 23.00 s1", "Ng & Sons:CAT(1.1=12.00,1.2=11.00) 66.00 s2"];
    assert_eq!(place.lines(&template, &[]), expected);
    assert_eq!(place.lines(&template, &["--where", "owner_id > 1 OR false"]).len(), 2);
    let said = bad(&["render", &place.profile(), &template, "--where", "ownr_id = 1"], 2);
    assert!(
        said.contains("`--where ownr_id = 1`: unknown column `ownr_id`") && said.contains("did you mean"),
        "{said}"
    );
    let said = bad(&["render", "claims", "adt_a01"], 3);
    assert!(said.contains("`adt_a01` is a template of the profile `healthcare`"), "{said}");
}

#[test]
fn mistakes_are_told_with_their_line() {
    let place = Place::new("");
    let cases = [
        ("{{ nam }}", "unknown column `nam`", "did you mean `name`?"),
        ("x\n{% for p in pets %}{% endfor %}", "`pets` is not a child table", "did you mean `pet`?"),
        ("{% for p in pet %}{{ p.knd }}{% endfor %}", "unknown column `knd`", "did you mean `kind`?"),
        ("{% for p in pet %}{{ p.number + number }}{% endfor %}", "`number` is ambiguous", "write `p.number`"),
        ("{% for p in pet if name = 'x' %}{% endfor %}", "does not look at the row of the loop", "`p.NAME`"),
        (
            "{% for p in pet %}{% for q in owner.pet %}{{ q.number + p.number }}{% endfor %}{% endfor %}",
            "one expression cannot use both `p` and `q`",
            "compare",
        ),
        ("{% for p in pet %}{% for p in visit %}{% endfor %}{% endfor %}", "`p` is the name of a row", "another name"),
        (
            "{% set p = owner %}{% for p in pet %}{% endfor %}",
            "`p` is the name of a row or of an expression",
            "another name",
        ),
        ("{{ loop.index }}", "outside of its loop", ""),
        ("{% if loop.first %}{% endif %}", "outside of a loop", ""),
        ("{% for p in pet %}", "the tag is not closed", "endfor"),
        ("{% if name %}{% endif %}", "boolean is meant", "text"),
        ("{% endif %}", "`endif` closes nothing", ""),
        ("{% fro p in pet %}", "unknown tag `fro`", "`for`"),
        ("{{ name", "`}}` is missing", ""),
        ("{{ }}", "the expression is missing", ""),
        ("{% include \"_none.j2\" %}", "no file `_none.j2`", ""),
        ("{% set x %}", "expected `set NAME = EXPRESSION`", ""),
        ("{{ range(5) }}", "range", ""),
        ("\u{7}", "u{7}", ""),
    ];
    for (body, what, hint) in cases {
        let said = place.refused(&place.template("bad.txt.j2", "text", "", body));
        assert!(said.contains(what) && said.contains(hint) && said.contains("bad.txt.j2:"), "{body}\n{said}");
    }
    for (syntax, body, what) in [
        ("json", "{ \"a\": }", "where a value is expected"),
        ("json", "{ a: 1 }", "the name of a member"),
        ("json", "{} x", "where the end is expected"),
        ("xml", "<a><b></a>", "closes `a` where `b` is open"),
        ("xml", "<a>", "does not close `a`"),
        ("fixed94", "short\n", "5 characters instead of 94"),
        ("json", "{\"a\": 01}", "where a value is expected"),
        ("json", "{\"a\": {{ next('k') : 3 }}}", "where a value is expected"),
        ("json", "{\"a\": \"\\q\"}", "an invalid escape"),
        ("json", "{\"a\": \"x\ny\"}", "a control character"),
        ("xml", "<a/><b/>", "a second element"),
        ("xml", "<a>x & y</a>", "which is not a reference"),
        ("xml", "<a b=\"1\" b=\"2\"/>", "repeats the attribute `b`"),
        ("xml", "<1a/>", "is not the name of an element"),
        ("text", "{{ score * 1e308 * 1e9 }}", "is not a number"),
    ] {
        let said = place.refused(&place.template("bad.txt.j2", syntax, "", body));
        assert!(said.contains(what) && said.contains("the message of "), "{body}\n{said}");
    }
    for (head, what) in [
        ("row = \"ownr\"\n", "did you mean `owner`?"),
        ("rows = 5\n", "unknown field"),
        ("params.greeting.value = \"Bye\"\n", "`greeting` is Bye here, and Hello before"),
        ("when = \"nme = 'x'\"\n", "unknown column `nme`"),
    ] {
        let given = ["row = \"owner\"\n", "syntax = \"text\"\nclass = \"pii\"\nabout = \"x\"\n"];
        let own = if head.starts_with("row = ") { "" } else { given[0] };
        fs::write(place.path("head.txt.j2"), format!("+++\n{own}{}{head}+++\nx", given[1])).expect("writes");
        let said = place.refused(&place.path("head.txt.j2"));
        assert!(said.contains(what) && said.contains("head.txt.j2"), "{head}\n{said}");
    }
}

/// The templates of SECURITY's kind that take forever elsewhere: here none can be written, or it ends at its limit.
#[test]
fn bombs_end_at_once() {
    let place = Place::new("");
    let nested = "{% for p in pet %}".repeat(40) + &"{% endfor %}".repeat(40);
    let doubled = (0..40)
        .fold("{% set x0 = name %}".to_owned(), |text, n| text + &format!("{{% set x{} = x{n} || x{n} %}}", n + 1))
        + "{{ x40 }}";
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5_000), ")".repeat(5_000));
    let long = "{{ repeat(name, 1000000000) }}{{ rpad(name, 2000000000, 'x') }}".to_owned();
    let itself = "{% include \"bomb.txt.j2\" %}".to_owned();
    for body in [nested, doubled, deep, long, itself] {
        let template = place.template("bomb.txt.j2", "text", "", &body);
        let start = Instant::now();
        let said = place.refused(&template);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}: {said}", start.elapsed());
    }
    let empty = format!(
        "{}{{% if p0.number = 0 %}}1{{% endif %}}{}",
        (0..21).map(|n| format!("{{% for p{n} in owner.pet %}}")).collect::<Vec<_>>().concat(),
        "{% endfor %}".repeat(21)
    );
    let template = place.template("empty.txt.j2", "text", "", &empty);
    let start = Instant::now();
    let said = place.refused(&template);
    assert!(
        start.elapsed() < Duration::from_secs(5) && said.contains("the loops of one message have more than"),
        "{said}"
    );
    fs::write(place.path("_big.txt.j2"), "x".repeat(1 << 20)).expect("writes");
    let template = place.template("big.txt.j2", "text", "", &"{% include \"_big.txt.j2\" %}".repeat(1_500));
    assert!(place.refused(&template).contains("the files that are included have more than"));
    let many = "{% for p in pet %}{% for q in owner.pet %}{{ rpad('x', 1000, 'x') }}{% endfor %}{% endfor %}";
    let template = place.template("many.txt.j2", "text", "", many);
    let profile = place.profile();
    let said = bad(&["render", &profile, &template, "-q", "--max-cell", "2000"], 3);
    assert!(said.contains("the message is longer than 2000 bytes"), "{said}");
}

#[test]
fn messages_are_rows_like_any_other() {
    let place = Place::new("");
    let body = "{{ name }} {{ owner_id }}\n{% for p in pet %}\n{{ p.kind }}\n{% endfor %}\n";
    let template = place.template("n.txt.j2", "text", "", body);
    let (profile, out) = (place.profile(), place.path("out"));
    for (framing, file, bytes) in [
        ("tar", "n.tar", "00000001.txt"),
        ("mllp", "n.mllp", "\u{b}Ann 1\n\u{1c}\r"),
        ("length", "n.bin", "\0\u{6}Ann 1\n"),
    ] {
        good(&["render", &profile, &template, "--framing", framing, "--out", &out, "--overwrite", "-q"]);
        let text = fs::read(Path::new(&out).join(file)).expect("the file");
        assert!(text.starts_with(bytes.as_bytes()), "{framing}");
        let said = String::from_utf8(
            good(&["verify", &out, "--profile", &profile, "--messages", &template, "--replay", "all"]).stdout,
        );
        assert!(said.expect("text").contains("6 rows"), "{framing}");
        let chunked = place.path(&format!("chunked-{framing}"));
        good(&["render", &profile, &template, "--framing", framing, "--out", &chunked, "--chunk-rows", "1", "-q"]);
        assert_eq!(
            fs::read(Path::new(&chunked).join(file)).expect("the file"),
            text,
            "{framing}: bytes depend on chunks"
        );
    }
    let parts: Vec<u8> = (1..=3)
        .flat_map(|part| {
            good(&["render", &profile, &template, "--framing", "mllp", "--part", &format!("{part}/3"), "-q"]).stdout
        })
        .collect();
    let whole = good(&["render", &profile, &template, "--framing", "mllp", "-q"]).stdout;
    assert_eq!(parts, whole);
    // Damage is found.
    let file = Path::new(&out).join("n.bin");
    let mut bytes = fs::read(&file).expect("the file");
    bytes[3] ^= 1;
    fs::write(&file, bytes).expect("writes");
    bad(&["verify", &out, "--profile", &profile, "--messages", &template], 6);
    // A table beside others, in a format and in a database.
    let both = place.path("both");
    good(&["generate", &profile, "--messages", &template, "--format", "ndjson", "--out", &both, "-q"]);
    let lines = fs::read_to_string(Path::new(&both).join("n.ndjson")).expect("the table");
    assert!(lines.starts_with("{\"owner_id\":1,\"message\":\"Ann 1\\n\"}"), "{lines}");
    let said = String::from_utf8(good(&["verify", &both, "--profile", &profile, "--messages", &template]).stdout)
        .expect("text");
    assert!(said.contains("foreign keys"), "{said}");
    let schema = fs::read_to_string(Path::new(&both).join("schema.sql")).expect("the schema");
    assert!(schema.contains("FOREIGN KEY (\"owner_id\") REFERENCES \"owner\" (\"owner_id\")"), "{schema}");
    let database = format!("sqlite:{}", place.path("x.db"));
    good(&["load", &profile, "--messages", &template, "--to", &database, "-q"]);
    good(&["verify", "--database", &database, "--profile", &profile, "--messages", &template]);
    // A run of other messages is not continued: whatever decides about them is in the digest.
    let digest = |only: Option<&str>, bare: bool, name: &str| {
        fs::copy(&template, place.path(name)).expect("copies");
        let templates = [place.path(name)];
        let messages = placebo::profile::Messages { templates: &templates, only, bare };
        placebo::profile::load(&profile).expect("loads").with_messages(&messages).expect("adds").digest
    };
    let all = [
        digest(None, false, "a.txt.j2"),
        digest(Some("true"), false, "a.txt.j2"),
        digest(None, true, "a.txt.j2"),
        digest(None, false, "b.txt.j2"),
    ];
    assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    // What `--tables` leaves out is told.
    let said = bad(
        &["generate", &profile, "--messages", &template, "--tables", "owner", "--out", &place.path("none"), "-q"],
        2,
    );
    assert!(said.contains("leaves out the messages `n`"), "{said}");
    fs::copy(&template, place.path("My-N.txt.j2")).expect("copies");
    assert!(bad(&["render", &profile, &place.path("My-N.txt.j2"), "-q"], 2).contains("is not a name for a template"));
    // Without the template, the profile is another one.
    let said = bad(&["verify", &both, "--profile", &profile], 2);
    assert!(said.contains("unknown template `n`"), "{said}");
    let said = bad(&["generate", &profile, "--format", "messages", "--out", &place.path("t"), "-q"], 2);
    assert!(said.contains("takes messages alone"), "{said}");
}

#[test]
fn a_protected_message_is_sealed_as_a_whole() {
    let place = Place::new("Zachariasiewicz");
    let template = place.template("n.txt.j2", "text", "", "{{ name }} {{ owner_id }}");
    let (profile, out, keys) = (place.profile(), place.path("out"), place.path("k.key"));
    good(&["keys", "new", "--keyring", &keys]);
    good(&[
        "generate",
        &profile,
        "--messages",
        &template,
        "--tables",
        "n",
        "--protect",
        "profile",
        "--keyring",
        &keys,
        "--out",
        &out,
        "-q",
    ]);
    let text = fs::read_to_string(Path::new(&out).join("n.csv")).expect("the table");
    assert!(!text.contains("Zacharia") && text.lines().count() == 7, "{text}");
    // Its own class is `pii`, and what is hidden in it another one: it is sealed all the same, also alone.
    fs::write(
        place.path("profile.toml"),
        fs::read_to_string(&profile)
            .expect("a profile")
            .replace("secret = ", "secret_of = ")
            .replace("happy = \"row % 3 = 0\"", "happy = { expr = \"'MRN' || CAST(row AS text)\", pii = \"mrn\" }"),
    )
    .expect("writes");
    let template = place.template("n.txt.j2", "text", "", "{{ happy }}");
    let clear = place.lines(&template, &[]);
    assert_eq!(clear[1], "MRN1");
    good(&[
        "render",
        &profile,
        &template,
        "--protect",
        "phi=encrypt",
        "--keyring",
        &keys,
        "--framing",
        "lines",
        "--out",
        &out,
        "--overwrite",
        "-q",
    ]);
    let text = fs::read_to_string(Path::new(&out).join("n.txt")).expect("the messages");
    assert!(!text.contains("MRN") && text.lines().count() == 6, "{text}");
    let opened = place.path("opened");
    good(&["decrypt", &out, "--keyring", &keys, "--out", &opened]);
    assert_eq!(
        fs::read_to_string(Path::new(&opened).join("n.txt")).expect("the messages").lines().collect::<Vec<_>>(),
        clear
    );
}

#[test]
fn a_new_template_makes_messages_and_its_pages_tell_the_truth() {
    let folder = tempfile::tempdir().expect("a folder");
    let listed = String::from_utf8(good(&["list", "syntaxes"]).stdout).expect("text");
    let syntaxes: Vec<&str> = listed.lines().skip(2).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(syntaxes.len() >= 7);
    for syntax in syntaxes {
        let run = |args: &[&str]| placebo(args).current_dir(folder.path()).output().expect("runs");
        let made = run(&["new", "mine", "--template", syntax]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let said = String::from_utf8(made.stdout).expect("text");
        let file = said.split_whitespace().nth(1).expect("a name").trim_end_matches(':').to_owned();
        let rendered = run(&["render", "healthcare", &format!("./{file}"), "--rows", "patient=3", "-q"]);
        assert!(rendered.status.success(), "{syntax}: {}", String::from_utf8_lossy(&rendered.stderr));
        assert!(rendered.stdout.len() > 100, "{syntax}");
        fs::remove_file(folder.path().join(file)).expect("removes");
    }
}

/// The shipped templates by their profile, as the program lists them.
fn shipped() -> Vec<(String, Vec<String>)> {
    let listed = String::from_utf8(good(&["list", "templates"]).stdout).expect("text");
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in listed.lines().skip(2) {
        let [name, profile] = [0, 1].map(|at| line.split_whitespace().nth(at).expect("a word").to_owned());
        match all.iter_mut().find(|(known, _)| *known == profile) {
            Some((_, names)) => names.push(name),
            None => all.push((profile, vec![name])),
        }
    }
    all
}

#[test]
fn every_shipped_template_makes_messages_that_verify() {
    let all = shipped();
    assert!(all.len() >= 4 && all.iter().map(|(_, names)| names.len()).sum::<usize>() > 100);
    for (profile, names) in all {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().to_str().expect("text");
        // Scaled so that what is rare is there too: a stay, a merge, a chargeback, a sealed entry.
        let size: &[&str] = match profile.as_str() {
            "healthcare" => &["--rows", "patient=120"],
            _ => &["--scale", "0.02"],
        };
        good(&[&["render", &profile, &names.join(","), "--out", out, "--threads", "2", "-q"], size].concat());
        for name in &names {
            let with = |entry: &std::path::PathBuf| entry.file_stem().is_some_and(|stem| stem == name.as_str());
            let mut entries = fs::read_dir(out).expect("a folder").map(|entry| entry.expect("an entry").path());
            assert!(entries.any(|entry| with(&entry)), "{name}");
        }
        let said = String::from_utf8(good(&["verify", out, "--replay", "all"]).stdout).expect("text");
        assert!(said.contains("derived again"), "{profile}: {said}");
    }
}
