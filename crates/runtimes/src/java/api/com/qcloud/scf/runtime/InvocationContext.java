package com.qcloud.scf.runtime;

import java.util.Map;

/** The context of one call. The interface may be one that a package brings along. */
public final class InvocationContext implements Context {
    private final String requestId;
    private final int timeLimitInMs;
    private final int memoryLimitInMb;

    public InvocationContext(Map<String, Object> documented) {
        requestId = (String) documented.get("request_id");
        timeLimitInMs = (Integer) documented.get("time_limit_in_ms");
        memoryLimitInMb = (Integer) documented.get("memory_limit_in_mb");
    }

    @Override
    public String getRequestId() {
        return requestId;
    }

    @Override
    public int getTimeLimitInMs() {
        return timeLimitInMs;
    }

    @Override
    public int getMemoryLimitInMb() {
        return memoryLimitInMb;
    }
}
