//! The ways to tamper with a trail, and the entry at which the chain of each shows it.

use super::links::{Entry, FIRST, Links};
use crate::profile::Trail;
use crate::rng::Cell;

/// A way to tamper with a trail.
pub(super) struct Way {
    /// Its name, such as `edited-outcome`.
    pub(super) name: String,
    /// The deed in one sentence.
    pub(super) about: String,
    /// The column that is edited; of other ways any that an edit changes.
    column: Option<String>,
    make: fn(&Bench<'_>, &Way, &mut Cell) -> Option<Tampered>,
}

/// A trail that was tampered with.
pub(super) struct Tampered {
    /// Its entries by number.
    pub(super) entries: Vec<Entry>,
    /// The first number that the chain alone shows to be wrong.
    pub(super) first: Option<u64>,
}

/// A trail as it was, and what ways need.
pub(super) struct Bench<'a> {
    pub(super) links: &'a Links,
    pub(super) entries: &'a [Entry],
    /// The trail before it.
    pub(super) other: Option<&'a [Entry]>,
    /// The edited cells of each entry.
    pub(super) edits: Vec<Entry>,
}

/// All ways, the intact trail first.
pub(super) fn ways(trail: &Trail) -> Vec<Way> {
    let way =
        |name: &str, about: &str, make| Way { name: name.to_owned(), about: about.to_owned(), column: None, make };
    let mut all = vec![way("intact", "Nobody tampered with the trail", intact)];
    all.extend(trail.edits.keys().map(|column| Way {
        name: format!("edited-{column}"),
        about: format!("`{column}` of an entry is another; its hash is as it was"),
        column: Some(column.clone()),
        make: edited,
    }));
    all.extend([
        way("resealed", "A cell of an entry is another, and the hash of this entry was made again", resealed),
        way("rehashed", "A cell of an entry is another, and all hashes from it on were made again", rehashed),
        way("removed", "An entry is gone", removed),
        way("relinked", "An entry is gone, and all hashes behind it were made again; the numbers have a gap", relinked),
        way(
            "beheaded",
            "The first entry is gone, the others are numbered from 1, and their hashes made again",
            beheaded,
        ),
        way("swapped", "Two entries next to each other have each other's numbers", swapped),
        way(
            "inserted",
            "A copy of an entry comes behind it with a right hash, and those behind it have higher numbers",
            inserted,
        ),
        way("duplicated", "An entry comes twice under its number", duplicated),
        way("truncated", "The last entries are gone", truncated),
        way("spliced", "From an entry on come those of another trail", spliced),
    ]);
    all
}

impl Bench<'_> {
    /// The trail, tampered with at a place that is drawn; `None` if it has no place for it.
    pub(super) fn tampered(&self, way: &Way, cell: &mut Cell) -> Option<Tampered> {
        (way.make)(self, way, cell)
    }

    /// The trail with one cell edited among the entries before `end`, and the place of the entry.
    fn edit(&self, way: &Way, cell: &mut Cell, end: usize) -> Option<(Vec<Entry>, usize)> {
        let fits = |column: &String| way.column.as_ref().is_none_or(|own| own == column);
        let places = self.edits.iter().take(end).enumerate();
        let places: Vec<_> = places
            .flat_map(|(at, edit)| edit.iter().filter(|(column, _)| fits(column)).map(move |one| (at, one)))
            .collect();
        let (at, (column, value)) = *places.get(cell.below(places.len() as u64) as usize)?;
        let mut entries = self.entries.to_vec();
        entries[at].insert(column.clone(), value.clone());
        Some((entries, at))
    }

    /// A place with at least `behind` entries behind it.
    fn place(&self, cell: &mut Cell, behind: usize) -> usize {
        cell.below((self.entries.len() - behind) as u64) as usize
    }

    /// The link before an entry.
    fn before(&self, entries: &[Entry], at: usize) -> [u8; 64] {
        at.checked_sub(1).map_or(FIRST, |before| self.links.link(&entries[before]))
    }
}

/// A trail whose chain shows the entry with a number first.
fn shown(entries: Vec<Entry>, first: usize) -> Option<Tampered> {
    Some(Tampered { entries, first: Some(first as u64) })
}

fn intact(bench: &Bench<'_>, _: &Way, _: &mut Cell) -> Option<Tampered> {
    Some(Tampered { entries: bench.entries.to_vec(), first: None })
}

fn edited(bench: &Bench<'_>, way: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (entries, at) = bench.edit(way, cell, bench.entries.len())?;
    shown(entries, at + 1)
}

fn resealed(bench: &Bench<'_>, way: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = bench.edit(way, cell, bench.entries.len() - 1)?;
    let link = bench.before(&entries, at);
    bench.links.relink(&mut entries[at..=at], link);
    shown(entries, at + 2)
}

fn rehashed(bench: &Bench<'_>, way: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = bench.edit(way, cell, bench.entries.len())?;
    let link = bench.before(&entries, at);
    bench.links.relink(&mut entries[at..], link);
    Some(Tampered { entries, first: None })
}

fn removed(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = (bench.entries.to_vec(), bench.place(cell, 1));
    entries.remove(at);
    shown(entries, at + 2)
}

fn relinked(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = (bench.entries.to_vec(), bench.place(cell, 1));
    entries.remove(at);
    let link = bench.before(&entries, at);
    bench.links.relink(&mut entries[at..], link);
    shown(entries, at + 2)
}

fn beheaded(bench: &Bench<'_>, _: &Way, _: &mut Cell) -> Option<Tampered> {
    let mut entries = bench.entries.to_vec();
    let first = entries.remove(0);
    entries.iter_mut().zip(1..).for_each(|(entry, number)| bench.links.renumber(entry, number));
    bench.links.relink(&mut entries, bench.links.link(&first));
    shown(entries, 1)
}

fn swapped(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = (bench.entries.to_vec(), bench.place(cell, 1));
    entries.swap(at, at + 1);
    bench.links.renumber(&mut entries[at], at as u64 + 1);
    bench.links.renumber(&mut entries[at + 1], at as u64 + 2);
    shown(entries, at + 1)
}

fn inserted(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = (bench.entries.to_vec(), bench.place(cell, 1));
    entries.insert(at + 1, entries[at].clone());
    let numbers = at as u64 + 2..;
    entries[at + 1..].iter_mut().zip(numbers).for_each(|(entry, number)| bench.links.renumber(entry, number));
    let link = bench.before(&entries, at + 1);
    bench.links.relink(&mut entries[at + 1..=at + 1], link);
    shown(entries, at + 3)
}

fn duplicated(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let (mut entries, at) = (bench.entries.to_vec(), bench.place(cell, 0));
    entries.insert(at, entries[at].clone());
    shown(entries, at + 1)
}

fn truncated(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let mut entries = bench.entries.to_vec();
    entries.truncate(1 + bench.place(cell, 1));
    // The chain alone shows nothing.
    Some(Tampered { entries, first: None })
}

fn spliced(bench: &Bench<'_>, _: &Way, cell: &mut Cell) -> Option<Tampered> {
    let other = bench.other?;
    let kept = 1 + cell.below((bench.entries.len().min(other.len()) - 1) as u64) as usize;
    shown([&bench.entries[..kept], &other[kept..]].concat(), kept + 1)
}
