//! Applications that tests upload.

use anyhow::Result;
use std::{fs, path::Path, process::Command};

/// Files of a small application, by path.
pub struct Sample {
    /// Path and content.
    pub files: Vec<(&'static str, String)>,
}

impl Sample {
    /// A PHP application of several files that says its version, counts visits in a session and prints a variable.
    #[must_use]
    pub fn guest_book(version: &str) -> Self {
        Self {
            files: vec![
                (
                    "index.php",
                    format!(
                        "<?php\nrequire __DIR__ . '/lib/counter.php';\n$visits = count_visit();\n\
                         echo 'guest book {version} half=' . half() . ' visits=' . $visits . ' mood=' . getenv('MOOD');\n"
                    ),
                ),
                (
                    "lib/counter.php",
                    format!(
                        "<?php\nfunction count_visit(): int {{\n    session_start();\n    \
                         $_SESSION['guest_visits'] = ($_SESSION['guest_visits'] ?? 0) + 1;\n    return $_SESSION['guest_visits'];\n}}\n\
                         function half(): string {{ return '{version}'; }}\n"
                    ),
                ),
                ("plain.php", format!("<?php require __DIR__ . '/lib/counter.php'; echo '{version}/' . half();\n")),
                ("style.css", format!("/* {version} */ body {{ color: teal; }}\n")),
                // Browsers ask for it by themselves; without the file that would count as a visit.
                ("favicon.ico", String::new()),
                (".env", "SECRET=do-not-serve\n".to_owned()),
            ],
        }
    }

    /// A Java web application that says its version and counts visits in a session, at every address below `/book/`.
    #[must_use]
    pub fn java_guest_book(version: &str) -> Self {
        let page = format!(
            "<%@ page trimDirectiveWhitespaces=\"true\" session=\"false\" %>\n\
             <% String path = request.getPathInfo();\n\
             if (\"/visit\".equals(path)) {{\n    Integer n = (Integer) request.getSession().getAttribute(\"n\");\n    \
             request.getSession().setAttribute(\"n\", n == null ? 1 : n + 1); %>\n\
             guest book {version} visits=<%= request.getSession().getAttribute(\"n\") %> mood=<%= System.getenv(\"MOOD\") %>\n\
             <% }} else {{ %>{version}<%= path %><% }} %>\n"
        );
        let descriptor = "<web-app xmlns=\"https://jakarta.ee/xml/ns/jakartaee\" version=\"6.0\">\n\
             <servlet><servlet-name>book</servlet-name><jsp-file>/WEB-INF/book.jsp</jsp-file></servlet>\n\
             <servlet-mapping><servlet-name>book</servlet-name><url-pattern>/book/*</url-pattern></servlet-mapping>\n\
             </web-app>\n";
        Self { files: vec![("WEB-INF/book.jsp", page), ("WEB-INF/web.xml", descriptor.to_owned())] }
    }

    /// A web application with a listener that does not exist: Tomcat cannot start it.
    #[must_use]
    pub fn java_without_its_listener() -> Self {
        Self::java_that_fails("<listener><listener-class>shop.Missing</listener-class></listener>")
    }

    /// A web application with one servlet that throws an exception when it starts; its page works.
    #[must_use]
    pub fn java_with_a_servlet_that_fails() -> Self {
        Self::java_that_fails(
            "<servlet><servlet-name>stock</servlet-name><jsp-file>/WEB-INF/stock.jsp</jsp-file>\
             <load-on-startup>1</load-on-startup></servlet>\
             <servlet-mapping><servlet-name>stock</servlet-name><url-pattern>/stock</url-pattern></servlet-mapping>",
        )
    }

    fn java_that_fails(declared: &str) -> Self {
        let descriptor =
            format!("<web-app xmlns=\"https://jakarta.ee/xml/ns/jakartaee\" version=\"6.0\">{declared}</web-app>");
        let servlet = "<%! public void jspInit() { throw new IllegalStateException(\"no warehouse\"); } %>never";
        let page = "<%@ page session=\"false\" %>the page works";
        Self {
            files: vec![
                ("WEB-INF/web.xml", descriptor),
                ("WEB-INF/stock.jsp", servlet.to_owned()),
                ("index.jsp", page.to_owned()),
            ],
        }
    }

    /// What `javac` and `jar` make of a program, where a web application is expected.
    #[must_use]
    pub fn java_program() -> Self {
        let manifest = "Manifest-Version: 1.0\nMain-Class: demo.Main\n".to_owned();
        Self { files: vec![("META-INF/MANIFEST.MF", manifest), ("demo/Main.class", "not looked at".to_owned())] }
    }

    /// Code that PHP cannot parse.
    #[must_use]
    pub fn broken() -> Self {
        Self { files: vec![("index.php", "<?php\necho 'unfinished\n".to_owned())] }
    }

    /// The application as a `.tar.gz` inside one top folder.
    ///
    /// # Errors
    /// When tar cannot be run.
    pub fn tar_gz(&self) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        self.write(&folder.path().join("guest-book"))?;
        tar_gz(folder.path(), "guest-book")
    }

    /// The application as a `.war` or `.jar`, which are zip archives.
    ///
    /// # Errors
    /// When zip cannot be run.
    pub fn zip(&self) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir()?;
        self.write(folder.path())?;
        let output = Command::new("zip").args(["-qr", "-", "."]).current_dir(folder.path()).output()?;
        anyhow::ensure!(output.status.success(), "zip: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        for (path, content) in &self.files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, content)?;
        }
        Ok(())
    }
}

/// Packs a folder with the tar that everybody has.
///
/// # Errors
/// When tar cannot be run.
pub fn tar_gz(parent: &Path, name: &str) -> Result<Vec<u8>> {
    let output = Command::new("tar").arg("-czC").arg(parent).arg(name).output()?;
    anyhow::ensure!(output.status.success(), "tar: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}
