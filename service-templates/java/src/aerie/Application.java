package aerie;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.apache.catalina.core.StandardContext;
import org.apache.catalina.core.StandardWrapper;
import org.apache.juli.logging.Log;

/**
 * A version of the owner's application. It remembers what went wrong in its start, which Tomcat only writes into the log:
 * visitors see that something is missing, and the owner should know it first.
 */
final class Application extends StandardContext {
    private record Failure(String line, String cause) {}

    /** More would not be told either; an application may fail without end. */
    private static final int MOST = 50;

    private final String version;
    private final List<Failure> failures = new ArrayList<>();
    private boolean started;

    Application(String version) {
        this.version = version;
    }

    /** The log of this application; while it starts, also what is remembered of it. */
    @Override
    public Log getLogger() {
        Log log = super.getLogger();
        if (started) {
            return log;
        }
        return (Log) Proxy.newProxyInstance(Log.class.getClassLoader(), new Class<?>[] {Log.class}, (self, method, given) -> {
            if (given != null && given.length == 2 && given[1] instanceof Throwable thrown && failures.size() < MOST) {
                failures.add(new Failure(String.valueOf(given[0]), cause(thrown)));
            }
            try {
                return method.invoke(log, given);
            } catch (InvocationTargetException failed) {
                throw failed.getCause();
            }
        });
    }

    private static String cause(Throwable thrown) {
        Throwable cause = thrown;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.toString().lines().findFirst().orElse("");
    }

    /** What the owner should know, once the start is over. */
    Optional<String> note() {
        started = true;
        if (!getState().isAvailable()) {
            String cause = failures.stream().map(Failure::cause).findFirst().orElse("the logs of java say why");
            return Optional.of("Version " + version + " could not be started, so visitors get an error page: " + cause);
        }
        for (var child : findChildren()) {
            if (child instanceof StandardWrapper servlet && servlet.getLoadOnStartup() >= 0 && servlet.getServlet() == null) {
                return Optional.of("The servlet " + servlet.getName() + " of version " + version + " could not be started: "
                        + of(servlet.getName()));
            }
        }
        return Optional.empty();
    }

    private String of(String servlet) {
        var own = failures.stream().filter(failure -> failure.line().contains("[" + servlet + "]"));
        return own.map(Failure::cause).findFirst().orElse("the logs of java say why");
    }
}
