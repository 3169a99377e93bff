package aerie;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.apache.catalina.Engine;
import org.apache.catalina.Lifecycle;
import org.apache.catalina.LifecycleEvent;
import org.apache.catalina.LifecycleListener;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.startup.ContextConfig;
import org.apache.catalina.valves.ErrorReportValve;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/**
 * Keeps the versions of the code that are deployed equal to what a file says: one virtual host per version.
 *
 * The file has the lines {@code digest <text>}, {@code debug on|off} and {@code version <id>}. A version that cannot be
 * started stays there as a host without application: the others do not suffer, and visitors of it are told.
 */
public final class Versions implements LifecycleListener {
    /** How often the file is looked at. Longer: activating a version takes longer. */
    private static final long LOOK_MS = 100;
    private static final Log LOG = LogFactory.getLog(Versions.class);
    /** Digest of the file as far as it has been brought about; the health check asks for it. */
    private static volatile String done = "";
    /** What the owner should know of the versions, by their ids. */
    private static final Map<String, String> NOTES = new ConcurrentHashMap<>();

    private final Map<String, StandardHost> hosts = new ConcurrentHashMap<>();
    private Path file;
    private Path code;
    private Path work;
    private Engine engine;
    private Redis redis;
    private SessionLocks locks;
    private Thread watcher;
    private String seen = "";

    static String done() {
        return done;
    }

    static Iterable<String> notes() {
        return NOTES.values();
    }

    public void setFile(String path) {
        file = Path.of(path);
    }

    public void setCode(String path) {
        code = Path.of(path);
    }

    public void setWork(String path) {
        work = Path.of(path);
    }

    public void setSessions(String address) {
        String[] parts = address.split(":");
        redis = new Redis(parts[0], Integer.parseInt(parts[1]));
    }

    @Override
    public void lifecycleEvent(LifecycleEvent event) {
        if (Lifecycle.AFTER_START_EVENT.equals(event.getType())) {
            engine = (Engine) event.getLifecycle();
            locks = new SessionLocks(redis);
            // The connector opens after this, so the first request finds its version.
            look();
            watcher = new Thread(this::watch, "aerie-versions");
            watcher.setDaemon(true);
            watcher.start();
        } else if (Lifecycle.BEFORE_STOP_EVENT.equals(event.getType()) && watcher != null) {
            watcher.interrupt();
        } else if (Lifecycle.AFTER_STOP_EVENT.equals(event.getType()) && locks != null) {
            locks.close();
            redis.close();
        }
    }

    private void watch() {
        try {
            while (true) {
                Thread.sleep(LOOK_MS);
                look();
            }
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() {
        String text;
        try {
            text = Files.readString(file);
        } catch (IOException failed) {
            LOG.error("The list of versions cannot be read: " + failed);
            return;
        }
        if (text.equals(seen)) {
            return;
        }
        String digest = "";
        boolean debug = false;
        List<String> wanted = new ArrayList<>();
        for (String line : text.lines().toList()) {
            if (line.startsWith("version ")) {
                wanted.add(line.substring(8));
            } else if (line.startsWith("digest ")) {
                digest = line.substring(7);
            } else if (line.equals("debug on")) {
                debug = true;
            }
        }
        for (String version : wanted) {
            if (!hosts.containsKey(version)) {
                deploy(version);
            }
        }
        for (String version : List.copyOf(hosts.keySet())) {
            if (!wanted.contains(version)) {
                undeploy(version);
            }
        }
        for (StandardHost host : hosts.values()) {
            for (var valve : host.getPipeline().getValves()) {
                if (valve instanceof ErrorReportValve report) {
                    report.setShowReport(debug);
                }
            }
        }
        seen = text;
        done = digest;
    }

    private void deploy(String version) {
        long started = System.nanoTime();
        StandardHost host = new StandardHost();
        host.setName(version);
        host.setAutoDeploy(false);
        host.setDeployOnStartup(false);
        host.setCreateDirs(false);
        ErrorReportValve report = new ErrorReportValve();
        report.setShowServerInfo(false);
        host.getPipeline().addValve(report);
        engine.addChild(host);
        hosts.put(version, host);

        Application application = new Application(version);
        SharedSessions sessions = new SharedSessions(redis, locks);
        try {
            application.setName("");
            application.setPath("");
            application.setDocBase(code.resolve(version).toString());
            application.setWorkDir(work.resolve(version).toString());
            File own = code.resolve(version).resolve("META-INF/context.xml").toFile();
            if (own.isFile()) {
                application.setConfigFile(own.toURI().toURL());
            }
            application.addLifecycleListener(new ContextConfig());
            application.addLifecycleListener(event -> {
                // After the application's own context.xml, which may name another manager.
                if (Lifecycle.BEFORE_START_EVENT.equals(event.getType())) {
                    application.setManager(sessions);
                }
            });
            application.getPipeline().addValve(new SessionValve());
            host.addChild(application);
        } catch (IOException | RuntimeException failed) {
            LOG.error("Version " + version + " cannot be started", failed);
        }
        application.note().ifPresent(note -> NOTES.put(version, note));
        String outcome = application.getState().isAvailable() ? " is deployed" : " could not be started";
        LOG.info("Version " + version + outcome + " after " + (System.nanoTime() - started) / 1_000_000 + " ms");
    }

    private void undeploy(String version) {
        engine.removeChild(hosts.remove(version));
        NOTES.remove(version);
        delete(work.resolve(version));
        LOG.info("Version " + version + " is removed");
    }

    private static void delete(Path folder) {
        try (var all = Files.walk(folder)) {
            List<Path> paths = new ArrayList<>(all.toList());
            Collections.reverse(paths);
            for (Path path : paths) {
                Files.deleteIfExists(path);
            }
        } catch (IOException failed) {
            LOG.debug("A work folder is left behind: " + failed);
        }
    }
}
