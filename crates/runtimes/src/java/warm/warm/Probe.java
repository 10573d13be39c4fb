package warm;

import com.qcloud.scf.runtime.Context;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Functions that stand for all others while a runtime warms itself. */
public class Probe {
    /** What many handlers take and return. */
    public static class Thing {
        private String name;
        private int count;
        public double ratio;
        private List<Object> tags;
        private Map<String, Object> more;

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

        public List<Object> getTags() {
            return tags;
        }

        public void setTags(List<Object> tags) {
            this.tags = tags;
        }

        public Map<String, Object> getMore() {
            return more;
        }

        public void setMore(Map<String, Object> more) {
            this.more = more;
        }
    }

    public Thing pojo(Thing thing, Context context) {
        System.out.println("warm " + thing.getName() + " of " + context.getRequestId());
        System.out.printf("%d ms, %s%n", context.getTimeLimitInMs(), thing.getTags());
        return thing;
    }

    public String text(String text) {
        System.err.println(text);
        return text;
    }

    public static Map<String, Integer> nothing() {
        Map<String, Integer> result = new HashMap<>();
        result.put("a", 1);
        return result;
    }

    public int fail(Map<String, Object> event) {
        throw new IllegalStateException("warm", new RuntimeException(String.valueOf(event.size())));
    }
}
