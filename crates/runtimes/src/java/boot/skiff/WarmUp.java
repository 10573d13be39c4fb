package skiff;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;

/**
 * Takes code and runs events, so that all of that is loaded and its pages are this process's own when it counts. What is
 * answered and written goes nowhere.
 */
final class WarmUp {
    /** After so many, more of them change nothing. */
    private static final int ROUNDS = 8;
    private static final int VARIABLES = 30;
    /** 8 calls itself 1.8. */
    private static final float VERSION = Float.parseFloat(System.getProperty("java.specification.version"));
    private static final String FOLDER = Home.PATH + "/warm";
    private static final String[] HANDLERS =
        {"warm.Probe::pojo", "warm.Probe::text", "warm.Probe::fail", "warm.Probe::nothing", "warm.Probe::missing"};
    /** More than the young part is, with the heap that Java starts with. */
    private static final int SWEEP_BYTES_MAX = 16 << 20;
    private static byte[] crumb = new byte[4096];
    private static final byte[] CONTEXT = "{\"request_id\":\"warm\",\"memory_limit_in_mb\":128,\"time_limit_in_ms\":3000}"
        .getBytes(StandardCharsets.UTF_8);
    private static final byte[] EVENT = "{\"name\":\"w\\u00e4rm\",\"count\":7,\"ratio\":0.5,\"tags\":[\"a\",null,true],\"more\":{\"a\":[1]}}"
        .getBytes(StandardCharsets.UTF_8);

    private WarmUp() {
    }

    static void run() throws IOException {
        PrintStream out = System.out, err = System.err;
        PrintStream nowhere = new PrintStream(new Nowhere(), true, "UTF-8");
        System.setOut(nowhere);
        System.setErr(nowhere);
        Wire wire = new Wire(new ByteArrayInputStream(new byte[0]), new Nowhere());
        for (int round = 0; round < ROUNDS; round++) {
            for (String handler : HANDLERS) {
                rehearse(wire, handler);
            }
        }
        if (VERSION >= 9) {
            rehearse(wire, "warm.Modern::text");
        }
        System.setOut(out);
        System.setErr(err);
        Beans.forget();
        tidy();
    }

    private static void rehearse(Wire wire, String handler) throws IOException {
        Loader loader = new Loader(WarmUp.class.getClassLoader());
        Main main = new Main(wire, loader, FOLDER);
        wire.kind = Wire.LOAD;
        wire.body = order(handler);
        main.obey();
        wire.kind = Wire.INVOKE;
        wire.body = body();
        if (!handler.endsWith("missing")) {
            main.obey();
        }
        loader.close();
    }

    /**
     * Lets go of what all that left, so that a function finds an empty heap whose pages are there. From 20 on `System.gc`
     * throws compiled code away as well: there only the young part of the heap is swept, as when it is full.
     */
    private static void tidy() {
        if (VERSION < 20) {
            System.gc();
            return;
        }
        WeakReference<Object> young = new WeakReference<>(new Object());
        for (int taken = 0; young.get() != null && taken < SWEEP_BYTES_MAX; taken += crumb.length) {
            crumb = new byte[crumb.length];
        }
    }

    /** An order to load as it is sent, with about as many variables. */
    private static byte[] order(String handler) {
        StringBuilder order = new StringBuilder("{\"handler\":\"" + handler + "\",\"environment\":[[\"A\",\"b\"]");
        for (int i = 0; i < VARIABLES; i++) {
            order.append(",[\"VARIABLE_").append(i).append("\",\"/var/user:/opt\"]");
        }
        return order.append("],\"memory_mb\":128,\"result_bytes_max\":6291456}").toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] body() {
        byte[] body = new byte[4 + CONTEXT.length + EVENT.length];
        body[0] = (byte) CONTEXT.length;
        System.arraycopy(CONTEXT, 0, body, 4, CONTEXT.length);
        System.arraycopy(EVENT, 0, body, 4 + CONTEXT.length, EVENT.length);
        return body;
    }

    private static final class Nowhere extends OutputStream {
        @Override
        public void write(int octet) {
        }

        @Override
        public void write(byte[] bytes, int start, int length) {
        }
    }
}
