package together;

import com.qcloud.scf.runtime.Context;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A handler that waits until so many calls have come to its instance, and then does what its event asks for. */
public class Meeting {
    private static final List<Object> KEPT = new ArrayList<>();
    private static final String BORN = UUID.randomUUID().toString();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrival = lock.newCondition();
    private int arrived;

    public Object main(Map<String, Object> event, Context context) throws Exception {
        Object by = event.get("by");
        System.out.println("before, call " + by);
        meet((Integer) event.get("meet"));
        switch ((String) event.get("deed")) {
            case "answer":
                Thread child = new Thread(() -> System.err.println("child of call " + by));
                child.start();
                child.join();
                System.out.print("after, call " + by);
                return Arrays.asList(BORN, context.getRequestId(), by);
            case "fail":
                throw new IllegalStateException("of call " + by);
            case "sleep":
                Thread.sleep(TimeUnit.MINUTES.toMillis(10));
                return null;
            case "exit":
                System.exit(3);
                return null;
            case "eat":
                while (true) {
                    KEPT.add(new byte[1 << 20]);
                }
            case "interrupt":
                Thread.currentThread().interrupt();
                return Thread.currentThread().isInterrupted();
            default:
                return Thread.currentThread().isInterrupted();
        }
    }

    private void meet(int of) throws InterruptedException {
        lock.lock();
        try {
            arrived++;
            arrival.signalAll();
            while (arrived < of) {
                arrival.await();
            }
        } finally {
            lock.unlock();
        }
    }
}
