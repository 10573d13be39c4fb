package modern;

import java.util.List;

/** What Java has had since 17. */
public class Modern {
    public record Item(String name, int count) {
    }

    public record Order(long id, List<Item> items, Item first) {
    }

    public Order handle(Order order) {
        var text = switch (order.items().size()) {
            case 0 -> "none";
            default -> "some";
        };
        return new Order(order.id() + 1, order.items(), new Item(text, order.items().size()));
    }
}
