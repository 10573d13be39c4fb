package skiff;

import java.io.IOException;

/** One event under way: where what it writes and how it ends is said. */
final class Call {
    /** Written at once. */
    private static final int OUTPUT_BYTES_MAX = 64 * 1024;

    private final Wire wire;
    private final int sequence;
    private boolean over;

    Call(Wire wire, int sequence) {
        this.wire = wire;
        this.sequence = sequence;
    }

    /** Says how it ended. */
    void answer(int kind, byte[] body) throws IOException {
        synchronized (wire) {
            over = true;
            wire.send(kind, sequence, body, 0, body.length);
        }
    }

    /** Says what it has written. False once it has ended. */
    boolean write(byte[] bytes, int start, int length) throws IOException {
        for (int at = 0; at < length; at += OUTPUT_BYTES_MAX) {
            synchronized (wire) {
                if (over) {
                    return false;
                }
                wire.send(Wire.OUTPUT, sequence, bytes, start + at, Math.min(length - at, OUTPUT_BYTES_MAX));
            }
        }
        return true;
    }
}
