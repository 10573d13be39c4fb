package skiff;

/** A value that JSON cannot hold, or that is not what a type takes. */
final class Mismatch extends RuntimeException {
    private static final long serialVersionUID = 1;

    Mismatch(String where, String why) {
        super(where.isEmpty() ? why : where + ": " + why, null, false, false);
    }
}
