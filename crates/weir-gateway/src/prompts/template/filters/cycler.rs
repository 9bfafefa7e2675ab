//! `cycler`: values that are taken in turn.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, Rest, from_args},
};

#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    /// Turns so far. A value belongs to one rendering, which is one thread's.
    turns: AtomicUsize,
}

impl Cycler {
    fn current(&self) -> Value {
        let turn = self.turns.load(Ordering::Relaxed) % self.items.len().max(1);
        self.items.get(turn).cloned().unwrap_or_default()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.current())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "next" => {
                let () = from_args(arguments)?;
                let current = self.current();
                self.turns.fetch_add(1, Ordering::Relaxed);
                Ok(current)
            }
            "reset" => {
                let () = from_args(arguments)?;
                self.turns.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

pub(super) fn cycler(items: Rest<Value>) -> Result<Value, Error> {
    if items.is_empty() {
        return Err(Error::new(ErrorKind::InvalidOperation, "cycler needs at least one value"));
    }
    Ok(Value::from_object(Cycler { items: items.0, turns: AtomicUsize::new(0) }))
}
