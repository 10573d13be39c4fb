let calls = 0;

export const handler = async (event, context) => {
    calls += 1;
    if (event.case === "error") {
        throw new RangeError("it broke");
    }
    if (event.case === "large") {
        return "x".repeat(6 << 20);
    }
    console.log("call", calls);
    const left = context.getRemainingTimeInMillis();
    return {
        echo: event,
        id: context.awsRequestId,
        arn: context.invokedFunctionArn,
        left: left > 0 && left <= 20000,
        calls,
    };
};
