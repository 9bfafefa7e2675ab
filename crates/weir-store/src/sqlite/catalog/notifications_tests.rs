use super::super::SqliteCatalog;
use crate::catalog::{
    Attempt, ChannelTest, Delivery, MAX_NOTIFICATION, MAX_SETTLED, NewNotification, NotificationQuery, Notifications,
    Standing,
};

fn new(id: &str, channel: &str, alert: &str) -> NewNotification {
    NewNotification {
        id: id.into(),
        channel: channel.into(),
        alert: alert.into(),
        body: format!("{{\"id\":\"{id}\"}}"),
        created_us: 100,
    }
}

fn due(catalog: &SqliteCatalog, channel: &str, now: i64) -> Vec<String> {
    catalog.due_notifications(channel, now, 10).unwrap().into_iter().map(|n| n.new.id).collect()
}

fn seq(catalog: &SqliteCatalog, channel: &str, id: &str) -> i64 {
    let all = catalog.notifications(&NotificationQuery { limit: 5_000, ..NotificationQuery::default() }).unwrap();
    all.into_iter().find(|n| n.new.id == id && n.new.channel == channel).unwrap().seq
}

#[test]
fn an_alert_is_told_in_order_while_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    catalog
        .put_notifications(vec![new("1", "a", "x"), new("2", "a", "x"), new("3", "a", "y"), new("1", "b", "x")])
        .unwrap();
    catalog.put_notifications(vec![NewNotification { body: "{}".into(), ..new("1", "a", "x") }]).unwrap();
    assert!(due(&catalog, "a", 99).is_empty());
    assert_eq!((due(&catalog, "a", 100), due(&catalog, "b", 100)), (vec!["1".into(), "3".into()], vec!["1".into()]));
    assert_eq!(catalog.due_notifications("a", 100, 1).unwrap()[0].new, new("1", "a", "x"));

    let failed = Attempt::Failed { next_try_us: 700, error: "refused".into() };
    catalog.attempted(seq(&catalog, "a", "1"), 200, failed).unwrap();
    assert_eq!(due(&catalog, "a", 699), ["3"]);
    assert_eq!(catalog.next_due().unwrap(), [("a".to_owned(), 100), ("b".to_owned(), 100)]);
    assert_eq!(due(&catalog, "a", 700), ["1", "3"]);
    catalog.attempted(seq(&catalog, "a", "1"), 700, Attempt::Delivered(Standing::Untouched)).unwrap();
    assert_eq!(due(&catalog, "a", 700), ["2", "3"]);
}

#[test]
fn what_waits_survives_and_what_became_of_the_rest_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    {
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        catalog.put_notifications(vec![new("1", "a", "x"), new("2", "a", "y"), new("3", "a", "z")]).unwrap();
        catalog.attempted(seq(&catalog, "a", "1"), 200, Attempt::Delivered(Standing::Untouched)).unwrap();
        catalog.attempted(seq(&catalog, "a", "2"), 300, Attempt::GivenUp { error: "gone".into() }).unwrap();
        // Late news of an attempt that is over changes nothing.
        catalog.attempted(seq(&catalog, "a", "2"), 400, Attempt::Delivered(Standing::Remind)).unwrap();
    }
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    assert_eq!(due(&catalog, "a", 900), ["3"]);
    let deliveries = catalog.channel_deliveries("a").unwrap();
    assert_eq!((deliveries.waiting, deliveries.delivered_us, deliveries.given_up_us), (1, Some(200), Some(300)));
    assert_eq!(deliveries.error.as_deref(), Some("gone"));
    assert_eq!(deliveries.given_up, 1);
    catalog.put_notifications(vec![new("4", "a", "v")]).unwrap();
    catalog.attempted(seq(&catalog, "a", "4"), 350, Attempt::Unwanted).unwrap();
    assert_eq!(due(&catalog, "a", 900), ["3"]);
    let query = NotificationQuery { delivery: Some(Delivery::GivenUp), limit: 9, ..NotificationQuery::default() };
    let given_up = catalog.notifications(&query).unwrap();
    assert_eq!((given_up.len(), given_up[0].attempts, given_up[0].error.as_deref()), (1, 1, Some("gone")));
    assert!(catalog.standing_alerts("a", i64::MAX, 9).unwrap().is_empty());
    // A delivery ends the trouble that was before it.
    catalog.attempted(seq(&catalog, "a", "3"), 500, Attempt::Delivered(Standing::Untouched)).unwrap();
    assert_eq!(catalog.channel_deliveries("a").unwrap().error, None);
}

#[test]
fn alerts_that_go_on_are_reminded_of_until_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    catalog.put_notifications(vec![new("1", "a", "x"), new("2", "a", "y"), new("3", "a", "x")]).unwrap();
    for id in ["1", "2"] {
        catalog.attempted(seq(&catalog, "a", id), 200, Attempt::Delivered(Standing::Remind)).unwrap();
    }
    catalog.reminded("a", vec!["y".into()], 300).unwrap();
    let standing = catalog.standing_alerts("a", 299, 9).unwrap();
    assert_eq!(standing.iter().map(|s| (s.alert.as_str(), s.told_us)).collect::<Vec<_>>(), [("x", 200)]);
    assert_eq!(standing[0].body, new("1", "a", "x").body);
    catalog.attempted(seq(&catalog, "a", "3"), 400, Attempt::Delivered(Standing::Forget)).unwrap();
    assert_eq!(catalog.standing_alerts("a", 999, 9).unwrap().len(), 1);
    catalog.tidy_outbox(&["b".into()], 500).unwrap();
    assert!(catalog.standing_alerts("a", 999, 9).unwrap().is_empty());
}

#[test]
fn the_outbox_is_bounded_and_gives_up_what_nobody_takes() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    let many = (0..MAX_SETTLED + 5).map(|n| new(&n.to_string(), "gone", "x")).chain([new("0", "a", "x")]).collect();
    catalog.put_notifications(many).unwrap();
    assert_eq!(catalog.tidy_outbox(&["a".into()], 500).unwrap(), [("gone".to_owned(), MAX_SETTLED as u64 + 5)]);
    assert_eq!((due(&catalog, "gone", 900).len(), due(&catalog, "a", 900).len()), (0, 1));
    let query = NotificationQuery { channel: Some("gone"), limit: 9_999, ..NotificationQuery::default() };
    let kept = catalog.notifications(&query).unwrap();
    assert_eq!((kept.len(), kept[0].new.id.clone()), (MAX_SETTLED, (MAX_SETTLED + 4).to_string()));
    let page = NotificationQuery { before: Some(kept[1].seq), limit: 1, ..query };
    assert_eq!(catalog.notifications(&page).unwrap(), kept[2..3]);
    let huge = NewNotification { body: "x".repeat(MAX_NOTIFICATION + 1), ..new("h", "a", "x") };
    assert!(catalog.put_notifications(vec![new("ok", "a", "x"), huge]).is_err());
    assert_eq!(catalog.channel_deliveries("a").unwrap().waiting, 1);
    assert_eq!(catalog.waiting_notifications().unwrap(), [("a".to_owned(), 1)]);
}

#[test]
fn the_last_test_of_a_channel_counts() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(folder.path()).unwrap();
    let test =
        |ok, tested_us| ChannelTest { channel: "a".into(), target: "d".into(), tested_us, ok, said: "200".into() };
    catalog.put_channel_test(&test(true, 1)).unwrap();
    catalog.put_channel_test(&test(false, 2)).unwrap();
    assert_eq!(catalog.channel_tests().unwrap(), [test(false, 2)]);
}
