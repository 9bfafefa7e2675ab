//! The library over a folder and a catalog: which version is meant, what conflicts, what stays in use.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use weir_core::error::Code;
use weir_core::prompt::{PromptContent, PromptDefaults, PromptRole, TemplateBody, TemplateFormat, TemplateMessage};
use weir_core::time::Clock;
use weir_store::sqlite::SqliteCatalog;

use super::{Library, NewVersion};
use crate::config::PromptsConfig;

struct Rig {
    folder: tempfile::TempDir,
    config: PromptsConfig,
    library: Library,
}

impl Rig {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = PromptsConfig { dir: folder.path().join("prompts"), ..PromptsConfig::default() };
        for (path, text) in files {
            write(&config.dir.join(path), text);
        }
        let library = open(folder.path(), &config);
        Self { folder, config, library }
    }

    /// Another process on the same folder and catalog.
    fn again(&self) -> Library {
        open(self.folder.path(), &self.config)
    }

    fn write(&self, path: &str, text: &str) -> bool {
        write(&self.config.dir.join(path), text);
        self.look()
    }

    /// Two looks: a change counts once it has settled.
    fn look(&self) -> bool {
        assert!(!self.library.look(&self.config), "one look is not enough");
        self.library.look(&self.config)
    }

    fn make(&self, name: &str, version: Option<&str>, template: &str) -> Result<String, Code> {
        let content = text(template);
        let made = self.library.create(NewVersion {
            name: name.into(),
            version: version.map(str::to_owned),
            description: None,
            content,
            defaults: PromptDefaults::default(),
            message: None,
            labels: vec![],
        });
        made.map(|v| v.record.version.clone()).map_err(|e| e.code)
    }

    fn says(&self, name: &str, version: Option<&str>) -> String {
        says(&self.library, name, version)
    }

    fn label(&self, name: &str, label: &str, version: Option<&str>) -> Result<(), Code> {
        self.library.set_label(name, label, version).map_err(|e| e.code)
    }
}

fn open(folder: &Path, config: &PromptsConfig) -> Library {
    let catalog = Arc::new(SqliteCatalog::open(folder).unwrap());
    Library::open(catalog, config, Clock::system()).unwrap()
}

fn text(template: &str) -> PromptContent {
    let body = TemplateBody::Text { role: PromptRole::User, template: template.into() };
    PromptContent { format: TemplateFormat::Jinja2, body }
}

/// Writes a file, each with a later time of change: on some file systems that is coarse.
fn write(path: &Path, text: &str) {
    static TICKS: AtomicI64 = AtomicI64::new(1);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let tick = u64::try_from(TICKS.fetch_add(1, Ordering::Relaxed)).unwrap();
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 + tick);
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// What a version renders to, or the code of the error.
fn says(library: &Library, name: &str, version: Option<&str>) -> String {
    match library.set().find(name, version) {
        Ok(found) => found.render(&Map::new()).map_or_else(|e| e.to_string(), |rendered| rendered.text()),
        Err(error) => format!("{:?}", error.code),
    }
}

#[test]
fn a_version_is_meant_by_name_label_or_by_default() {
    let rig = Rig::new(&[("a/v1.jinja2", "one"), ("a/v2.0.jinja2", "two"), ("a/v10.jinja2", "ten"), ("b/1.j2", "b")]);
    assert_eq!(rig.says("a", None), "ten", "without a label the newest");
    assert_eq!((rig.says("a", Some("v1")), rig.says("a", Some("latest"))), ("one".into(), "ten".into()));
    rig.label("a", "production", Some("v2.0")).unwrap();
    rig.label("a", "canary", Some("latest")).unwrap();
    assert_eq!((rig.says("a", None), rig.says("a", Some("canary"))), ("two".into(), "ten".into()));
    assert_eq!(rig.says("a", Some("nope")), "NotFound");
    assert_eq!(rig.says("c", None), "NotFound");
    for (label, version) in [("latest", "v1"), ("v1", "v2.0"), ("", "v1"), ("a/b", "v1"), (".a", "v1")] {
        assert_eq!(rig.label("a", label, Some(version)), Err(Code::InvalidRequest), "{label}");
    }
    assert_eq!(rig.label("a", "x", Some("v9")), Err(Code::NotFound));
    assert_eq!(rig.label("a", "x", None), Err(Code::NotFound));
    assert_eq!(rig.label("c", "x", Some("v1")), Err(Code::NotFound));
}

#[test]
fn a_stored_version_never_changes() {
    let rig = Rig::new(&[("a/v1.jinja2", "file")]);
    assert_eq!(rig.make("a", Some("v1"), "other"), Err(Code::Conflict), "a file has that version");
    assert_eq!(rig.make("a", Some("v2"), "two"), Ok("v2".into()));
    assert_eq!(rig.make("a", Some("v2"), "two"), Ok("v2".into()), "the same again");
    assert_eq!(rig.make("a", Some("v2"), "too"), Err(Code::Conflict));
    assert_eq!(rig.make("a", None, "three"), Ok("3".into()), "one more than the greatest");
    // A file that contradicts what is stored is not taken.
    assert!(rig.write("a/v2.jinja2", "changed"));
    assert_eq!(rig.says("a", Some("v2")), "two");
    // Neither after its label made a file's version a stored one, here and in another process.
    rig.label("a", "production", Some("v1")).unwrap();
    assert!(rig.write("a/v1.jinja2", "changed"));
    assert_eq!((rig.says("a", None), says(&rig.again(), "a", None)), ("file".into(), "file".into()));
}

#[test]
fn the_labels_of_a_file_stay_when_its_version_is_stored() {
    let rig = Rig::new(&[("a/v1.jinja2", "---\nlabels: production\n---\none"), ("a/v2.jinja2", "two")]);
    rig.label("a", "canary", Some("v1")).unwrap();
    assert_eq!(rig.says("a", None), "one");
    rig.label("a", "production", Some("v2")).unwrap();
    assert_eq!(rig.says("a", None), "two", "the API's word counts");
    rig.label("a", "production", None).unwrap();
    assert_eq!((rig.says("a", None), says(&rig.again(), "a", None)), ("one".into(), "one".into()));
}

#[test]
fn includes_follow_labels_and_files() {
    let rig = Rig::new(&[
        ("part/v1.jinja2", "p1"),
        ("part/v2.jinja2", "p2"),
        (
            "whole/v1.jinja2",
            "{% include 'part' %}-{% include 'part@v1' %}-{% include 'part@live' ignore missing %}-{% include 'part@latest' %}",
        ),
    ]);
    assert_eq!(rig.says("whole", None), "p2-p1--p2");
    rig.label("part", "live", Some("v1")).unwrap();
    assert_eq!(rig.says("whole", None), "p2-p1-p1-p2");
    rig.label("part", "live", Some("v2")).unwrap();
    rig.label("part", "production", Some("v1")).unwrap();
    assert_eq!(rig.says("whole", None), "p1-p1-p2-p2");
    assert!(rig.write("part/v3.jinja2", "p3"));
    assert_eq!(rig.says("whole", None), "p1-p1-p2-p3");
}

#[test]
fn what_breaks_stays_as_it_was_until_the_process_ends() {
    let rig = Rig::new(&[
        ("part/v1.jinja2", "---\nlabels: live\n---\npart"),
        ("whole/v1.jinja2", "{% include 'part@live' %}!"),
    ]);
    for broken in ["---\nlabels: live\n---\n{{ oops", "---\nlabels: live\n", "---\nmodle: x\n---\n"] {
        assert!(rig.write("part/v1.jinja2", broken));
        assert_eq!(
            (rig.says("part", Some("live")), rig.says("whole", None)),
            ("part".into(), "part!".into()),
            "{broken}"
        );
        let fresh = rig.again();
        assert_eq!(says(&fresh, "part", Some("live")), "NotFound", "{broken}");
    }
    assert!(rig.write("part/v1.jinja2", "---\nlabels: live\n---\nmended"));
    assert_eq!(rig.says("whole", None), "mended!");
    fs::remove_file(rig.config.dir.join("part/v1.jinja2")).unwrap();
    assert!(rig.look());
    assert_eq!(rig.says("part", None), "NotFound", "a file that is gone is meant to be");
}

#[test]
fn a_mistake_is_told_by_the_lines_of_the_file_also_when_it_is_stored() {
    let rig = Rig::new(&[("a/v1.jinja2", "---\nkind: chat\n---\n{# system #}\nx\n{# user #}\n{{ gone }}")]);
    assert!(rig.says("a", None).contains("\"a@v1\", line 7"), "{}", rig.says("a", None));
    rig.label("a", "production", Some("v1")).unwrap();
    assert!(rig.says("a", None).contains("\"a@v1\", line 7"), "{}", rig.says("a", None));
}

#[test]
fn a_file_that_is_being_written_is_not_read_for_another_reason() {
    let rig = Rig::new(&[("a/v1.jinja2", "old")]);
    write(&rig.config.dir.join("a/v1.jinja2"), "ha");
    // Builds the set anew.
    rig.make("b", Some("v1"), "b").unwrap();
    assert_eq!((rig.says("a", None), rig.says("b", None)), ("old".into(), "b".into()));
    assert!(rig.write("a/v1.jinja2", "half and half"));
    assert_eq!(rig.says("a", None), "half and half");
}

#[test]
fn two_files_cannot_be_one_version() {
    let rig = Rig::new(&[("a/v1.jinja2", "first"), ("a/v1.mustache", "second")]);
    assert_eq!(rig.says("a", None), "first");
    let rig =
        Rig::new(&[("a/v9.jinja2", "---\nlabels: live\n---\nnine"), ("a/v10.jinja2", "---\nlabels: live\n---\nten")]);
    assert_eq!(rig.says("a", Some("live")), "ten", "the newest of two that want a label");
}

#[test]
#[cfg(unix)]
fn links_lead_nowhere_out_of_the_folder() {
    let rig = Rig::new(&[("..data/a/v1.jinja2", "inside")]);
    write(&rig.folder.path().join("out/v1.jinja2"), "outside");
    let link = |to: &Path, from: &str| std::os::unix::fs::symlink(to, rig.config.dir.join(from)).unwrap();
    link(Path::new("..data/a"), "a");
    link(&rig.folder.path().join("out"), "b");
    fs::create_dir(rig.config.dir.join("c")).unwrap();
    link(&rig.folder.path().join("out/v1.jinja2"), "c/v1.jinja2");
    link(Path::new("../a/v1.jinja2"), "c/v2.jinja2");
    assert!(rig.look());
    let set = rig.library.set();
    let found: Vec<_> =
        set.prompts.values().flat_map(|p| &p.versions).map(|v| (&*v.name, &*v.record.version)).collect();
    assert_eq!(found, [("a", "v1"), ("c", "v2")]);
}

#[test]
fn the_messages_of_a_chat_share_their_bounds() {
    let chat = |content: &str, count: usize| {
        let one = TemplateMessage { role: PromptRole::User, content: content.into() };
        TemplateBody::Chat { messages: vec![one; count] }
    };
    let rig = Rig::new(&[]);
    let make = |name: &str, body| {
        let content = PromptContent { format: TemplateFormat::Jinja2, body };
        let new = NewVersion {
            name: name.into(),
            version: Some("v1".into()),
            description: None,
            content,
            defaults: PromptDefaults::default(),
            message: None,
            labels: vec![],
        };
        rig.library.create(new).map_err(|e| e.message)
    };
    assert!(make("most", chat("x", 64)).is_ok());
    assert!(make("many", chat("x", 65)).is_err_and(|e| e.contains("at most 64 messages")));
    make("work", chat("{% for i in range(9000) %}{% endfor %}", 64)).unwrap();
    assert!(rig.says("work", None).contains("together do too much work"), "{}", rig.says("work", None));
    make("long", chat(&"x".repeat(100_000), 64)).unwrap();
    assert!(rig.says("long", None).contains("longer than 4194304 bytes"));
}

#[test]
fn a_number_follows_the_greatest() {
    let rig = Rig::new(&[("a/v7.2.jinja2", "x"), ("a/draft.jinja2", "x")]);
    assert_eq!(rig.make("a", None, "y"), Ok("8".into()));
    assert_eq!(rig.make("b", None, "y"), Ok("1".into()));
}

#[test]
fn contents_are_kept_by_their_hash_when_files_are_gone() {
    let rig = Rig::new(&[("a/v1.jinja2", "kept")]);
    let hash = rig.library.set().find("a", None).unwrap().hash.clone();
    assert!(rig.write("a/v1.jinja2", "other"));
    assert_ne!(rig.library.set().find("a", None).unwrap().hash, hash);
    assert_eq!(rig.library.content(&hash).unwrap(), Some(text("kept")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands in the files, the rest of the set is there.
    #[test]
    fn no_file_harms_another(garbage in prop::collection::vec(any::<u8>(), 0..200), label in ".{0,12}") {
        let rig = Rig::new(&[("good/v1.jinja2", "good"), ("odd/v2.jinja2", &format!("---\nlabels: {label}\n---\nx"))]);
        write(&rig.config.dir.join("bad/v1.jinja2"), "");
        fs::write(rig.config.dir.join("bad/v1.jinja2"), &garbage).unwrap();
        rig.look();
        prop_assert_eq!(rig.says("good", None), "good");
        for (name, version) in rig.library.set().prompts.iter().flat_map(|(n, p)| p.versions.iter().map(move |v| (n, v))) {
            prop_assert!(name == "good" || name == "odd" || name == "bad");
            let _ = version.render(&Map::new());
        }
    }

    /// Labels that move any way point at what exists, and what they point at is found.
    #[test]
    fn labels_point_at_versions(moves in prop::collection::vec((0..3_usize, prop::option::of(0..3_usize)), 0..12)) {
        let versions = ["v1", "v2", "v3"];
        let rig = Rig::new(&[("a/v1.jinja2", "v1"), ("a/v2.jinja2", "---\nlabels: l0\n---\nv2"), ("a/v3.jinja2", "v3")]);
        let mut expected = [None, None, None];
        for (label, version) in moves {
            let version = version.map(|n| versions[n]);
            let done = rig.label("a", &format!("l{label}"), version);
            prop_assert_eq!(done.is_ok(), version.is_some() || expected[label].is_some());
            expected[label] = version;
        }
        for library in [&rig.library, &rig.again()] {
            for (n, version) in expected.iter().enumerate() {
                let file = if n == 0 { Some("v2") } else { None };
                let said = says(library, "a", Some(&format!("l{n}")));
                prop_assert_eq!(said, version.or(file).unwrap_or("NotFound"));
            }
        }
    }
}

#[test]
fn variables_are_converted_as_they_are() {
    let rig = Rig::new(&[("a/v1.jinja2", "{{ a.b[0] }} {{ n }} {{ t }} {{ nil is none }}")]);
    let Value::Object(variables) = json!({"a": {"b": ["ü"]}, "n": 1.5, "t": true, "nil": null}) else { panic!() };
    let set = rig.library.set();
    assert_eq!(set.find("a", None).unwrap().render(&variables).unwrap().text(), "ü 1.5 True True");
    assert_eq!(set.find("a", None).unwrap().variables().iter().collect::<Vec<_>>(), ["a", "n", "nil", "t"]);
}
