package aerie;

import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.Set;

import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/** Knows which sessions a request uses, so that they are saved and let go when it ends. */
final class SessionValve extends ValveBase {
    SessionValve() {
        super(true);
    }

    /** The sessions of one request: hardly ever more than one. */
    static final class Scope implements AsyncListener {
        private static final ThreadLocal<Scope> CURRENT = new ThreadLocal<>();
        private final Set<SharedSessions.Used> used = new LinkedHashSet<>();

        /** That of the request that this thread works on, or null. */
        static Scope current() {
            return CURRENT.get();
        }

        /** True if the request has not used it before. */
        synchronized boolean add(SharedSessions.Used session) {
            return used.add(session);
        }

        private synchronized void save() {
            used.forEach(SharedSessions.Used::save);
        }

        private synchronized void end() {
            used.forEach(SharedSessions.Used::done);
            used.clear();
        }

        @Override
        public void onComplete(AsyncEvent event) {
            end();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            // The end comes by onComplete.
        }

        @Override
        public void onError(AsyncEvent event) {
            // The end comes by onComplete.
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            // A new cycle forgets its listeners.
            event.getAsyncContext().addListener(this);
        }
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        Scope scope = new Scope();
        Scope.CURRENT.set(scope);
        boolean goesOn = false;
        try {
            getNext().invoke(request, response);
            if (request.isAsync()) {
                scope.save();
                request.getAsyncContextInternal().addListener(scope);
                goesOn = true;
            }
        } finally {
            Scope.CURRENT.remove();
            if (!goesOn) {
                scope.end();
            }
        }
    }
}
