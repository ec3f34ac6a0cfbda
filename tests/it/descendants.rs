//! What lies further below: aggregates, `each` and `group` over the children of rows that were dealt, and of child rows.

use crate::run::good;

const PROFILE: &str = "
name = 'depot'
as_of = 2025-06-30
[tables.shop]
rows = 7
[tables.shop.columns]
shop_id = { expr = 'row + 1', key = true }
orders = 'count(delivery)'
pieces = 'coalesce(sum(item.pieces), 0)'
[tables.shop.checks]
'direct' = 'pieces = coalesce(sum(delivery.pieces), 0)'
'each' = 'count(shop_item) = coalesce(sum(delivery.items), 0) AND coalesce(sum(shop_item.pieces), 0) = pieces'
'group' = 'coalesce(sum(kind_total.pieces), 0) = pieces'
'it is not empty' = 'pieces > 0 AND count(kind_total) > 1'
[tables.customer]
rows = 20
[tables.customer.columns]
customer_id = { expr = 'row + 1', key = true }
pieces = 'coalesce(sum(item.pieces), 0)'
[tables.customer.checks]
'children of children' = 'pieces = coalesce(sum(delivery.pieces), 0)'
[tables.delivery]
of = 'customer'
rows = 200
[tables.delivery.refs]
shop = { table = 'shop', deal = { skew = 0.5 }, null = 0.2 }
[tables.delivery.columns]
delivery_id = { gen.uuid = {}, key = true }
shop_id = 'shop.shop_id'
items = 'count(item)'
pieces = 'coalesce(sum(item.pieces), 0)'
[tables.item]
of = 'delivery'
count.integer = { min = 0, max = 4 }
[tables.item.columns]
item_id = { gen.uuid = {}, key = true }
kind = { gen.choice.values = ['a', 'b', 'c'] }
pieces = { gen.integer = { min = 1, max = 9 } }
[tables.shop_item]
of = 'shop'
each = 'item'
order = 'item.pieces'
[tables.shop_item.columns]
item_id = { expr = 'item.item_id', key = true }
pieces = 'item.pieces'
[tables.shop_item.checks]
'in order' = 'coalesce(pieces >= lag(pieces) OVER (ORDER BY ordinal), true)'
[tables.kind_total]
of = 'shop'
group = 'item'
by = 'item.kind'
[tables.kind_total.columns]
shop_id = { expr = 'shop.shop_id', key = true }
kind = { expr = 'group_key', key = true }
pieces = 'sum(item.pieces)'
";

#[test]
fn rows_further_below_are_a_hand_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("depot.toml");
    std::fs::write(&path, PROFILE).expect("writes");
    good(&["check", path.to_str().expect("a path")]);
}

/// The n-th child of another row, counted among those that meet the condition.
const NTH: &str = "
name = 'book'
as_of = 2025-06-30
[tables.book]
rows = 30
[tables.book.columns]
book_id = { expr = 'row + 1', key = true }
[tables.page]
of = 'book'
count.integer = { min = 0, max = 6 }
[tables.page.columns]
page_id = { gen.uuid = {}, key = true }
number = 'ordinal'
[tables.mark]
of = 'book'
count = '9'
[tables.mark.refs]
page = { table = 'page', within = 'book', pick = 'sibling', at = 'ordinal - 1' }
even = { table = 'page', within = 'book', pick = 'sibling', at = 'ordinal - 1', where = 'number % 2 = 0' }
[tables.mark.columns]
mark_id = { gen.uuid = {}, key = true }
number = 'page.number'
pages = 'siblings'
[tables.book.checks]
'each page once' = 'count(mark.number) = count(page) AND coalesce(sum(mark.number), 0) = coalesce(sum(page.number), 0)'
[tables.mark.checks]
'the n-th page' = 'number IS NULL OR number = ordinal - 1'
'nothing before the first' = 'ordinal > 1 OR (number IS NULL AND even.number IS NULL)'
'the n-th even page' = 'even.number IS NULL OR even.number = 2 * (ordinal - 1)'
";

#[test]
fn a_row_is_picked_by_its_place_within_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("book.toml");
    std::fs::write(&path, NTH).expect("writes");
    good(&["check", path.to_str().expect("a path")]);
}
