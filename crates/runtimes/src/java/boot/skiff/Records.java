package skiff;

import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;

/** Records, which came with Java 16: found by reflection, as this is compiled for 8. */
final class Records {
    private static final Method IS_RECORD = method(Class.class, "isRecord");
    private static final Method COMPONENTS = method(Class.class, "getRecordComponents");

    private Records() {
    }

    /** The constructor that takes all components, which are added to the properties; null for what is no record. */
    static Constructor<?> canonical(Class<?> type, Map<String, Beans.Property> found, List<Beans.Property> components) {
        try {
            if (IS_RECORD == null || !(Boolean) IS_RECORD.invoke(type)) {
                return null;
            }
            Object[] parts = (Object[]) COMPONENTS.invoke(type);
            Class<?>[] types = new Class<?>[parts.length];
            for (int i = 0; i < parts.length; i++) {
                Class<?> part = parts[i].getClass();
                String name = (String) part.getMethod("getName").invoke(parts[i]);
                Beans.Property property = found.computeIfAbsent(name, Beans.Property::new);
                Beans.annotations(property, (AnnotatedElement) parts[i]);
                property.reader = Beans.opened((Method) part.getMethod("getAccessor").invoke(parts[i]));
                property.readType = (Type) part.getMethod("getGenericType").invoke(parts[i]);
                property.writeType = property.readType;
                types[i] = (Class<?>) part.getMethod("getType").invoke(parts[i]);
                components.add(property);
            }
            return Beans.opened(type.getDeclaredConstructor(types));
        } catch (ReflectiveOperationException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static Method method(Class<?> owner, String name) {
        try {
            return owner.getMethod(name);
        } catch (NoSuchMethodException older) {
            return null;
        }
    }
}
