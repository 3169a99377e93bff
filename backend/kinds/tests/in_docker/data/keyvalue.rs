//! The store keeps what it was given, takes settings while it runs, and keeps strangers out.

use super::Data;

fn ask(data: &Data, password: &str, command: &str) -> String {
    let script = format!("redis-cli --no-auth-warning -h db -a {password} {command}");
    data.run(&["sh", "-c", &script]).1
}

#[test]
fn values_outlive_a_kill_and_settings_change_without_a_restart() {
    let mut data = Data::start("keyvalue");
    let password = data.secrets["password"].clone();
    assert_eq!(ask(&data, &password, "set greeting 'gr\u{fc}\u{df} dich'"), "OK");
    assert_eq!(ask(&data, &password, "incr visits"), "1");

    // Settings and the password change in the process that runs.
    let pid = data.pid("store");
    data.settings.insert("maxmemory".to_owned(), "32M".to_owned());
    data.settings.insert("maxmemory_policy".to_owned(), "allkeys-lru".to_owned());
    data.secrets.insert("password".to_owned(), "another4secret".to_owned());
    data.configure();
    assert_eq!(data.pid("store"), pid, "the same process");
    assert!(ask(&data, &password, "get greeting").contains("WRONGPASS"));
    let memory = ask(&data, "another4secret", "info memory");
    assert!(memory.contains("maxmemory:33554432") && memory.contains("maxmemory_policy:allkeys-lru"), "{memory}");

    // The log of changes is flushed once a second.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    data.kill_and_start();
    assert_eq!(ask(&data, "another4secret", "incr visits"), "2");
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
