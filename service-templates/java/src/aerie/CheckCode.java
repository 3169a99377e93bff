package aerie;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

import javax.xml.parsers.SAXParserFactory;
import org.xml.sax.InputSource;
import org.xml.sax.SAXParseException;
import org.xml.sax.helpers.DefaultHandler;

/**
 * Looks for what keeps a web application from running here, in the folder that is the first argument. Prints one line
 * per mistake; ends with 1 if there is one.
 */
public final class CheckCode {
    /** So that a large upload is not held up; more are not looked at. */
    private static final int MOST_CLASSES = 5000;
    private static final int MOST_MISTAKES = 20;
    private static final int JAVA = Runtime.version().feature();
    /** Class files of Java n have the number n + 44. */
    private static final int CLASS_FILES = 44;

    private final Path top;
    private final List<String> mistakes = new ArrayList<>();

    private CheckCode(Path top) {
        this.top = top;
    }

    public static void main(String[] arguments) throws IOException {
        CheckCode check = new CheckCode(Path.of(arguments[0]));
        check.shape();
        check.descriptor();
        check.classes();
        check.mistakes.stream().limit(MOST_MISTAKES).forEach(System.out::println);
        System.exit(check.mistakes.isEmpty() ? 0 : 1);
    }

    private boolean has(String path) {
        return Files.exists(top.resolve(path));
    }

    /** Is it a web application at all? */
    private void shape() throws IOException {
        if (has("WEB-INF")) {
            return;
        }
        List<String> names;
        try (Stream<Path> all = Files.list(top)) {
            names = all.map(path -> path.getFileName().toString()).sorted().toList();
        }
        String war = names.stream().filter(name -> name.endsWith(".war")).findFirst().orElse(null);
        boolean page = names.stream().anyMatch(name -> name.matches("index\\.(html?|jspx?)|.*\\.jspx?"));
        if (war != null) {
            mistakes.add("The archive holds " + war + ": upload that file itself.");
        } else if (has("BOOT-INF") || has("META-INF/MANIFEST.MF")) {
            mistakes.add("This is a .jar, a program or a library, and not a web application. Build a .war: it has its"
                    + " classes in WEB-INF/classes and its libraries in WEB-INF/lib.");
        } else if (has("pom.xml") || has("build.gradle") || has("build.gradle.kts")) {
            mistakes.add("These are sources. Build them (for example with \"mvn package\") and upload the .war.");
        } else if (!page) {
            mistakes.add("There is neither a WEB-INF folder nor a page such as index.html or index.jsp.");
        }
    }

    private void descriptor() throws IOException {
        Path file = top.resolve("WEB-INF/web.xml");
        if (!Files.isRegularFile(file)) {
            return;
        }
        try (InputStream in = Files.newInputStream(file)) {
            SAXParserFactory factory = SAXParserFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
            factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
            factory.setFeature("http://xml.org/sax/features/external-parameter-entities", false);
            factory.newSAXParser().parse(new InputSource(in), new DefaultHandler());
        } catch (SAXParseException wrong) {
            mistakes.add("WEB-INF/web.xml, line " + wrong.getLineNumber() + ": " + wrong.getMessage());
        } catch (org.xml.sax.SAXException | javax.xml.parsers.ParserConfigurationException wrong) {
            mistakes.add("WEB-INF/web.xml: " + wrong.getMessage());
        }
    }

    private void classes() throws IOException {
        Path folder = top.resolve("WEB-INF/classes");
        if (!Files.isDirectory(folder)) {
            return;
        }
        List<Path> files;
        try (Stream<Path> all = Files.walk(folder)) {
            files = all.filter(path -> path.toString().endsWith(".class")).limit(MOST_CLASSES).sorted().toList();
        }
        TreeSet<Integer> tooNew = new TreeSet<>();
        String old = null;
        for (Path file : files) {
            byte[] bytes = Files.readAllBytes(file);
            int release = release(bytes);
            if (release > JAVA && tooNew.add(release)) {
                mistakes.add(top.relativize(file) + " is made for Java " + release + ", and this is Java " + JAVA
                        + ": compile with \"--release " + JAVA + "\".");
            } else if (release < 0) {
                mistakes.add(top.relativize(file) + " is not a class file.");
            }
            if (old == null && new String(bytes, StandardCharsets.ISO_8859_1).contains("javax/servlet/")) {
                old = top.relativize(file).toString();
            }
        }
        if (old != null) {
            mistakes.add(old + " uses javax.servlet. Since Tomcat 10 it is called jakarta.servlet: change the imports and"
                    + " the dependency, and build again.");
        }
    }

    /** The Java release that a class file is made for; -1 if it is none. */
    private static int release(byte[] bytes) {
        try (DataInputStream in = new DataInputStream(new java.io.ByteArrayInputStream(bytes))) {
            if (in.readInt() != 0xCAFEBABE) {
                return -1;
            }
            in.readUnsignedShort();
            return in.readUnsignedShort() - CLASS_FILES;
        } catch (IOException tooShort) {
            return -1;
        }
    }
}
