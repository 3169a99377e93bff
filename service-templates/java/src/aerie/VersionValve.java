package aerie;

import java.io.IOException;

import jakarta.servlet.ServletException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.tomcat.util.http.MimeHeaders;

/**
 * Every version of the code is a virtual host with the version's id as its name: the web instances say so in
 * {@code Host}, and what visitors wrote there in {@code X-Aerie-Host}. This puts the latter back in its place, so that
 * the application sees nothing of it.
 */
public final class VersionValve extends ValveBase {
    private static final String FAILED = "<!doctype html><html lang=\"en\"><title>Not started</title>"
            + "<h1>This version could not be started</h1>"
            + "<p>The application did not get through its start. The logs of the role java say why.</p></html>";

    public VersionValve() {
        super(true);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        MimeHeaders headers = request.getCoyoteRequest().getMimeHeaders();
        String visible = request.getHeader("X-Aerie-Host");
        if (visible == null || request.getContext() == null || !request.getContext().getState().isAvailable()) {
            response.setStatus(503);
            response.setContentType("text/html");
            response.setCharacterEncoding("UTF-8");
            response.getWriter().write(FAILED);
            return;
        }
        headers.removeHeader("X-Aerie-Host");
        headers.setValue("Host").setString(visible);
        int colon = visible.lastIndexOf(':');
        boolean hasPort = colon > visible.lastIndexOf(']');
        request.getCoyoteRequest().serverName().setString(hasPort ? visible.substring(0, colon) : visible);
        // The port is set from X-Forwarded-Port by the valve after this one.
        getNext().invoke(request, response);
    }
}
