package aerie;

import java.io.IOException;

import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;

/** Tells the agent of this instance which list of versions has been brought about, and what their owner should know. */
public final class ReadyValve extends ValveBase {
    public ReadyValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException {
        response.setContentType("text/plain");
        response.setCharacterEncoding("UTF-8");
        String done = Versions.done();
        for (String note : Versions.notes()) {
            response.getWriter().write("note: " + note.replaceAll("\\R", " ") + "\n");
        }
        response.getWriter().write(done + "\n");
    }
}
