module programs

go 1.19

require (
	github.com/aws/aws-lambda-go v1.47.0
	github.com/tencentyun/scf-go-lib v0.0.0-20211123032342-f972dcd16ff6
)
