package aerie;

import java.io.IOException;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/** Tells the agent of this instance which list of versions has been brought about. */
public final class ReadyValve extends ValveBase {
    public ReadyValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException {
        response.setContentType("text/plain");
        response.getWriter().write(Versions.done() + "\n");
    }
}
