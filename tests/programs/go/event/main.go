// A function of SCF's published library, with a case for each thing a test wants to see.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"
)

type event struct {
	Case string `json:"case"`
	Text string `json:"text"`
	Size int    `json:"size"`
}

type result struct {
	Text  string                           `json:"text"`
	Calls int                              `json:"calls"`
	Left  bool                             `json:"left"`
	Told  *functioncontext.FunctionContext `json:"told"`
	Env   map[string]string                `json:"env"`
}

var calls int

func handle(ctx context.Context, event event) (interface{}, error) {
	calls++
	switch event.Case {
	case "error":
		return nil, errors.New("it broke: " + event.Text)
	case "panic":
		var missing map[string]int
		missing["key"] = 1
	case "exit":
		fmt.Println("leaving")
		os.Exit(3)
	case "sleep":
		time.Sleep(time.Hour)
	case "size":
		text := make([]byte, event.Size)
		for i := range text {
			text[i] = 'x'
		}
		return string(text), nil
	case "text":
		return event.Text, nil
	}
	fmt.Println("call", calls)
	told, _ := functioncontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	left := time.Until(deadline)
	env := map[string]string{}
	for _, name := range []string{"MINE", "SCF_RUNTIME", "FUNCTION_NAME", "HOME", "PWD"} {
		env[name] = os.Getenv(name)
	}
	return result{event.Text, calls, left > 0 && left <= 20*time.Second, told, env}, nil
}

func main() {
	fmt.Println("starting")
	cloudfunction.Start(handle)
}
