//! Reads a Jinja2 source before the engine compiles it: refuses what is nested too deeply, lists what it includes, and
//! puts [`guard`](super::guard) calls around the expressions whose values are used whole.
//!
//! The tokens and the tree are the engine's own, so that both read the source alike. Calls are put in without a line
//! break: lines stay what they were. What a template uses whole are the operands of `+`, `~`, `in` and comparisons,
//! the inputs of filters and tests, keys, and what is unpacked; printing and methods are guarded where they happen.

mod tokens;

use std::{collections::BTreeMap, ops::Range};

use minijinja::{
    Error, ErrorKind,
    machinery::{
        ast::{BinOp, BinOpKind, CallArg, Expr, Macro, Stmt},
        parse,
    },
    syntax::SyntaxConfig,
};

use super::guard::{ARGUMENT, GUARD, STORE, TEXT};
pub(super) use tokens::At;
use tokens::Tokens;

/// Bytes of an expression that errors quote.
const ITEM: usize = 80;
/// Dots, subscripts and calls in a row.
const CHAIN: usize = 64;
/// Places in a text that are found at once.
const NEAR: i64 = 1_000;

/// A template that another one includes, extends or imports.
pub(super) struct Reference {
    /// Its name.
    pub(super) name: String,
    /// The line that names it.
    pub(super) line: usize,
    /// Whether it must be there.
    pub(super) required: bool,
}

/// An expression that the guards in it keep the engine from naming in its errors.
#[derive(Debug)]
pub(super) struct Item {
    /// The line where it stands.
    pub(super) line: usize,
    /// How the source writes it.
    pub(super) text: String,
}

/// What reading a source gave.
pub(super) struct Checked {
    /// The source with guards.
    pub(super) source: String,
    /// What it includes.
    pub(super) references: Vec<Reference>,
    /// What takes a part by a name that only a rendering knows (`user[key].name`).
    pub(super) items: Vec<Item>,
    /// Whether rendering it may need more stack than a thread of the server has.
    pub(super) deep: bool,
}

/// Reads a source. `name` is what the engine calls it in errors.
///
/// Recurs as deeply as the source is nested, within the bounds of [`tokens`]: call it where there is stack.
pub(super) fn check(name: &str, source: &str) -> Result<Checked, Error> {
    let tokens = Tokens::read(source)?;
    let tree = parse(source, name, SyntaxConfig::default())?;
    let mut walk = Walk {
        source,
        tokens: &tokens,
        starts: BTreeMap::new(),
        ends: BTreeMap::new(),
        references: Vec::new(),
        items: Vec::new(),
        long: None,
    };
    walk.statement(&tree)?;
    if let Some(line) = walk.long {
        return Err(tokens::refuse(line, format!("more than {CHAIN} dots, subscripts and calls stand in a row")));
    }
    let Walk { starts, ends, references, items, .. } = walk;
    Ok(Checked { source: insert(source, &starts, &ends), references, items, deep: tokens.deep() })
}

/// The source with calls put in: at one place what ends comes before what starts.
fn insert(source: &str, starts: &BTreeMap<usize, Vec<&'static str>>, ends: &BTreeMap<usize, usize>) -> String {
    let mut places: Vec<usize> = starts.keys().chain(ends.keys()).copied().collect();
    places.sort_unstable();
    places.dedup();
    let mut out = String::with_capacity(source.len() + places.len() * 12);
    let mut done = 0;
    for place in places {
        out.push_str(source.get(done..place).unwrap_or_default());
        for _ in 0..ends.get(&place).copied().unwrap_or(0) {
            out.push_str("))");
        }
        for call in starts.get(&place).into_iter().flatten() {
            out.push_str(call);
            // Twice, for a tuple without parentheses of its own.
            out.push_str("((");
        }
        done = place;
    }
    out.push_str(source.get(done..).unwrap_or_default());
    out
}

struct Walk<'t> {
    source: &'t str,
    tokens: &'t Tokens,
    starts: BTreeMap<usize, Vec<&'static str>>,
    ends: BTreeMap<usize, usize>,
    references: Vec<Reference>,
    items: Vec<Item>,
    /// The line of a chain that is too long.
    long: Option<usize>,
}

impl Walk<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> Result<(), Error> {
        statements.iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> Result<(), Error> {
        match statement {
            Stmt::Template(node) => self.statements(&node.children)?,
            Stmt::EmitExpr(node) => self.expression(&node.expr),
            Stmt::EmitRaw(_) | Stmt::Continue(_) | Stmt::Break(_) => {}
            Stmt::ForLoop(node) => {
                self.assigned(&node.target, &node.iter);
                self.expression(&node.iter);
                self.optional(node.filter_expr.as_ref());
                self.statements(&node.body)?;
                self.statements(&node.else_body)?;
            }
            Stmt::IfCond(node) => {
                self.expression(&node.expr);
                self.statements(&node.true_body)?;
                self.statements(&node.false_body)?;
            }
            Stmt::WithBlock(node) => {
                for (target, value) in &node.assignments {
                    self.assigned(target, value);
                    self.expression(value);
                }
                self.statements(&node.body)?;
            }
            Stmt::Set(node) => {
                if matches!(node.target, Expr::GetAttr(_)) {
                    let end = node.expr.span().end_offset as usize;
                    self.put(self.tokens.assigned(end), STORE);
                } else {
                    self.assigned(&node.target, &node.expr);
                }
                self.expression(&node.expr);
            }
            Stmt::SetBlock(node) => {
                self.optional(node.filter.as_ref());
                self.statements(&node.body)?;
            }
            Stmt::AutoEscape(node) => {
                self.expression(&node.enabled);
                self.statements(&node.body)?;
            }
            Stmt::FilterBlock(node) => {
                self.expression(&node.filter);
                self.statements(&node.body)?;
            }
            Stmt::Block(node) => self.statements(&node.body)?,
            Stmt::Import(node) => self.refer(&node.expr, true)?,
            Stmt::FromImport(node) => self.refer(&node.expr, true)?,
            Stmt::Extends(node) => self.refer(&node.name, true)?,
            Stmt::Include(node) => self.refer(&node.name, !node.ignore_missing)?,
            Stmt::Macro(node) => self.definition(node)?,
            Stmt::CallBlock(node) => {
                self.expression(&node.call.expr);
                self.arguments(&node.call.args, None);
                self.definition(&node.macro_decl)?;
            }
            Stmt::Do(node) => {
                self.expression(&node.call.expr);
                self.arguments(&node.call.args, None);
            }
        }
        Ok(())
    }

    fn definition(&mut self, node: &Macro<'_>) -> Result<(), Error> {
        node.defaults.iter().for_each(|value| self.expression(value));
        self.statements(&node.body)
    }

    /// What a target takes apart must not be endless.
    fn assigned(&mut self, target: &Expr<'_>, value: &Expr<'_>) {
        if matches!(target, Expr::List(_) | Expr::Tuple(_)) {
            self.guard(value);
        }
    }

    fn optional(&mut self, expression: Option<&Expr<'_>>) {
        if let Some(expression) = expression {
            self.expression(expression);
        }
    }

    /// Remembers the names that an include, extends or import may mean. They must stand in the source: what a compiled
    /// template consists of never depends on what a caller sends.
    fn refer(&mut self, name: &Expr<'_>, required: bool) -> Result<(), Error> {
        let line = usize::from(name.span().start_line);
        match name {
            Expr::Const(node) if node.value.as_str().is_some() => {
                let name = node.value.as_str().unwrap_or_default().to_owned();
                self.references.push(Reference { name, line, required });
                Ok(())
            }
            Expr::List(node) => node.items.iter().try_for_each(|item| self.refer(item, false)),
            Expr::Tuple(node) => node.items.iter().try_for_each(|item| self.refer(item, false)),
            Expr::IfExpr(node) => {
                self.expression(&node.test_expr);
                self.refer(&node.true_expr, false)?;
                node.false_expr.as_ref().map_or(Ok(()), |other| self.refer(other, false))
            }
            _ => Err(tokens::refuse(
                line,
                "the name of a prompt to include, extend or import must be written out as a text".to_owned(),
            )),
        }
    }

    /// Guards what is used whole inside an expression.
    fn expression(&mut self, expression: &Expr<'_>) {
        match expression {
            Expr::Var(_) | Expr::Const(_) => {}
            Expr::Slice(node) => {
                self.item(expression);
                self.text(&node.expr);
                self.expression(&node.expr);
                for part in [&node.start, &node.stop, &node.step] {
                    self.optional(part.as_ref());
                }
            }
            Expr::UnaryOp(node) => self.expression(&node.expr),
            Expr::BinOp(node) => self.operation(node),
            Expr::Compare(node) => {
                for part in std::iter::once(&node.expr).chain(node.ops.iter().map(|op| &op.expr)) {
                    self.guard(part);
                    self.expression(part);
                }
            }
            Expr::IfExpr(node) => {
                self.expression(&node.test_expr);
                self.expression(&node.true_expr);
                self.optional(node.false_expr.as_ref());
            }
            Expr::Filter(node) => {
                if let Some(input) = &node.expr {
                    self.guard(input);
                    self.expression(input);
                }
                // What stands in for something undefined may be undefined too; that matters when it is used.
                let call = if matches!(node.name, "default" | "d") { GUARD } else { ARGUMENT };
                self.arguments(&node.args, Some(call));
            }
            Expr::Test(node) => {
                // Whether something is defined or of a kind needs no look into it.
                let walks = !matches!(node.name, "defined" | "undefined" | "none" | "string" | "number" | "mapping");
                if walks {
                    self.guard(&node.expr);
                }
                self.expression(&node.expr);
                self.arguments(&node.args, Some(ARGUMENT));
            }
            Expr::GetAttr(node) => {
                self.item(expression);
                self.expression(&node.expr);
            }
            Expr::GetItem(node) => {
                self.item(expression);
                if guarded(&node.subscript_expr) {
                    self.text(&node.expr);
                    self.guard(&node.subscript_expr);
                }
                self.expression(&node.expr);
                self.expression(&node.subscript_expr);
            }
            Expr::Call(node) => {
                self.expression(&node.expr);
                // `loop.changed(x)` compares.
                let walks = matches!(&node.expr, Expr::GetAttr(method) if method.name == "changed");
                self.arguments(&node.args, walks.then_some(GUARD));
            }
            Expr::List(node) => node.items.iter().for_each(|item| self.expression(item)),
            Expr::Tuple(node) => node.items.iter().for_each(|item| self.expression(item)),
            Expr::Map(node) => {
                for key in &node.keys {
                    self.guard(key);
                    self.expression(key);
                }
                node.values.iter().for_each(|value| self.expression(value));
            }
        }
    }

    fn operation(&mut self, node: &BinOp<'_>) {
        use BinOpKind::{Add, Concat, Eq, Gt, Gte, In, Lt, Lte, Ne};
        let whole = match node.op {
            // A comparison with a scalar does not look into the other side.
            Eq | Ne | Lt | Lte | Gt | Gte => !scalar(&node.left) && !scalar(&node.right),
            Add | Concat | In => true,
            // `*` only notes how often, the others want numbers, `and` and `or` ask no more than whether it is empty.
            _ => false,
        };
        for side in [&node.left, &node.right] {
            if whole {
                self.guard(side);
            }
            self.expression(side);
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>], call: Option<&'static str>) {
        for argument in arguments {
            let (value, call) = match argument {
                CallArg::Pos(value) | CallArg::Kwarg(_, value) => (value, call),
                CallArg::PosSplat(value) | CallArg::KwargSplat(value) => (value, Some(GUARD)),
            };
            if let Some(call) = call {
                self.guard_with(value, call);
            }
            self.expression(value);
        }
    }

    /// Puts a guard around an expression that may give something large; not around what gives a scalar, or something
    /// no larger than what was guarded inside it.
    fn guard(&mut self, expression: &Expr<'_>) {
        self.guard_with(expression, GUARD);
    }

    fn guard_with(&mut self, expression: &Expr<'_>, call: &'static str) {
        match expression {
            Expr::Const(_) | Expr::UnaryOp(_) | Expr::Compare(_) | Expr::Filter(_) | Expr::Test(_) => {}
            Expr::List(node) if node.items.iter().all(scalar) => {}
            Expr::IfExpr(node) => {
                self.guard_with(&node.true_expr, call);
                if let Some(other) = &node.false_expr {
                    self.guard_with(other, call);
                }
            }
            Expr::BinOp(node) => match node.op {
                BinOpKind::ScAnd | BinOpKind::ScOr => {
                    self.guard_with(&node.left, call);
                    self.guard_with(&node.right, call);
                }
                BinOpKind::Mul => self.put(self.bounds(expression), call),
                _ => {}
            },
            _ => self.put(self.bounds(expression), call),
        }
    }

    /// Remembers an expression that takes a part by a name that only a rendering knows.
    fn item(&mut self, expression: &Expr<'_>) {
        let line = usize::from(expression.span().start_line);
        let mut part = expression;
        let mut found = false;
        for _ in 0..CHAIN {
            part = match part {
                Expr::GetItem(node) => {
                    found |= guarded(&node.subscript_expr);
                    &node.expr
                }
                Expr::GetAttr(node) => &node.expr,
                Expr::Slice(node) => &node.expr,
                Expr::Call(node) => &node.expr,
                _ => break,
            };
        }
        if matches!(part, Expr::GetItem(_) | Expr::GetAttr(_) | Expr::Slice(_) | Expr::Call(_)) {
            self.long = Some(line);
        } else if found {
            let text = self.source.get(self.bounds(expression)).filter(|text| text.len() <= ITEM);
            self.items.extend(text.map(|text| Item { line, text: text.to_owned() }));
        }
    }

    /// Puts a call around a base of `[...]`: finding a character of a text takes as long as the text is.
    fn text(&mut self, expression: &Expr<'_>) {
        if matches!(
            expression,
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) | Expr::Slice(_) | Expr::Call(_) | Expr::BinOp(_)
        ) {
            self.put(self.bounds(expression), TEXT);
        }
    }

    fn put(&mut self, bounds: Range<usize>, call: &'static str) {
        self.starts.entry(bounds.start).or_default().push(call);
        *self.ends.entry(bounds.end).or_default() += 1;
    }

    /// Where an expression stands. The engine's span of `a.b.c` starts at its last part, so the start is that of the
    /// first part, with the parentheses around it.
    fn bounds(&self, expression: &Expr<'_>) -> Range<usize> {
        let span = expression.span();
        let inner = match expression {
            Expr::GetAttr(node) => &node.expr,
            Expr::GetItem(node) => &node.expr,
            Expr::Slice(node) => &node.expr,
            Expr::Call(node) => &node.expr,
            _ => return span.start_offset as usize..span.end_offset as usize,
        };
        let inner = match inner {
            // Their own spans may start late; they stand in parentheses, which the end finds.
            Expr::Filter(_) | Expr::Test(_) | Expr::UnaryOp(_) | Expr::Compare(_) | Expr::IfExpr(_) => {
                let end = inner.span().end_offset as usize;
                end..end
            }
            _ => self.bounds(inner),
        };
        self.tokens.in_parentheses(inner).start..span.end_offset as usize
    }
}

/// Whether a subscript or what it is applied to needs a guard: not a name that is written out, nor a place near the
/// start.
fn guarded(subscript: &Expr<'_>) -> bool {
    match subscript {
        Expr::Const(key) => {
            key.value.as_str().is_none() && !key.value.as_i64().is_some_and(|at| (0..NEAR).contains(&at))
        }
        _ => true,
    }
}

fn scalar(expression: &Expr<'_>) -> bool {
    matches!(expression, Expr::Const(_))
}

fn syntax(message: String) -> Error {
    Error::new(ErrorKind::SyntaxError, message)
}
