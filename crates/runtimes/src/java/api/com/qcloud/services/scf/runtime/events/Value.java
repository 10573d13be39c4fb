package com.qcloud.services.scf.runtime.events;

import java.io.Serializable;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;

/** What all events have in common: two are equal when all they hold is, and they show what they hold. */
abstract class Value implements Serializable, Cloneable {
    private static final long serialVersionUID = 1;

    private Map<String, Object> held() {
        Map<String, Object> held = new LinkedHashMap<>();
        try {
            for (Field field : getClass().getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    held.put(field.getName(), field.get(this));
                }
            }
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
        return held;
    }

    @Override
    public String toString() {
        return held().toString();
    }

    @Override
    public boolean equals(Object other) {
        return other != null && other.getClass() == getClass() && ((Value) other).held().equals(held());
    }

    @Override
    public int hashCode() {
        return held().hashCode();
    }

    @Override
    public Value clone() {
        try {
            return (Value) super.clone();
        } catch (CloneNotSupportedException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
