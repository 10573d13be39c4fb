package skiff;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** An output stream of a process that runs several events at once: what a call writes is told apart. */
final class Told extends OutputStream {
    /** The call that a thread works for, and the threads that it begins. */
    static final InheritableThreadLocal<Call> WRITER = new InheritableThreadLocal<>();

    private final OutputStream nobodys;

    Told(FileDescriptor descriptor) {
        this.nobodys = new FileOutputStream(descriptor);
    }

    @Override
    public void write(int octet) throws IOException {
        write(new byte[] {(byte) octet}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int start, int length) throws IOException {
        Call call = WRITER.get();
        if (call == null || !call.write(bytes, start, length)) {
            nobodys.write(bytes, start, length);
        }
    }
}
