package skiff;

import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Locale;
import java.util.Map;

/** Makes what a handler takes as its context out of the documented one. */
final class Context {
    /** The interface users compile against; they may bring one of their own of that name. */
    private static final String DOCUMENTED = "com.qcloud.scf.runtime.Context";
    private static final String OURS = "com.qcloud.scf.runtime.InvocationContext";
    private static final int METHODS = 3;

    private final Class<?> type;
    /** For the interface as it is published; otherwise there is a proxy. */
    private final Constructor<?> constructor;

    Context(Class<?> type, ClassLoader loader) throws ReflectiveOperationException {
        this.type = type;
        boolean published = type.getName().equals(DOCUMENTED) && type.getMethods().length == METHODS;
        this.constructor = published ? Class.forName(OURS, true, loader).getConstructor(Map.class) : null;
    }

    static boolean is(Class<?> type) {
        return type.getName().equals(DOCUMENTED);
    }

    /** Whether a handler can take its context as this. */
    static boolean fits(Class<?> type) {
        return type.isInterface() || type == Object.class;
    }

    /** The context of one call. */
    Object of(Map<String, Object> documented) throws ReflectiveOperationException {
        if (constructor != null) {
            return constructor.newInstance(documented);
        }
        if (type.isInstance(documented)) {
            return documented;
        }
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type},
            (proxy, method, arguments) -> answer(proxy, method, arguments, documented));
    }

    private static Object answer(Object proxy, Method method, Object[] arguments, Map<String, Object> documented) {
        String name = method.getName();
        if (method.getDeclaringClass() == Object.class) {
            return name.equals("equals") ? proxy == arguments[0]
                : name.equals("hashCode") ? (Object) System.identityHashCode(proxy) : documented.toString();
        }
        // `getFunctionName` is `function_name`.
        String key = name.replaceFirst("^get", "").replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
        if (!Modifier.isAbstract(method.getModifiers()) || !documented.containsKey(key)) {
            throw new UnsupportedOperationException("the context has nothing for " + name);
        }
        return Reader.as(documented.get(key), method.getGenericReturnType(), key);
    }
}
