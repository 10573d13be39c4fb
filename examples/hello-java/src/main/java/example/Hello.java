package example;

import java.util.LinkedHashMap;
import java.util.Map;

/** Greets by name: what an event, a result, an environment variable and a log line are. */
public class Hello {
    /** Made once per instance, before its first event. */
    private final String greeting = System.getenv().getOrDefault("GREETING", "Hello");

    /**
     * Called once per event; what it returns becomes JSON. For a second parameter, `Context`, add the dependency that
     * pom.xml shows.
     */
    public Map<String, Object> mainHandler(Map<String, Object> event) {
        Object name = event.getOrDefault("name", "world");
        System.out.println("greeting " + name); // to the log: `skiff logs hello-java`
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("message", greeting + ", " + name + "!");
        result.put("java", System.getProperty("java.version"));
        return result;
    }
}
