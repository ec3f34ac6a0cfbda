//! Filler text in many languages from the `fake` crate: companies, jobs, user agents, lorem ipsum. All entries of its
//! lists are equally likely. Its version is pinned and part of the engine fingerprint, because the lists may change.
//! Identifiers, numbers, addresses and names of people never come from it, but from data files with a source, or from
//! `identifier`.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use fake::Fake as _;
use fake::faker::company::raw::{Bs, BsAdj, BsNoun, BsVerb, Buzzword, CatchPhrase, CompanyName, CompanySuffix};
use fake::faker::company::raw::{Industry, Profession};
use fake::faker::currency::raw::{CurrencyCode, CurrencyName};
use fake::faker::filesystem::raw::{FileExtension, FileName, MimeType};
use fake::faker::internet::raw::UserAgent;
use fake::faker::job::raw::{Field, Position, Seniority, Title};
use fake::faker::lorem::raw::{Paragraph, Sentence, Word};
use fake::locales::{
    AR_SA, CY_GB, DE_DE, Data, EN, FA_IR, FR_FR, IT_IT, JA_JP, NL_NL, PT_BR, PT_PT, TR_TR, ZH_CN, ZH_TW,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Def, Fill, Generator, Origin, Params, Scope};
use crate::error::{Result, did_you_mean};
use crate::rng::Cell;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Fake>()];

/// A function that draws a text of one kind in a locale.
type Draw<L> = fn(L, &mut Cell) -> String;

/// Lists the kinds, for any locale.
const fn kinds<L: Data + Copy>() -> [(&'static str, Draw<L>); 23] {
    [
        ("company.name", |l, cell| CompanyName(l).fake_with_rng(cell)),
        ("company.suffix", |l, cell| CompanySuffix(l).fake_with_rng(cell)),
        ("company.catch_phrase", |l, cell| CatchPhrase(l).fake_with_rng(cell)),
        ("company.buzzword", |l, cell| Buzzword(l).fake_with_rng(cell)),
        ("company.bs", |l, cell| Bs(l).fake_with_rng(cell)),
        ("company.bs_verb", |l, cell| BsVerb(l).fake_with_rng(cell)),
        ("company.bs_adjective", |l, cell| BsAdj(l).fake_with_rng(cell)),
        ("company.bs_noun", |l, cell| BsNoun(l).fake_with_rng(cell)),
        ("company.industry", |l, cell| Industry(l).fake_with_rng(cell)),
        ("company.profession", |l, cell| Profession(l).fake_with_rng(cell)),
        ("job.title", |l, cell| Title(l).fake_with_rng(cell)),
        ("job.field", |l, cell| Field(l).fake_with_rng(cell)),
        ("job.seniority", |l, cell| Seniority(l).fake_with_rng(cell)),
        ("job.position", |l, cell| Position(l).fake_with_rng(cell)),
        ("internet.user_agent", |l, cell| UserAgent(l).fake_with_rng(cell)),
        ("lorem.word", |l, cell| Word(l).fake_with_rng(cell)),
        ("lorem.sentence", |l, cell| Sentence(l, 5..12).fake_with_rng(cell)),
        ("lorem.paragraph", |l, cell| Paragraph(l, 3..6).fake_with_rng(cell)),
        ("filesystem.file_name", |l, cell| FileName(l).fake_with_rng(cell)),
        ("filesystem.file_extension", |l, cell| FileExtension(l).fake_with_rng(cell)),
        ("filesystem.mime_type", |l, cell| MimeType(l).fake_with_rng(cell)),
        ("currency.code", |l, cell| CurrencyCode(l).fake_with_rng(cell)),
        ("currency.name", |l, cell| CurrencyName(l).fake_with_rng(cell)),
    ]
}

/// A function that draws a text of one kind and locale.
type Filler = Box<dyn Fn(&mut Cell) -> String + Send + Sync>;

fn filler<L: Data + Copy + Send + Sync + 'static>(locale: L, kind: &str) -> Option<Filler> {
    let (_, draw) = kinds::<L>().into_iter().find(|(name, _)| *name == kind)?;
    Some(Box::new(move |cell| draw(locale, cell)))
}

/// A function from a kind to its filler in one locale; `None` for an unknown kind.
type Locale = fn(&str) -> Option<Filler>;

/// The locales of the crate.
const LOCALES: &[(&str, Locale)] = &[
    ("en", |kind| filler(EN, kind)),
    ("ar_sa", |kind| filler(AR_SA, kind)),
    ("cy_gb", |kind| filler(CY_GB, kind)),
    ("de_de", |kind| filler(DE_DE, kind)),
    ("fa_ir", |kind| filler(FA_IR, kind)),
    ("fr_fr", |kind| filler(FR_FR, kind)),
    ("it_it", |kind| filler(IT_IT, kind)),
    ("ja_jp", |kind| filler(JA_JP, kind)),
    ("nl_nl", |kind| filler(NL_NL, kind)),
    ("pt_br", |kind| filler(PT_BR, kind)),
    ("pt_pt", |kind| filler(PT_PT, kind)),
    ("tr_tr", |kind| filler(TR_TR, kind)),
    ("zh_cn", |kind| filler(ZH_CN, kind)),
    ("zh_tw", |kind| filler(ZH_TW, kind)),
];

/// Filler text from the `fake` crate, all entries of its lists equally likely. A locale without a list of its own has
/// the crate's English one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fake {
    /// The kind of text: `company.` `name`, `suffix`, `catch_phrase`, `buzzword`, `bs`, `bs_verb`, `bs_adjective`,
    /// `bs_noun`, `industry`, `profession`; `job.` `title`, `field`, `seniority`, `position`; `internet.user_agent`;
    /// `lorem.` `word`, `sentence`, `paragraph`; `filesystem.` `file_name`, `file_extension`, `mime_type`; `currency.`
    /// `code`, `name`.
    kind: String,
    /// `en` (the default), `ar_sa`, `cy_gb`, `de_de`, `fa_ir`, `fr_fr`, `it_it`, `ja_jp`, `nl_nl`, `pt_br`, `pt_pt`,
    /// `tr_tr`, `zh_cn` or `zh_tw`.
    #[serde(default)]
    locale: Option<String>,
}

impl Params for Fake {
    const NAME: &'static str = "fake";
    const ORIGIN: Origin = Origin::Dictionary;
    const EXAMPLE: &'static str = "kind = \"company.name\"\nlocale = \"fr_fr\"";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let locale = self.locale.as_deref().unwrap_or("en");
        let names = || LOCALES.iter().map(|(name, _)| *name);
        let Some((_, filler)) = LOCALES.iter().find(|(name, _)| *name == locale) else {
            let all = names().collect::<Vec<_>>().join("`, `");
            return Err(scope
                .error("locale", format!("unknown locale `{locale}`"))
                .hint(format!("known locales: `{all}`"))
                .maybe_hint(did_you_mean(locale, names())));
        };
        if let Some(filler) = filler(&self.kind) {
            return Ok(Box::new(Filled(filler)));
        }
        let names = kinds::<EN>().map(|(name, _)| name);
        Err(scope
            .error("kind", format!("unknown kind `{}`", self.kind))
            .hint(format!("known kinds: `{}`", names.join("`, `")))
            .maybe_hint(did_you_mean(&self.kind, names)))
    }
}

struct Filled(Filler);

impl Generator for Filled {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.text(|_, mut cell, out| {
            out.push_str(&(self.0)(&mut cell));
            Some(())
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::testing::{Bed, plan_error, shown};

    fn sample(kind: &str, locale: &str, rows: usize) -> Vec<String> {
        let toml = format!("kind = \"{kind}\"\nlocale = \"{locale}\"");
        shown(&Bed::root(rows).fill("fake", &toml).expect("a column"))
    }

    /// Pins the values: a change here comes from `fake` or `rand`, and must raise the engine fingerprint.
    #[test]
    fn value_stability() {
        let mut lines = Vec::new();
        for (kind, _) in kinds::<EN>() {
            for (locale, _) in LOCALES {
                let values = sample(kind, locale, 2);
                lines.push(format!("{kind} {locale}: {}", values.join(" | ").replace('\n', "⏎")));
            }
        }
        insta::assert_snapshot!("kinds", lines.join("\n"));
    }

    #[test]
    fn no_cell_starts_a_formula_or_is_empty() {
        for (kind, _) in kinds::<EN>() {
            for (locale, _) in LOCALES {
                for cell in sample(kind, locale, 200) {
                    assert!(
                        !cell.is_empty() && !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                        "{kind}: {cell:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_docs_name_every_kind_and_locale() {
        let schema = schemars::schema_for!(Fake).to_value().to_string();
        for name in kinds::<EN>().map(|(name, _)| name).into_iter().chain(LOCALES.iter().map(|(name, _)| *name)) {
            let last = name.split('.').next_back().unwrap_or(name);
            assert!(schema.contains(&format!("{last}`")), "{name}");
        }
        assert!(plan_error("fake", "kind = \"name.first\"").contains("unknown kind `name.first`"));
        assert!(plan_error("fake", "kind = \"job.title\"\nlocale = \"xx\"").contains("unknown locale `xx`"));
    }
}
