// A program of AWS Lambda's Go library, to be a custom runtime.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

var calls int

func handle(ctx context.Context, event map[string]interface{}) (map[string]interface{}, error) {
	calls++
	if event["case"] == "error" {
		return nil, errors.New("it broke")
	}
	fmt.Println("call", calls)
	told, _ := lambdacontext.FromContext(ctx)
	_, left := ctx.Deadline()
	return map[string]interface{}{
		"echo": event, "id": told.AwsRequestID, "arn": told.InvokedFunctionArn, "left": left, "calls": calls,
	}, nil
}

func main() {
	lambda.Start(handle)
}
