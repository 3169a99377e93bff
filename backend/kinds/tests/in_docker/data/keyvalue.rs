//! The store keeps what it was given, takes settings while it runs, and keeps strangers out.

use super::Data;

fn ask(data: &Data, password: &str, command: &str) -> String {
    let script = format!("redis-cli --no-auth-warning -h db -a {password} {command}");
    data.run(&["sh", "-c", &script]).1
}

/// A setting that is in force, as the platform sees it: clients may not ask.
fn in_force(data: &Data, setting: &str) -> String {
    let control = &data.secrets["control"];
    let script = format!("redis-cli --no-auth-warning -h db --user aerie -a {control} config get {setting}");
    data.run(&["sh", "-c", &script]).1
}

#[test]
fn values_outlive_a_kill_and_settings_change_without_a_restart() {
    let mut data = Data::start("keyvalue");
    let password = data.secrets["password"].clone();
    assert_eq!(ask(&data, &password, "set greeting 'gr\u{fc}\u{df} dich'"), "OK");
    assert_eq!(ask(&data, &password, "incr visits"), "1");
    let (ok, said) = data.run(&["sh", "-c", &format!("{} get visits 2>/dev/null", data.offered("COMMAND"))]);
    assert!(ok && said == "1", "{said}");

    // Settings and the password change in the process that runs.
    let pid = data.pid("store");
    assert_eq!(in_force(&data, "appendfsync"), "appendfsync\neverysec");
    data.settings.insert("appendfsync".to_owned(), "always".to_owned());
    data.settings.insert("maxmemory".to_owned(), "32M".to_owned());
    data.settings.insert("maxmemory_policy".to_owned(), "allkeys-lru".to_owned());
    data.secrets.insert("password".to_owned(), "another4secret".to_owned());
    data.configure();
    assert_eq!(data.pid("store"), pid, "the same process");
    assert!(ask(&data, &password, "get greeting").contains("WRONGPASS"));
    let memory = ask(&data, "another4secret", "info memory");
    assert!(memory.contains("maxmemory:33554432") && memory.contains("maxmemory_policy:allkeys-lru"), "{memory}");
    assert_eq!(in_force(&data, "appendfsync"), "appendfsync\nalways");

    // The log of changes is flushed before every answer now.
    assert_eq!(ask(&data, "another4secret", "incr visits"), "2");
    data.kill_and_start();
    assert_eq!(ask(&data, "another4secret", "incr visits"), "3");
    assert_eq!(in_force(&data, "appendfsync"), "appendfsync\nalways");
    assert_eq!(ask(&data, "another4secret", "--raw get greeting"), "gr\u{fc}\u{df} dich");
    assert!(ask(&data, "another4secret", "info memory").contains("maxmemory:33554432"));
}

#[test]
fn clients_get_no_further_than_data() {
    let data = Data::start("keyvalue");
    let password = data.secrets["password"].clone();
    for command in ["config get dir", "module list", "debug sleep 0", "replicaof no one", "shutdown", "acl list"] {
        let said = ask(&data, &password, command);
        assert!(said.contains("NOPERM") || said.contains("not allowed"), "{command}: {said}");
    }
    let without = data.run(&["redis-cli", "-h", "db", "get", "greeting"]).1;
    assert!(without.contains("NOAUTH"), "{without}");
    assert_eq!(ask(&data, &password, "eval \"return redis.call('incr', KEYS[1])\" 1 n"), "1");
}
