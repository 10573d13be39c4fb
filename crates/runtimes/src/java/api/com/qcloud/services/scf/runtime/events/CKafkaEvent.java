package com.qcloud.services.scf.runtime.events;

import java.util.List;

/** Messages of a Kafka topic. */
public class CKafkaEvent extends Value {
    private static final long serialVersionUID = 1;

    private List<Record> records;

    public List<Record> getRecords() {
        return records;
    }

    public void setRecords(List<Record> records) {
        this.records = records;
    }

    @Override
    public CKafkaEvent clone() {
        return (CKafkaEvent) super.clone();
    }

    /** One message; its name in JSON is Ckafka. */
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

        private String topic;
        private Integer partition;
        private Integer offset;
        private String msgKey;
        private String msgBody;

        public String getTopic() {
            return topic;
        }

        public void setTopic(String topic) {
            this.topic = topic;
        }

        public Integer getPartition() {
            return partition;
        }

        public void setPartition(Integer partition) {
            this.partition = partition;
        }

        public Integer getOffset() {
            return offset;
        }

        public void setOffset(Integer offset) {
            this.offset = offset;
        }

        public String getMsgKey() {
            return msgKey;
        }

        public void setMsgKey(String msgKey) {
            this.msgKey = msgKey;
        }

        public String getMsgBody() {
            return msgBody;
        }

        public void setMsgBody(String msgBody) {
            this.msgBody = msgBody;
        }

        @Override
        public MsgInfo clone() {
            return (MsgInfo) super.clone();
        }
    }
}
