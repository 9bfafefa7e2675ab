//! Scorers that clients registered: kept and given back, never run.

use http::Method;
use serde::Serialize;
use weir_core::access::Role;
use weir_store::catalog::{ProjectQuery, ScorerRecord};

use super::errors::{ErrorCode, Refused};
use super::front::Front;
use super::routes::Endpoint;
use super::wire::{Args, Fields, Reply, reply};

pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint { method: Method::POST, path: "/3.0/mlflow/scorers/register", role: Role::Write, handle: register },
    Endpoint { method: Method::GET, path: "/3.0/mlflow/scorers/list", role: Role::Read, handle: list },
    Endpoint { method: Method::GET, path: "/3.0/mlflow/scorers/versions", role: Role::Read, handle: versions },
    Endpoint { method: Method::GET, path: "/3.0/mlflow/scorers/get", role: Role::Read, handle: get },
    Endpoint { method: Method::DELETE, path: "/3.0/mlflow/scorers/delete", role: Role::Write, handle: delete },
    Endpoint { method: Method::GET, path: "/3.0/mlflow/scorers/online-configs", role: Role::Read, handle: configs },
    Endpoint { method: Method::PUT, path: "/3.0/mlflow/scorers/online-config", role: Role::Write, handle: configure },
];

/// Longest name of a scorer, in characters.
const NAME: usize = 256;
/// Projects whose scorers are listed at once.
const PROJECTS: usize = 50_000;

#[derive(Serialize)]
struct Form<'a> {
    experiment_id: i64,
    scorer_name: &'a str,
    scorer_version: i64,
    serialized_scorer: &'a str,
    creation_time: i64,
    scorer_id: &'a str,
}

impl<'a> Form<'a> {
    fn of(scorer: &'a ScorerRecord) -> Self {
        Self {
            experiment_id: scorer.project,
            scorer_name: &scorer.name,
            scorer_version: scorer.version,
            serialized_scorer: &scorer.content,
            creation_time: scorer.created_ms,
            scorer_id: &scorer.id,
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scorers: Vec<Form<'a>>,
}

fn register(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Registered<'a> {
        version: i64,
        scorer_id: &'a str,
        experiment_id: String,
        name: &'a str,
        serialized_scorer: &'a str,
        creation_time: i64,
    }
    let fields = args.fields();
    let id = fields.required("experiment_id")?;
    let name = fields.required("name")?;
    let content = fields.required("serialized_scorer")?;
    if name.trim().is_empty() {
        return Err(Refused::invalid("Scorer name cannot be empty or contain only whitespace."));
    }
    if name.chars().count() > NAME {
        return Err(Refused::invalid(format!("Scorer name exceeds the maximum length of {NAME} characters.")));
    }
    if weir_core::json::whole(content).is_none() {
        return Err(Refused::invalid("serialized_scorer must be valid JSON"));
    }
    let project = active(front, id)?;
    let now_ms = front.parts.clock.now().div_euclid(1_000);
    let scorer = front.parts.catalog.add_scorer(project, name, content, now_ms)?;
    reply(&Registered {
        version: scorer.version,
        scorer_id: &scorer.id,
        experiment_id: scorer.project.to_string(),
        name: &scorer.name,
        serialized_scorer: &scorer.content,
        creation_time: scorer.created_ms,
    })
}

fn list(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let one = fields.text("experiment_id")?.filter(|id| !id.is_empty());
    let many = fields.texts("experiment_ids")?;
    let projects = match (one, many.as_slice()) {
        (Some(_), [_, ..]) => {
            return Err(Refused::invalid(
                "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to \
                 multiple experiments, or 'experiment_id' to scope it to a single experiment.",
            ));
        }
        (Some(id), []) => vec![active(front, id)?],
        (None, []) => {
            let all = ProjectQuery { limit: PROJECTS, ..ProjectQuery::default() };
            front.parts.catalog.search_projects(&all)?.into_iter().map(|project| project.number).collect()
        }
        (None, many) => {
            let mut active = Vec::with_capacity(many.len());
            for id in many {
                let project = front.parts.catalog.project(number(id)?)?;
                active.extend(project.filter(|project| !project.deleted).map(|project| project.number));
            }
            active
        }
    };
    let scorers = front.parts.catalog.scorers(&projects)?;
    reply(&List { scorers: scorers.iter().map(Form::of).collect() })
}

fn versions(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let found = all_versions(front, &args.fields())?;
    reply(&List { scorers: found.iter().map(Form::of).collect() })
}

fn get(front: &Front, args: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct One<'a> {
        scorer: Form<'a>,
    }
    let fields = args.fields();
    let found = all_versions(front, &fields)?;
    let scorer = match fields.int("version")? {
        None => found.last(),
        Some(version) => found.iter().find(|scorer| scorer.version == version),
    };
    let scorer = scorer.ok_or_else(|| missing(&fields))?;
    reply(&One { scorer: Form::of(scorer) })
}

fn delete(front: &Front, args: &Args) -> Result<Reply, Refused> {
    let fields = args.fields();
    let project = active(front, fields.required("experiment_id")?)?;
    let deleted = front.parts.catalog.delete_scorer(project, fields.required("name")?, fields.int("version")?)?;
    if deleted == 0 { Err(missing(&fields)) } else { Ok(Reply::empty()) }
}

/// Nothing is judged as it comes, so there is nothing configured for it.
fn configs(_: &Front, _: &Args) -> Result<Reply, Refused> {
    #[derive(Serialize)]
    struct Configs {
        configs: [(); 0],
    }
    reply(&Configs { configs: [] })
}

fn configure(_: &Front, _: &Args) -> Result<Reply, Refused> {
    let message = "Weir keeps scorers and does not run them: it cannot judge traces as they come. Run them in the \
                   client, with mlflow.genai.evaluate";
    Err(Refused::new(ErrorCode::NotImplemented, message))
}

fn all_versions(front: &Front, fields: &Fields<'_>) -> Result<Vec<ScorerRecord>, Refused> {
    let project = active(front, fields.required("experiment_id")?)?;
    let found = front.parts.catalog.scorer_versions(project, fields.required("name")?)?;
    if found.is_empty() { Err(missing(fields)) } else { Ok(found) }
}

fn missing(fields: &Fields<'_>) -> Refused {
    let text = |name| fields.text(name).ok().flatten().unwrap_or_default();
    let version = match fields.int("version").ok().flatten() {
        Some(version) => format!(" and version {version}"),
        None => String::new(),
    };
    let (name, experiment) = (text("name"), text("experiment_id"));
    Refused::missing(format!("Scorer with name '{name}'{version} not found for experiment {experiment}."))
}

fn number(id: &str) -> Result<i64, Refused> {
    id.parse()
        .map_err(|_| Refused::invalid(format!("Invalid experiment ID '{id}'. Experiment ID must be a valid integer.")))
}

/// The number of an experiment that is there and not deleted.
fn active(front: &Front, id: &str) -> Result<i64, Refused> {
    let number = number(id)?;
    let project = front.parts.catalog.project(number)?;
    let project = project.ok_or_else(|| Refused::missing(format!("No Experiment with id={number} exists")))?;
    if project.deleted {
        return Err(Refused::invalid(format!(
            "The experiment {number} must be in the 'active' state. \nCurrent state is deleted."
        )));
    }
    Ok(number)
}
