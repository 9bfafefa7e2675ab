//! Under which values a span is counted. `Id` is a text, its number within the batch, or its number of `names`.

use std::convert::Infallible;

use super::CUBED;

/// The values of one span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) enum Under<Id> {
    /// A call: project, model, provider, department, prompt version, status, key; the order of the cube.
    Call([Id; CUBED]),
    /// A step of a workflow: the number of its sort, its project, and what it is as one text.
    Step { dim: i64, project: Id, value: Id },
}

impl<Id> Under<Id> {
    /// The same with other ids.
    pub(in crate::sqlite) fn map<To: Copy + Default>(self, mut id: impl FnMut(Id) -> To) -> Under<To> {
        let Ok(mapped) = self.try_map(|value| Ok::<To, Infallible>(id(value)));
        mapped
    }

    /// The same with other ids, unless one of them cannot be had.
    pub(in crate::sqlite) fn try_map<To: Copy + Default, E>(
        self,
        mut id: impl FnMut(Id) -> Result<To, E>,
    ) -> Result<Under<To>, E> {
        Ok(match self {
            Self::Call(values) => {
                let mut mapped = [To::default(); CUBED];
                for (slot, value) in mapped.iter_mut().zip(values) {
                    *slot = id(value)?;
                }
                Under::Call(mapped)
            }
            Self::Step { dim, project, value } => Under::Step { dim, project: id(project)?, value: id(value)? },
        })
    }
}
