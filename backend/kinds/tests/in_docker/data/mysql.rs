//! The database keeps what it acknowledged, takes settings while it runs, and keeps strangers out.

use super::Data;

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
    data.kill_and_start();
    assert_eq!(answer(&data, "select name from app.pets"), "Zo\u{eb} \u{1f418}");

    let (server, balancer) = (data.pid("mysql"), data.pid("glb"));
    data.settings.insert("innodb_buffer_pool_size".to_owned(), "64M".to_owned());
    data.settings.insert("sql_mode".to_owned(), "lenient".to_owned());
    let old = data.secrets.insert("password".to_owned(), "another4secret".to_owned()).expect("there was one");
    data.configure();
    assert_eq!((data.pid("mysql"), data.pid("glb")), (server, balancer), "the same processes");
    assert!(query(&data, "app", &old, "select 1").1.contains("Access denied"));
    let now = answer(&data, "select @@innodb_buffer_pool_size, @@sql_mode");
    assert_eq!(now, "67108864\tNO_ENGINE_SUBSTITUTION");

    data.kill_and_start();
    let now = answer(&data, "select @@innodb_buffer_pool_size, @@sql_mode, count(*) from app.pets");
    assert_eq!(now, "67108864\tNO_ENGINE_SUBSTITUTION\t1");
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
