package demo;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpSession;
import java.io.IOException;
import java.util.concurrent.ThreadLocalRandom;

/** Answers everything below /api/, one word of the path per wish. */
public class Demo extends HttpServlet {
    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("text/plain; charset=UTF-8");
        String version = getInitParameter("version");
        try {
            switch (request.getPathInfo().substring(1).split("/")[0]) {
                case "slow" -> {
                    Thread.sleep(ThreadLocalRandom.current().nextInt(20, 150));
                    response.getWriter().print(version);
                }
                case "long" -> {
                    Thread.sleep(2500);
                    response.getWriter().print(version);
                }
                case "count" -> response.getWriter().print(count(request, 30) + " " + System.getenv("AERIE_INSTANCE") + " " + version);
                case "count-slowly" -> response.getWriter().print(count(request, 3000));
                case "keep-junk" -> request.getSession().setAttribute("junk", new Object());
                case "async" -> later(request);
                case "leave" -> request.getSession().invalidate();
                case "new-id" -> response.getWriter().print(request.changeSessionId());
                case "who" -> response.getWriter().print(request.getScheme() + " " + request.getServerName() + " "
                        + request.getServerPort() + " " + request.getHeader("Host") + " " + request.getRemoteAddr()
                        + " " + request.getRequestURL() + " " + request.getPathInfo());
                case "header" -> response.getWriter().print(request.getHeader(request.getParameter("name")));
                case "env" -> response.getWriter().print(System.getenv(request.getParameter("name")));
                case "property" -> response.getWriter().print(System.getProperty(request.getParameter("name")));
                case "heap" -> response.getWriter().print(Runtime.getRuntime().maxMemory() >> 20);
                case "body" -> response.getWriter().print(request.getInputStream().readAllBytes().length);
                case "error" -> throw new IllegalStateException("a secret detail");
                default -> response.sendError(404);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static int count(HttpServletRequest request, long pauseMs) throws InterruptedException {
        HttpSession session = request.getSession();
        synchronized (session) {
            Cart cart = (Cart) session.getAttribute("cart");
            int n = cart == null ? 1 : cart.items + 1;
            Thread.sleep(pauseMs);
            session.setAttribute("cart", new Cart(n));
            return n;
        }
    }

    private static void later(HttpServletRequest request) {
        AsyncContext later = request.startAsync();
        HttpSession session = request.getSession();
        Thread worker = new Thread(() -> {
            try {
                Thread.sleep(300);
                session.setAttribute("cart", new Cart(100));
                later.getResponse().getWriter().print("later");
            } catch (IOException | InterruptedException failed) {
                Thread.currentThread().interrupt();
            }
            later.complete();
        });
        worker.start();
    }
}
