package com.qcloud.services.scf.runtime.events;

import java.util.List;
import java.util.Map;

/** Changes of objects. */
public class CosEvent extends Value {
    private static final long serialVersionUID = 1;

    private List<Record> records;

    public List<Record> getRecords() {
        return records;
    }

    public void setRecords(List<Record> records) {
        this.records = records;
    }

    @Override
    public CosEvent clone() {
        return (CosEvent) super.clone();
    }

    /** One change. */
    public static class Record extends Value {
        private static final long serialVersionUID = 1;

        private CosInfo cos;
        private Event event;

        public CosInfo getCos() {
            return cos;
        }

        public void setCos(CosInfo cos) {
            this.cos = cos;
        }

        public Event getEvent() {
            return event;
        }

        public void setEvent(Event event) {
            this.event = event;
        }

        @Override
        public Record clone() {
            return (Record) super.clone();
        }
    }

    /** What changed. */
    public static class CosInfo extends Value {
        private static final long serialVersionUID = 1;

        private String cosSchemaVersion;
        private CosObjectInfo cosObject;
        private CosBucketInfo cosBucket;
        private String cosNotificationId;

        public String getCosSchemaVersion() {
            return cosSchemaVersion;
        }

        public void setCosSchemaVersion(String cosSchemaVersion) {
            this.cosSchemaVersion = cosSchemaVersion;
        }

        public CosObjectInfo getCosObject() {
            return cosObject;
        }

        public void setCosObject(CosObjectInfo cosObject) {
            this.cosObject = cosObject;
        }

        public CosBucketInfo getCosBucket() {
            return cosBucket;
        }

        public void setCosBucket(CosBucketInfo cosBucket) {
            this.cosBucket = cosBucket;
        }

        public String getCosNotificationId() {
            return cosNotificationId;
        }

        public void setCosNotificationId(String cosNotificationId) {
            this.cosNotificationId = cosNotificationId;
        }

        @Override
        public CosInfo clone() {
            return (CosInfo) super.clone();
        }
    }

    /** The object. */
    public static class CosObjectInfo extends Value {
        private static final long serialVersionUID = 1;

        private String url;
        private Map<String, String> meta;
        private String vid;
        private String key;
        private Integer size;

        public String getUrl() {
            return url;
        }

        public void setUrl(String url) {
            this.url = url;
        }

        public Map<String, String> getMeta() {
            return meta;
        }

        public void setMeta(Map<String, String> meta) {
            this.meta = meta;
        }

        public String getVid() {
            return vid;
        }

        public void setVid(String vid) {
            this.vid = vid;
        }

        public String getKey() {
            return key;
        }

        public void setKey(String key) {
            this.key = key;
        }

        public Integer getSize() {
            return size;
        }

        public void setSize(Integer size) {
            this.size = size;
        }

        @Override
        public CosObjectInfo clone() {
            return (CosObjectInfo) super.clone();
        }
    }

    /** Its bucket. */
    public static class CosBucketInfo extends Value {
        private static final long serialVersionUID = 1;

        private String region;
        private String name;
        private String appid;

        public String getRegion() {
            return region;
        }

        public void setRegion(String region) {
            this.region = region;
        }

        public String getName() {
            return name;
        }

        public void setName(String name) {
            this.name = name;
        }

        public String getAppid() {
            return appid;
        }

        public void setAppid(String appid) {
            this.appid = appid;
        }

        @Override
        public CosBucketInfo clone() {
            return (CosBucketInfo) super.clone();
        }
    }

    /** How it changed. */
    public static class Event extends Value {
        private static final long serialVersionUID = 1;

        private String eventName;
        private String eventVersion;
        private Integer eventTime;
        private String eventSource;
        private RequestParameters requestParameters;
        private String eventQueue;
        private String reservedInfo;
        private Integer reqid;

        public String getEventName() {
            return eventName;
        }

        public void setEventName(String eventName) {
            this.eventName = eventName;
        }

        public String getEventVersion() {
            return eventVersion;
        }

        public void setEventVersion(String eventVersion) {
            this.eventVersion = eventVersion;
        }

        public Integer getEventTime() {
            return eventTime;
        }

        public void setEventTime(Integer eventTime) {
            this.eventTime = eventTime;
        }

        public String getEventSource() {
            return eventSource;
        }

        public void setEventSource(String eventSource) {
            this.eventSource = eventSource;
        }

        public RequestParameters getRequestParameters() {
            return requestParameters;
        }

        public void setRequestParameters(RequestParameters requestParameters) {
            this.requestParameters = requestParameters;
        }

        public String getEventQueue() {
            return eventQueue;
        }

        public void setEventQueue(String eventQueue) {
            this.eventQueue = eventQueue;
        }

        public String getReservedInfo() {
            return reservedInfo;
        }

        public void setReservedInfo(String reservedInfo) {
            this.reservedInfo = reservedInfo;
        }

        public Integer getReqid() {
            return reqid;
        }

        public void setReqid(Integer reqid) {
            this.reqid = reqid;
        }

        @Override
        public Event clone() {
            return (Event) super.clone();
        }
    }

    /** The request that changed it. */
    public static class RequestParameters extends Value {
        private static final long serialVersionUID = 1;

        private String requestSourceIP;
        private Map<String, String> requestHeaders;

        public String getRequestSourceIP() {
            return requestSourceIP;
        }

        public void setRequestSourceIP(String requestSourceIP) {
            this.requestSourceIP = requestSourceIP;
        }

        public Map<String, String> getRequestHeaders() {
            return requestHeaders;
        }

        public void setRequestHeaders(Map<String, String> requestHeaders) {
            this.requestHeaders = requestHeaders;
        }

        @Override
        public RequestParameters clone() {
            return (RequestParameters) super.clone();
        }
    }
}
