use base64::Engine;

use super::*;

fn chosen(config: &MlflowConfig, variables: &[(&str, &str)]) -> Result<Choice, String> {
    choose(config, &|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
}

fn on(config: &MlflowConfig, variables: &[(&str, &str)]) -> Settings {
    match chosen(config, variables) {
        Ok(Choice::On(settings)) => settings,
        other => panic!("{other:?}"),
    }
}

fn header(settings: &Settings) -> Option<&str> {
    settings.authorization.as_ref().map(|h| h.to_str().unwrap())
}

#[test]
fn the_variables_alone_are_enough() {
    let config = MlflowConfig::default();
    assert!(matches!(chosen(&config, &[]), Ok(Choice::Unset)));
    let settings = on(&config, &[("MLFLOW_TRACKING_URI", "http://h:5000/")]);
    assert_eq!((settings.shown_uri().as_str(), settings.experiment.as_str()), ("http://h:5000", EXPERIMENT));
    assert_eq!((header(&settings), settings.environment.as_str()), (None, "production"));
    let settings = on(&config, &[("MLFLOW_TRACKING_URI", "https://h/ml"), ("MLFLOW_EXPERIMENT_NAME", "e")]);
    assert_eq!((settings.shown_uri().as_str(), settings.experiment.as_str()), ("https://h/ml", "e"));
    for scheme in ["sqlite:///m.db", "file:///tmp/mlruns", "/tmp/mlruns", "databricks"] {
        let Ok(Choice::Ignored(why)) = chosen(&config, &[("MLFLOW_TRACKING_URI", scheme)]) else { panic!("{scheme}") };
        assert!(why.starts_with("MLFLOW_TRACKING_URI"));
    }
    for off in ["false", "0", "False"] {
        let variables = [("MLFLOW_TRACKING_URI", "http://h"), ("MLFLOW_ENABLED", off)];
        assert!(matches!(chosen(&config, &variables), Ok(Choice::Off(_))));
    }
    assert!(matches!(
        chosen(&config, &[("MLFLOW_TRACKING_URI", "http://h"), ("MLFLOW_ENABLED", "true")]),
        Ok(Choice::On(_))
    ));
}

#[test]
fn the_file_wins_but_for_the_switch() {
    let config = MlflowConfig {
        tracking_uri: Some("http://file".into()),
        experiment: Some("mine".into()),
        token: Some("env:TOKEN".into()),
        ..MlflowConfig::default()
    };
    let variables = [
        ("MLFLOW_TRACKING_URI", "http://variable"),
        ("MLFLOW_EXPERIMENT_NAME", "theirs"),
        ("MLFLOW_TRACKING_TOKEN", "other"),
        ("TOKEN", "secret-token"),
    ];
    let settings = on(&config, &variables);
    assert_eq!((settings.shown_uri().as_str(), settings.experiment.as_str()), ("http://file", "mine"));
    assert_eq!(header(&settings), Some("Bearer secret-token"));
    assert!(!format!("{settings:?}{config:?}").contains("secret-token"));
    let off = MlflowConfig { enabled: false, ..config.clone() };
    assert!(matches!(chosen(&off, &variables), Ok(Choice::Off(_))));
    assert_eq!(chosen(&config, &[]).unwrap_err(), "mlflow.token: the environment variable TOKEN is not set");
}

#[test]
fn credentials_come_from_three_places_and_are_not_shown() {
    let config = MlflowConfig::default();
    let in_url = ("MLFLOW_TRACKING_URI", "http://me:p%40ss%zz@h:5000/x?y#z");
    let settings = on(&config, &[in_url]);
    assert_eq!(settings.shown_uri(), "http://h:5000/x");
    let basic = |pair: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    assert_eq!(header(&settings), Some(basic("me:p@ss%zz").as_str()));
    assert!(!format!("{settings:?}").contains("p@ss"), "{settings:?}");
    let user =
        [in_url, ("MLFLOW_TRACKING_USERNAME", "u"), ("MLFLOW_TRACKING_PASSWORD", "w"), ("MLFLOW_TRACKING_TOKEN", "t")];
    assert_eq!(header(&on(&config, &user)), Some(basic("u:w").as_str()));
    let token =
        [("MLFLOW_TRACKING_URI", "http://h"), ("MLFLOW_TRACKING_USERNAME", "u"), ("MLFLOW_TRACKING_TOKEN", "t")];
    assert_eq!(header(&on(&config, &token)), Some("Bearer t"));
}

#[test]
fn credentials_of_the_environment_do_not_go_where_the_file_says_who_calls() {
    let variables = [
        ("MLFLOW_TRACKING_USERNAME", "theirs"),
        ("MLFLOW_TRACKING_PASSWORD", "their-password"),
        ("MLFLOW_TRACKING_TOKEN", "their-token"),
    ];
    let file = |uri: &str| MlflowConfig { tracking_uri: Some(uri.into()), ..MlflowConfig::default() };
    let basic = |pair: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
    assert_eq!(header(&on(&file("http://me:mine@h"), &variables)), Some(basic("me:mine").as_str()));
    let token = MlflowConfig { token: Some("own".into()), ..file("http://h") };
    assert_eq!(header(&on(&token, &variables)), Some("Bearer own"));
    let user = MlflowConfig { username: Some("u".into()), ..file("http://h") };
    assert!(chosen(&user, &variables).unwrap_err().starts_with("mlflow.username: has no password"));
    let user = MlflowConfig { password: Some("env:MLFLOW_TRACKING_PASSWORD".into()), ..user };
    assert_eq!(header(&on(&user, &variables)), Some(basic("u:their-password").as_str()));
    // A file that says nothing of it leaves it to the variables.
    assert_eq!(header(&on(&file("http://h"), &variables)), Some(basic("theirs:their-password").as_str()));
}

#[test]
fn mistakes_are_named() {
    let with = |change: &dyn Fn(&mut MlflowConfig)| {
        let mut config = MlflowConfig { tracking_uri: Some("http://h".into()), ..MlflowConfig::default() };
        change(&mut config);
        chosen(&config, &[]).unwrap_err()
    };
    assert!(with(&|c| c.tracking_uri = Some("sqlite:///x:pass".into())).starts_with("mlflow.tracking_uri: is no http"));
    assert!(with(&|c| c.concurrency = 0).starts_with("mlflow.concurrency"));
    assert!(with(&|c| c.timeout = Time::secs(0)).starts_with("mlflow.timeout"));
    assert!(with(&|c| c.experiment = Some(" ".into())).starts_with("mlflow.experiment"));
    assert!(with(&|c| c.token = Some("a\nb".into())).starts_with("mlflow.token"));
}
