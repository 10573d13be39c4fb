package missing;

/** Compiled against, and not in the package. */
public class Library {
}
