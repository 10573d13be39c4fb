package skiff;

import java.io.FileDescriptor;
import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;

/** Runs several events at once, each on a thread of its own. */
final class Together {
    /** How long a thread waits for its next event, in seconds. */
    private static final int IDLE_MAX = 10;

    private final Main main;
    private final SynchronousQueue<Job> jobs = new SynchronousQueue<>();

    /** To be opened before user code can hold the streams that were there before. */
    Together(Main main) throws IOException {
        this.main = main;
        System.setOut(new PrintStream(new Told(FileDescriptor.out), true, "UTF-8"));
        System.setErr(new PrintStream(new Told(FileDescriptor.err), true, "UTF-8"));
    }

    /** Begins one, on a thread that waits or on a new one. */
    void begin(Call call, byte[] body) {
        Job job = new Job(call, body);
        if (!jobs.offer(job)) {
            new Seat(job).start();
        }
    }

    /** A thread that runs one event after another. Its own class, so that no frames of others are below the user's. */
    private final class Seat extends Thread {
        private Job job;

        Seat(Job first) {
            super("call");
            setDaemon(true);
            job = first;
        }

        @Override
        public void run() {
            try {
                while (job != null) {
                    Told.WRITER.set(job.call);
                    main.run(job.call, job.body);
                    Told.WRITER.remove();
                    job = null;
                    job = next();
                }
            } catch (Throwable broken) {
                // As in `Main`: nothing can be asked of this process any more.
                Runtime.getRuntime().halt(1);
            }
        }

        private Job next() {
            while (true) {
                try {
                    return jobs.poll(IDLE_MAX, TimeUnit.SECONDS);
                } catch (InterruptedException late) {
                    // What somebody wanted of the call that has ended.
                    continue;
                }
            }
        }
    }

    private static final class Job {
        final Call call;
        final byte[] body;

        Job(Call call, byte[] body) {
            this.call = call;
            this.body = body;
        }
    }
}
