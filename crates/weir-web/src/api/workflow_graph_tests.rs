//! Graphs of known decisions, with exact figures.

use weir_store::telemetry::StepFigures;

use super::*;

fn decisions(from: &str, to: &str, count: u64) -> StepGroup {
    StepGroup {
        step: from.into(),
        target: Some(to.into()),
        total: StepFigures { count, ..StepFigures::default() },
        ..StepGroup::default()
    }
}

fn count(now: u64, before: u64) -> Count {
    Count { now, before }
}

fn edges(graph: &Graph) -> Vec<(&str, &str, Count, Count)> {
    graph.edges.iter().map(|e| (e.from.as_str(), e.to.as_str(), e.count, e.left)).collect()
}

fn names(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|n| n.name.as_str()).collect()
}

#[test]
fn shares_are_of_the_decisions_that_left_the_node() {
    let now = [
        decisions("review", "done", 5),
        decisions("classify", "human", 20),
        decisions("classify", "answer", 60),
        decisions("human", "review", 18),
    ];
    let before = [decisions("classify", "answer", 90), decisions("classify", "refuse", 10)];
    let graph = Graph::of(&now, &before);
    assert_eq!(
        edges(&graph),
        [
            ("classify", "answer", count(60, 90), count(80, 100)),
            ("classify", "human", count(20, 0), count(80, 100)),
            ("classify", "refuse", count(0, 10), count(80, 100)),
            ("human", "review", count(18, 0), count(18, 0)),
            ("review", "done", count(5, 0), count(5, 0)),
        ]
    );
    assert_eq!(names(&graph), ["classify", "answer", "human", "refuse", "review", "done"]);
    assert_eq!(graph.edges[0].share(), Share { hits: 60, of: 80 });
    assert_eq!(graph.edges[2].share_before().rate(), Some(0.1));
    assert_eq!((graph.edges[3].share_before().rate(), graph.left_out), (None, 0));
    let visits: Vec<Count> = graph.nodes.iter().map(Node::visits).collect();
    // The first is only left; "human" was entered 20 times and left 18 times; the last is only entered.
    assert_eq!(visits, [count(80, 100), count(60, 90), count(20, 0), count(0, 10), count(18, 0), count(5, 0)]);
}

#[test]
fn the_order_of_the_figures_does_not_matter() {
    let mut now: Vec<StepGroup> =
        [("a", "b", 3), ("a", "c", 3), ("b", "d", 3), ("c", "d", 3)].map(|(f, t, n)| decisions(f, t, n)).to_vec();
    let forth = Graph::of(&now, &[]);
    now.reverse();
    let back = Graph::of(&now, &[]);
    assert_eq!((edges(&forth), names(&forth)), (edges(&back), names(&back)));
    assert_eq!(names(&forth), ["a", "b", "c", "d"]);
}

#[test]
fn circles_and_nodes_that_lead_to_themselves_end() {
    let graph =
        Graph::of(&[decisions("draft", "review", 9), decisions("review", "draft", 6), decisions("x", "x", 2)], &[]);
    assert_eq!(names(&graph), ["draft", "review", "x"]);
    assert_eq!(graph.nodes[2].visits(), count(2, 0));
    let empty = Graph::of(&[], &[]);
    assert!(empty.nodes.is_empty() && empty.edges.is_empty());
}

#[test]
fn projects_that_share_a_name_add_up() {
    let of = |project: &str, n| StepGroup { project: Some(project.into()), ..decisions("a", "b", n) };
    let graph = Graph::of(&[of("x", 3), of("y", 4)], &[of("x", 1)]);
    assert_eq!(edges(&graph), [("a", "b", count(7, 1), count(7, 1))]);
}

#[test]
fn shares_over_time_know_the_buckets_in_which_another_way_was_taken() {
    let figures = |count| StepFigures { count, ..StepFigures::default() };
    let series = |to: &str, series: Vec<(Micros, StepFigures)>| StepGroup { series, ..decisions("a", to, 1) };
    let now = [series("b", vec![(60, figures(3)), (120, figures(1))]), series("c", vec![(60, figures(1))])];
    let graph = Graph::of(&now, &[]);
    let shares =
        |n: usize| graph.edges[n].series.iter().flatten().map(|(at, s)| (*at, s.hits, s.of)).collect::<Vec<_>>();
    assert_eq!(shares(0), [(60, 3, 4), (120, 1, 1)]);
    assert_eq!(shares(1), [(60, 1, 4), (120, 0, 1)]);
}

#[test]
fn above_the_bound_the_rarest_ways_are_left_out_and_still_count() {
    let now: Vec<StepGroup> = (0..=MAX_EDGES).map(|n| decisions("a", &format!("b{n}"), 1 + n as u64)).collect();
    let graph = Graph::of(&now, &[]);
    assert_eq!((graph.edges.len(), graph.left_out), (MAX_EDGES, 1));
    assert_eq!(graph.edges[0].left.now, (1..=MAX_EDGES as u64 + 1).sum::<u64>());
    assert!(names(&graph).iter().all(|name| *name != "b0"));
    assert_eq!(graph.edges.iter().filter(|e| e.series.is_some()).count(), MAX_SERIES);
}
