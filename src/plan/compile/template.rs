//! Templates: every expression a column of the table whose row it is about, every loop a list of rows of a hand.

mod joins;

use std::sync::Arc;

use arrow_schema::DataType;
use sqlparser::dialect::DuckDbDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{Compiler, NameResolver};
use crate::error::{Error, Result, did_you_mean};
use crate::plan::{Base, Column, Op, Step, Template, TemplateList, TemplateValue};
use crate::profile::Message;
use crate::sql::types;
use crate::template::{self, At, Code, Condition, File, Loop, Node, syntax};
use joins::conjuncts;

/// A value and a loop of a compiled template: how many loops are around the row, and which column or list.
type Place = (usize, usize);

/// The most loops of a template.
const MAX_LOOPS: usize = 1_000;

/// The row that a piece of a template is about: of the message, or of a loop.
struct Level {
    /// The name of the row in the text.
    variable: String,
    table: usize,
    /// The frame of the rows: 0 for those of the message, or the number of a list, from 1.
    frame: usize,
    /// The level of which these rows are descendants; `None` if they were reached by another way.
    below: Option<usize>,
}

impl Compiler<'_> {
    /// Compiles the text of a message to a column of the message's table, which is below the table of the row.
    pub(super) fn template(&mut self, table: usize, name: &str, message: &Message) -> Result<Column> {
        let row = self.tables[table].parent.ok_or_else(|| Error::internal("a message without a row"))?;
        let syntax = syntax::find(&message.head.syntax)?;
        let file = Arc::new(File { name: message.file.clone(), text: Arc::clone(&message.text) });
        let include = |name: &str| {
            let known = message.included.get(name);
            Ok(known.map(|(name, text)| File { name: name.clone(), text: Arc::clone(text) }))
        };
        let parsed = template::parse(&file, message.body, syntax.form, &include)?;
        let made =
            Template { syntax, nodes: Vec::new(), counters: parsed.counters, values: Vec::new(), lists: Vec::new() };
        let levels = vec![Level { variable: self.tables[row].name.to_owned(), table: row, frame: 0, below: None }];
        let mut drafts = Draft { compiler: self, made, levels };
        let nodes = drafts.nodes(&parsed.nodes)?;
        let made = Template { nodes, ..drafts.made };
        let op = Op::Template(Box::new(made));
        Ok(Column { ty: DataType::Utf8, nullable: false, ..self.column_of(table, name, op, Vec::new()) })
    }
}

/// The row that an expression is about, and the expression as that row's table reads it.
struct Scope {
    level: usize,
    text: String,
    /// `true` if the expression names a row, and is not about the message's own by default.
    names_row: bool,
}

/// A template while it is compiled.
struct Draft<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    made: Template,
    /// The rows around the piece, the innermost last.
    levels: Vec<Level>,
}

impl Draft<'_, '_> {
    fn nodes(&mut self, nodes: &[Node<Code, Loop>]) -> Result<Vec<Node<Place, Place>>> {
        nodes.iter().map(|node| self.node(node)).collect()
    }

    fn node(&mut self, node: &Node<Code, Loop>) -> Result<Node<Place, Place>> {
        Ok(match node {
            Node::Text(text) => Node::Text(text.clone()),
            Node::Separator(separator) => Node::Separator(*separator),
            Node::End => Node::End,
            Node::Value { code, context, required } => {
                Node::Value { code: self.value(code, None)?, context: *context, required: *required }
            }
            Node::Counter { counter, width } => Node::Counter { counter: counter.clone(), width: *width },
            Node::For { rows, body, otherwise } => {
                let (place, level) = self.list(rows)?;
                self.levels.push(level);
                let body = self.nodes(body)?;
                self.levels.pop();
                Node::For { rows: place, body, otherwise: self.nodes(otherwise)? }
            }
            Node::If { arms, otherwise } => {
                let arm = |(condition, nodes): &(Condition<Code>, Vec<_>)| {
                    Ok((self.condition(condition)?, self.nodes(nodes)?))
                };
                Node::If { arms: arms.iter().map(arm).collect::<Result<_>>()?, otherwise: self.nodes(otherwise)? }
            }
        })
    }

    fn condition(&mut self, condition: &Condition<Code>) -> Result<Condition<Place>> {
        Ok(match condition {
            Condition::Code(code) => Condition::Code(self.value(code, Some(&DataType::Boolean))?),
            Condition::First => Condition::First,
            Condition::Last => Condition::Last,
            Condition::NotFirst => Condition::NotFirst,
            Condition::NotLast => Condition::NotLast,
        })
    }

    /// Compiles an expression to a column of the table of the innermost row that it names; of the message's row, if it names none.
    fn value(&mut self, code: &Code, want: Option<&DataType>) -> Result<Place> {
        let Scope { level, text, .. } = self.scope(code)?;
        let Level { table, frame, .. } = self.levels[level];
        let column = self.column(table, &text, &code.at)?;
        let ty = self.compiler.type_of(table, column).0;
        if let Some(want) = want
            && types::logical(&ty) != want
        {
            let (want, ty) = (types::name(want), types::name(&ty));
            return Err(code.at.error(format!("type mismatch: {want} is meant, `{}` is {ty}", code.text)));
        }
        if matches!(ty, DataType::Null | DataType::Interval(_)) {
            let message = format!("type mismatch: `{}` is {}, which no message can have", code.text, types::name(&ty));
            return Err(code.at.error(message));
        }
        let value = TemplateValue { frame, table, column, text: code.text.clone() };
        let known = self.made.values.iter().position(|known| (known.frame, known.column) == (frame, column));
        let place = known.unwrap_or_else(|| {
            self.made.values.push(value);
            self.made.values.len() - 1
        });
        Ok((level, place))
    }

    fn column(&mut self, table: usize, text: &str, at: &At) -> Result<usize> {
        let made = self.compiler.argument(table, text);
        // The error may be about another column that this one needs: then it has a place of its own.
        made.map_err(|error| if error.path().is_empty() { error.at(Some(at.place())) } else { error })
    }

    /// The level of the innermost row that an expression names, and the expression as that row's table reads it.
    fn scope(&self, code: &Code) -> Result<Scope> {
        let tokens = Tokenizer::new(&DuckDbDialect {}, &code.text).with_unescape(false).tokenize();
        let tokens = tokens.map_err(|error| code.at.error(error.to_string()))?;
        let after_period = |n: usize| n.checked_sub(1).is_some_and(|before| tokens[before] == Token::Period);
        let next = |n: usize| tokens.get(n + 1);
        let named = |n: usize, token: &Token| match token {
            Token::Word(word) if !after_period(n) && word.quote_style.is_none() => {
                let head = next(n) == Some(&Token::Period);
                self.levels.iter().rposition(|level| level.variable == word.value).filter(|_| head)
            }
            _ => None,
        };
        let innermost = tokens.iter().enumerate().filter_map(|(n, token)| named(n, token)).max();
        let level = innermost.unwrap_or(0);
        let table = self.levels[level].table;
        let (mut text, mut skip) = (String::with_capacity(code.text.len()), false);
        for (n, token) in tokens.iter().enumerate() {
            if std::mem::take(&mut skip) {
                continue;
            }
            match named(n, token) {
                Some(own) if own == level => skip = true,
                Some(outer) => {
                    let above = std::iter::successors(self.levels[level].below, |at| self.levels[*at].below);
                    if !{ above }.any(|at| at == outer) {
                        let [outer, own] = [outer, level].map(|at| &self.levels[at].variable);
                        let message = format!(
                            "one expression cannot use both `{outer}` and `{own}`: `{own}` is not below `{outer}`"
                        );
                        return Err(code
                            .at
                            .error(message)
                            .hint("the condition of a loop can compare them: `if own.x = outer.y`"));
                    }
                    text += self.compiler.name(self.levels[outer].table);
                }
                None => {
                    if let Token::Word(word) = token
                        && level > 0
                        && !after_period(n)
                        && !is_type(&tokens[..n])
                        && !matches!(next(n), Some(Token::Period | Token::LParen))
                        && self.compiler.has_column(table, &word.value)
                    {
                        let (name, variable) = (&word.value, &self.levels[level].variable);
                        let outer = &self.levels[0].variable;
                        return Err(code
                            .at
                            .error(format!("`{name}` is ambiguous: a column of `{variable}`, or of the message's row"))
                            .hint(format!("write `{variable}.{name}` or `{outer}.{name}`")));
                    }
                    text += &token.to_string();
                }
            }
        }
        Ok(Scope { level, text, names_row: innermost.is_some() })
    }

    /// Compiles the rows of a loop. Gives their place, and the level of the loop's text.
    fn list(&mut self, rows: &Loop) -> Result<(Place, Level)> {
        let (level, path) = self.path(&rows.source)?;
        let base = self.levels[level].table;
        let at = |error: Error| error.at(Some(rows.source.at.place()));
        let path: Vec<&str> = path.split('.').map(str::trim).collect();
        let Some((hand, heads)) = path.split_last() else { return Err(Error::internal("a loop over nothing")) };
        let mut resolver = NameResolver { compiler: self.compiler, table: base, inputs: Vec::new() };
        let (steps, owner) = resolver.steps(heads).map_err(at)?;
        let hands = self.compiler.hands(owner);
        let Some((_, hand)) = hands.iter().find(|(name, _)| name == hand) else {
            let message = format!("`{hand}` is not a child table or hand of `{}`", self.compiler.name(owner));
            let known = hands.iter().map(|(name, _)| name.as_str());
            return Err(rows.source.at.error(message).maybe_hint(did_you_mean(hand, known)));
        };
        let hand = *hand;
        self.compiler.compile_hand(hand).map_err(at)?;
        let frame = self.made.lists.len() + 1;
        if frame > MAX_LOOPS {
            return Err(rows.source.at.error(format!("the template has more than {MAX_LOOPS} loops")));
        }
        let descends = steps.is_empty() && matches!(hand.base, Base::Children(_));
        let below = descends.then_some(level);
        let own = Level { variable: rows.variable.clone(), table: hand.table, frame, below };
        self.made.lists.push(TemplateList {
            base: self.levels[level].frame,
            steps,
            hand,
            filter: None,
            joins: Vec::new(),
            order: Vec::new(),
            limit: rows.limit,
        });
        self.levels.push(own);
        let depth = self.levels.len() - 1;
        let (mut filter, mut joins) = (Vec::new(), Vec::new());
        for part in rows.filter.as_ref().map_or(Ok(Vec::new()), conjuncts)? {
            match self.join(&part, depth)? {
                Some(join) => joins.push(join),
                None => filter.push(part),
            }
        }
        let (level, more) = self.rebased(level, &joins, &rows.source)?;
        let filter = match filter.split_first() {
            None => None,
            Some((first, rest)) => {
                let text =
                    rest.iter().fold(format!("({})", first.text), |all, part| format!("{all} AND ({})", part.text));
                let code = Code { text, at: first.at.clone() };
                Some(self.own_column(&code, depth, Some(&DataType::Boolean))?)
            }
        };
        let order = rows.order.iter().map(|(code, down)| Ok((self.own_column(code, depth, None)?, *down)));
        let order = order.collect::<Result<Vec<_>>>()?;
        let joins = joins.into_iter().map(|(join, _)| join).collect();
        let base = self.levels[level].frame;
        let list = &mut self.made.lists[frame - 1];
        (list.filter, list.joins, list.order, list.base) = (filter, joins, order, base);
        list.steps.splice(0..0, std::iter::repeat_n(Step::Parent, more));
        let own = self.levels.pop().ok_or_else(|| Error::internal("a loop without a level"))?;
        Ok(((level, frame - 1), own))
    }

    /// Compiles an expression over the row of a loop, which is the innermost level.
    fn own_column(&mut self, code: &Code, depth: usize, want: Option<&DataType>) -> Result<usize> {
        let Scope { level, text, .. } = self.scope(code)?;
        let Level { table, ref variable, .. } = self.levels[depth];
        if level != depth {
            let message = format!("`{}` does not look at the row of the loop", code.text);
            return Err(code.at.error(message).hint(format!("its columns are `{variable}.NAME`")));
        }
        let column = self.column(table, &text, &code.at)?;
        let ty = self.compiler.type_of(table, column).0;
        match want.filter(|want| types::logical(&ty) != *want) {
            None => Ok(column),
            Some(want) => {
                let (want, ty) = (types::name(want), types::name(&ty));
                Err(code.at.error(format!("type mismatch: {want} is meant, `{}` is {ty}", code.text)))
            }
        }
    }

    /// The level at which the path of a loop starts, and the path as that level's table reads it.
    fn path(&self, code: &Code) -> Result<(usize, String)> {
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !code.text.split('.').all(|name| is_name(name.trim())) {
            return Err(code
                .at
                .error(format!("`{}` is not a path to rows", code.text))
                .hint("a child table or hand, such as `line` or `customer.address`"));
        }
        let (head, rest) = code.text.split_once('.').unwrap_or((&code.text, ""));
        match self.levels.iter().rposition(|level| level.variable == head) {
            Some(level) if !rest.is_empty() => Ok((level, rest.to_owned())),
            _ => Ok((0, code.text.clone())),
        }
    }
}

/// Tells whether what follows some tokens is the name of a type: after `AS` and `::`.
fn is_type(before: &[Token]) -> bool {
    let last = before.iter().rev().find(|token| !matches!(token, Token::Whitespace(_)));
    match last {
        Some(Token::Word(word)) => word.keyword == Keyword::AS,
        other => other == Some(&Token::DoubleColon),
    }
}
