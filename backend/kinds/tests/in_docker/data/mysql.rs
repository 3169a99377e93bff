//! The database keeps what it acknowledged, takes settings while it runs, and keeps strangers out.

use super::Data;

/// NULL when the value does not fit into a packet.
const LONG_VALUE: &str = "select length(repeat('x', 2000000))";

/// Runs statements through the balancer, as clients do.
pub(super) fn query(data: &Data, user: &str, password: &str, statements: &str) -> (bool, String) {
    let password = format!("-p{password}");
    data.run(&[
        "mariadb",
        "--no-defaults",
        "--default-character-set=utf8mb4",
        "-N",
        "-B",
        "-h",
        "db",
        "-P",
        "3306",
        "-u",
        user,
        &password,
        "-e",
        statements,
    ])
}

pub(super) fn answer(data: &Data, statements: &str) -> String {
    let (ok, said) = query(data, "app", &data.secrets["password"], statements);
    assert!(ok, "{statements}: {said}");
    said
}

#[test]
fn acknowledged_rows_outlive_kills_and_settings_change_without_a_restart() {
    let mut data = Data::start("mysql");
    answer(&data, "create table app.pets (id int primary key auto_increment, name varchar(40))");
    answer(&data, "insert into app.pets (name) values ('Zo\u{eb} \u{1f418}')");
    let command = format!("{} --skip-column-names --execute 'select count(*) from pets'", data.offered("COMMAND"));
    assert_eq!(data.run(&["sh", "-c", &command]), (true, "1".to_owned()), "{command}");
    data.kill_and_start();
    assert_eq!(answer(&data, "select name from app.pets"), "Zo\u{eb} \u{1f418}");

    let (server, balancer) = (data.pid("mysql"), data.pid("glb"));
    assert_eq!(answer(&data, LONG_VALUE), "2000000");
    data.settings.insert("max_connections".to_owned(), "5".to_owned());
    data.settings.insert("max_allowed_packet".to_owned(), "1M".to_owned());
    data.settings.insert("innodb_buffer_pool_size".to_owned(), "64M".to_owned());
    data.settings.insert("sql_mode".to_owned(), "lenient".to_owned());
    let old = data.secrets.insert("password".to_owned(), "another4secret".to_owned()).expect("there was one");
    data.configure();
    assert_eq!((data.pid("mysql"), data.pid("glb")), (server, balancer), "the same processes");
    assert!(query(&data, "app", &old, "select 1").1.contains("Access denied"));
    let now = answer(&data, "select @@innodb_buffer_pool_size, @@sql_mode");
    assert_eq!(now, "67108864\tNO_ENGINE_SUBSTITUTION");
    assert_eq!(answer(&data, LONG_VALUE), "NULL", "longer than a packet may be");
    clients_beyond_the_most_wait(&data);

    data.kill_and_start();
    let settings = "@@innodb_buffer_pool_size, @@sql_mode, @@max_connections, @@max_allowed_packet";
    let now = answer(&data, &format!("select {settings}, count(*) from app.pets"));
    assert_eq!(now, "67108864\tNO_ENGINE_SUBSTITUTION\t15\t1048576\t1");
}

/// Ten come at once where five may: all are served, never many more than five at a time.
fn clients_beyond_the_most_wait(data: &Data) {
    let root = data.secrets["root_password"].clone();
    let most = |statements: &str| {
        let statements = format!("{statements} show global status like 'max_used_connections'");
        let (ok, said) = query(data, "root", &root, &statements);
        let number = said.split_whitespace().last().and_then(|word| word.parse::<u32>().ok());
        number.filter(|_| ok).unwrap_or_else(|| panic!("{said}"))
    };
    let alone = most("flush status;");
    let client = "mariadb --no-defaults -N -B -h db -u app \"-p$1\" -e 'select sleep(1)'";
    let script = format!("for i in $(seq 10); do {client} & done; wait");
    let (_, said) = data.run(&["sh", "-c", &script, "clients", &data.secrets["password"]]);
    assert_eq!(said.lines().filter(|line| *line == "0").count(), 10, "{said}");
    let together = most("");
    // One that has ended may be counted for a moment longer.
    assert!((alone + 2..=alone + 6).contains(&together), "{together} at a time, {alone} without them");
}

#[test]
fn users_may_do_what_they_should_and_no_more() {
    let data = Data::start("mysql");
    let (ok, said) = query(&data, "app", &data.secrets["password"], "select * from mysql.global_priv");
    assert!(!ok && said.contains("denied"), "{said}");
    let root = data.secrets["root_password"].clone();
    let (ok, said) = query(&data, "root", &root, "create database more; select count(*) from mysql.global_priv");
    assert!(ok, "{said}");
    for (user, password) in [("root", "x"), ("aerie", data.secrets["control"].as_str()), ("app", "x"), ("", "x")] {
        let (ok, said) = query(&data, user, password, "select 1");
        assert!(!ok && said.contains("Access denied"), "{user}: {said}");
    }
}
