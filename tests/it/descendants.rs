//! What lies further below, and what several tables make together: aggregates, `each` and `group` over the children of rows that were dealt, and of child rows.

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

/// A till whose book has sales, refunds of them, and payments that were dealt to it, in one order of time; and days of all three.
const UNION: &str = "
name = 'tills'
as_of = 2025-06-30
[tables.till]
rows = 9
[tables.till.columns]
till_id = { expr = 'row + 1', key = true }
sold = 'coalesce(sum(sale.amount), 0)'
back = 'coalesce(sum(refund.amount), 0)'
paid = 'coalesce(sum(received.amount), 0)'
[tables.till.checks]
'all of them' = 'count(entry) = count(sale) + count(refund) FILTER (WHERE refund.counts) + count(received)'
'to the cent' = 'coalesce(last(entry.balance ORDER BY entry.number), 0) = sold + paid - coalesce(sum(refund.amount) FILTER (WHERE refund.counts), 0)'
'days' = 'coalesce(sum(till_day.total), 0) = sold + back + paid AND coalesce(sum(till_day.rows_of_it), 0) = count(sale) + count(refund) + count(received)'
'some of each' = 'count(sale) > 0 AND count(refund) > 0 AND count(received) > 0'
[tables.sale]
of = 'till'
count.integer = { min = 3, max = 9 }
[tables.sale.columns]
sale_id = { gen.uuid = {}, key = true }
at = { gen.timestamp = { from = 'as_of - 9', to = 'as_of' } }
day = 'CAST(at AS date)'
amount = { gen.integer = { min = 1, max = 99 } }
counts = 'true'
[tables.refund]
of = 'sale'
count.integer = { min = 0, max = 2 }
[tables.refund.columns]
refund_id = { gen.uuid = {}, key = true }
at = { gen.timestamp = { from = 'sale.at', to = 'as_of' } }
day = 'CAST(at AS date)'
amount = { gen.integer = { min = 1, max = 9 } }
counts = { gen.boolean.p = 0.8 }
[tables.payment]
rows = 60
[tables.payment.refs]
till = { table = 'till', deal = { hand = 'received' } }
[tables.payment.columns]
payment_id = { gen.uuid = {}, key = true }
at = { gen.timestamp = { from = 'as_of - 9', to = 'as_of' } }
day = 'CAST(at AS date)'
amount = { gen.integer = { min = 1, max = 99 } }
counts = 'true'
[tables.entry]
of = 'till'
each = ['sale', 'refund', 'received']
order = 'at'
where = 'counts'
[tables.entry.columns]
entry_id = { expr = 'CAST(till.till_id AS text) || CAST(ordinal AS text)', key = true }
number = 'ordinal'
sale_id = 'sale.sale_id'
refund_id = 'refund.refund_id'
payment_id = 'received.payment_id'
at = 'coalesce(sale.at, refund.at, received.at)'
step = 'coalesce(sale.amount, -refund.amount, received.amount)'
balance = 'sum(step) OVER (ORDER BY ordinal)'
[tables.entry.checks]
'in order' = 'coalesce(at >= lag(at) OVER (ORDER BY ordinal), true)'
'one of them' = '(sale_id IS NOT NULL) <> (refund_id IS NOT NULL) OR payment_id IS NOT NULL'
'alone' = 'payment_id IS NULL OR (sale_id IS NULL AND refund_id IS NULL)'
'what counts' = 'coalesce(refund.counts, true)'
[tables.till_day]
of = 'till'
group = ['sale', 'refund', 'received']
by = 'day'
[tables.till_day.columns]
till_id = { expr = 'till.till_id', key = true }
day = { expr = 'group_key', key = true }
rows_of_it = 'count(sale) + count(refund) + count(received)'
total = 'coalesce(sum(sale.amount), 0) + coalesce(sum(refund.amount), 0) + coalesce(sum(received.amount), 0)'
[tables.till_day.checks]
'none is empty' = 'rows_of_it > 0'
'its own day' = 'coalesce(min(sale.day) = day AND max(sale.day) = day, true) AND coalesce(min(received.day) = day AND max(received.day) = day, true)'
'days rise' = 'coalesce(day > lag(day) OVER (ORDER BY ordinal), true)'
";

fn holds(name: &str, profile: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, profile).expect("writes");
    good(&["check", path.to_str().expect("a path")]);
}

#[test]
fn rows_of_several_tables_make_one() {
    holds("tills.toml", UNION);
}

#[test]
fn rows_further_below_are_a_hand_too() {
    holds("depot.toml", PROFILE);
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
    holds("book.toml", NTH);
}
