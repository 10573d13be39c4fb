package skiff;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What an exception looks like to its user: without the frames of the platform. */
final class Faults {
    /** How a user's handler was reached. */
    private static final String[] WAY_IN = {
        "skiff.", "java.lang.reflect.", "sun.reflect.", "jdk.internal.reflect.", "java.lang.invoke.", "java.lang.Class.",
    };
    private static final String OURS = "skiff.";

    private Faults() {
    }

    /** An exception of the user's on its way through the runtime. */
    static final class Thrown extends RuntimeException {
        private static final long serialVersionUID = 1;

        Thrown(Throwable cause) {
            super(null, cause, false, false);
        }
    }

    static Thrown thrown(Throwable cause) {
        return new Thrown(cause);
    }

    /** An exception as the worker reads it. */
    static String fault(Throwable thrown) {
        String message = thrown.getClass().getName();
        String stack = "";
        try {
            message = thrown.toString();
            clean(thrown, Collections.newSetFromMap(new IdentityHashMap<>()));
            StringWriter text = new StringWriter();
            thrown.printStackTrace(new PrintWriter(text));
            stack = text.toString().trim();
        } catch (Exception unspeakable) {
            // One whose text cannot be made is still one.
            stack = "";
        }
        return fault(message, stack.isEmpty() ? message : stack);
    }

    /** What the platform says itself. */
    static String fault(String message, String stack) {
        Map<String, String> fault = new LinkedHashMap<>();
        fault.put("message", message);
        fault.put("stackTrace", stack);
        return Writer.text(fault);
    }

    private static void clean(Throwable thrown, Set<Throwable> seen) {
        if (thrown == null || !seen.add(thrown)) {
            return;
        }
        thrown.setStackTrace(usersFrames(thrown.getStackTrace()));
        clean(thrown.getCause(), seen);
        for (Throwable suppressed : thrown.getSuppressed()) {
            clean(suppressed, seen);
        }
    }

    /** Without the way from the runtime to the user's code, and without the runtime's classes above it. */
    private static StackTraceElement[] usersFrames(StackTraceElement[] frames) {
        int end = frames.length;
        if (end > 0 && frames[end - 1].getClassName().startsWith(OURS)) {
            while (end > 0 && isWayIn(frames[end - 1])) {
                end--;
            }
        }
        List<StackTraceElement> users = new ArrayList<>(Arrays.asList(frames).subList(0, end));
        users.removeIf(frame -> frame.getClassName().startsWith(OURS));
        return users.toArray(new StackTraceElement[0]);
    }

    private static boolean isWayIn(StackTraceElement frame) {
        String name = frame.getClassName() + '.';
        for (String way : WAY_IN) {
            if (name.startsWith(way)) {
                return true;
            }
        }
        return false;
    }
}
