package warm;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What compilers make of texts that are put together, since Java 9, and of lambdas: classes and code that Java makes when it
 * first meets their like, which takes longer than all the rest of a start.
 */
public class Modern {
    public String text(Map<String, Object> event) {
        List<Integer> numbers = Arrays.asList(3, 1, 2);
        int sum = 0;
        long size = event.size();
        String name = String.valueOf(event.get("name"));
        String text = "a" + name;
        text = text + name;
        text = text + "b";
        text = "c" + name + "d" + text;
        text = "e" + sum + "f" + size;
        text = name + ":" + sum;
        text = "g " + event.get("name") + " h " + event.size() + "!";
        String captured = text;
        List<String> texts = numbers.stream().filter(n -> n > 1).map(n -> captured + n).collect(Collectors.toList());
        numbers.forEach(n -> texts.add("i" + n));
        event.entrySet().stream().map(Map.Entry::getKey).sorted().forEach(texts::add);
        return text + texts;
    }
}
