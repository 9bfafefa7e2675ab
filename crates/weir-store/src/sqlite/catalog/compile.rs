//! Conditions and orders over entities of the catalog, as SQL. What an entity has stands in its [`Shape`]; values are
//! always bound, never written into the text.

use rusqlite::types::Value;
use weir_core::query::{Condition, Op, Operand, Sort, Target, Test};

use crate::telemetry::StoreError;

/// Names and their expressions.
pub(super) type Columns = &'static [(&'static str, &'static str)];

/// What of an entity can be asked for. In its expressions `e` is the entity's table and `k` the collection's.
pub(super) struct Shape {
    /// Fields of the entity: name and expression.
    pub(super) fields: Columns,
    /// Collections with a key and a value for each entry.
    pub(super) entries: &'static [(&'static str, Entries)],
    /// Things that it refers to: name, what follows FROM with the condition that ties it to `e`, and their fields.
    pub(super) related: &'static [(&'static str, &'static str, Columns)],
}

/// A collection with keys.
pub(super) struct Entries {
    /// What follows FROM, with the condition that ties it to the entity: `run_params AS k WHERE k.run = e.id`.
    pub(super) from: &'static str,
    /// The key, compared with a bound text: `k.key = ?` or `k.key = (SELECT id FROM keys WHERE text = ?)`.
    pub(super) key_is: &'static str,
    /// The value.
    pub(super) value: &'static str,
    /// What goes before the value in an order: `k.nan`, so that NaN comes after numbers.
    pub(super) rank: Option<&'static str>,
}

/// SQL that is being written, and what is bound to its question marks in their order.
#[derive(Default)]
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
}

impl Sql {
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self
    }

    /// Adds ` AND ...` for every condition.
    pub(super) fn conditions(&mut self, shape: &Shape, conditions: &[Condition]) -> Result<&mut Self, StoreError> {
        for condition in conditions {
            self.push(" AND ");
            self.condition(shape, condition)?;
        }
        Ok(self)
    }

    fn condition(&mut self, shape: &Shape, condition: &Condition) -> Result<(), StoreError> {
        let (from, key, value, rank) = match &condition.target {
            Target::Field(name) => {
                let expression = find(shape.fields, name)?;
                self.test(expression, &condition.test);
                return Ok(());
            }
            Target::Entry(collection, key) => {
                let entries = entries(shape, collection)?;
                (entries.from, Some((entries.key_is, key)), entries.value, entries.rank)
            }
            Target::Related(collection, field) => {
                let of = shape.related.iter().find(|(name, ..)| name == collection);
                let (_, from, fields) = of.ok_or_else(|| unknown(collection))?;
                (*from, None, find(fields, field)?, None)
            }
        };
        self.push(if condition.test == Test::Null { "NOT EXISTS (SELECT 1 FROM " } else { "EXISTS (SELECT 1 FROM " });
        self.push(from);
        if let Some((key_is, key)) = key {
            self.push(" AND ").push(key_is).bind(key.clone());
        }
        if !matches!(condition.test, Test::Null | Test::NotNull) {
            self.push(" AND ");
            // What has a rank is no number: it is unequal to every number and nothing else.
            match (rank, &condition.test) {
                (Some(rank), Test::Compare(Op::Ne, _)) => {
                    self.push("(").push(rank).push(" OR ");
                    self.test(value, &condition.test);
                    self.push(")");
                }
                (Some(rank), _) => {
                    self.push("NOT ").push(rank).push(" AND ");
                    self.test(value, &condition.test);
                }
                (None, _) => self.test(value, &condition.test),
            }
        }
        self.push(")");
        Ok(())
    }

    fn test(&mut self, expression: &str, test: &Test) {
        match test {
            Test::Null => self.push(expression).push(" IS NULL"),
            Test::NotNull => self.push(expression).push(" IS NOT NULL"),
            Test::In(values) => self.push(expression).push(" IN ").list(values),
            Test::NotIn(values) => self.push(expression).push(" NOT IN ").list(values),
            Test::Compare(op, operand) => {
                let sign = match op {
                    Op::Eq => " = ?",
                    Op::Ne => " <> ?",
                    Op::Lt => " < ?",
                    Op::Le => " <= ?",
                    Op::Gt => " > ?",
                    Op::Ge => " >= ?",
                    Op::Like => return self.function("weir_like", expression, operand),
                    Op::ILike => return self.function("weir_ilike", expression, operand),
                    Op::RLike => return self.function("weir_rlike", expression, operand),
                };
                self.push(expression).push(sign).bind(bound(operand))
            }
        };
    }

    fn function(&mut self, name: &str, expression: &str, operand: &Operand) {
        self.push(name).push("(").push(expression).push(", ?)").bind(bound(operand));
    }

    fn list(&mut self, values: &[String]) -> &mut Self {
        self.push("(");
        for (n, value) in values.iter().enumerate() {
            self.push(if n == 0 { "?" } else { ", ?" }).bind(value.clone());
        }
        self.push(")")
    }

    /// Adds `a DESC NULLS LAST, ...` for every level; what is missing comes last.
    pub(super) fn order(&mut self, shape: &Shape, sorts: &[Sort]) -> Result<&mut Self, StoreError> {
        for (n, sort) in sorts.iter().enumerate() {
            self.push(if n == 0 { "" } else { ", " });
            let way = if sort.descending { " DESC NULLS LAST" } else { " ASC NULLS LAST" };
            match &sort.target {
                Target::Field(name) => self.push(find(shape.fields, name)?).push(way),
                Target::Entry(collection, key) => {
                    let entries = entries(shape, collection)?;
                    if let Some(rank) = entries.rank {
                        self.entry(entries, rank, key).push(" ASC NULLS LAST, ");
                    }
                    self.entry(entries, entries.value, key).push(way)
                }
                Target::Related(collection, _) => return Err(unknown(collection)),
            };
        }
        Ok(self)
    }

    fn entry(&mut self, entries: &Entries, what: &str, key: &str) -> &mut Self {
        self.push("(SELECT ").push(what).push(" FROM ").push(entries.from).push(" AND ").push(entries.key_is).push(")");
        self.bind(key.to_owned())
    }
}

fn bound(operand: &Operand) -> Value {
    match operand {
        Operand::Text(text) => Value::Text(text.clone()),
        Operand::Number(number) => Value::Real(*number),
    }
}

fn entries(shape: &Shape, collection: &str) -> Result<&'static Entries, StoreError> {
    shape.entries.iter().find(|(name, _)| *name == collection).map(|(_, e)| e).ok_or_else(|| unknown(collection))
}

fn find(fields: &'static [(&'static str, &'static str)], name: &str) -> Result<&'static str, StoreError> {
    fields.iter().find(|(field, _)| *field == name).map(|(_, sql)| *sql).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> StoreError {
    StoreError::Unsupported(format!("there is nothing named {name:?} to ask for here"))
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, params_from_iter};

    use super::*;

    const SHAPE: Shape = Shape {
        fields: &[("name", "e.name"), ("size", "e.size")],
        entries: &[(
            "tags",
            Entries { from: "tags AS k WHERE k.thing = e.id", key_is: "k.key = ?", value: "k.value", rank: None },
        )],
        related: &[("parts", "parts AS k WHERE k.thing = e.id", &[("name", "k.name")])],
    };

    fn found(conditions: &[Condition], sorts: &[Sort]) -> Vec<String> {
        let db = Connection::open_in_memory().unwrap();
        super::super::functions::register(&db).unwrap();
        db.execute_batch(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, size REAL);
             CREATE TABLE tags (thing, key, value); CREATE TABLE parts (thing, name);
             INSERT INTO things VALUES (1, 'a', 3), (2, 'B', 1), (3, 'c', NULL);
             INSERT INTO tags VALUES (1, 'x', '1'), (2, 'x', '2'), (2, 'y', '1');
             INSERT INTO parts VALUES (3, 'wheel'), (3, 'door'), (1, 'door');",
        )
        .unwrap();
        let mut sql = Sql::default();
        sql.push("SELECT e.name FROM things AS e WHERE 1");
        sql.conditions(&SHAPE, conditions).unwrap().push(" ORDER BY ");
        sql.order(&SHAPE, sorts).unwrap().push(", e.id");
        let mut statement = db.prepare(&sql.text).unwrap();
        let rows = statement.query_map(params_from_iter(&sql.values), |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn conditions_and_orders_are_those_that_were_asked_for() {
        let tag = |key: &str| Target::Entry("tags", key.to_owned());
        let is =
            |target: Target, op, text: &str| Condition { target, test: Test::Compare(op, Operand::Text(text.into())) };
        let by = |target, descending| [Sort { target, descending }];
        let size = Target::Field("size");
        assert_eq!(found(&[], &by(size.clone(), true)), ["a", "B", "c"]);
        assert_eq!(found(&[], &by(size.clone(), false)), ["B", "a", "c"]);
        assert_eq!(found(&[], &by(tag("y"), true)), ["B", "a", "c"]);
        assert_eq!(found(&[is(tag("x"), Op::Ne, "1")], &by(size.clone(), true)), ["B"]);
        assert_eq!(found(&[Condition { target: tag("x"), test: Test::Null }], &by(size.clone(), true)), ["c"]);
        assert_eq!(found(&[is(Target::Field("name"), Op::ILike, "b%")], &by(size.clone(), true)), ["B"]);
        assert_eq!(found(&[is(Target::Related("parts", "name"), Op::Eq, "door")], &by(size.clone(), true)), ["a", "c"]);
        let among = Test::NotIn(vec!["a".into()]);
        assert_eq!(found(&[Condition { target: Target::Field("name"), test: among }], &by(size, true)), ["B", "c"]);
    }
}
