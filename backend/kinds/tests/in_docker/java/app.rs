//! A made-up application: its code in versions, compiled in a container of the kind, and its first layout.

use crate::harness::{
    docker::{Container, docker_bytes},
    site::{Site, image, kind},
};
use aerie_domain::CodeVersionId;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the compiler that comes with Tomcat finds the interfaces of servlets and websockets.
const COMPILE: &str = r#"mkdir -p /tmp/out && cd /tmp/in && java -cp "/usr/share/java/*" \
    org.eclipse.jdt.internal.compiler.batch.Main "-$1" -proc:none -nowarn \
    -cp "$(echo /usr/share/tomcat10/lib/*.jar | tr ' ' ':')" -d /tmp/out *.java >&2 && tar -c -C /tmp/out ."#;

/// Versions of a web application as unpacked archives.
pub struct App {
    _folder: tempfile::TempDir,
    /// "one" and "two" differ in what `/api/slow` says.
    pub versions: Vec<(CodeVersionId, PathBuf)>,
    /// Does not get through its start.
    pub broken: (CodeVersionId, PathBuf),
}

impl App {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let good = compile(&["Demo", "Cart", "Echo"], "17");
        let broken = compile(&["Broken"], "17");
        let version = |name: &str, classes: &[u8]| {
            let top = folder.path().join(name);
            fs::create_dir_all(top.join("WEB-INF/classes")).expect("a folder");
            let write = |path: &str, text: &str| fs::write(top.join(path), text).expect("a file");
            unpack(classes, &top.join("WEB-INF/classes"));
            write("index.jsp", "<%@ page session=\"false\" %>page <%= request.getRequestURI() %>");
            write("style.css", &format!("/* {name} */"));
            write("WEB-INF/secret.css", "secret");
            write("WEB-INF/web.xml", &descriptor(name));
            (CodeVersionId::generate(), top.clone())
        };
        let versions = vec![version("one", &good), version("two", &good)];
        let broken = version("broken", &broken);
        fs::write(broken.1.join("WEB-INF/web.xml"), "<web-app/>").expect("a file");
        Self { versions, broken, _folder: folder }
    }

    /// The welcome page of new services, as a version.
    pub fn welcome() -> (CodeVersionId, PathBuf) {
        (CodeVersionId::generate(), kind("java").folder.join("code-default"))
    }
}

/// A packed service that serves the first of these versions, its session store and the entry.
pub fn packed(code: &[(CodeVersionId, PathBuf)]) -> Site {
    let mut site = Site::new("java", Some(code[0].0));
    site.versions = code.iter().map(|(id, _)| *id).collect();
    site.start("sessions", &["sessions"], &[]);
    for role in ["proxy", "web", "java"] {
        site.serve(role, &["packed"]);
    }
    site.start("packed", &["proxy", "web", "java"], code);
    site.start("entry", &["entry"], &[]);
    site
}

/// A servlet for everything below a path: what a proxy that knows only exact addresses cannot do.
fn descriptor(version: &str) -> String {
    format!(
        r#"<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet>
    <servlet-name>demo</servlet-name>
    <servlet-class>demo.Demo</servlet-class>
    <init-param><param-name>version</param-name><param-value>{version}</param-value></init-param>
    <async-supported>true</async-supported>
  </servlet>
  <servlet-mapping><servlet-name>demo</servlet-name><url-pattern>/api/*</url-pattern></servlet-mapping>
</web-app>"#
    )
}

/// Class files of some of our sources, as a tar archive.
pub fn compile(sources: &[&str], release: &str) -> Vec<u8> {
    let tmpfs = [("/tmp".to_owned(), 64), ("/run/aerie".to_owned(), 4)];
    let compiler = Container::start(&image(&kind("java")), "none", &[], &tmpfs, 512);
    for name in sources {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/in_docker/java/sources/{name}.java"));
        compiler.write(&format!("/tmp/in/{name}.java"), &fs::read(source).expect("a source"));
    }
    docker_bytes(&["exec", &compiler.name, "sh", "-c", COMPILE, "compile", release])
}

fn unpack(archive: &[u8], into: &Path) {
    let file = into.with_extension("tar");
    fs::write(&file, archive).expect("a file");
    let done = Command::new("tar").arg("-xC").arg(into).arg("-f").arg(&file).status().expect("tar can be started");
    assert!(done.success());
    fs::remove_file(file).expect("it was written");
}
