use super::*;

fn chosen(config: &OtlpExportConfig) -> Result<Choice, String> {
    choose(config, &|name| (name == "TOKEN").then(|| "Bearer secret-token".to_owned()))
}

fn to(endpoint: &str) -> OtlpExportConfig {
    OtlpExportConfig { endpoint: Some(endpoint.into()), ..OtlpExportConfig::default() }
}

fn on(config: &OtlpExportConfig) -> Settings {
    match chosen(config) {
        Ok(Choice::On(settings)) => settings,
        other => panic!("{other:?}"),
    }
}

fn with(endpoint: &str, header: &str, text: &str) -> OtlpExportConfig {
    OtlpExportConfig { headers: [(header.to_owned(), text.into())].into(), ..to(endpoint) }
}

#[test]
fn the_path_is_added_where_it_is_not_there() {
    for (endpoint, url, shown) in [
        ("http://collector:4318", "http://collector:4318/v1/traces", "http://collector:4318"),
        ("http://collector:4318/", "http://collector:4318/v1/traces", "http://collector:4318"),
        ("https://h/api/public/otel/", "https://h/api/public/otel/v1/traces", "https://h/api/public/otel"),
        ("https://h/otel/v1/traces", "https://h/otel/v1/traces", "https://h/otel"),
    ] {
        let settings = on(&to(endpoint));
        assert_eq!((settings.url.as_str(), settings.shown_uri().as_str()), (url, shown));
    }
    assert!(matches!(chosen(&OtlpExportConfig::default()), Ok(Choice::Unset)));
    assert!(matches!(chosen(&OtlpExportConfig { enabled: false, ..to("http://h") }), Ok(Choice::Off(_))));
}

#[test]
fn credentials_stand_in_headers_and_are_not_shown() {
    let settings = on(&with("http://h", "Authorization", "env:TOKEN"));
    assert_eq!(settings.headers["authorization"].to_str().unwrap(), "Bearer secret-token");
    assert!(settings.secrets.iter().any(|secret| secret.expose() == "secret-token"));
    assert!(!format!("{settings:?}").contains("secret-token"), "{settings:?}");
    let settings = on(&to("https://me:p%40ss@h:4318"));
    assert_eq!(settings.shown_uri(), "https://h:4318");
    assert!(settings.headers["authorization"].to_str().unwrap().starts_with("Basic "));
    assert!(!format!("{settings:?}").contains("p@ss"), "{settings:?}");
}

#[test]
fn mistakes_are_named() {
    let wrong = |config: OtlpExportConfig| chosen(&config).unwrap_err();
    assert!(wrong(to("collector:4318")).starts_with("otlp.export.endpoint: is no http"));
    assert!(wrong(to("env:NOT_SET")).ends_with("NOT_SET is not set"));
    assert!(wrong(to("http://h/?key=secret")).starts_with("otlp.export.endpoint: has a query"));
    assert!(wrong(with("http://h", "x-key", "env:NO")).starts_with("otlp.export.headers.x-key: the environment"));
    assert!(wrong(with("http://h", "Content-Type", "x")).starts_with("otlp.export.headers.Content-Type: is set by"));
    assert!(wrong(with("http://h", "a b", "x")).starts_with("otlp.export.headers.a b: is no name"));
    assert!(wrong(with("http://h", "x-key", "a\nb")).starts_with("otlp.export.headers.x-key: holds characters"));
    assert!(wrong(with("http://me:it@h", "authorization", "x")).starts_with("otlp.export.headers.authorization"));
    let lost = OtlpExportConfig { endpoint: None, ..with("http://h", "x-key", "v") };
    assert!(wrong(lost).starts_with("otlp.export.headers: there is no endpoint"));
    let never = OtlpExportConfig { timeout: Time::secs(0), ..to("http://h") };
    assert!(wrong(never).starts_with("otlp.export.timeout"));
}

#[test]
fn an_endpoint_that_is_weir_itself_is_known() {
    let at = |endpoint: &str, listen: &str| on(&to(endpoint)).is_at(listen.parse().unwrap());
    for (endpoint, listen) in [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://localhost:8080/otel", "127.0.0.1:8080"),
        ("http://localhost:8080", "0.0.0.0:8080"),
        ("http://[::1]:8080", "[::]:8080"),
        ("http://0.0.0.0:8080", "0.0.0.0:8080"),
        ("http://10.0.0.7", "10.0.0.7:80"),
    ] {
        assert!(at(endpoint, listen), "{endpoint} {listen}");
    }
    for (endpoint, listen) in [
        ("http://127.0.0.1:4318", "127.0.0.1:8080"),
        ("http://10.0.0.8:8080", "10.0.0.7:8080"),
        ("http://collector:8080", "0.0.0.0:8080"),
        ("http://localhost:8080", "10.0.0.7:8080"),
    ] {
        assert!(!at(endpoint, listen), "{endpoint} {listen}");
    }
}
