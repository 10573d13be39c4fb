package skiff;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** The frames that worker and runtime exchange on descriptors 3 and 4; they are described beside the worker's side of them. */
final class Wire {
    static final int LOAD = 1, INVOKE = 2, COMPILE = 3;
    static final int READY = 1, WARM = 2, LOADED = 3, NO_HANDLER = 4, LOAD_FAILED = 5, RETURNED = 6, RAISED = 7,
            TOO_LARGE = 8, COMPILE_DONE = 10, OUTPUT = 13;

    private static final int HEAD_BYTES = 12;
    /** Written at once: Java copies what it writes into a buffer of that size first. */
    private static final int CHUNK_BYTES = 64 * 1024;

    private final InputStream requests;
    private final OutputStream responses;
    private final byte[] head = new byte[HEAD_BYTES];

    /** What a request says, until the next is received. */
    int kind;
    int sequence;
    byte[] body;

    Wire(InputStream requests, OutputStream responses) {
        this.requests = requests;
        this.responses = responses;
    }

    /** The worker's line. Java opens descriptors by name alone. */
    static Wire open() throws IOException {
        return new Wire(new FileInputStream("/proc/self/fd/3"), new FileOutputStream("/proc/self/fd/4"));
    }

    /** Waits for the next request. False when the server is gone. */
    boolean receive() throws IOException {
        if (!fill(head)) {
            return false;
        }
        byte[] received = new byte[word(head, 0)];
        kind = word(head, 4);
        sequence = word(head, 8);
        body = received;
        return fill(received);
    }

    private boolean fill(byte[] buffer) throws IOException {
        for (int at = 0; at < buffer.length; ) {
            int count = requests.read(buffer, at, Math.min(buffer.length - at, CHUNK_BYTES));
            if (count < 0) {
                return false;
            }
            at += count;
        }
        return true;
    }

    /** Sends one response. */
    void send(int kind, int sequence, byte[] body, int start, int length) throws IOException {
        byte[] frame = new byte[HEAD_BYTES + length];
        put(frame, 0, length);
        put(frame, 4, kind);
        put(frame, 8, sequence);
        System.arraycopy(body, start, frame, HEAD_BYTES, length);
        for (int at = 0; at < frame.length; at += CHUNK_BYTES) {
            responses.write(frame, at, Math.min(frame.length - at, CHUNK_BYTES));
        }
    }

    void send(int kind, int sequence, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        send(kind, sequence, bytes, 0, bytes.length);
    }

    /** A little-endian word. */
    static int word(byte[] bytes, int at) {
        return bytes[at] & 255 | (bytes[at + 1] & 255) << 8 | (bytes[at + 2] & 255) << 16 | bytes[at + 3] << 24;
    }

    private static void put(byte[] bytes, int at, int word) {
        for (int place = 0; place < 4; place++) {
            bytes[at + place] = (byte) (word >> 8 * place);
        }
    }
}
