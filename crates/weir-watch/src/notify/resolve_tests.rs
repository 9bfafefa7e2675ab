use super::*;

const SECRET: &str = "xoxb-very-secret-value";

fn of(text: &str) -> Result<Arc<Channel>, String> {
    let config: ChannelConfig = toml::from_str(text).map_err(|e| e.message().to_owned())?;
    let env = |name: &str| match name {
        "KEY" => Some(SECRET.to_owned()),
        "SLACK" => Some(format!("https://hooks.slack.com/services/{SECRET}")),
        "PLAIN" => Some(format!("http://hooks.example.com/{SECRET}")),
        "SHORT" => Some("short".to_owned()),
        _ => None,
    };
    all(&[config], &env).map(|mut all| all.remove(0))
}

#[test]
fn each_kind_is_read() {
    let kinds = [
        ("name = \"a\"\nurl = \"https://example.com/h\"\nsecret = \"env:KEY\"", "https://example.com/h"),
        ("name = \"a\"\nkind = \"slack\"\nurl = \"env:SLACK\"", "https://hooks.slack.com/…"),
        ("name = \"a\"\nkind = \"pagerduty\"\nrouting_key = \"env:KEY\"", "https://events.pagerduty.com/v2/enqueue"),
        ("name = \"a\"\nkind = \"alertmanager\"\nurl = \"http://am:9093\"", "http://am:9093"),
        (
            "name = \"a\"\nkind = \"email\"\nurl = \"smtp://mail\"\nfrom = \"Weir <w@x.org>\"\nto = [\"o@x.org\"]",
            "smtp://mail:587 to o@x.org",
        ),
    ];
    for (text, shown) in kinds {
        assert_eq!(of(text).map(|channel| channel.shown.clone()), Ok(shown.to_owned()), "{text}");
    }
}

#[test]
fn mistakes_are_named_and_secrets_are_not() {
    let hook = "name = \"a\"\nurl = \"https://example.com/h\"\n";
    let mail = "name = \"a\"\nkind = \"email\"\nfrom = \"w@x.org\"\nto = [\"o@x.org\"]\n";
    let cases = [
        ("name = \"a b\"\nurl = \"https://x\"".to_owned(), "channels[0].name: \"a b\""),
        ("name = \"a\"".to_owned(), "channels.a.url: is missing"),
        (format!("{hook}kind = \"teams\""), "unknown variant `teams`"),
        (format!("{hook}secret = \"{SECRET}\""), "channels.a.secret: is a secret; put it into"),
        (format!("{hook}old_secret = \"env:KEY\""), "channels.a.old_secret: stands beside the new one"),
        (format!("{hook}secret = \"env:NO\""), "channels.a.secret: the environment variable NO is not set"),
        (format!("{hook}secret = \"env:SHORT\""), "channels.a.secret: "),
        (format!("{hook}routing_key = \"env:KEY\""), "channels.a.routing_key: belongs to kind pagerduty"),
        (format!("{hook}timeout = \"0s\""), "channels.a.timeout: must be from 1s to 2m"),
        (format!("{hook}user = \"u\""), "channels.a.password: is missing"),
        (format!("{hook}severities = [\"bad\"]"), "unknown variant `bad`"),
        (format!("{hook}[headers]\nhost = \"env:KEY\""), "channels.a.headers.host: is set by Weir"),
        (format!("{hook}[headers]\nx-key = \"{SECRET}\""), "channels.a.headers.x-key: is a secret"),
        (
            "name = \"a\"\nurl = \"http://hooks.example.com\"\n[headers]\nx-key = \"env:KEY\"".to_owned(),
            "channels.a.url: would send a secret unencrypted",
        ),
        ("name = \"a\"\nurl = \"env:PLAIN\"".to_owned(), "channels.a.url: would send a secret unencrypted"),
        (
            format!("name = \"a\"\nkind = \"slack\"\nurl = \"https://hooks.slack.com/{SECRET}\""),
            "channels.a.url: is a secret",
        ),
        ("name = \"a\"\nkind = \"pagerduty\"".to_owned(), "channels.a.routing_key: is missing"),
        (format!("{mail}url = \"mail.example.com\""), "channels.a.url: is no address of a mail server"),
        (format!("{mail}url = \"smtp://mail\"\nstarttls = false"), "channels.a.starttls: may be false only"),
        (mail.replace("o@x.org", "o at x") + "url = \"smtps://mail\"", "channels.a.to: \"o at x\" is no address"),
    ];
    for (text, why) in cases {
        let wrong = of(&text).err().unwrap_or_default();
        assert!(wrong.contains(why), "{text}: {wrong}");
        assert!(!wrong.contains(SECRET), "{wrong}");
    }
}

#[test]
fn what_is_said_does_not_hold_secrets() {
    let channel = of("name = \"a\"\nkind = \"slack\"\nurl = \"env:SLACK\"").unwrap();
    assert_eq!(channel.clean(&format!("no such\nhook /services/{SECRET}")), "no such hook /***");
    let hook = of("name = \"a\"\nurl = \"https://x.org/h\"\nuser = \"u\"\npassword = \"env:KEY\"").unwrap();
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("u:{SECRET}"));
    assert_eq!(hook.clean(&format!("bad {pair} {SECRET}")), "bad *** ***");
    assert_eq!(hook.clean(&"x".repeat(1_000)).len(), 300);
}

#[test]
fn another_setting_is_another_target() {
    let one = of("name = \"a\"\nurl = \"https://example.com/h\"").unwrap();
    let same = of("url = \"https://example.com/h\"\nname = \"a\"").unwrap();
    let other = of("name = \"a\"\nurl = \"https://example.com/i\"").unwrap();
    assert!(one.target == same.target && one.target != other.target);
}

#[test]
fn two_of_a_name_are_refused() {
    let config = ChannelConfig { name: "a".into(), url: Some("https://x.org".into()), ..ChannelConfig::default() };
    let wrong = all(&[config.clone(), config], &|_| None).err().unwrap();
    assert_eq!(wrong, "channels[1].name: there are two channels \"a\"; rename one");
}
