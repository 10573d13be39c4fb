package skiff;

import java.io.File;

/** Where the platform's part is. */
final class Home {
    /** The folder of the jar that this is in. */
    static final String PATH = new File(System.getProperty("java.class.path")).getParent();

    private Home() {
    }
}
