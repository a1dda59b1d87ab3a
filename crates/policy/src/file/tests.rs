use tempfile::TempDir;

use super::*;

struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes as careful programs do: another file in the place of the old one.
    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path("new"), text).unwrap();
        fs::rename(self.path("new"), self.path(name)).unwrap();
    }

    fn paths(&self) -> Paths {
        Paths {
            file: Some(self.path("policy.yaml")),
            directories: vec![self.path("policy.d"), self.path("nowhere.d")],
        }
    }

    fn load(&self) -> PolicyFile {
        PolicyFile::load(self.paths(), Options::default()).unwrap()
    }

    fn refused(&self) -> String {
        let refused = PolicyFile::load(self.paths(), Options::default()).unwrap_err().to_string();
        refused.replace(&format!("{}/", self.directory.path().display()), "")
    }
}

fn says(policy: &Policy, name: &str) -> String {
    policy.rule(name).map_or_else(|| "nothing".to_owned(), |rule| policy.text(rule).to_owned())
}

#[test]
fn without_files_the_defaults_hold() {
    let file = Place::new().load();
    assert_eq!(says(file.policy(), "create_agent"), "rule:admin_only");
    assert_eq!(file.warnings(), []);
}

#[test]
fn directories_are_read_after_the_file_by_name() {
    let place = Place::new();
    place.write("policy.yaml", "a: role:file\nb: role:file\nc: role:file\n");
    place.write("policy.d/20-late", "b: role:late\n");
    place.write("policy.d/10-early.yaml", "b: role:early\nc: role:early\n");
    place.write("policy.d/.hidden", "a: role:hidden\n");
    place.write("policy.d/sub/deeper.yaml", "a: role:deeper\n");
    let policy = place.load().policy().clone();
    assert_eq!(says(&policy, "a"), "role:file");
    assert_eq!(says(&policy, "b"), "role:late");
    assert_eq!(says(&policy, "c"), "role:early");
    let origin = policy.origin(policy.rule("b").unwrap()).place().unwrap();
    assert!(origin.to_string().ends_with("policy.d/20-late:1"), "{origin}");
}

#[test]
fn everything_wrong_in_all_files_is_reported_at_once() {
    let place = Place::new();
    place.write("policy.yaml", "a: bogus\nb: rule:nowhere\n");
    place.write("policy.d/x.yaml", "c: role:x\nc: role:y\n");
    place.write("policy.d/y.yaml", "\"open\n");
    let refused = place.refused();
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!(lines[0], "the policy has 4 errors:");
    assert_eq!(lines[1], "  policy.d/x.yaml:2: rule c: is given twice, first in line 1");
    assert!(lines[2].starts_with("  policy.d/y.yaml:"), "{}", lines[2]);
    assert_eq!(
        lines[3],
        "  policy.yaml:1: rule a: at character 1: `bogus` is no check: it has no colon"
    );
    assert_eq!(lines[4], "  policy.yaml:2: rule b: refers to the rule nowhere, which is not there");
}

#[test]
fn what_cannot_be_read_is_refused() {
    let place = Place::new();
    fs::write(place.path("policy.yaml"), b"a: \"\xff\"\n").unwrap();
    assert!(place.refused().contains("policy.yaml: cannot be read: "), "{}", place.refused());
    place.write("policy.yaml", &format!("a: role:x\n{}", "#".repeat(1 << 20)));
    assert!(place.refused().contains("policy.yaml: is larger than 1048576 bytes"));
    fs::remove_file(place.path("policy.yaml")).unwrap();
    fs::create_dir(place.path("policy.yaml")).unwrap();
    assert!(place.refused().contains("policy.yaml: cannot be read: "), "{}", place.refused());
}

#[test]
fn changes_are_seen_once() {
    let place = Place::new();
    place.write("policy.yaml", "create_port: role:a\n");
    let mut file = place.load();
    assert!(matches!(file.reload_if_changed(), Reload::Unchanged));
    place.write("policy.yaml", "create_port: role:b\n");
    let Reload::Changed { policy, .. } = file.reload_if_changed() else { panic!() };
    assert_eq!(says(&policy, "create_port"), "role:b");
    assert_eq!(says(file.policy(), "create_port"), "role:b");
    assert!(matches!(file.reload_if_changed(), Reload::Unchanged));
}

#[test]
fn files_that_come_and_go_in_directories_are_seen() {
    let place = Place::new();
    let mut file = place.load();
    place.write("policy.d/a.yaml", "create_port: role:a\n");
    let Reload::Changed { policy, .. } = file.reload_if_changed() else { panic!() };
    assert_eq!(says(&policy, "create_port"), "role:a");
    fs::remove_file(place.path("policy.d/a.yaml")).unwrap();
    let Reload::Changed { policy, .. } = file.reload_if_changed() else { panic!() };
    assert_ne!(says(&policy, "create_port"), "role:a");
}

#[test]
fn a_file_that_became_bad_leaves_the_rules_and_says_so_once() {
    let place = Place::new();
    place.write("policy.yaml", "create_port: role:a\n");
    let mut file = place.load();
    place.write("policy.yaml", "create_port: role:a or\n");
    let Reload::Bad(Unusable(problems)) = file.reload_if_changed() else { panic!() };
    assert_eq!(problems.len(), 1);
    assert!(matches!(file.reload_if_changed(), Reload::Unchanged));
    assert_eq!(says(file.policy(), "create_port"), "role:a");
    place.write("policy.yaml", "create_port: role:c\n");
    assert!(matches!(file.reload_if_changed(), Reload::Changed { .. }));
    assert_eq!(says(file.policy(), "create_port"), "role:c");
}

#[test]
fn a_file_that_is_gone_leaves_the_rules_and_an_empty_one_takes_them_back() {
    let place = Place::new();
    place.write("policy.yaml", "create_agent: role:a\n");
    let mut file = place.load();
    fs::remove_file(place.path("policy.yaml")).unwrap();
    let Reload::Bad(unusable) = file.reload_if_changed() else { panic!() };
    assert!(unusable.to_string().ends_with("policy.yaml: is gone"), "{unusable}");
    // Also when something else changes meanwhile.
    place.write("policy.d/x.yaml", "create_segment: role:x\n");
    assert!(!matches!(file.reload_if_changed(), Reload::Changed { .. }));
    assert_eq!(says(file.policy(), "create_agent"), "role:a");
    place.write("policy.yaml", "");
    assert!(matches!(file.reload_if_changed(), Reload::Changed { .. }));
    assert_eq!(says(file.policy(), "create_agent"), "rule:admin_only");
    assert_eq!(says(file.policy(), "create_segment"), "role:x");
}

#[test]
fn a_write_that_keeps_size_and_time_is_seen() {
    let place = Place::new();
    place.write("policy.yaml", "create_port: role:a\n");
    let mut file = place.load();
    let modified = fs::metadata(place.path("policy.yaml")).unwrap().modified().unwrap();
    fs::write(place.path("policy.yaml"), "create_port: role:b\n").unwrap();
    let written = File::options().write(true).open(place.path("policy.yaml")).unwrap();
    written.set_modified(modified).unwrap();
    assert!(matches!(file.reload_if_changed(), Reload::Changed { .. }));
}

#[test]
fn relative_paths_are_looked_for_in_order_and_expected_in_the_first_place() {
    let place = Place::new();
    place.write("two/policy.yaml", "");
    place.write("one/other", "");
    let search = [place.path("one"), place.path("two")];
    let find = |file: &str| Paths::find(Path::new(file), &["policy.d".into()], &search);
    assert_eq!(find("policy.yaml").file, Some(place.path("two/policy.yaml")));
    assert_eq!(find("later.yaml").file, Some(place.path("one/later.yaml")));
    assert_eq!(find("/etc/p.yaml").file, Some("/etc/p.yaml".into()));
    assert_eq!(find("policy.yaml").directories, [place.path("one/policy.d")]);
    assert_eq!(find("").file, None);
    assert_eq!(Paths::find(Path::new("policy.yaml"), &[], &[]), Paths::default());
}
