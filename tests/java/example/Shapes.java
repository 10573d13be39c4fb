package example;

import com.qcloud.scf.runtime.Context;
import com.qcloud.services.scf.runtime.events.APIGatewayProxyRequestEvent;
import com.qcloud.services.scf.runtime.events.CKafkaEvent;
import com.qcloud.services.scf.runtime.events.CMQTopicEvent;
import com.qcloud.services.scf.runtime.events.CosEvent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A method for every kind of parameter and result. */
public class Shapes {
    public byte aByte(byte value) {
        return value;
    }

    public short aShort(short value) {
        return value;
    }

    public int anInt(int value) {
        return value;
    }

    public long aLong(long value) {
        return value;
    }

    public float aFloat(float value) {
        return value;
    }

    public double aDouble(double value) {
        return value;
    }

    public char aChar(char value) {
        return value;
    }

    public boolean aBoolean(boolean value) {
        return value;
    }

    public Integer aBox(Integer value) {
        return value;
    }

    public BigDecimal aDecimal(BigDecimal value) {
        return value;
    }

    public String aString(String value) {
        return value;
    }

    public String nothing() {
        return "nothing";
    }

    public void aVoid(Object value) {
    }

    public Object anything(Object value) {
        return value;
    }

    public static int aStatic(int value) {
        return value + 1;
    }

    public String contextAlone(Context context) {
        return context.getRequestId();
    }

    public Map<String, Object> aMapContext(Object event, Map<String, Object> context) {
        return context;
    }

    /** A context with what the published one lacks. */
    public interface MoreContext {
        String getRequestId();

        String getFunctionName();

        int getMemoryLimitInMb();
    }

    public List<Object> moreContext(Object event, MoreContext context) {
        return Arrays.asList(context.getRequestId(), context.getFunctionName(), context.getMemoryLimitInMb());
    }

    public enum Colour {
        RED, GREEN
    }

    public Colour anEnum(Colour value) {
        return value;
    }

    public int[] anArray(int[] value) {
        return value;
    }

    public byte[] bytes(byte[] value) {
        return value;
    }

    public Date aDate(Date value) {
        return value;
    }

    /** Overloaded setters: the one that takes what the getter gives is meant. */
    public static class Moment {
        private java.time.LocalDate day;
        private java.util.UUID id;
        private java.net.URI place;

        public java.time.LocalDate getDay() {
            return day;
        }

        public void setDay(String day) {
            throw new IllegalStateException("not this one");
        }

        public void setDay(java.time.LocalDate day) {
            this.day = day;
        }

        public void setDay(int day) {
            throw new IllegalStateException("nor this one");
        }

        public java.util.UUID getId() {
            return id;
        }

        public void setId(java.util.UUID id) {
            this.id = id;
        }

        public java.net.URI getPlace() {
            return place;
        }

        public void setPlace(java.net.URI place) {
            this.place = place;
        }
    }

    public Moment aMoment(Moment value) {
        return value;
    }

    public Map<String, List<Integer>> generic(Map<String, List<Integer>> value) {
        int sum = 0;
        for (List<Integer> list : value.values()) {
            for (Integer item : list) {
                sum += item;
            }
        }
        return Collections.singletonMap("sum", Collections.singletonList(sum));
    }

    public static class Item {
        private String name;
        private int count;
        public double price;

        public String getName() {
            return name;
        }

        public void setName(String name) {
            this.name = name;
        }

        public int getCount() {
            return count;
        }

        public void setCount(int count) {
            this.count = count;
        }
    }

    public static class Order {
        private long id;
        private boolean paid;
        private List<Item> items = new ArrayList<>();
        private Map<String, Item> byName;
        private Set<Colour> colours;
        private String URL;
        private String secret = "kept";

        public long getId() {
            return id;
        }

        public void setId(long id) {
            this.id = id;
        }

        public boolean isPaid() {
            return paid;
        }

        public void setPaid(boolean paid) {
            this.paid = paid;
        }

        public List<Item> getItems() {
            return items;
        }

        public void setItems(List<Item> items) {
            this.items = items;
        }

        public Map<String, Item> getByName() {
            return byName;
        }

        public void setByName(Map<String, Item> byName) {
            this.byName = byName;
        }

        public Set<Colour> getColours() {
            return colours;
        }

        public void setColours(Set<Colour> colours) {
            this.colours = colours;
        }

        public String getURL() {
            return URL;
        }

        public void setURL(String url) {
            this.URL = url;
        }
    }

    public Order anOrder(Order order, Context context) {
        for (Item item : order.getItems()) {
            item.setCount(item.getCount() + 1);
        }
        return order;
    }

    public int orders(List<Order> orders) {
        return orders.get(orders.size() - 1).getItems().get(0).getCount();
    }

    public Map<String, Object> results(Object event) {
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("optional", Optional.of(1));
        results.put("empty", Optional.empty());
        results.put("chars", "quote \" back \\ tab \t nul \0 \u2028 \ud834\udd1e");
        results.put("half", "\ud834");
        results.put("builder", new StringBuilder("built"));
        results.put("uuid", java.util.UUID.fromString("00000000-0000-0000-0000-000000000001"));
        results.put("exact", new BigDecimal("12345678901234567890.123"));
        results.put("anonymous", new Object() {
            @SuppressWarnings("unused")
            public int getSize() {
                return 3;
            }
        });
        return results;
    }

    /** Sets what may come, whatever it does. */
    public static class Picky {
        private int value;

        public int getValue() {
            return value;
        }

        public void setValue(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("negative: " + value);
            }
            this.value = value;
        }
    }

    public int picky(Picky picky) {
        return picky.getValue();
    }

    // --- events ---

    public String cos(CosEvent event) {
        CosEvent.Record record = event.getRecords().get(0);
        return record.getEvent().getEventName() + " " + record.getCos().getCosObject().getKey() + " "
            + record.getCos().getCosObject().getSize() + " " + record.getCos().getCosObject().getMeta().get("Content-Type") + " "
            + record.getEvent().getEventTime() + " " + record.getEvent().getRequestParameters().getRequestSourceIP();
    }

    public String cmq(CMQTopicEvent event) {
        CMQTopicEvent.MsgInfo message = event.getRecords().get(0).getMsg();
        return message.getTopicName() + " " + message.getTopicOwner() + " " + message.getMsgBody() + " " + message.getMsgTag();
    }

    public String ckafka(CKafkaEvent event) {
        CKafkaEvent.MsgInfo message = event.getRecords().get(0).getMsg();
        return message.getTopic() + " " + message.getPartition() + " " + message.getOffset() + " " + message.getMsgBody();
    }

    public List<String> gateway(APIGatewayProxyRequestEvent event) {
        return Arrays.asList(event.getHttpMethod(), event.getPath(), event.getBody(), event.getRequestContext().getServiceId(),
            event.getRequestContext().getIdentity().getSecretId());
    }

    // --- handlers that cannot be ---

    public int twice(int value) {
        return value;
    }

    public int twice(String value) {
        return 0;
    }

    public int three(int one, int two, int three) {
        return 0;
    }

    int hidden(int value) {
        return value;
    }

    /** The type of its event is said above. */
    public abstract static class Base<T> {
        public T handle(T event) {
            return event;
        }
    }

    public static class OfOrders extends Base<Order> {
    }

    /** Of an interface, whose method is also there with erased types. */
    public interface Function<I, O> {
        O apply(I input);
    }

    public static class Implementing implements Function<Item, String> {
        @Override
        public String apply(Item item) {
            return item.getName();
        }
    }

    public static class NeedsParameters {
        public NeedsParameters(int parameter) {
        }

        public void handle() {
        }
    }

    public static class FailsToLoad {
        static final int VALUE = Integer.parseInt("none");

        public void handle() {
        }
    }

    public static class FailsToBegin {
        public FailsToBegin() {
            throw new UnsupportedOperationException("not today");
        }

        public void handle() {
        }
    }

    public static class NeedsMore {
        public Object handle() {
            return null;
        }

        public missing.Library other() {
            return null;
        }
    }
}
