package skiff;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;

/**
 * The runtime of Java functions, executed anew for each sandbox, behind its walls: boots, warms itself, takes code and then
 * runs one event at a time, or several.
 *
 * Nothing here trusts that user code behaves; nothing outside trusts what this process says after user code ran.
 */
public final class Main {
    private static final String USER_CODE = "/var/user";
    private static final String LAYERS = "/opt";
    /** Variables that Java functions read as properties. */
    private static final List<String> CREDENTIALS =
        Arrays.asList("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN");

    private final Wire wire;
    private final Loader loader;
    private final String[] folders;
    private Handler handler;
    private int resultBytesMax;
    /** Runs several events at once, where the function takes them. */
    private Together together;

    /** Takes its code from these folders, the first of which becomes its working directory. */
    Main(Wire wire, Loader loader, String... folders) {
        this.wire = wire;
        this.loader = loader;
        this.folders = folders;
    }

    /** The argument is `warm` when it is to warm itself before code comes. */
    public static void main(String[] arguments) {
        try {
            Wire wire = Wire.open();
            Self.enter("/");
            wire.send(Wire.READY, 0, "");
            System.setOut(stream(FileDescriptor.out));
            System.setErr(stream(FileDescriptor.err));
            if (arguments.length > 0 && arguments[0].equals("warm")) {
                WarmUp.run();
                wire.send(Wire.WARM, 0, "");
            }
            Main main = new Main(wire, (Loader) ClassLoader.getSystemClassLoader(), USER_CODE, LAYERS);
            while (wire.receive()) {
                main.obey();
            }
            // The server is gone.
            Runtime.getRuntime().halt(0);
        } catch (Throwable broken) {
            // User code has closed or changed the line, or there is no memory: nothing can be asked of this process any more.
            Runtime.getRuntime().halt(1);
        }
    }

    /** Writes go straight to the descriptor: in order with children's, and lost by no end of the process. */
    private static PrintStream stream(FileDescriptor descriptor) throws IOException {
        return new PrintStream(new FileOutputStream(descriptor), true, "UTF-8");
    }

    /** Does what was asked. */
    void obey() throws IOException {
        if (wire.kind == Wire.LOAD) {
            load();
        } else if (wire.kind == Wire.INVOKE) {
            begin(new Call(wire, wire.sequence), wire.body);
        } else if (wire.kind == Wire.COMPILE) {
            // Classes are what Java runs.
            wire.send(Wire.COMPILE_DONE, wire.sequence, "");
        }
        wire.body = null;
    }

    // --- taking code -------------------------------------------------------------------------------------------------

    private void load() throws IOException {
        Map<?, ?> order = (Map<?, ?>) Json.read(wire.body, 0, wire.body.length);
        settle((List<?>) order.get("environment"));
        Self.enter(folders[0]);
        if (order.get("concurrency") != null) {
            together = new Together(this);
        }
        loader.take(folders);
        System.setProperty("java.class.path", loader.path());
        initialise((String) order.get("handler"), (Integer) order.get("result_bytes_max"));
    }

    /** Environment, and what Java makes of one at its start. */
    private static void settle(List<?> environment) throws IOException {
        List<Object> pairs = new ArrayList<>(environment);
        pairs.add(Arrays.asList("HOSTNAME", hostname()));
        Self.setEnvironment(pairs);
        for (Object pair : pairs) {
            String name = (String) ((List<?>) pair).get(0);
            if (CREDENTIALS.contains(name)) {
                System.setProperty(name, (String) ((List<?>) pair).get(1));
            } else if (name.equals("TZ")) {
                System.clearProperty("user.timezone");
                TimeZone.setDefault(null);
            }
        }
    }

    private static String hostname() throws IOException {
        byte[] text = new byte[64];
        try (FileInputStream file = new FileInputStream("/proc/sys/kernel/hostname")) {
            int length = file.read(text);
            return new String(text, 0, Math.max(length, 0), StandardCharsets.UTF_8).trim();
        }
    }

    private void initialise(String entry, int resultBytesMax) throws IOException {
        this.resultBytesMax = resultBytesMax;
        long started = System.nanoTime();
        int sequence = wire.sequence;
        try {
            handler = Handler.of(entry, loader);
        } catch (Refused refused) {
            String message = refused.getMessage() + " (Handler is " + entry + ")";
            wire.send(Wire.NO_HANDLER, sequence, Faults.fault(message, ""));
            return;
        } catch (Throwable thrown) {
            wire.send(Wire.LOAD_FAILED, sequence, Faults.fault(cause(thrown)));
            return;
        }
        wire.send(Wire.LOADED, sequence, Long.toString((System.nanoTime() - started) / 1000));
    }

    /** What the user's code threw, out of what Java put around it. */
    private static Throwable cause(Throwable thrown) {
        boolean around = thrown instanceof ExceptionInInitializerError || thrown instanceof java.lang.reflect.InvocationTargetException
            || thrown instanceof Faults.Thrown;
        return around && thrown.getCause() != null ? cause(thrown.getCause()) : thrown;
    }

    // --- events ------------------------------------------------------------------------------------------------------

    private void begin(Call call, byte[] body) throws IOException {
        wire.body = null;
        if (together == null) {
            run(call, body);
        } else {
            together.begin(call, body);
        }
    }

    /** Runs one event to its end. */
    @SuppressWarnings("unchecked")
    void run(Call call, byte[] body) throws IOException {
        int contextBytes = Wire.word(body, 0);
        int eventStart = 4 + contextBytes;
        byte[] result;
        try {
            Map<String, Object> context = (Map<String, Object>) Json.read(body, 4, contextBytes);
            result = handler.call(body, eventStart, body.length - eventStart, context).getBytes(StandardCharsets.UTF_8);
        } catch (Mismatch mismatch) {
            conclude(call, Wire.RAISED, Faults.fault(mismatch.getMessage(), mismatch.getMessage()));
            return;
        } catch (Throwable thrown) {
            body = null;
            conclude(call, Wire.RAISED, Faults.fault(cause(thrown)));
            return;
        }
        if (result.length > resultBytesMax) {
            conclude(call, Wire.TOO_LARGE, Integer.toString(result.length));
        } else {
            conclude(call, Wire.RETURNED, result);
        }
    }

    private static void conclude(Call call, int kind, String body) throws IOException {
        conclude(call, kind, body.getBytes(StandardCharsets.UTF_8));
    }

    private static void conclude(Call call, int kind, byte[] body) throws IOException {
        // What a handler was told to stop for ends with it.
        Thread.interrupted();
        flush(System.out);
        flush(System.err);
        call.answer(kind, body);
    }

    /** Whatever the user has made of the stream. */
    private static void flush(PrintStream stream) {
        try {
            if (stream != null) {
                stream.flush();
            }
        } catch (RuntimeException theirs) {
            // Who put it there did not want to hear of it either.
            return;
        }
    }
}
