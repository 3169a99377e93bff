//! The check of uploaded applications.

use super::app::{App, compile};
use crate::harness::{
    docker::{Container, docker_with_input},
    site::{image, kind},
};

#[test]
fn what_keeps_an_application_from_running_is_told() {
    let java = kind("java");
    let tmpfs = [("/code".to_owned(), 16), ("/run/aerie".to_owned(), 4), ("/tmp".to_owned(), 4)];
    let container = Container::start(&image(&java), "none", &[], &tmpfs, 256);
    let check = |folder: &str, files: &[(&str, &[u8])]| {
        for (name, bytes) in files {
            container.write(&format!("/code/{folder}/{name}"), bytes);
        }
        container.run(&["/usr/lib/aerie/check-code", &format!("/code/{folder}")])
    };
    let no = |folder: &str, files: &[(&str, &[u8])], expected: &str| {
        let (ok, said) = check(folder, files);
        assert!(!ok && said.contains(expected) && !said.contains("/code"), "{folder}: {said}");
    };

    assert_eq!(check("pages", &[("index.jsp", b"x")]), (true, String::new()));
    no("jar", &[("META-INF/MANIFEST.MF", b"x"), ("demo/Main.class", b"x")], "This is a .jar");
    no("boot", &[("BOOT-INF/classes/x", b"x")], "This is a .jar");
    no("war-in-zip", &[("blog.war", b"x")], "The archive holds blog.war: upload that file itself.");
    no("sources", &[("pom.xml", b"x"), ("src/main/java/A.java", b"x")], "These are sources.");
    no("nothing", &[("readme.txt", b"x")], "neither a WEB-INF folder nor a page");
    no("xml", &[("WEB-INF/web.xml", b"<web-app>\n<servlet>\n</web-app>")], "WEB-INF/web.xml, line 3: ");
    no("junk", &[("WEB-INF/classes/A.class", b"junk")], "WEB-INF/classes/A.class is not a class file.");

    // What other compilers make: a class of Java 21, and one from before the interfaces were renamed.
    let mut class = vec![0xCA, 0xFE, 0xBA, 0xBE, 0, 0, 0, 65];
    no("new", &[("WEB-INF/classes/a/New.class", &class)], "a/New.class is made for Java 21, and this is Java 17");
    class[7] = 52;
    class.extend(b"javax/servlet/http/HttpServlet");
    no("old", &[("WEB-INF/classes/Old.class", &class)], "Old.class uses javax.servlet. Since Tomcat 10");

    let app = App::new();
    let archive = compile(&["Demo", "Cart"], "17");
    let unpack = "mkdir -p /code/good/WEB-INF/classes && tar -xC /code/good/WEB-INF/classes";
    docker_with_input(&["exec", "-i", &container.name, "sh", "-c", unpack], &archive);
    let descriptor = std::fs::read(app.versions[0].1.join("WEB-INF/web.xml")).expect("a file");
    assert_eq!(check("good", &[("WEB-INF/web.xml", &descriptor)]), (true, String::new()));
}
