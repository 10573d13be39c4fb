package skiff;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** The entry point a user names, `package.Class::method`, and how it is called. */
final class Handler {
    private final Method method;
    private final Object owner;
    /** What its first parameter is made of, unless it takes none or the context alone. */
    private final Type event;
    private final Context context;

    private Handler(Method method, Object owner, Type event, Context context) {
        this.method = method;
        this.owner = owner;
        this.event = event;
        this.context = context;
    }

    /** Finds it, and initialises what it is in: the user's own code runs. */
    static Handler of(String text, ClassLoader loader) throws Refused, ReflectiveOperationException {
        int colons = text.indexOf("::");
        String className = text.substring(0, colons);
        Class<?> type;
        try {
            type = Class.forName(className, false, loader);
        } catch (ClassNotFoundException missing) {
            throw new Refused("there is no class " + className + " in the package");
        }
        Method method = method(type, text.substring(colons + 2));
        Class<?>[] parameters = method.getParameterTypes();
        boolean contextAlone = parameters.length == 1 && Context.is(parameters[0]);
        Type event = parameters.length == 0 || contextAlone ? null : resolved(type, method.getGenericParameterTypes()[0]);
        Class<?> last = parameters.length == 2 || contextAlone ? parameters[parameters.length - 1] : null;
        Context context = last == null ? null : new Context(last, loader);
        if (Modifier.isStatic(method.getModifiers())) {
            Class.forName(className, true, loader);
            return new Handler(method, null, event, context);
        }
        return new Handler(method, made(type), event, context);
    }

    private static Object made(Class<?> type) throws Refused, ReflectiveOperationException {
        if (type.isInterface() || Modifier.isAbstract(type.getModifiers())) {
            throw new Refused(type.getName() + " is abstract");
        }
        Constructor<?> constructor;
        try {
            constructor = type.getDeclaredConstructor();
        } catch (NoSuchMethodException none) {
            throw new Refused(type.getName() + " has no constructor without parameters");
        }
        return Beans.opened(constructor).newInstance();
    }

    /** Of several methods of that name the one that takes the most, and the context last. */
    private static Method method(Class<?> type, String name) throws Refused {
        List<Method> best = new ArrayList<>();
        boolean found = false;
        for (Method method : type.getMethods()) {
            if (!method.getName().equals(name) || method.isBridge() || method.isSynthetic()) {
                continue;
            }
            found = true;
            Class<?>[] parameters = method.getParameterTypes();
            if (parameters.length > 2 || parameters.length == 2 && !Context.fits(parameters[1])) {
                continue;
            }
            if (!best.isEmpty() && best.get(0).getParameterCount() < parameters.length) {
                best.clear();
            }
            if (best.isEmpty() || best.get(0).getParameterCount() == parameters.length) {
                best.add(method);
            }
        }
        if (best.size() == 1) {
            return Beans.opened(best.get(0));
        }
        String what = type.getName() + " has ";
        if (!found) {
            throw new Refused(what + "no public method " + name);
        }
        throw new Refused(best.isEmpty()
            ? what + "no method " + name + " that takes nothing, an event, or an event and a Context"
            : what + best.size() + " methods " + name + " with " + best.get(0).getParameterCount() + " parameters: have one");
    }

    /** What a type variable of a superclass stands for. */
    private static Type resolved(Class<?> type, Type parameter) {
        if (!(parameter instanceof TypeVariable)) {
            return parameter;
        }
        TypeVariable<?> variable = (TypeVariable<?>) parameter;
        for (Class<?> below = type; below != null; below = below.getSuperclass()) {
            List<Type> above = new ArrayList<>();
            above.add(below.getGenericSuperclass());
            above.addAll(Arrays.asList(below.getGenericInterfaces()));
            for (Type one : above) {
                if (one instanceof ParameterizedType && ((ParameterizedType) one).getRawType() == variable.getGenericDeclaration()) {
                    TypeVariable<?>[] variables = ((Class<?>) variable.getGenericDeclaration()).getTypeParameters();
                    int place = Arrays.asList(variables).indexOf(variable);
                    return resolved(type, ((ParameterizedType) one).getActualTypeArguments()[place]);
                }
            }
        }
        return parameter;
    }

    /** Runs one event; `text` is what was sent. Gives back the result as JSON. */
    String call(byte[] text, int start, int length, Map<String, Object> documented) throws Exception {
        Object[] arguments = new Object[method.getParameterCount()];
        if (event != null) {
            try {
                arguments[0] = event(text, start, length);
            } catch (Mismatch mismatch) {
                throw new Mismatch("the event does not fit " + event.getTypeName(), mismatch.getMessage());
            }
        }
        if (context != null) {
            arguments[arguments.length - 1] = context.of(documented);
        }
        Object result;
        try {
            result = method.invoke(owner, arguments);
        } catch (InvocationTargetException thrown) {
            throw Faults.thrown(thrown.getCause());
        }
        try {
            return Writer.text(result);
        } catch (Mismatch mismatch) {
            throw new Mismatch("the handler's result is not JSON", mismatch.getMessage());
        }
    }

    private Object event(byte[] text, int start, int length) {
        Object value = Json.read(text, start, length);
        if (event == String.class && value != null && !(value instanceof String)) {
            // An event that is no text is given to a handler that takes one as it was sent.
            return new String(text, start, length, StandardCharsets.UTF_8);
        }
        return Reader.as(value, event, "");
    }
}
