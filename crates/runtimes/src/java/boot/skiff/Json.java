package skiff;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON into what Java has for it: Map, List, String, Boolean, null; of numbers Integer, Long or BigInteger where they
 * are whole, else Double, or BigDecimal where that is too small.
 */
final class Json {
    /** Deeper values are refused before the stack ends. The server takes none that is half as deep. */
    static final int DEPTH_MAX = 512;

    private final String text;
    private int at;
    private int depth;

    private Json(String text) {
        this.text = text;
    }

    /** The value that these bytes hold from `start` on. */
    static Object read(byte[] bytes, int start, int length) {
        return read(new String(bytes, start, length, StandardCharsets.UTF_8));
    }

    static Object read(String text) {
        Json json = new Json(text);
        json.space();
        Object value = json.value();
        json.space();
        if (json.at < text.length()) {
            throw json.unexpected();
        }
        return value;
    }

    private Object value() {
        switch (peek()) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() {
        Map<String, Object> members = new LinkedHashMap<>();
        if (opens('}')) {
            do {
                space();
                if (peek() != '"') {
                    throw unexpected();
                }
                String name = string();
                space();
                take(':');
                space();
                members.put(name, value());
                space();
            } while (goesOn('}'));
        }
        depth--;
        return members;
    }

    private List<Object> array() {
        List<Object> items = new ArrayList<>();
        if (opens(']')) {
            do {
                space();
                items.add(value());
                space();
            } while (goesOn(']'));
        }
        depth--;
        return items;
    }

    /** Steps inside. False when there is nothing. */
    private boolean opens(char end) {
        at++;
        depth++;
        if (depth > DEPTH_MAX) {
            throw new Mismatch("", "it is nested more than " + DEPTH_MAX + " deep");
        }
        space();
        if (peek() == end) {
            at++;
            return false;
        }
        return true;
    }

    private boolean goesOn(char end) {
        if (peek() == ',') {
            at++;
            return true;
        }
        take(end);
        return false;
    }

    private String string() {
        int start = ++at;
        int end = start;
        while (true) {
            if (end >= text.length()) {
                at = end;
                throw unexpected();
            }
            char c = text.charAt(end);
            if (c == '"') {
                at = end + 1;
                return text.substring(start, end);
            }
            if (c == '\\') {
                return escaped(start, end);
            }
            end++;
        }
    }

    /** The rest of a string from its first escape on. */
    private String escaped(int start, int first) {
        StringBuilder string = new StringBuilder(text.length() - start < 64 ? 64 : first - start + 64);
        string.append(text, start, first);
        at = first;
        while (true) {
            char c = next();
            if (c == '"') {
                return string.toString();
            }
            if (c != '\\') {
                string.append(c);
                continue;
            }
            char escape = next();
            int plain = "\"\\/bfnrt".indexOf(escape);
            if (plain >= 0) {
                string.append("\"\\/\b\f\n\r\t".charAt(plain));
            } else if (escape == 'u' && at + 4 <= text.length()) {
                string.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                at += 4;
            } else {
                throw unexpected();
            }
        }
    }

    private Object number() {
        int start = at;
        boolean whole = true;
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '.' || c == 'e' || c == 'E') {
                whole = false;
            } else if ((c < '0' || c > '9') && c != '-' && c != '+') {
                break;
            }
            at++;
        }
        String number = text.substring(start, at);
        try {
            return whole ? whole(number) : fraction(number);
        } catch (NumberFormatException noNumber) {
            at = start;
            throw unexpected();
        }
    }

    private static Number whole(String number) {
        // A sign and 18 digits fit for sure.
        if (number.length() > 19) {
            return new BigInteger(number);
        }
        long value = Long.parseLong(number);
        if (value == (int) value) {
            return (int) value;
        }
        return value;
    }

    private static Number fraction(String number) {
        double value = Double.parseDouble(number);
        if (Double.isInfinite(value)) {
            return new BigDecimal(number);
        }
        return value;
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at)) {
            throw unexpected();
        }
        at += word.length();
        return value;
    }

    private void space() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private char peek() {
        if (at >= text.length()) {
            throw unexpected();
        }
        return text.charAt(at);
    }

    private char next() {
        char c = peek();
        at++;
        return c;
    }

    private void take(char expected) {
        if (peek() != expected) {
            throw unexpected();
        }
        at++;
    }

    private Mismatch unexpected() {
        return new Mismatch("", at >= text.length() ? "it ends too early" : "unexpected " + text.charAt(at) + " at " + at);
    }
}
