package com.qcloud.services.scf.runtime.events;

/** A timer went off. */
public class TimeEvent extends Value {
    private static final long serialVersionUID = 1;

    private String type;
    private String triggerName;
    private String time;
    private String message;

    public String getType() {
        return type;
    }

    public void setType(String type) {
        this.type = type;
    }

    public String getTriggerName() {
        return triggerName;
    }

    public void setTriggerName(String triggerName) {
        this.triggerName = triggerName;
    }

    public String getTime() {
        return time;
    }

    public void setTime(String time) {
        this.time = time;
    }

    public String getMessage() {
        return message;
    }

    public void setMessage(String message) {
        this.message = message;
    }

    @Override
    public TimeEvent clone() {
        return (TimeEvent) super.clone();
    }
}
