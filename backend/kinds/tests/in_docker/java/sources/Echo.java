package demo;

import jakarta.websocket.OnMessage;
import jakarta.websocket.server.ServerEndpoint;

/** A websocket that sends everything back. */
@ServerEndpoint("/echo")
public class Echo {
    @OnMessage
    public String echo(String message) {
        return message;
    }
}
