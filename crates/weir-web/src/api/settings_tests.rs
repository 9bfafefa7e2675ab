use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use weir_core::access::Role;
use weir_gateway::Gateway;
use weir_gateway::config::Config;
use weir_gateway::routing::Deployment;
use weir_gateway::snapshot::Snapshot;

use super::settings::Configured;
use super::tests::{api, get};
use super::{settings_view, tables};

/// Texts that no answer may hold.
const SECRETS: [&str; 4] = ["sk-literal-secret", "value-of-the-variable", "header-secret", "user:pass"];

struct Fixed(Arc<Snapshot>);

impl Configured for Fixed {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.clone()
    }

    fn deployments(&self) -> Vec<Arc<Deployment>> {
        let of = |name: &str| Arc::new(Deployment::new(name.to_owned()));
        let (well, cooling, unused) = (of("local/fast"), of("local/broken"), of("local/never"));
        well.succeeded(120_000, 0);
        for _ in 0..3 {
            cooling.failed(Some(600_000), NOW);
        }
        vec![well, cooling, unused]
    }
}

/// The clock of the tests' API.
const NOW: i64 = 1_763_683_200_000_000;

fn snapshot() -> Snapshot {
    let keys = json!([
        {"name": "checkout", "key": "env:CHECKOUT_KEY", "role": "call", "models": ["gpt-4o*"], "rpm": 60, "department": "sales"},
        {"name": "ops", "sha256": "ab".repeat(32), "role": "admin"},
        {"name": "old", "key": SECRETS[0], "budget_usd_per_day": 5.0},
    ]);
    let limits = json!([{"label": "department", "value": "*", "budget_usd_per_month": 100.0}]);
    let prices = json!([{"model": "own-model", "in": 1.5, "out": 3.0}, {"provider": "openai", "model": "gpt-4o", "in": 2.0, "out": 9.0}]);
    let file = json!({"models": [{"id": "from-a-file", "provider": "openai", "in": 1, "out": 2}]});
    let providers = json!({"local": {
        "kind": "openai", "base_url": format!("http://{}@127.0.0.1:9/v1?token=x", SECRETS[3]), "api_key": "env:CHECKOUT_KEY",
        "headers": {"x-modal": SECRETS[2]}, "models": ["fast", "broken"],
    }});
    let config = Config {
        keys: serde_json::from_value(keys).unwrap(),
        limits: serde_json::from_value(limits).unwrap(),
        prices: serde_json::from_value(prices).unwrap(),
        providers: serde_json::from_value(providers).unwrap(),
        record: serde_json::from_value(
            json!({"payload": "redacted", "retention": "30d", "redact": {"ORDER": "o-[0-9]+"}}),
        )
        .unwrap(),
        price_file: Some(file.to_string()),
        ..Config::default()
    };
    Gateway::check(config, &|name| (name == "CHECKOUT_KEY").then(|| SECRETS[1].to_owned())).unwrap()
}

pub(super) fn configured() -> Arc<dyn Configured> {
    Arc::new(Fixed(Arc::new(snapshot())))
}

async fn answer(part: &str) -> Value {
    let (api, ..) = api();
    let (status, body) = get(&api, &format!("/api/v1/settings/{part}")).await;
    assert_eq!(status, 200, "{body}");
    for secret in SECRETS.into_iter().chain([&*"ab".repeat(32)]) {
        assert!(!body.contains(secret), "{part} shows {secret}: {body}");
    }
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn keys_are_shown_without_the_keys() {
    let keys = answer("keys").await;
    assert_eq!(keys["open"], false);
    let of = |n: usize, member: &str| keys["keys"][n][member].clone();
    assert_eq!((of(0, "name"), of(0, "role"), of(0, "rpm")), (json!("checkout"), json!("call"), json!(60)));
    assert_eq!((of(0, "known_by"), of(0, "variable")), (json!("env"), json!("CHECKOUT_KEY")));
    assert_eq!((of(1, "known_by"), of(2, "known_by")), (json!("sha256"), json!("literal")));
    assert_eq!((of(1, "calls"), of(1, "last_used")), (json!(0), Value::Null));
}

#[test]
fn only_an_admin_reads_the_keys() {
    let paths = |role: Role| -> Vec<String> {
        let of_role = tables().into_iter().filter(|(of, _)| *of == role);
        of_role.flat_map(|(_, table)| table.into_openapi().paths.paths.into_keys()).collect()
    };
    let has = |role, part: &str| paths(role).contains(&format!("/api/v1/settings/{part}"));
    assert!(has(Role::Admin, "keys") && !has(Role::Read, "keys"));
    for part in ["limits", "prices", "retention", "providers", "storage"] {
        assert!(has(Role::Read, part), "{part}");
    }
}

#[tokio::test]
async fn limits_say_what_is_left_and_what_each_value_has() {
    let limits = answer("limits").await["limits"].as_array().unwrap().clone();
    let of = |value: &str| limits.iter().find(|limit| limit["value"] == value).unwrap();
    assert_eq!(of("checkout")["requests"], json!({"limit": 60.0, "left": 60.0}));
    assert_eq!(of("old")["usd_per_day"], json!({"limit": 5.0, "left": 5.0}));
    assert_eq!((&of("*")["label"], &of("*")["usd_per_month"]["limit"]), (&json!("department"), &json!(100.0)));
    assert_eq!(limits.len(), 3, "a key without a limit has no line");
}

#[tokio::test]
async fn prices_say_where_they_are_from() {
    let answer = answer("prices").await;
    let prices = answer["prices"].as_array().unwrap();
    let of = |model: &str, provider: &str| {
        prices.iter().find(|price| price["model"] == model && price["provider"] == provider).unwrap()
    };
    let own = of("gpt-4o", "openai");
    assert_eq!((&own["source"], &own["rates"]["input"]), (&json!("configuration"), &json!(2.0)));
    assert!(own["instead_of"]["input"].as_f64().unwrap() > 0.0);
    assert_eq!(of("own-model", "")["instead_of"], Value::Null);
    assert_eq!(of("from-a-file", "openai")["source"], "file");
    assert_eq!(of("gpt-4o-mini", "openai")["source"], "built_in");
    assert!(answer["as_of"].as_str().unwrap().starts_with("20"));
}

#[tokio::test]
async fn retention_is_told_as_it_is_set() {
    let kept = answer("retention").await;
    assert_eq!((&kept["calls_seconds"], &kept["payload"]), (&json!(30.0 * 86_400.0), &json!("redacted")));
    assert_eq!((&kept["patterns"], &kept["replaces_personal_data"]), (&json!(["ORDER"]), &json!(true)));
    assert_eq!(kept["cache"], Value::Null);
}

#[tokio::test]
async fn providers_show_what_is_out_of_the_rotation_first() {
    let all = answer("providers").await["providers"].as_array().unwrap().clone();
    let local = all.iter().find(|provider| provider["name"] == "local").unwrap();
    assert_eq!((&local["url"], &local["has_key"]), (&json!("http://127.0.0.1:9/v1"), &json!(true)));
    let models: Vec<_> = local["deployments"].as_array().unwrap().iter().map(|d| (&d["model"], &d["state"])).collect();
    assert_eq!(models, [(&json!("broken"), &json!("blocked")), (&json!("fast"), &json!("well"))]);
    assert_eq!(local["deployments"][1]["first_byte_ms"], 120.0);
}

#[tokio::test]
async fn storage_is_measured_when_asked_and_parameters_are_refused() {
    assert_eq!(answer("storage").await["bytes"], 7);
    let (api, ..) = api();
    for part in ["keys", "limits", "prices", "retention", "providers", "storage"] {
        assert_eq!(get(&api, &format!("/api/v1/settings/{part}?x=1")).await.0, 400, "{part}");
    }
}

#[test]
fn without_keys_everybody_on_the_machine_may_call() {
    let open = Gateway::check(Config::default(), &|_| None).unwrap();
    let answer = settings_view::keys(&open, &HashMap::new());
    assert!(answer.open && answer.keys.is_empty());
    assert!(settings_view::limits(&open, NOW).limits.is_empty());
}
