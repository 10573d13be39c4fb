package skiff;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a process may do to itself and Java has no words for; the library is native.c. */
final class Self {
    private Self() {
    }

    static {
        System.load(Home.PATH + "/libskiffjava.so");
    }

    /** Makes a folder the working directory. */
    static void enter(String folder) throws IOException {
        if (changeDirectory((folder + '\0').getBytes(StandardCharsets.UTF_8)) != 0) {
            throw new IOException("cannot enter " + folder);
        }
    }

    /**
     * Replaces the whole environment, for children and libraries, too. Java reads its own once, when it is first asked
     * for it, so nobody may have asked before.
     */
    static void setEnvironment(List<?> pairs) throws IOException {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (Object pair : pairs) {
            List<?> entry = (List<?>) pair;
            block.write((entry.get(0) + "=" + entry.get(1) + '\0').getBytes(StandardCharsets.UTF_8));
        }
        if (replaceEnvironment(block.toByteArray(), pairs.size()) != 0) {
            throw new IOException("there is no memory for the environment");
        }
    }

    private static native int changeDirectory(byte[] path);

    private static native int replaceEnvironment(byte[] block, int count);
}
