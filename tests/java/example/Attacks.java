package example;

import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.Properties;

/** What a function may try on the process it shares with the runtime. */
public class Attacks {
    public String main(Map<String, Object> event) throws Exception {
        String attack = (String) event.get("attack");
        if (attack != null) {
            attack(attack);
        }
        return "mine";
    }

    private static void attack(String attack) throws Exception {
        switch (attack) {
            case "readRequests":
                FileInputStream requests = new FileInputStream("/proc/self/fd/3");
                new Thread(() -> {
                    try {
                        requests.read(new byte[1 << 16]);
                    } catch (java.io.IOException closed) {
                        return;
                    }
                }).start();
                break;
            case "writeAnswer":
                new FileOutputStream("/proc/self/fd/4").write("no frame at all, no frame at all".getBytes());
                break;
            case "stopMain":
                Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> {
                });
                throw new ThreadDeath();
            case "setOutNull":
                System.setOut(null);
                System.setErr(new PrintStream(new FileOutputStream("/dev/full")));
                break;
            case "replaceProperties":
                System.setProperties(new Properties());
                Thread.currentThread().setContextClassLoader(null);
                break;
            default:
                throw new IllegalArgumentException(attack);
        }
    }
}
