//! The store's figures in the engine's form.

use std::collections::BTreeMap;

use weir_core::time::Micros;
use weir_store::activity::{ActivityBucket, ProjectActivity};

use super::DEFAULT_PROJECT;
use crate::anomalies::{Branch, Bucket, Part};

/// A bucket of each project that did something in it, by name.
pub(super) fn buckets(of: ActivityBucket) -> BTreeMap<String, Bucket> {
    let mut out: BTreeMap<String, Bucket> = BTreeMap::new();
    for (project, activity) in of.projects {
        let name = project.unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
        let bucket = out.entry(name).or_insert_with(|| empty(of.start));
        add(bucket, activity);
    }
    out
}

/// A bucket in which nothing happened.
pub(super) fn empty(start: Micros) -> Bucket {
    Bucket { start, ..Bucket::default() }
}

fn add(bucket: &mut Bucket, activity: ProjectActivity) {
    bucket.total.add(&activity.calls);
    for ((dimension, value), sums) in activity.parts {
        let part = Part { dimension: dimension.as_str().to_owned(), value };
        bucket.parts.entry(part).or_default().add(&sums);
    }
    for ((workflow, node, target), count) in activity.branches {
        let branch = Branch { workflow: workflow.unwrap_or_default(), node, target };
        *bucket.branches.entry(branch).or_default() += count;
    }
}
