package com.qcloud.services.scf.runtime.events;

import java.util.List;

/** Messages of a topic. */
public class CMQTopicEvent extends Value {
    private static final long serialVersionUID = 1;

    private List<Record> records;

    public List<Record> getRecords() {
        return records;
    }

    public void setRecords(List<Record> records) {
        this.records = records;
    }

    @Override
    public CMQTopicEvent clone() {
        return (CMQTopicEvent) super.clone();
    }

    /** One message; its name in JSON is CMQ. */
    public static class Record extends Value {
        private static final long serialVersionUID = 1;

        private MsgInfo msg;

        public MsgInfo getMsg() {
            return msg;
        }

        public void setMsg(MsgInfo msg) {
            this.msg = msg;
        }

        @Override
        public Record clone() {
            return (Record) super.clone();
        }
    }

    /** What it says. */
    public static class MsgInfo extends Value {
        private static final long serialVersionUID = 1;

        private String type;
        private Integer topicOwner;
        private String topicName;
        private String subscriptionName;
        private String publishTime;
        private String msgId;
        private String requestId;
        private String msgBody;
        private String msgTag;

        public String getType() {
            return type;
        }

        public void setType(String type) {
            this.type = type;
        }

        public Integer getTopicOwner() {
            return topicOwner;
        }

        public void setTopicOwner(Integer topicOwner) {
            this.topicOwner = topicOwner;
        }

        public String getTopicName() {
            return topicName;
        }

        public void setTopicName(String topicName) {
            this.topicName = topicName;
        }

        public String getSubscriptionName() {
            return subscriptionName;
        }

        public void setSubscriptionName(String subscriptionName) {
            this.subscriptionName = subscriptionName;
        }

        public String getPublishTime() {
            return publishTime;
        }

        public void setPublishTime(String publishTime) {
            this.publishTime = publishTime;
        }

        public String getMsgId() {
            return msgId;
        }

        public void setMsgId(String msgId) {
            this.msgId = msgId;
        }

        public String getRequestId() {
            return requestId;
        }

        public void setRequestId(String requestId) {
            this.requestId = requestId;
        }

        public String getMsgBody() {
            return msgBody;
        }

        public void setMsgBody(String msgBody) {
            this.msgBody = msgBody;
        }

        public String getMsgTag() {
            return msgTag;
        }

        public void setMsgTag(String msgTag) {
            this.msgTag = msgTag;
        }

        @Override
        public MsgInfo clone() {
            return (MsgInfo) super.clone();
        }
    }
}
