package example;

import com.qcloud.scf.runtime.Context;
import java.io.BufferedReader;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TimeZone;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** One handler that does what its event asks for. */
public class Cases {
    /** Found by its name among the package's services. */
    public interface Greeter {
        String greet();
    }

    public static class Hello implements Greeter {
        @Override
        public String greet() {
            return "hello";
        }
    }

    private static final List<Object> KEPT = new ArrayList<>();
    private static int loaded;
    private int calls;

    static {
        loaded++;
    }

    public Object main(Map<String, Object> event, Context context) throws Exception {
        switch ((String) event.get("case")) {
            case "echo":
                return event.get("value");
            case "count":
                calls++;
                return Arrays.asList(loaded, calls);
            case "context":
                return Arrays.asList(context.getRequestId(), context.getTimeLimitInMs(), context.getMemoryLimitInMb());
            case "throw":
                return deeper();
            case "endless":
                return endless(0);
            case "checked":
                throw new IOException("checked");
            case "huge":
                return new long[Integer.MAX_VALUE].length;
            case "nan":
                return Double.NaN;
            case "itself":
                List<Object> itself = new ArrayList<>();
                itself.add(itself);
                return itself;
            case "getter":
                return new Broken();
            case "unspeakable":
                throw new Unspeakable();
            case "exit":
                System.out.println("before the end");
                System.exit(3);
                return null;
            case "thread":
                Thread thread = new Thread(() -> {
                    throw new IllegalStateException("in a thread");
                });
                thread.start();
                thread.join();
                return "lives";
            case "interrupted":
                Thread.currentThread().interrupt();
                return Thread.currentThread().isInterrupted();
            case "isInterrupted":
                return Thread.currentThread().isInterrupted();
            case "output":
                return output();
            case "flood":
                for (int i = 0; i < 2000; i++) {
                    System.out.println("line " + i + " " + new String(new char[100]).replace('\0', 'x'));
                }
                System.exit(0);
                return null;
            case "large":
                return new String(new char[((Number) event.get("length")).intValue()]).replace('\0', 'x');
            case "environment":
                return environment();
            case "language":
                return language();
            case "loaders":
                return loaders();
            case "files":
                return files();
            case "attempts":
                return attempts();
            case "keep":
                while (true) {
                    KEPT.add(new byte[1 << 20]);
                }
            case "garbage":
                long sum = 0;
                for (int i = 0; i < 2000; i++) {
                    sum += new byte[1 << 20].length;
                }
                return sum;
            case "forever":
                while (true) {
                    Thread.sleep(10);
                }
            case "resource":
                List<String> resources = new ArrayList<>();
                java.util.Enumeration<java.net.URL> places = Cases.class.getClassLoader().getResources("resource.txt");
                while (places.hasMoreElements()) {
                    try (BufferedReader reader = new BufferedReader(new InputStreamReader(places.nextElement().openStream()))) {
                        resources.add(reader.readLine());
                    }
                }
                return resources;
            case "timer":
                return new TimerEvent().message();
            default:
                throw new IllegalArgumentException("no such case");
        }
    }

    private static Object deeper() {
        try {
            return Integer.parseInt("zwölf");
        } catch (NumberFormatException inner) {
            throw new IllegalStateException("too deep: ü", inner);
        }
    }

    private static int endless(int depth) {
        return endless(depth + 1) + 1;
    }

    private static Object output() throws Exception {
        System.out.print("raw out, ");
        System.out.println("ü");
        System.err.println("raw err");
        new ProcessBuilder("/bin/echo", "child").inheritIO().start().waitFor();
        Logger.getLogger("cases").info("logged");
        System.out.printf("%d%n", 7);
        System.out.write("written\n".getBytes(StandardCharsets.UTF_8));
        System.out.print("end");
        return null;
    }

    private static Object environment() throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("env", System.getenv());
        found.put("child", shell("echo $GREETING $SCF_FUNCTIONNAME; pwd"));
        found.put("cwd", new File("").getAbsolutePath());
        found.put("relative", new File("example/Cases.class").isFile() && Files.exists(Paths.get("example/Cases.class")));
        found.put("opened", new FileInputStream("example/Cases.class").read());
        found.put("hour", TimeZone.getDefault().getOffset(0) / 3600000);
        found.put("charset", Charset.defaultCharset().name());
        for (String name : new String[] {"user.dir", "user.home", "user.name", "java.io.tmpdir", "java.home", "file.encoding",
            "java.specification.version", "java.class.path", "java.library.path", "sun.jnu.encoding"}) {
            found.put(name, System.getProperty(name));
        }
        return found;
    }

    private static String shell(String line) throws Exception {
        Process process = new ProcessBuilder("/bin/sh", "-c", line).redirectErrorStream(true).start();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String said = reader.lines().collect(Collectors.joining("\n"));
            process.waitFor();
            return said;
        }
    }

    private static Object language() throws Exception {
        int sum = IntStream.rangeClosed(1, 1000).parallel().map(i -> i * 2).sum();
        String later = CompletableFuture.supplyAsync(() -> "later").get();
        String digest = new java.math.BigInteger(1, java.security.MessageDigest.getInstance("SHA-256").digest(new byte[0]))
            .toString(16);
        String url = java.net.URLEncoder.encode("ü &", "UTF-8");
        boolean tls = javax.net.ssl.SSLContext.getDefault() != null;
        java.io.File temporary = File.createTempFile("case", ".txt");
        Files.write(temporary.toPath(), "tmp".getBytes(StandardCharsets.UTF_8));
        return Arrays.asList(sum, later, digest, url, tls, new String(Files.readAllBytes(temporary.toPath())),
            java.util.UUID.randomUUID().toString().length(), String.format("%.2f", 1.5), java.time.LocalDate.of(2026, 1, 31));
    }

    /** Who finds the user's classes and resources, and who finds the platform's. */
    private static Object loaders() throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        ClassLoader own = Cases.class.getClassLoader();
        found.put("context", Thread.currentThread().getContextClassLoader() == own);
        found.put("system", ClassLoader.getSystemClassLoader() == own);
        found.put("pool", CompletableFuture.supplyAsync(() -> Thread.currentThread().getContextClassLoader() == own).get());
        found.put("service", CompletableFuture.supplyAsync(() -> {
            List<String> greetings = new ArrayList<>();
            ServiceLoader.load(Greeter.class).forEach(greeter -> greetings.add(greeter.greet()));
            return greetings;
        }).get());
        found.put("resource", own.getResource("resource.txt") != null);
        found.put("missing", own.getResource("missing.txt") == null);
        try {
            found.put("platform", Class.forName("skiff.Handler").getName());
        } catch (ClassNotFoundException hidden) {
            found.put("platform", "hidden");
        }
        return found;
    }

    private static Object files() throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        for (String path : new String[] {"/x", "/etc/x", "/var/user/x", "/var/runtime/x", "/var/lang/x", "/tmp/x"}) {
            try {
                Files.write(Paths.get(path), new byte[1]);
                found.put(path, "written");
            } catch (IOException refused) {
                found.put(path, "refused");
            }
        }
        return found;
    }

    private static Object attempts() throws Exception {
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("status", new String(Files.readAllBytes(Paths.get("/proc/self/status")), StandardCharsets.UTF_8));
        found.put("own", new String(Files.readAllBytes(Paths.get("/proc/self/environ")), StandardCharsets.UTF_8));
        List<String> descriptors = new ArrayList<>();
        for (String name : new File("/proc/self/fd").list()) {
            try {
                descriptors.add(Files.readSymbolicLink(Paths.get("/proc/self/fd", name)).toString());
            } catch (IOException gone) {
                continue;
            }
        }
        found.put("descriptors", descriptors);
        found.put("processes", Arrays.stream(new File("/proc").list()).filter(name -> name.matches("\\d+")).count());
        found.put("root", new File("/").list());
        found.put("namespace", shell("unshare -U true"));
        found.put("mount", shell("mount -t tmpfs x /tmp"));
        return found;
    }

    public static class Broken {
        public String getName() {
            throw new IllegalStateException("no name");
        }
    }

    public static class Unspeakable extends RuntimeException {
        @Override
        public String toString() {
            throw new IllegalStateException("no text");
        }
    }

    /** A class of the platform's offer that the published library does not have. */
    private static final class TimerEvent {
        String message() throws Exception {
            Class<?> type = Class.forName("com.qcloud.services.scf.runtime.events.TimeEvent");
            Object event = type.getConstructor().newInstance();
            type.getMethod("setMessage", String.class).invoke(event, "tick");
            return event + " " + type.getMethod("getMessage").invoke(event);
        }
    }
}
