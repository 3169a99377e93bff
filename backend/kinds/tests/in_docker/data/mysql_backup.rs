//! What the database is backed up as can be put back, exactly; what cannot be put back is refused in words, and nothing is
//! touched.

use super::{Data, mysql::answer, mysql::query};
use aerie_domain::BackupScript;

/// All that is in the user's databases, as one text.
fn everything(data: &Data) -> String {
    answer(
        data,
        "select id, name, md5(picture) from app.pets order by id; select * from app.named;
         select trigger_name, action_statement from information_schema.triggers where trigger_schema = 'app';
         select routine_name from information_schema.routines where routine_schema = 'app';
         select event_name from information_schema.events where event_schema = 'app'; show tables from app",
    )
}

fn refused(data: &Data, dump: &[u8], why: &str) {
    let before = everything(data);
    for script in [BackupScript::Check, BackupScript::Load] {
        let (code, _, said) = data.backup(script, dump);
        assert!(code == Some(1) && said.contains(why), "{script:?} of {why}: {code:?} {said}");
        assert_eq!(everything(data), before, "{script:?} of {why}");
    }
    let (_, left) = data.run(&["ls", "/data"]);
    assert!(!left.contains("backup"), "nothing is left behind: {left}");
}

#[test]
fn a_dump_is_checked_and_put_back_and_half_a_dump_is_refused() {
    let data = Data::start("mysql");
    let root = data.secrets["root_password"].clone();
    answer(
        &data,
        "create table app.pets (id int primary key auto_increment, name varchar(40), picture longblob);
         create view app.named as select name from app.pets;
         insert into app.pets (name, picture) values ('Zo\u{eb} \u{1f418}', repeat(x'00ff270a5c', 200000)), (null, null)",
    );
    let (ok, said) = query(
        &data,
        "root",
        &root,
        "create database `other one`; create table `other one`.x (a int); insert into `other one`.x values (7);
         create trigger app.t before insert on app.pets for each row set new.name = upper(new.name);
         create procedure app.p() select 1; create event app.e on schedule every 1 year do delete from app.pets",
    );
    assert!(ok, "{said}");
    let before = everything(&data);
    let (code, dump, said) = data.backup(BackupScript::Dump, b"");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(dump[..2], [0x1f, 0x8b], "it is compressed");
    let (code, _, said) = data.backup(BackupScript::Check, &dump);
    assert_eq!((code, said.as_str()), (Some(0), "loaded 2 tables"));
    assert_eq!(everything(&data), before, "the check touches nothing");

    answer(&data, "delete from app.pets; drop view app.named; create table app.later (a int)");
    let (ok, said) = query(&data, "root", &root, "drop database `other one`");
    assert!(ok, "{said}");
    let (code, _, said) = data.backup(BackupScript::Load, &dump);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(everything(&data), before, "what came later is gone, what went is back");
    let (_, said) = query(&data, "root", &root, "select a, @@global.max_allowed_packet from `other one`.x");
    assert_eq!(said, "7\t16777216", "also the other database; and the server is as it was set");

    refused(&data, &dump[..dump.len() / 2], "cut off or damaged");
    refused(&data, b"", "empty");
    refused(&data, b"create table `a` (b int);\n", "its end is missing");
    refused(&data, b"USE `mysql`;\n-- Dump completed on 2026-11-21\n", "the system's own databases");
}

#[test]
fn dumps_of_others_are_taken_and_cannot_start_programs() {
    let data = Data::start("mysql");
    answer(&data, "create table app.pets (id int primary key, name varchar(9), picture blob)");
    // As phpMyAdmin ends; plain text, without a database in it.
    let dump = b"/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;\nCREATE TABLE `guests` (who varchar(9));\nINSERT INTO `guests` VALUES ('ada');\n\
        /*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;\n";
    for script in [BackupScript::Check, BackupScript::Load] {
        let (code, _, said) = data.backup(script, dump);
        assert_eq!(code, Some(0), "{script:?}: {said}");
    }
    assert_eq!(answer(&data, "select who from app.guests; select count(*) from app.pets"), "ada\n0");
    for line in ["\\! touch /tmp/was-here", "system touch /tmp/was-here", "\\. /etc/passwd", "create tabel x;"] {
        let dump = format!("{line}\n-- Dump completed on 2026-11-21\n");
        let (code, _, said) = data.backup(BackupScript::Check, dump.as_bytes());
        assert!(code == Some(1) && said.starts_with("it does not load"), "{line}: {code:?} {said}");
    }
    assert!(!data.run(&["test", "-e", "/tmp/was-here"]).0);
}
