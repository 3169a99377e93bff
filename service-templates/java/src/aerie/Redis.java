package aerie;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * As much of a Redis client as the session store needs: one command at a time on one of a few kept connections.
 *
 * Every command used may be repeated, so a broken connection is answered by trying again, for as long as a restart of
 * the store takes.
 */
final class Redis {
    /** How long a command is tried. Shorter: a restart of the store is felt; longer: requests pile up without one. */
    private static final long PATIENCE_MS = 5000;
    private static final int CONNECT_MS = 1000;
    private static final int READ_MS = 3000;

    private final String host;
    private final int port;
    private final ConcurrentLinkedDeque<Connection> idle = new ConcurrentLinkedDeque<>();

    Redis(String host, int port) {
        this.host = host;
        this.port = port;
    }

    /**
     * Sends a command, text or bytes, and gives the answer: {@code byte[]}, {@code Long}, or null for "nothing".
     *
     * @throws IOException when nobody answers in time, or with the store's own words when it refuses
     */
    Object call(Object... command) throws IOException {
        long deadline = System.nanoTime() + PATIENCE_MS * 1_000_000;
        while (true) {
            Connection connection = idle.pollFirst();
            try {
                if (connection == null) {
                    connection = new Connection(host, port);
                }
                Object answer = connection.call(command);
                idle.addFirst(connection);
                return answer;
            } catch (Refused refused) {
                idle.addFirst(connection);
                throw refused;
            } catch (IOException broken) {
                if (connection != null) {
                    connection.close();
                }
                if (System.nanoTime() > deadline) {
                    throw new IOException("the session store does not answer: " + broken.getMessage(), broken);
                }
                pause();
            }
        }
    }

    private static void pause() throws IOException {
        try {
            Thread.sleep(50);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", interrupted);
        }
    }

    void close() {
        for (Connection connection = idle.poll(); connection != null; connection = idle.poll()) {
            connection.close();
        }
    }

    /** The store understood, and says no. */
    private static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message);
        }
    }

    private static final class Connection {
        private final Socket socket = new Socket();
        private final InputStream in;
        private final OutputStream out;

        Connection(String host, int port) throws IOException {
            try {
                socket.connect(new InetSocketAddress(host, port), CONNECT_MS);
                socket.setSoTimeout(READ_MS);
                socket.setTcpNoDelay(true);
                in = new BufferedInputStream(socket.getInputStream());
                out = new BufferedOutputStream(socket.getOutputStream());
            } catch (IOException failed) {
                close();
                throw failed;
            }
        }

        Object call(Object... command) throws IOException {
            write("*" + command.length + "\r\n");
            for (Object word : command) {
                byte[] bytes = word instanceof byte[] given ? given : bytes(word.toString());
                write("$" + bytes.length + "\r\n");
                out.write(bytes);
                write("\r\n");
            }
            out.flush();
            String head = line();
            String rest = head.substring(1);
            return switch (head.charAt(0)) {
                case '+' -> bytes(rest);
                case ':' -> Long.valueOf(rest);
                case '-' -> throw new Refused(rest);
                case '$' -> body(Integer.parseInt(rest));
                default -> throw new IOException("an answer that nobody asked for: " + head);
            };
        }

        private byte[] body(int length) throws IOException {
            if (length < 0) {
                return null;
            }
            byte[] body = in.readNBytes(length);
            if (body.length < length || in.readNBytes(2).length < 2) {
                throw new EOFException("closed within an answer");
            }
            return body;
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            while (true) {
                int next = in.read();
                if (next < 0) {
                    throw new EOFException("closed without an answer");
                } else if (next == '\n' && line.length() > 1) {
                    return line.substring(0, line.length() - 1);
                }
                line.append((char) next);
            }
        }

        private void write(String text) throws IOException {
            out.write(bytes(text));
        }

        private static byte[] bytes(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }

        void close() {
            try {
                socket.close();
            } catch (IOException gone) {
                // That was the wish.
            }
        }
    }
}
