package aerie;

import java.io.IOException;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

import org.apache.juli.logging.Log;
import org.apache.juli.logging.LogFactory;

/**
 * Locks in the session store: whoever dies loses its locks after a moment, whoever lives keeps them for as long as a
 * request takes.
 */
final class SessionLocks {
    /** How long a request waits for its turn; longer than {@link #LIFE_MS}, so that a dead instance is outlived. */
    static final long PATIENCE_MS = 10_000;
    /** After that a lock that nobody renews is gone. Shorter: a long pause of the JVM loses locks. */
    private static final long LIFE_MS = 5000;
    private static final long RENEW_MS = 1000;
    private static final long RETRY_MS = 20;
    private static final Log LOG = LogFactory.getLog(SessionLocks.class);

    /** Takes or renews: repeating it does no harm. */
    private static final String TAKE = "local held = redis.call('GET', KEYS[1]) "
            + "if held and held ~= ARGV[1] then return 0 end "
            + "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";
    private static final String GIVE =
            "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1";

    private final Redis redis;
    private final Set<Lock> held = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService renewal;

    SessionLocks(Redis redis) {
        this.redis = redis;
        renewal = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "aerie-session-locks");
            thread.setDaemon(true);
            return thread;
        });
        renewal.scheduleWithFixedDelay(() -> held.forEach(Lock::renew), RENEW_MS, RENEW_MS, TimeUnit.MILLISECONDS);
    }

    /** Waits for the lock of a session; after {@link #PATIENCE_MS} it goes on without. */
    Lock acquire(String session) throws IOException {
        Lock lock = new Lock("lock:" + session);
        long deadline = System.nanoTime() + PATIENCE_MS * 1_000_000;
        while (!lock.take()) {
            if (System.nanoTime() > deadline) {
                LOG.warn("A request waited too long for another one of the same visitor and goes on beside it");
                return lock;
            }
            try {
                Thread.sleep(RETRY_MS);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new IOException("interrupted while waiting for a session", interrupted);
            }
        }
        held.add(lock);
        return lock;
    }

    void close() {
        renewal.shutdownNow();
    }

    /** One lock. */
    final class Lock {
        private final String key;
        private final String token = UUID.randomUUID().toString();

        private Lock(String key) {
            this.key = key;
        }

        private boolean take() throws IOException {
            return Long.valueOf(1).equals(redis.call("EVAL", TAKE, 1, key, token, LIFE_MS));
        }

        private synchronized void renew() {
            if (held.contains(this)) {
                try {
                    take();
                } catch (IOException failed) {
                    LOG.warn("A session's lock could not be renewed: " + failed.getMessage());
                }
            }
        }

        synchronized void release() {
            if (held.remove(this)) {
                try {
                    redis.call("EVAL", GIVE, 1, key, token);
                } catch (IOException failed) {
                    LOG.warn("A session's lock could not be released, it ends by itself: " + failed.getMessage());
                }
            }
        }
    }
}
