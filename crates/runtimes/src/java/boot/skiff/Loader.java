package skiff;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;

/**
 * Where the user's classes come from: the package, the layers, and last what the platform offers. It is also what Java
 * takes for its own system class loader, so that threads and libraries find the user's classes wherever they look; nothing
 * of the runtime's own is found through it but the class that Java itself began with.
 */
public final class Loader extends URLClassLoader {
    /** What the platform offers to user code: the Context and the event classes. */
    private static final String OFFERED = "lib/scf-java-events.jar";

    static {
        registerAsParallelCapable();
    }

    /** The runtime's own classes, until it has started. */
    private volatile ClassLoader own;
    private final StringBuilder path = new StringBuilder();

    /** As Java makes its system class loader. */
    public Loader(ClassLoader own) {
        super(new URL[0], own.getParent());
        this.own = own;
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        ClassLoader starting = own;
        return starting != null ? starting.loadClass(name) : super.findClass(name);
    }

    /** Takes the classes of these folders, then those of the platform's offer. */
    void take(String... folders) throws MalformedURLException {
        own = null;
        for (String folder : folders) {
            add(new File(folder));
            for (String place : new String[] {folder, folder + "/lib"}) {
                String[] names = new File(place).list();
                if (names == null) {
                    continue;
                }
                Arrays.sort(names);
                for (String name : names) {
                    if (name.endsWith(".jar")) {
                        add(new File(place, name));
                    }
                }
            }
        }
        add(new File(Home.PATH, OFFERED));
    }

    private void add(File place) throws MalformedURLException {
        addURL(place.toURI().toURL());
        path.append(path.length() == 0 ? "" : File.pathSeparator).append(place.getPath());
    }

    /** The class path as Java writes it. */
    String path() {
        return path.toString();
    }
}
