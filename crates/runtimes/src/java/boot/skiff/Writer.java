package skiff;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.Iterator;
import java.util.Map;

/** Makes JSON out of what a handler returns. */
final class Writer {
    /** Deeper values hold themselves, most likely. */
    private static final int DEPTH_MAX = 1000;

    private final StringBuilder text = new StringBuilder();
    private int depth;

    private Writer() {
    }

    /** The value as JSON. */
    static String text(Object value) {
        if (value instanceof String) {
            String string = (String) value;
            Writer writer = new Writer();
            writer.text.ensureCapacity(string.length() + 16);
            writer.string(string);
            return writer.text.toString();
        }
        Writer writer = new Writer();
        writer.value(value);
        return writer.text.toString();
    }

    private void value(Object value) {
        if (value == null || value instanceof Boolean) {
            text.append(value);
        } else if (value instanceof CharSequence || value instanceof Character) {
            string(value.toString());
        } else if (value instanceof Number) {
            number((Number) value);
        } else if (value instanceof Enum) {
            string(((Enum<?>) value).name());
        } else if (value instanceof byte[]) {
            string(Base64.getEncoder().encodeToString((byte[]) value));
        } else if (value instanceof Date) {
            text.append(((Date) value).getTime());
        } else if (value instanceof Calendar) {
            text.append(((Calendar) value).getTimeInMillis());
        } else {
            enter();
            compound(value);
            depth--;
        }
    }

    private void enter() {
        depth++;
        if (depth > DEPTH_MAX) {
            throw new Mismatch("", "it is nested more than " + DEPTH_MAX + " deep, or holds itself");
        }
    }

    private void compound(Object value) {
        if (value instanceof Map) {
            text.append('{');
            String comma = "";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                text.append(comma);
                string(String.valueOf(entry.getKey()));
                text.append(':');
                value(entry.getValue());
                comma = ",";
            }
            text.append('}');
        } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
            items(((Iterable<?>) value).iterator());
        } else if (value.getClass().isArray()) {
            text.append('[');
            for (int i = 0; i < Array.getLength(value); i++) {
                text.append(i == 0 ? "" : ",");
                value(Array.get(value, i));
            }
            text.append(']');
        } else if (value.getClass().getName().startsWith("java.")) {
            // Times, addresses, identifiers: they have a text, and no properties worth showing.
            text(value.getClass().getName().startsWith("java.util.Optional"), value);
        } else {
            bean(value);
        }
    }

    private void text(boolean optional, Object value) {
        if (!optional) {
            string(value.toString());
            return;
        }
        try {
            boolean present = (Boolean) value.getClass().getMethod("isPresent").invoke(value);
            value(present ? value.getClass().getMethod("get").invoke(value) : null);
        } catch (ReflectiveOperationException ofNumbers) {
            string(value.toString());
        }
    }

    private void items(Iterator<?> items) {
        text.append('[');
        while (items.hasNext()) {
            value(items.next());
            text.append(items.hasNext() ? "," : "");
        }
        text.append(']');
    }

    private void bean(Object value) {
        text.append('{');
        String comma = "";
        for (Beans.Property property : Beans.of(value.getClass()).all()) {
            if (property.reader == null) {
                continue;
            }
            Object held;
            try {
                held = property.read(value);
            } catch (InvocationTargetException thrown) {
                throw Faults.thrown(thrown.getCause());
            } catch (ReflectiveOperationException shut) {
                throw new Mismatch(property.jsonName(), shut.toString());
            }
            text.append(comma);
            string(property.jsonName());
            text.append(':');
            value(held);
            comma = ",";
        }
        text.append('}');
    }

    private void number(Number number) {
        double value = number.doubleValue();
        boolean none = number instanceof Double || number instanceof Float ? Double.isNaN(value) || Double.isInfinite(value) : false;
        if (none) {
            throw new Mismatch("", number + " is no number that JSON has");
        }
        text.append(number);
    }

    private void string(String string) {
        text.append('"');
        int done = 0;
        for (int i = 0; i < string.length(); i++) {
            char c = string.charAt(i);
            String instead = null;
            if (c == '"' || c == '\\') {
                instead = c == '"' ? "\\\"" : "\\\\";
            } else if (c < ' ') {
                instead = control(c);
            } else if (Character.isSurrogate(c)) {
                if (Character.isHighSurrogate(c) && i + 1 < string.length() && Character.isLowSurrogate(string.charAt(i + 1))) {
                    i++;
                    continue;
                }
                // Half a character is none.
                instead = "\ufffd";
            }
            if (instead != null) {
                text.append(string, done, i).append(instead);
                done = i + 1;
            }
        }
        text.append(string, done, string.length()).append('"');
    }

    private static String control(char c) {
        int known = "\b\f\n\r\t".indexOf(c);
        if (known >= 0) {
            return "\\" + "bfnrt".charAt(known);
        }
        return String.format("\\u%04x", (int) c);
    }
}
