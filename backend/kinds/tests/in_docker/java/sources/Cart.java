package demo;

import java.io.Serializable;

/** What an application keeps in a session: a class of its own. */
public class Cart implements Serializable {
    private static final long serialVersionUID = 1L;
    public final int items;

    public Cart(int items) {
        this.items = items;
    }
}
