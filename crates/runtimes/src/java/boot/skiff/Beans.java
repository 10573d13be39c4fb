package skiff;

import java.lang.annotation.Annotation;
import java.lang.reflect.AccessibleObject;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The properties of a class as JSON sees them: getters and setters, public fields, components of a record. */
final class Beans {
    /** Annotations that name a property, and the word that does. */
    private static final String[][] NAMING = {
        {"com.fasterxml.jackson.annotation.JsonProperty", "value"},
        {"com.google.gson.annotations.SerializedName", "value"},
        {"com.alibaba.fastjson.annotation.JSONField", "name"},
    };
    private static final String IGNORE = "com.fasterxml.jackson.annotation.JsonIgnore";
    /**
     * The published event classes name these by an annotation that a package may lack, and what is not there does not show.
     */
    private static final String EVENTS = "com.qcloud.services.scf.runtime.events.";

    private static final Map<Class<?>, Beans> KNOWN = new HashMap<>();

    /** One property. */
    static final class Property {
        final String name;
        /** What reads it: a method or a field; or nothing does. */
        AccessibleObject reader;
        Type readType;
        /** What sets it: a method or a field; or nothing does. */
        AccessibleObject writer;
        Type writeType;
        boolean ignored;
        String renamed;

        Property(String name) {
            this.name = name;
        }

        String jsonName() {
            return renamed != null ? renamed : name;
        }

        Object read(Object owner) throws IllegalAccessException, InvocationTargetException {
            return reader instanceof Method ? ((Method) reader).invoke(owner) : ((Field) reader).get(owner);
        }

        void write(Object owner, Object value) throws IllegalAccessException, InvocationTargetException {
            if (writer instanceof Method) {
                ((Method) writer).invoke(owner, value);
            } else {
                ((Field) writer).set(owner, value);
            }
        }
    }

    /** By their names in JSON, in the order of the fields. */
    private final Map<String, Property> properties = new LinkedHashMap<>();
    private final Map<String, Property> whateverCase = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    /** Makes an empty one. */
    final Constructor<?> constructor;
    /** Makes a record of its components, which are then in the order of its parameters. */
    final Constructor<?> canonical;
    final List<Property> components = new ArrayList<>();

    static synchronized Beans of(Class<?> type) {
        Beans known = KNOWN.get(type);
        if (known == null) {
            known = new Beans(type);
            KNOWN.put(type, known);
        }
        return known;
    }

    /** Lets go of the classes seen so far. */
    static synchronized void forget() {
        KNOWN.clear();
    }

    /** The property of this name, or of one that differs in its case alone. */
    Property named(String name) {
        Property exact = properties.get(name);
        return exact != null ? exact : whateverCase.get(name);
    }

    Collection<Property> all() {
        return properties.values();
    }

    private Beans(Class<?> type) {
        Map<String, Property> found = new LinkedHashMap<>();
        // In the order of the fields, those of the superclass first; what has none comes after, by name.
        for (Class<?> owner : lineage(type)) {
            for (Field field : owner.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()) {
                    field(found, field);
                }
            }
        }
        // In an order of their own, getters before setters: Java gives them in any.
        Map<String, Method> accessors = new TreeMap<>();
        for (Method method : type.getMethods()) {
            boolean own = method.getDeclaringClass() != Object.class && !Modifier.isStatic(method.getModifiers());
            if (own && !method.isBridge() && !method.isSynthetic()) {
                accessors.put(method.getName() + Arrays.toString(method.getParameterTypes()), method);
            }
        }
        for (Method method : accessors.values()) {
            accessor(found, method);
        }
        canonical = Records.canonical(type, found, components);
        constructor = canonical == null ? empty(type) : null;
        for (Property property : found.values()) {
            if (type.getName().equals(EVENTS + "CMQTopicEvent$Record") && property.name.equals("msg")) {
                property.renamed = "CMQ";
            } else if (type.getName().equals(EVENTS + "CKafkaEvent$Record") && property.name.equals("msg")) {
                property.renamed = "Ckafka";
            }
            if (!property.ignored && (property.reader != null || property.writer != null)) {
                properties.put(property.jsonName(), property);
                whateverCase.put(property.jsonName(), property);
            }
        }
    }

    private static List<Class<?>> lineage(Class<?> type) {
        List<Class<?>> lineage = new ArrayList<>();
        for (Class<?> owner = type; owner != null && owner != Object.class; owner = owner.getSuperclass()) {
            lineage.add(0, owner);
        }
        return lineage;
    }

    private static void field(Map<String, Property> found, Field field) {
        Property property = property(found, field.getName());
        annotations(property, field);
        int modifiers = field.getModifiers();
        if (Modifier.isPublic(modifiers)) {
            property.reader = opened(field);
            property.readType = field.getGenericType();
            if (!Modifier.isFinal(modifiers)) {
                property.writer = property.reader;
                property.writeType = property.readType;
            }
        }
    }

    private static void accessor(Map<String, Property> found, Method method) {
        String name = method.getName();
        Class<?> result = method.getReturnType();
        boolean truth = result == boolean.class || result == Boolean.class;
        if (method.getParameterCount() == 0 && result != void.class) {
            int prefix = name.startsWith("get") ? 3 : truth && name.startsWith("is") ? 2 : 0;
            if (prefix > 0 && name.length() > prefix) {
                Property property = property(found, decapitalized(name.substring(prefix)));
                annotations(property, method);
                property.reader = opened(method);
                property.readType = method.getGenericReturnType();
            }
        } else if (method.getParameterCount() == 1 && name.startsWith("set") && name.length() > 3) {
            Property property = property(found, decapitalized(name.substring(3)));
            annotations(property, method);
            // Of several, the one that takes what is read.
            boolean fits = property.readType == null || method.getGenericParameterTypes()[0].equals(property.readType);
            if (!(property.writer instanceof Method) || fits) {
                property.writer = opened(method);
                property.writeType = method.getGenericParameterTypes()[0];
            }
        }
    }

    private static Property property(Map<String, Property> found, String name) {
        return found.computeIfAbsent(name, Property::new);
    }

    /** As the JavaBeans have it: `URL` stays, `Name` becomes `name`. */
    private static String decapitalized(String name) {
        boolean stays = name.length() > 1 && Character.isUpperCase(name.charAt(0)) && Character.isUpperCase(name.charAt(1));
        return stays ? name : name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
    }

    static void annotations(Property property, AnnotatedElement element) {
        for (Annotation annotation : element.getAnnotations()) {
            String type = annotation.annotationType().getName();
            if (type.equals(IGNORE)) {
                property.ignored = true;
            }
            for (String[] naming : NAMING) {
                if (type.equals(naming[0])) {
                    String name = word(annotation, naming[1]);
                    property.renamed = name.isEmpty() ? property.renamed : name;
                }
            }
        }
    }

    private static String word(Annotation annotation, String name) {
        try {
            return String.valueOf(opened(annotation.annotationType().getMethod(name)).invoke(annotation));
        } catch (ReflectiveOperationException other) {
            return "";
        }
    }

    private static Constructor<?> empty(Class<?> type) {
        try {
            return opened(type.getDeclaredConstructor());
        } catch (NoSuchMethodException none) {
            return null;
        }
    }

    /** Lets it be used whatever its modifiers; what its module keeps to itself stays shut and says so when it is used. */
    static <T extends AccessibleObject> T opened(T member) {
        try {
            member.setAccessible(true);
        } catch (RuntimeException shut) {
            return member;
        }
        return member;
    }
}
