package skiff;

import java.lang.reflect.Array;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Makes what a handler takes out of what JSON holds. */
final class Reader {
    private Reader() {
    }

    /** The value as this type; `where` it is, for the error. */
    static Object as(Object value, Type type, String where) {
        if (type instanceof Class) {
            return asClass(value, (Class<?>) type, where);
        }
        if (type instanceof ParameterizedType) {
            ParameterizedType of = (ParameterizedType) type;
            Class<?> raw = (Class<?>) of.getRawType();
            Type[] arguments = of.getActualTypeArguments();
            if (value instanceof List && Collection.class.isAssignableFrom(raw)) {
                return collection((List<?>) value, raw, arguments[0], where);
            }
            if (value instanceof Map && Map.class.isAssignableFrom(raw)) {
                return map((Map<?, ?>) value, raw, arguments, where);
            }
            return asClass(value, raw, where);
        }
        if (type instanceof GenericArrayType) {
            Class<?> item = rawClass(((GenericArrayType) type).getGenericComponentType());
            return array(value, item, ((GenericArrayType) type).getGenericComponentType(), where);
        }
        return as(value, rawClass(type), where);
    }

    private static Class<?> rawClass(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return rawClass(((ParameterizedType) type).getRawType());
        }
        if (type instanceof WildcardType) {
            return rawClass(((WildcardType) type).getUpperBounds()[0]);
        }
        if (type instanceof TypeVariable) {
            return rawClass(((TypeVariable<?>) type).getBounds()[0]);
        }
        return Object.class;
    }

    private static Object asClass(Object value, Class<?> type, String where) {
        if (type == Object.class) {
            return value;
        }
        if (value == null) {
            return type.isPrimitive() ? zero(type) : null;
        }
        if (type == String.class || type == CharSequence.class) {
            // What is no text is given as it was sent.
            return value instanceof String ? value : Writer.text(value);
        }
        if (type == boolean.class || type == Boolean.class) {
            if (value instanceof Boolean) {
                return value;
            }
            if ("true".equals(value) || "false".equals(value)) {
                return Boolean.valueOf((String) value);
            }
            throw expected("true or false", value, where);
        }
        if (type == char.class || type == Character.class) {
            if (value instanceof String && ((String) value).length() == 1) {
                return ((String) value).charAt(0);
            }
            throw expected("a text of one character", value, where);
        }
        if (type.isPrimitive() || Number.class.isAssignableFrom(type)) {
            return Numbers.as(value, type, where);
        }
        if (type.isEnum()) {
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(value)) {
                    return constant;
                }
            }
            throw expected("one of " + Arrays.toString(type.getEnumConstants()), value, where);
        }
        if (type.isArray()) {
            return array(value, type.getComponentType(), type.getComponentType(), where);
        }
        if (type == Date.class && value instanceof Number) {
            return new Date(((Number) value).longValue());
        }
        if (Collection.class.isAssignableFrom(type)) {
            if (value instanceof List) {
                return collection((List<?>) value, type, Object.class, where);
            }
            throw expected("a list", value, where);
        }
        if (value instanceof Map) {
            return Map.class.isAssignableFrom(type)
                ? map((Map<?, ?>) value, type, new Type[] {String.class, Object.class}, where)
                : bean((Map<?, ?>) value, type, where);
        }
        if (value instanceof String && type.getName().startsWith("java.")) {
            return parsed((String) value, type, where);
        }
        throw expected("an object", value, where);
    }

    /** What Java itself makes of the text of a time, an address or an identifier. */
    private static Object parsed(String text, Class<?> type, String where) {
        for (String name : new String[] {"parse", "fromString", "create", "of"}) {
            for (Class<?> parameter : new Class<?>[] {CharSequence.class, String.class}) {
                try {
                    Method method = type.getMethod(name, parameter);
                    if (Modifier.isStatic(method.getModifiers()) && type.isAssignableFrom(method.getReturnType())) {
                        return method.invoke(null, text);
                    }
                } catch (NoSuchMethodException other) {
                    continue;
                } catch (ReflectiveOperationException unfit) {
                    throw expected("the text of a " + type.getSimpleName(), text, where);
                }
            }
        }
        throw new Mismatch(where, type.getName() + " is no type that JSON has");
    }

    static Mismatch expected(String what, Object value, String where) {
        String found = Writer.text(value);
        return new Mismatch(where, what + " is expected, not " + (found.length() > 100 ? found.substring(0, 100) + "..." : found));
    }

    private static Object zero(Class<?> type) {
        // The first item of a new array is what a field has that nobody set.
        return Array.get(Array.newInstance(type, 1), 0);
    }

    private static Object array(Object value, Class<?> itemClass, Type item, String where) {
        if (itemClass == byte.class && value instanceof String) {
            try {
                return Base64.getDecoder().decode((String) value);
            } catch (IllegalArgumentException noBase64) {
                throw expected("base64", value, where);
            }
        }
        if (!(value instanceof List)) {
            throw expected("a list", value, where);
        }
        List<?> items = (List<?>) value;
        Object array = Array.newInstance(itemClass, items.size());
        for (int i = 0; i < items.size(); i++) {
            Array.set(array, i, as(items.get(i), item, where + "[" + i + "]"));
        }
        return array;
    }

    @SuppressWarnings("unchecked")
    private static Object collection(List<?> items, Class<?> type, Type item, String where) {
        Collection<Object> collection;
        if (type.isAssignableFrom(ArrayList.class)) {
            collection = new ArrayList<>(items.size());
        } else if (type.isInterface() && SortedSet.class.isAssignableFrom(type)) {
            collection = new TreeSet<>();
        } else if (type.isInterface() && Set.class.isAssignableFrom(type)) {
            collection = new LinkedHashSet<>();
        } else if (type.isInterface() && Queue.class.isAssignableFrom(type)) {
            collection = new ArrayDeque<>();
        } else {
            collection = (Collection<Object>) made(type, where);
        }
        for (int i = 0; i < items.size(); i++) {
            collection.add(as(items.get(i), item, where + "[" + i + "]"));
        }
        return collection;
    }

    @SuppressWarnings("unchecked")
    private static Object map(Map<?, ?> members, Class<?> type, Type[] types, String where) {
        Map<Object, Object> map;
        if (type.isAssignableFrom(LinkedHashMap.class)) {
            map = new LinkedHashMap<>();
        } else if (type.isInterface() && SortedMap.class.isAssignableFrom(type)) {
            map = new TreeMap<>();
        } else {
            map = (Map<Object, Object>) made(type, where);
        }
        for (Map.Entry<?, ?> member : members.entrySet()) {
            String inside = where + "." + member.getKey();
            // A class of its own that is a map may say nothing of what it holds.
            Object value = types.length == 2 ? as(member.getValue(), types[1], inside) : member.getValue();
            map.put(types.length == 2 ? as(member.getKey(), types[0], inside) : member.getKey(), value);
        }
        return map;
    }

    private static Object bean(Map<?, ?> members, Class<?> type, String where) {
        Beans beans = Beans.of(type);
        try {
            if (beans.canonical != null) {
                Object[] arguments = new Object[beans.components.size()];
                for (int i = 0; i < arguments.length; i++) {
                    Beans.Property component = beans.components.get(i);
                    Object value = member(members, component.jsonName());
                    arguments[i] = as(value, component.writeType, where + "." + component.jsonName());
                }
                return beans.canonical.newInstance(arguments);
            }
            Object made = made(type, where);
            for (Map.Entry<?, ?> member : members.entrySet()) {
                Beans.Property property = beans.named((String) member.getKey());
                if (property == null || property.writer == null) {
                    continue;
                }
                boolean keeps = member.getValue() == null && rawClass(property.writeType).isPrimitive();
                if (!keeps) {
                    property.write(made, as(member.getValue(), property.writeType, where + "." + member.getKey()));
                }
            }
            return made;
        } catch (InvocationTargetException thrown) {
            throw Faults.thrown(thrown.getCause());
        } catch (ReflectiveOperationException shut) {
            throw new Mismatch(where, shut.toString());
        }
    }

    /** The member of this name, or of one that differs in its case alone. */
    private static Object member(Map<?, ?> members, String name) {
        if (members.containsKey(name)) {
            return members.get(name);
        }
        for (Map.Entry<?, ?> member : members.entrySet()) {
            if (name.equalsIgnoreCase((String) member.getKey())) {
                return member.getValue();
            }
        }
        return null;
    }

    private static Object made(Class<?> type, String where) {
        Beans beans = Beans.of(type);
        if (type.isInterface() || Modifier.isAbstract(type.getModifiers()) || beans.constructor == null) {
            throw new Mismatch(where, type.getName() + " cannot be made: it has no constructor without parameters");
        }
        try {
            return beans.constructor.newInstance();
        } catch (InvocationTargetException thrown) {
            throw Faults.thrown(thrown.getCause());
        } catch (ReflectiveOperationException shut) {
            throw new Mismatch(where, shut.toString());
        }
    }

    /** Numbers of every kind, none of them cut. */
    private static final class Numbers {
        static Object as(Object value, Class<?> type, String where) {
            BigDecimal exact;
            if (value instanceof Number && (type == Number.class || type.isInstance(value))) {
                return value;
            }
            if (type == double.class || type == Double.class) {
                if (value instanceof Number) {
                    return ((Number) value).doubleValue();
                }
            } else if (value instanceof Integer) {
                int small = (Integer) value;
                if (type == int.class) {
                    return small;
                }
                if (type == long.class || type == Long.class) {
                    return (long) small;
                }
            }
            try {
                exact = new BigDecimal(value instanceof Number || value instanceof String ? value.toString() : "");
                if (type == double.class || type == Double.class) {
                    return exact.doubleValue();
                } else if (type == float.class || type == Float.class) {
                    return exact.floatValue();
                } else if (type == int.class || type == Integer.class) {
                    return exact.intValueExact();
                } else if (type == long.class || type == Long.class) {
                    return exact.longValueExact();
                } else if (type == short.class || type == Short.class) {
                    return exact.shortValueExact();
                } else if (type == byte.class || type == Byte.class) {
                    return exact.byteValueExact();
                } else if (type == BigDecimal.class) {
                    return exact;
                } else if (type == BigInteger.class) {
                    return exact.toBigIntegerExact();
                }
            } catch (ArithmeticException | NumberFormatException unfit) {
                throw expected("a number that fits " + type.getSimpleName(), value, where);
            }
            throw new Mismatch(where, type.getName() + " is no type that JSON has");
        }
    }
}
