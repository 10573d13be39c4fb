calls = 0


def handler(event, context):
    global calls
    calls += 1
    if event["case"] == "error":
        raise ValueError("it broke")
    if event["case"] == "large":
        return "x" * (6 << 20)
    print("call", calls)
    return {
        "echo": event,
        "id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "left": 0 < context.get_remaining_time_in_millis() <= 20000,
        "calls": calls,
    }
