package com.qcloud.scf.runtime;

/** What a call tells its handler beside the event. */
public interface Context {
    /** The call's id, as in the logs. */
    String getRequestId();

    /** How long it may take, in milliseconds. */
    int getTimeLimitInMs();

    /** How much memory it has, in megabytes. */
    int getMemoryLimitInMb();
}
