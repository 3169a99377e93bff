package aerie;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.regex.Pattern;

import jakarta.servlet.http.HttpSession;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.LifecycleState;
import org.apache.catalina.Session;
import org.apache.catalina.session.ManagerBase;
import org.apache.catalina.session.StandardSession;
import org.apache.catalina.util.CustomObjectInputStream;
import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/**
 * Sessions that all java instances and all versions of the code share. They live in the session store; an instance has
 * one in memory only while requests of its visitor run.
 *
 * Guarantees: a session is written before the end of the answer is sent. Requests of one visitor on one instance share
 * the session as in any Tomcat; on different instances they take turns (the first to load it holds a lock in the
 * store). Caveats: attributes must be Serializable; a request that waits longer than {@link SessionLocks#PATIENCE_MS}
 * for its turn goes on without, and then the last one to end wins.
 */
public final class SharedSessions extends ManagerBase {
    private static final Log LOG = LogFactory.getLog(SharedSessions.class);
    /** What {@link org.apache.catalina.util.StandardSessionIdGenerator} makes. */
    private static final Pattern ID = Pattern.compile("[0-9A-F]{32}");
    /** For sessions that never end by themselves: nobody comes back after that. */
    private static final int LONGEST_S = 30 * 24 * 3600;

    private final Redis redis;
    private final SessionLocks locks;
    private final ConcurrentMap<String, Used> inUse = new ConcurrentHashMap<>();
    private final Set<String> complainedAbout = Collections.newSetFromMap(new ConcurrentHashMap<>());

    SharedSessions(Redis redis, SessionLocks locks) {
        this.redis = redis;
        this.locks = locks;
        // Who logged in by a form of the container stays logged in on every instance.
        setPersistAuthentication(true);
    }

    /** A session that requests of this instance use right now. Guarded by itself. */
    final class Used {
        private String id;
        private StandardSession session;
        private SessionLocks.Lock lock;
        private int requests;
        private boolean closed;

        Used(String id) {
            this.id = id;
        }

        private boolean load() throws IOException {
            lock = locks.acquire(id);
            session = read(id);
            if (session == null) {
                close();
                return false;
            }
            return true;
        }

        private void close() {
            closed = true;
            inUse.remove(id, this);
            if (session != null) {
                SharedSessions.super.remove(session, false);
            }
            if (lock != null) {
                lock.release();
            }
        }

        /** A request has got as far as it gets: others may see what it did to the session. */
        synchronized void save() {
            if (session.isValid() && sessions.containsKey(session.getIdInternal())) {
                write(session);
            }
        }

        /** A request does not need it any more. */
        synchronized void done() {
            save();
            requests--;
            if (requests == 0) {
                close();
            }
        }
    }

    @Override
    public Session findSession(String id) throws IOException {
        if (id == null || !ID.matcher(id).matches()) {
            return null;
        }
        SessionValve.Scope scope = SessionValve.Scope.current();
        if (scope == null) {
            return super.findSession(id);
        }
        while (true) {
            Used used = inUse.computeIfAbsent(id, Used::new);
            synchronized (used) {
                if (used.closed) {
                    continue;
                }
                if (used.session == null && !loaded(used)) {
                    return null;
                }
                if (scope.add(used)) {
                    used.requests++;
                }
                return used.session;
            }
        }
    }

    /** An unreachable store must not look like a visitor who was never here: the application would start anew. */
    private static boolean loaded(Used used) {
        try {
            return used.load();
        } catch (IOException failed) {
            used.close();
            throw new IllegalStateException("The session cannot be loaded: " + failed.getMessage(), failed);
        }
    }

    /** Called for new sessions, and again when one gets another id (at log-in). */
    @Override
    public void add(Session session) {
        super.add(session);
        SessionValve.Scope scope = SessionValve.Scope.current();
        if (scope == null) {
            return;
        }
        String id = session.getIdInternal();
        Used known = inUse.values().stream().filter(used -> used.session == session).findAny().orElse(null);
        if (known != null) {
            synchronized (known) {
                inUse.remove(known.id, known);
                known.id = id;
                inUse.put(id, known);
            }
            return;
        }
        Used used = new Used(id);
        used.session = (StandardSession) session;
        used.requests = 1;
        inUse.put(id, used);
        scope.add(used);
    }

    /** Ended by the application, or about to get another id: nobody shall find it under this one. */
    @Override
    public void remove(Session session, boolean update) {
        super.remove(session, update);
        String id = session.getIdInternal();
        if (id != null) {
            try {
                redis.call("DEL", key(id));
            } catch (IOException failed) {
                LOG.error("A session could not be removed from the session store", failed);
            }
        }
    }

    private StandardSession read(String id) throws IOException {
        byte[] bytes = (byte[]) redis.call("GET", key(id));
        if (bytes == null) {
            return null;
        }
        StandardSession session = (StandardSession) createEmptySession();
        ClassLoader loader = getContext().getLoader().getClassLoader();
        try (ObjectInputStream in = new CustomObjectInputStream(new ByteArrayInputStream(bytes), loader, LOG, null, false)) {
            session.readObjectData(in);
        } catch (ClassNotFoundException | IOException | RuntimeException failed) {
            // Another version of the code put something into it that this one does not have.
            LOG.warn("A session cannot be read by this version of the code and is left out: " + failed);
            return null;
        }
        session.setManager(this);
        super.add(session);
        // Not new any more.
        session.access();
        session.endAccess();
        return session;
    }

    private void write(StandardSession session) {
        int seconds = session.getMaxInactiveInterval();
        try {
            complain(session);
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
                session.writeObjectData(out);
            }
            redis.call("SET", key(session.getIdInternal()), bytes.toByteArray(), "EX",
                    seconds > 0 ? Math.min(seconds, LONGEST_S) : LONGEST_S);
        } catch (IOException | RuntimeException failed) {
            LOG.error("A session could not be saved", failed);
        }
    }

    /** Tomcat leaves out what is not Serializable without a word. Once per class is enough. */
    private void complain(StandardSession session) {
        HttpSession facade = session.getSession();
        for (String name : Collections.list(facade.getAttributeNames())) {
            Object value = facade.getAttribute(name);
            if (value != null && !(value instanceof Serializable) && complainedAbout.add(value.getClass().getName())) {
                LOG.warn("Session attribute \"" + name + "\" is lost after each request: "
                        + value.getClass().getName() + " does not implement java.io.Serializable");
            }
        }
    }

    private static String key(String id) {
        return "session:" + id;
    }

    /** The store lets sessions end; here is only what is in use. */
    @Override
    public void processExpires() {
        // see above
    }

    @Override
    public void load() {
        // Sessions are loaded when they are asked for.
    }

    @Override
    public void unload() {
        // Sessions are saved by the requests that use them.
    }

    @Override
    protected void startInternal() throws LifecycleException {
        super.startInternal();
        setState(LifecycleState.STARTING);
    }

    @Override
    protected void stopInternal() throws LifecycleException {
        setState(LifecycleState.STOPPING);
        super.stopInternal();
    }
}
