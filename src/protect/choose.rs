//! The decision for each column: the profile's wishes, overruled by what the user chose for classes, kinds and columns.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::str::FromStr;

use arrow_schema::{Field, Schema};

use super::{Domain, Handling, chains, generalize, handling, nothing};
use crate::error::{Error, Result, did_you_mean};
use crate::kinds::{self, Kind, Remains};
use crate::notes::{Key, Noted};
use crate::plan::{Disclosure, Known, Plan};

/// A user's choices, from `--protect` and `--deidentify`.
#[derive(Debug, Default)]
pub struct Choice {
    profile: bool,
    safe_harbor: bool,
    /// By class, kind or column, in the order given: later ones win among their like.
    rules: Vec<(Whom, Spec)>,
}

#[derive(Debug)]
enum Whom {
    Class(String),
    Kind(&'static Kind),
    Column(String, String),
}

/// A handling and its domain: `token:patient.mrn`.
#[derive(Debug, Clone)]
pub(super) struct Spec {
    pub(super) handling: &'static Handling,
    pub(super) domain: Option<String>,
}

impl FromStr for Spec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, domain) =
            text.split_once(':').map_or((text, None), |(name, domain)| (name, Some(domain.to_owned())));
        let handling = handling(name)?;
        if domain.is_some() && !handling.takes_domain() {
            return Err(Error::usage(format!("PII-034: `{name}` takes no domain"))
                .hint(format!("{} do", Handling::list(Handling::takes_domain))));
        }
        if domain.as_deref() == Some("") {
            return Err(Error::usage(format!("`{text}`: the domain is empty")));
        }
        Ok(Self { handling, domain })
    }
}

/// The handling of a column, and who asked for it.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The kind of personal data; `None` where the profile names none.
    pub kind: Option<&'static Kind>,
    /// Its class; empty where the profile says none.
    pub class: String,
    /// The handling.
    pub handling: &'static Handling,
    /// The domain; `None` for a handling that takes none, and for cells that are bound to their rows.
    pub domain: Option<String>,
    /// Who asked for it: `profile`, `class`, `kind`, `column`, `key`, `derived` or `safe-harbor`.
    pub by: &'static str,
}

impl Decision {
    /// The handling as text, such as `encrypt` or `token:mrn`.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = self.handling.name;
        self.domain.as_ref().map_or_else(|| name.to_owned(), |domain| format!("{name}:{domain}"))
    }

    /// The table and the column in the plan.
    fn place(&self, plan: &Plan) -> Option<At> {
        let table = plan.table(&self.table).ok()?;
        Some((table, plan.tables[table].columns.iter().position(|column| column.name == self.column)?))
    }

    pub(super) fn path(&self) -> String {
        format!("tables.{}.columns.{}", self.table, self.column)
    }
}

impl Choice {
    /// Reads the values of `--protect`, in their order.
    ///
    /// # Errors
    ///
    /// If one names no class, kind or column of the plan, or no handling.
    pub fn parse(plan: &Plan, protect: &[String], safe_harbor: bool) -> Result<Self> {
        let mut choice = Self { safe_harbor, ..Self::default() };
        for text in protect {
            if text == "profile" {
                choice.profile = true;
                continue;
            }
            let (whom, how) = text.split_once('=').ok_or_else(|| {
                Error::usage(format!("`--protect {text}` has no `=`"))
                    .hint("--protect profile, --protect CLASS=HANDLING or --protect TABLE.COLUMN=HANDLING")
            })?;
            choice.rules.push((Whom::of(plan, whom)?, how.parse()?));
        }
        Ok(choice)
    }

    /// The profile's own wishes.
    #[must_use]
    pub fn profile() -> Self {
        Self { profile: true, ..Self::default() }
    }

    /// Tells whether the user chose nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        !self.profile && !self.safe_harbor && self.rules.is_empty()
    }

    /// The handling of one column, and who asked for it: the column's own rule comes before its kind's, its class's and the
    /// profile's. `None` where nobody asked.
    fn of(&self, table: &str, column: &str, known: Option<&Known>) -> Result<Option<(Spec, &'static str)>> {
        let last = |fits: &dyn Fn(&Whom) -> bool| {
            self.rules.iter().rev().find(|(whom, _)| fits(whom)).map(|(_, spec)| spec.clone())
        };
        if let Some(spec) = last(&|whom| matches!(whom, Whom::Column(t, c) if t == table && c == column)) {
            return Ok(Some((spec, "column")));
        }
        let Some(known) = known else { return Ok(None) };
        if let Some(spec) = last(&|whom| matches!(whom, Whom::Kind(kind) if Some(*kind) == known.kind)) {
            return Ok(Some((spec, "kind")));
        }
        if let Some(spec) = last(&|whom| matches!(whom, Whom::Class(class) if *class == known.class)) {
            return Ok(Some((spec, "class")));
        }
        if self.profile {
            let Some(handling) = &known.handling else {
                return Err(Error::profile(
                    format!("tables.{table}.columns.{column}"),
                    format!(
                        "PII-025: `{column}` is {}, and neither a kind nor a handling says how to write it",
                        known.class
                    ),
                )
                .hint("pii = \"KIND\" (`placebo list kinds`), or a handling (`placebo list handlings`)"));
            };
            let mut spec: Spec = handling.parse()?;
            spec.domain = spec.domain.or_else(|| known.domain.clone().filter(|_| spec.handling.takes_domain()));
            return Ok(Some((spec, "profile")));
        }
        Ok(None)
    }
}

impl Whom {
    fn of(plan: &Plan, text: &str) -> Result<Self> {
        if kinds::class(text).is_some() {
            return Ok(Self::Class(text.to_owned()));
        }
        if let Some(kind) = kinds::find(text) {
            return Ok(Self::Kind(kind));
        }
        let Some((table, column)) = text.split_once('.') else {
            let known =
                kinds::CLASSES.iter().map(|class| class.name).chain(kinds::all().iter().map(|kind| kind.name.as_str()));
            return Err(Error::usage(format!("`{text}` is no class and no kind of personal data"))
                .hint("`placebo list kinds` shows them; a column is TABLE.COLUMN")
                .maybe_hint(did_you_mean(text, known)));
        };
        let at = plan.table(table)?;
        let names = || plan.tables[at].schema.fields().iter().map(|field| field.name().as_str());
        if names().any(|name| name == column) {
            return Ok(Self::Column(table.to_owned(), column.to_owned()));
        }
        Err(Error::usage(format!("`{table}` writes no column `{column}`")).maybe_hint(did_you_mean(column, names())))
    }
}

/// The domain that a column's joinable values belong to: its own, that of the key it repeats, its table's, its kind's.
fn domain(plan: &Plan, table: usize, field: &Field) -> String {
    let schema_of = |name: &str| Some(plan.tables[plan.table(name).ok()?].schema.as_ref());
    domain_of(&plan.tables[table].name, field, &schema_of, 0)
}

/// As [`domain`], in tables whose schemas `schema_of` gives by their names.
pub(super) fn domain_of<'s>(
    table: &str,
    field: &Field,
    schema_of: &dyn Fn(&str) -> Option<&'s Schema>,
    depth: usize,
) -> String {
    if let Some(domain) = field.note(Key::Domain) {
        return domain.to_owned();
    }
    if let Some((to, key)) = field.reference().filter(|_| depth < 100)
        && let Some(key) = schema_of(to).and_then(|schema| schema.field_with_name(key).ok())
    {
        return domain_of(to, key, schema_of, depth + 1);
    }
    match field.note(Key::Pii).filter(|_| !field.is_primary_key()) {
        Some(kind) => kind.to_owned(),
        None => format!("{table}.{}", field.name()),
    }
}

/// Checks that every handling that the profile names is one, with or without a domain.
///
/// # Errors
///
/// If one is unknown, or takes no domain and has one: whether or not a run protects anything, the profile is wrong.
pub fn understood(plan: &Plan) -> Result<()> {
    for table in &plan.tables {
        for (column, marks) in &table.marks {
            for text in marks.iter().filter_map(|mark| mark.handling.as_deref()) {
                text.parse::<Spec>().map_err(|error| {
                    let code = if error.message().starts_with("PII-") { "" } else { "PII-009: " };
                    let path = format!("tables.{}.columns.{column}.handling", table.name);
                    Error::profile(path, format!("{code}{}", error.message()))
                        .maybe_hint(error.hint_text().map(str::to_owned))
                })?;
            }
        }
    }
    Ok(())
}

/// Decides the handling of every written column, clear ones included; no decisions where the user chose nothing.
///
/// # Errors
///
/// If a column cannot be handled as asked: the message begins with the code of the rule, such as `PII-032`.
pub fn decide(plan: &Plan, choice: &Choice) -> Result<Vec<Decision>> {
    let mut all = Vec::new();
    if choice.is_none() {
        return Ok(all);
    }
    understood(plan)?;
    for (at, table) in plan.tables.iter().enumerate() {
        for field in table.schema.fields() {
            let known = plan.known(at, field.name());
            let chosen = if choice.safe_harbor {
                Some((safe_harbor(&table.name, field, known.as_ref())?, "safe-harbor"))
            } else {
                choice.of(&table.name, field.name(), known.as_ref())?
            };
            let (mut spec, by) = chosen.unwrap_or((Spec { handling: &nothing::CLEAR, domain: None }, "profile"));
            let joint = field.is_primary_key() || field.reference().is_some();
            let path = format!("tables.{}.columns.{}", table.name, field.name());
            if spec.handling.binds_rows(spec.domain.as_deref()) && joint {
                // One rule for many columns means their keys as well, in the only way that keys can be encrypted.
                if by == "column" {
                    return Err(Error::profile(
                        path,
                        format!("PII-030: `{}` is a key, and bound to its row it would join nothing", field.name()),
                    )
                    .hint(format!("{}:{} or token", spec.handling.name, domain(plan, at, field))));
                }
                spec.domain = Some(domain(plan, at, field));
            }
            if spec.handling.domain == Domain::OrOwn && spec.domain.is_none() {
                spec.domain = Some(domain(plan, at, field));
            }
            all.push(Decision {
                table: table.name.clone(),
                column: field.name().clone(),
                kind: known.as_ref().and_then(|known| known.kind),
                class: known.map(|known| known.class).unwrap_or_default(),
                handling: spec.handling,
                domain: spec.domain,
                by,
            });
        }
    }
    inherit(plan, &mut all);
    seal_messages(plan, &mut all)?;
    follow_keys(plan, &mut all)?;
    for decision in &all {
        possible(plan, decision)?;
    }
    no_pairs(&all)?;
    chains::possible(plan, &all)?;
    Ok(all)
}

/// A table and a column of it.
type At = (usize, usize);

/// Gives columns that nobody classified the strictest handling of what they hand on, or of what they tell a hash of.
fn inherit(plan: &Plan, all: &mut [Decision]) {
    let mut facts = Disclosure::new(plan);
    let mut protected: Vec<(Decision, Rc<BTreeSet<At>>)> = Vec::new();
    let mut by_fact: BTreeMap<At, Vec<usize>> = BTreeMap::new();
    for one in all.iter().filter(|one| !one.handling.is_clear()) {
        let own = one.place(plan).map(|at| facts.open(at)).unwrap_or_default();
        if let Some(first) = own.first() {
            by_fact.entry(*first).or_default().push(protected.len());
            protected.push((one.clone(), own));
        }
    }
    for one in all.iter_mut().filter(|one| one.handling.is_clear() && one.by == "profile" && one.class.is_empty()) {
        let Some(at) = one.place(plan) else { continue };
        let told: BTreeSet<_> = facts.open(at).union(&facts.hashed(at)).copied().collect();
        let theirs = told.iter().filter_map(|fact| by_fact.get(fact)).flatten().map(|n| &protected[*n]);
        let theirs = theirs.filter(|(_, own)| own.is_subset(&told)).map(|(decision, _)| decision);
        if let Some(strictest) = theirs.min_by_key(|decision| decision.handling.leaves) {
            one.handling = strictest.handling;
            let field =
                plan.tables[at.0].schema.field_with_name(&one.column).ok().filter(|field| field.is_primary_key());
            let alone = field.filter(|_| strictest.handling.binds_rows(strictest.domain.as_deref()));
            one.domain = alone.map(|field| domain(plan, at.0, field)).or_else(|| strictest.domain.clone());
            one.class.clone_from(&strictest.class);
            one.by = "derived";
        }
    }
}

/// Gives a message the handling of its kind where something in it is protected, whatever its own class is: it is written whole, so that
/// it would tell in the clear what is hidden beside it. Without a key to be bound to, equal messages are equal.
fn seal_messages(plan: &Plan, all: &mut [Decision]) -> Result<()> {
    let mut facts = Disclosure::new(plan);
    let mut hidden = BTreeSet::new();
    for one in all.iter().filter(|one| !one.handling.is_clear()) {
        hidden.extend(one.place(plan).map(|at| facts.open(at)).unwrap_or_default().iter().copied());
    }
    for one in all.iter_mut() {
        let Some(at) = one.place(plan).filter(|at| plan.is_message(at.0, at.1)) else { continue };
        let known = plan.known(at.0, &one.column);
        if one.by == "safe-harbor" && !one.handling.is_clear() {
            let message = format!(
                "PII-051: a message is one text, of which Safe Harbor leaves nothing: `{}` would be empty",
                one.table
            );
            return Err(Error::profile(one.path(), message).hint("de-identify tables, and leave out --messages"));
        }
        if one.handling.is_clear() && one.by != "column" && !facts.open(at).is_disjoint(&hidden) {
            let own =
                known.and_then(|known| known.handling).ok_or_else(|| Error::internal("a message without a kind"))?;
            (one.handling, one.domain, one.by) = (own.parse::<Spec>()?.handling, None, "derived");
        }
        let keyed = plan.tables[at.0].schema.fields().iter().any(|field| field.is_primary_key());
        if !keyed && one.handling.binds_rows(one.domain.as_deref()) {
            one.domain = Some(format!("{}.{}", one.table, one.column));
        }
    }
    Ok(())
}

/// Gives foreign keys the handling of the key that they repeat.
fn follow_keys(plan: &Plan, all: &mut [Decision]) -> Result<()> {
    let find = |all: &[Decision], table: &str, column: &str| {
        all.iter().find(|decision| decision.table == table && decision.column == column).cloned()
    };
    let mut changed = true;
    while changed {
        changed = false;
        for at in 0..all.len() {
            let own = all[at].clone();
            let field = plan
                .table(&own.table)
                .ok()
                .and_then(|table| plan.tables[table].schema.field_with_name(&own.column).ok());
            let Some((to, key)) = field.and_then(Noted::reference) else { continue };
            let Some(theirs) = find(all, to, key) else { continue };
            if (own.handling, &own.domain) == (theirs.handling, &theirs.domain) {
                continue;
            }
            if own.handling.is_clear() && own.by != "column" {
                all[at] = Decision { handling: theirs.handling, domain: theirs.domain, by: "key", ..own };
                changed = true;
                continue;
            }
            return Err(Error::profile(
                own.path(),
                format!(
                    "PII-033: it would be {}, and the key `{to}.{key}` that it repeats {}",
                    own.shown(),
                    theirs.shown()
                ),
            )
            .hint("protect the key: what repeats it follows"));
        }
    }
    Ok(())
}

/// Refuses a handling that a column cannot have: as a key, without a key to bind to, of its class, or of its type and kind.
fn possible(plan: &Plan, decision: &Decision) -> Result<()> {
    let Decision { handling, domain, .. } = decision;
    let (name, domain) = (handling.name, domain.as_deref());
    let wrong = |code: &str, what: String| Error::profile(decision.path(), format!("{code}: {what}"));
    let table = &plan.tables[plan.table(&decision.table)?];
    let field = table.schema.field_with_name(&decision.column)?;
    if field.is_primary_key() && !handling.keeps_joins(domain) {
        return Err(wrong(
            "PII-032",
            format!("`{}` is a primary key, and `{name}` does not keep its values apart", decision.column),
        )
        .hint("token or encrypt:DOMAIN do"));
    }
    if handling.binds_rows(domain)
        && table.parent.is_some()
        && !table.schema.fields().iter().any(|field| field.is_primary_key())
    {
        return Err(wrong("PII-031", format!("`{}` has no primary key that cells could be bound to", table.name))
            .hint(format!("mark a column with key = true, or use a domain: {name}:DOMAIN")));
    }
    fits(decision, field)
}

/// Refuses a handling that a column cannot have because of its class, its type or its kind.
pub(super) fn fits(decision: &Decision, field: &Field) -> Result<()> {
    let Decision { handling, class, .. } = decision;
    let name = handling.name;
    let wrong = |code: &str, what: String| Error::profile(decision.path(), format!("{code}: {what}"));
    if !handling.fit_for(class) {
        return Err(match kinds::class(class).map(|class| class.allows) {
            Some(Remains::Nothing) => wrong(
                "PII-040",
                format!(
                    "`{}` is sensitive authentication data: it is not stored, in no form (PCI DSS 3.3.1)",
                    decision.column
                ),
            )
            .hint("handling = \"null\""),
            _ => wrong("PII-045", format!("`{}` is a secret: `{name}` would leave something of it", decision.column))
                .hint(format!("{} do not", Handling::list(|handling| handling.fit_for(class)))),
        });
    }
    (handling.accepts)(field, decision.kind).map_err(|error| error.within(&decision.path()))
}

/// Refuses a keyed hash beside a shortened form of the same number: one is found from the other (PCI DSS 3.5.1).
pub(super) fn no_pairs(all: &[Decision]) -> Result<()> {
    for hashed in all.iter().filter(|decision| decision.handling.leaves == Remains::Hash && decision.class == "pci") {
        let short = all.iter().find(|other| {
            other.table == hashed.table
                && other.class == "pci"
                && other.kind == hashed.kind
                && other.handling.leaves == Remains::Ends
        });
        if let Some(short) = short {
            return Err(Error::profile(
                hashed.path(),
                format!(
                    "PII-044: a hash of a card number beside `{}`, its shortened form: together they give it away",
                    short.column
                ),
            )
            .hint("protect one of them as a token, or leave it out (PCI DSS 3.5.1)"));
        }
    }
    Ok(())
}

/// The handling of a column under 45 CFR 164.514(b)(2).
fn safe_harbor(table: &str, field: &Field, known: Option<&Known>) -> Result<Spec> {
    let path = format!("tables.{table}.columns.{}", field.name());
    let Some(known) = known else {
        return Err(Error::profile(
            path,
            "PII-001: the column is not classified, so nobody knows whether it identifies",
        )
        .hint("pii = \"KIND\" on the column, or its name in `classes` of the table"));
    };
    let spec = |handling: &'static Handling| Ok(Spec { handling, domain: None });
    if known.hipaa == "-" {
        return spec(if nothing::CLEAR.fit_for(&known.class) { &nothing::CLEAR } else { &nothing::NULL });
    }
    if field.is_primary_key() || field.reference().is_some() {
        // A key may not go, because rows are joined by it; a token in its place joins them, and tells nothing.
        let own: Option<Spec> = known.handling.as_deref().and_then(|text| text.parse().ok());
        let joint = |own: &Spec| own.domain.clone().or_else(|| known.domain.clone());
        if let Some(own) = own.filter(|own| !own.handling.is_clear() && own.handling.keeps_joins(joint(own).as_deref()))
        {
            return Ok(Spec { domain: joint(&own).filter(|_| own.handling.takes_domain()), ..own });
        }
        return Err(Error::profile(
            path,
            format!(
                "PII-050: the key `{}` is an identifier (letter {}): it can be neither left out nor kept",
                field.name(),
                known.hipaa
            ),
        )
        .hint("a surrogate key that is derived of nothing (45 CFR 164.514(c)), or a kind that makes a token of it, such as dated_key"));
    }
    let coarse = (generalize::GENERALIZE.accepts)(field, known.kind).is_ok();
    spec(if coarse { &generalize::GENERALIZE } else { &nothing::NULL })
}
