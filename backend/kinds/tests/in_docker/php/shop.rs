//! A made-up application: its code in two versions, and its first layout.

use crate::harness::site::Site;
use aerie_domain::CodeVersionId;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders with two versions of a site that differ in what `slow.php` says.
pub struct Code {
    _folder: tempfile::TempDir,
    pub versions: Vec<(CodeVersionId, PathBuf)>,
}

impl Code {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../service-templates/php/code-default/index.php");
        let versions = ["one", "two"].map(|name| {
            let top = folder.path().join(name);
            for folder in ["public/sub", ".git", ".well-known"] {
                fs::create_dir_all(top.join(folder)).expect("a folder");
            }
            let write = |name: &str, text: &str| fs::write(top.join(name), text).expect("a file");
            fs::copy(&default, top.join("index.php")).expect("a copy");
            write("slow.php", &format!("<?php usleep(random_int(20, 150) * 1000); echo '{name}';"));
            write("long.php", &format!("<?php usleep(2500 * 1000); echo '{name}';"));
            write("count.php", "<?php session_start(); $n = ($_SESSION['n'] ?? 0) + 1; usleep(30000); $_SESSION['n'] = $n; echo $n, ' ', getenv('AERIE_INSTANCE');");
            write("ini.php", "<?php echo ini_get($_GET['name']);");
            write("env.php", "<?php echo json_encode(getenv($_GET['name']));");
            write("server.php", "<?php echo $_SERVER[$_GET['name']] ?? 'none';");
            write("crash.php", "<?php posix_kill(getmypid(), 9); sleep(1);");
            write("error.php", "<?php undefined_function();");
            write("upload.php", "<?php echo count($_POST), ' ', strlen($_POST['a'] ?? '');");
            write("style.css", &format!("/* {name} */"));
            write("secret.php.bak", "<?php // secret");
            write("Upper.PHP", "<?php // secret");
            write(".env", "secret");
            write(".git/config", "secret");
            write(".well-known/x.txt", "known");
            write("public/index.php", "<?php echo 'front ', $_SERVER['REQUEST_URI'], ' ', $_SERVER['PATH_INFO'] ?? '';");
            write("public/sub/x.txt", "text");
            (CodeVersionId::generate(), top)
        });
        Self { _folder: folder, versions: versions.into() }
    }
}

/// A packed service, its session store and the entry.
pub fn packed(code: &Code) -> Site {
    let mut site = Site::new("php", Some(code.versions[0].0));
    site.start("sessions", &["sessions"], &[]);
    for role in ["proxy", "web", "php"] {
        site.serve(role, &["packed"]);
    }
    // Its own address is the loopback one, so it can be told of itself before it is there.
    site.start("packed", &["proxy", "web", "php"], &code.versions);
    site.start("entry", &["entry"], &[]);
    site
}
