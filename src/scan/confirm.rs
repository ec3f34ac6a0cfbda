//! Candidates compared with the values, and hits judged against chance.

use std::collections::{BTreeMap, BTreeSet};

use super::chance::{self, Hits};
use super::windows::{self, LEAST, Runs};
use super::{ALLOWED, Candidates, Finding, MOST_SHAPES, Outcome, Search, Spot, Values};
use crate::error::{Error, Kind, Result};

/// The probability that chance makes any finding of a search, below which findings are leaks.
const SIGNIFICANT: f64 = 1e-3;

impl Search {
    /// Holds the candidates of all files against the values, and counts what is really there.
    ///
    /// # Errors
    ///
    /// If the values cannot be made, or there were more candidates than the memory holds and none is a leak.
    pub fn confirm<P: Clone>(&self, values: &dyn Values, files: &[Candidates<P>]) -> Result<Outcome<P>> {
        let wanted: BTreeSet<u64> = files.iter().flat_map(|file| file.found.keys().copied()).collect();
        let mut known: BTreeMap<u64, Vec<Known>> = BTreeMap::new();
        let mut runs = Runs::default();
        if !wanted.is_empty() {
            values.each(&mut |value| {
                runs.split(value.text);
                let run = runs.longest();
                let letters = runs.get(run.clone());
                let hash = windows::value(windows::polynomial(letters), letters.len());
                if letters.len() >= LEAST && wanted.contains(&hash) {
                    let all = known.entry(hash).or_default();
                    let groups = 1_u32 << value.group.min(ALLOWED);
                    match all.iter_mut().find(|known| known.column == value.column && *known.letters == *letters) {
                        Some(known) => known.groups |= groups,
                        None => all.push(Known {
                            column: value.column,
                            groups,
                            letters: letters.into(),
                            written: value.text[runs.place(&run)].into(),
                        }),
                    }
                }
                Ok(())
            })?;
        }
        let mut outcome = Outcome { findings: Vec::new(), shared: vec![0; self.columns.len()] };
        for (number, file) in files.iter().enumerate() {
            self.judge(number, file, &known, &mut outcome);
        }
        // The more pairs of a column and a file there are, the more of them look improbable.
        let pairs = outcome.findings.len().max(1) as f64;
        for finding in &mut outcome.findings {
            finding.leak &= finding.p < SIGNIFICANT / pairs;
        }
        if files.iter().any(|file| file.full) && !outcome.findings.iter().any(|finding| finding.leak) {
            return Err(Error::new(Kind::Usage, "more places look like values than the memory holds")
                .hint("more memory allows more of them"));
        }
        Ok(outcome)
    }

    /// The hits in one file.
    fn judge<P: Clone>(
        &self,
        number: usize,
        file: &Candidates<P>,
        known: &BTreeMap<u64, Vec<Known>>,
        outcome: &mut Outcome<P>,
    ) {
        let mut columns: BTreeMap<usize, [Tally<P>; 2]> = BTreeMap::new();
        for (hash, candidate) in &file.found {
            for known in known.get(hash).into_iter().flatten().filter(|known| known.letters == candidate.letters) {
                if !known.groups.is_power_of_two() {
                    outcome.shared[known.column] += u64::from(known.groups & 1);
                    continue;
                }
                let group = known.groups.trailing_zeros() as usize;
                let exact = candidate.spellings.iter().find(|(text, _)| *text == known.written);
                let tallies = columns.entry(known.column).or_insert_with(|| [Tally::new(self), Tally::new(self)]);
                let tally = &mut tallies[usize::from(exact.is_none())];
                match group {
                    0 => {
                        tally.hits.own += 1;
                        let spot = exact.map_or(&candidate.first, |(_, spot)| spot);
                        if tally.first.as_ref().is_none_or(|first| spot.order < first.order) {
                            tally.first = Some(spot.clone());
                        }
                        tally.count_form(self, file, known, exact.is_some());
                    }
                    _ => {
                        if let Some(count) = tally.hits.control.get_mut(group - 1) {
                            *count += 1;
                        }
                    }
                }
            }
        }
        for (column, tallies) in columns {
            let judged = tallies.into_iter().filter_map(|tally| {
                let place = tally.first.as_ref()?.place.clone();
                let hits = tally.hits();
                let verdict = hits.judge();
                Some(Finding {
                    column,
                    file: number,
                    place,
                    values: hits.own,
                    expected: verdict.expected,
                    p: verdict.p,
                    leak: verdict.more,
                })
            });
            outcome.findings.extend(judged.min_by(|a, b| a.p.total_cmp(&b.p)));
        }
    }
}

impl<P> Candidates<P> {
    /// Counts the places at which at least `length` digits follow each other.
    fn digit_windows(&self, length: usize) -> u64 {
        let longer = self.digits.iter().enumerate().skip(length);
        longer.map(|(digits, count)| count * (digits - length + 1) as u64).sum::<u64>().max(1)
    }
}

/// A value that is in the text.
struct Known {
    column: usize,
    /// A bit for each group that has it.
    groups: u32,
    letters: Box<[u8]>,
    written: Box<[u8]>,
}

/// Hits of one column in one file: of words exactly as they are written, or of any other place.
struct Tally<P> {
    hits: Hits,
    first: Option<Spot<P>>,
    /// Hits by chance for each shape.
    forms: BTreeMap<u64, f64>,
    formless: bool,
}

impl<P> Tally<P> {
    fn new(search: &Search) -> Self {
        let hits = Hits { own: 0, control: vec![0; usize::from(search.controls)], form: None };
        Self { hits, first: None, forms: BTreeMap::new(), formless: false }
    }

    /// Adds the number of hits that the form of a value explains: by the words of its shape if it has one, else by the number
    /// of places with as many digits or letters.
    fn count_form(&mut self, search: &Search, file: &Candidates<P>, known: &Known, exact: bool) {
        let Some(shape) = chance::shape(&known.written) else {
            self.formless = true;
            return;
        };
        let places = match exact {
            true if file.shapes.len() < MOST_SHAPES => file.shapes.get(&shape).copied().unwrap_or(1),
            true => file.words,
            false if known.letters.iter().all(u8::is_ascii_digit) => file.digit_windows(known.letters.len()),
            false => file.bytes,
        };
        let looked = &search.columns[known.column];
        let bits = looked.ranges.bits(&known.written);
        let expected = places as f64 * looked.values as f64 / libm::exp2(bits);
        let form = self.forms.entry(shape).or_insert(expected);
        *form = form.max(expected);
    }

    fn hits(&self) -> Hits {
        let form = (!self.formless).then(|| self.forms.values().sum());
        Hits { form, ..self.hits.clone() }
    }
}
