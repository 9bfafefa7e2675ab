//! How often values occur, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How often each value of each field occurs among the calls that are selected.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FacetsAnswer {
    /// First instant inside, RFC 3339.
    #[schema(format = DateTime)]
    pub from: String,
    /// First instant after, RFC 3339.
    #[schema(format = DateTime)]
    pub to: String,
    /// The fields that have values, by the names of the parameters that filter by them.
    pub fields: Vec<FacetJson>,
    /// Calls that the fields which are not `exact` were counted in: the newest ones.
    pub counted: usize,
    /// Whether these are all that are selected.
    pub complete: bool,
}

/// A field and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetJson {
    /// The parameter that filters by it: `model`, `attr.tier`, ...
    pub name: String,
    /// Whether all calls of the range are counted. What the field itself is filtered by is then left out, so that the
    /// alternatives show.
    pub exact: bool,
    /// The values, most frequent first.
    pub values: Vec<FacetValueJson>,
    /// Values beyond `limit`.
    pub more: usize,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetValueJson {
    /// The value as the parameter takes it.
    pub value: String,
    /// Calls that have it.
    pub count: u64,
}
