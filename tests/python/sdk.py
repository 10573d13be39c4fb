"""What users of the official SDK do, one function each. Usage: sdk.py NAME API SECRET_ID SECRET_KEY GATEWAY"""
import base64
import io
import json
import sys
import time
import uuid
import zipfile

from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416 import models, scf_client

_, NAME, API, SECRET_ID, SECRET_KEY, GATEWAY = sys.argv
ECHO = "def main_handler(event, context):\n    print('heard', event)\n    return event\n"


def client(secret_id=SECRET_ID, secret_key=SECRET_KEY, sign="TC3-HMAC-SHA256", method="POST", unsigned_payload=False):
    http = HttpProfile(protocol="http", endpoint=API, reqMethod=method, reqTimeout=60)
    profile = ClientProfile(signMethod=sign, httpProfile=http)
    profile.unsignedPayload = unsigned_payload
    return scf_client.ScfClient(credential.Credential(secret_id, secret_key), "local", profile)


def package(code):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.py", code)
    return base64.b64encode(buffer.getvalue()).decode()


def request(kind, **fields):
    built = getattr(models, kind + "Request")()
    built.from_json_string(json.dumps(fields))
    return built


def call(sdk, action, **fields):
    return getattr(sdk, action)(request(action, **fields))


def fails(code, act, *arguments, **fields):
    try:
        act(*arguments, **fields)
    except TencentCloudSDKException as error:
        assert error.get_code() == code, f"{error.get_code()} instead of {code}: {error.get_message()}"
        assert error.get_message() and uuid.UUID(error.get_request_id())
        return
    raise AssertionError(f"no {code}")


class Function:
    """A function for the length of a test."""

    def __init__(self, sdk, code=ECHO, **fields):
        self.sdk, self.name = sdk, "sdk-" + uuid.uuid4().hex[:12]
        call(sdk, "CreateFunction", FunctionName=self.name, Code={"ZipFile": package(code)}, Runtime="Python3",
             Handler="index.main_handler", **fields)
        wait_active(sdk, self.name, fields.get("Namespace", "default"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            call(self.sdk, "DeleteFunction", FunctionName=self.name)
        except TencentCloudSDKException as error:
            assert error.get_code() == "ResourceNotFound.Function", error

    def invoke(self, event=None, **fields):
        return call(self.sdk, "Invoke", FunctionName=self.name, ClientContext=json.dumps(event), **fields).Result


def wait_active(sdk, name, namespace="default"):
    deadline = time.monotonic() + 30
    while call(sdk, "GetFunction", FunctionName=name, Namespace=namespace).Status != "Active":
        assert time.monotonic() < deadline, "the function does not become active"
        time.sleep(0.05)


# --- what is done -----------------------------------------------------------------------------------------------------

def life():
    """Create, describe, invoke, list, update code and configuration, copy, delete."""
    sdk = client()
    with Function(sdk, MemorySize=128, Timeout=5, Description="说明",
                  Environment={"Variables": [{"Key": "WORD", "Value": "值"}]}) as function:
        described = call(sdk, "GetFunction", FunctionName=function.name, ShowCode="TRUE")
        assert (described.FunctionName, described.Namespace, described.Handler) == (function.name, "default", "index.main_handler")
        assert (described.MemorySize, described.Timeout, described.Description) == (128, 5, "说明")
        assert [(one.Key, one.Value) for one in described.Environment.Variables] == [("WORD", "值")]
        assert described.Runtime.startswith("Python3.") and described.Type == "Event" and described.CodeInfo == ECHO
        time.strptime(described.AddTime, "%Y-%m-%d %H:%M:%S")

        result = function.invoke({"键": "值"}, LogType="Tail")
        assert json.loads(result.RetMsg) == {"键": "值"} and result.InvokeResult == 0 and result.ErrMsg == ""
        assert result.Log.startswith("START RequestId: ") and "heard {'键': '值'}" in result.Log
        assert result.MemUsage > 0 and result.Duration > 0 and result.BillDuration >= 1
        assert call(sdk, "InvokeFunction", FunctionName=function.name, Event="[1]").Result.RetMsg == "[1]"

        call(sdk, "UpdateFunctionCode", FunctionName=function.name, Handler="index.main_handler",
             ZipFile=package("import os\ndef main_handler(event, context):\n    return [2, os.environ.get('WORD')]\n"))
        wait_active(sdk, function.name)
        assert json.loads(function.invoke().RetMsg) == [2, "值"]
        call(sdk, "UpdateFunctionConfiguration", FunctionName=function.name, Timeout=9, MemorySize=256,
             Environment={"Variables": [{"Key": "WORD", "Value": "new"}]})
        wait_active(sdk, function.name)
        described = call(sdk, "GetFunction", FunctionName=function.name)
        assert (described.Timeout, described.MemorySize, described.Description) == (9, 256, "说明")
        assert json.loads(function.invoke().RetMsg) == [2, "new"]

        found = call(sdk, "ListFunctions", SearchKey=function.name, Limit=10)
        assert (found.TotalCount, [one.FunctionName for one in found.Functions]) == (1, [function.name])

        copy = function.name + "-copy"
        call(sdk, "CopyFunction", FunctionName=function.name, NewFunctionName=copy)
        wait_active(sdk, copy)
        assert json.loads(call(sdk, "Invoke", FunctionName=copy).Result.RetMsg) == [2, "new"]
        fails("ResourceInUse.Function", call, sdk, "CopyFunction", FunctionName=function.name, NewFunctionName=copy)
        call(sdk, "CopyFunction", FunctionName=function.name, NewFunctionName=copy, Override=True)
        call(sdk, "DeleteFunction", FunctionName=copy)
        fails("ResourceNotFound.Function", call, sdk, "GetFunction", FunctionName=copy)
    fails("ResourceNotFound.Function", call, sdk, "Invoke", FunctionName=function.name)


def logs():
    """Calls are found in the logs, by id and by how they ended."""
    sdk = client()
    code = "def main_handler(event, context):\n    print('said', event)\n    return 1 / event\n"
    with Function(sdk, code) as function:
        good, bad = function.invoke(1), function.invoke(0)
        assert (good.InvokeResult, bad.InvokeResult) == (0, 1) and "ZeroDivisionError" in bad.RetMsg
        deadline = time.monotonic() + 30
        while call(sdk, "GetFunctionLogs", FunctionName=function.name).TotalCount < 2:
            assert time.monotonic() < deadline, "the logs do not come"
            time.sleep(0.05)
        for code, expected in (("is0", good), ("not0", bad), ("UserCodeException", bad)):
            found = call(sdk, "GetFunctionLogs", FunctionName=function.name, Filter={"RetCode": code})
            assert [one.RequestId for one in found.Data] == [expected.FunctionRequestId], code
        found = call(sdk, "GetFunctionLogs", FunctionName=function.name, FunctionRequestId=bad.FunctionRequestId).Data
        assert len(found) == 1 and "\nsaid 0\n" in found[0].Log and found[0].RetCode != 0 and found[0].InvokeFinished == 1
        for result, code in ((good, 0), (bad, -1)):
            status = call(sdk, "GetRequestStatus", FunctionName=function.name, FunctionRequestId=result.FunctionRequestId)
            [one] = status.Data
            assert (status.TotalCount, one.RetCode, one.RequestId) == (1, code, result.FunctionRequestId), status
            assert one.Duration > 0 and 0 < one.MemUsage < 1024, "MB"
        fails("LimitExceeded.Offset", call, sdk, "GetFunctionLogs", FunctionName=function.name, Offset=9999, Limit=100)


def namespaces():
    """A namespace of one's own with a function of its own; only an empty one can be deleted."""
    sdk = client()
    name = "ns-" + uuid.uuid4().hex[:8]
    call(sdk, "CreateNamespace", Namespace=name, Description="of a test")
    fails("ResourceInUse.Namespace", call, sdk, "CreateNamespace", Namespace=name)
    found = {one.Name: one.Description for one in call(sdk, "ListNamespaces").Namespaces}
    assert found[name] == "of a test" and "default" in found
    function = Function(sdk, Namespace=name)
    assert call(sdk, "Invoke", FunctionName=function.name, Namespace=name, ClientContext="7").Result.RetMsg == "7"
    fails("ResourceNotFound.Function", call, sdk, "Invoke", FunctionName=function.name)
    assert call(sdk, "ListFunctions", Namespace=name).TotalCount == 1
    fails("FailedOperation.DeleteNamespace", call, sdk, "DeleteNamespace", Namespace=name)
    call(sdk, "DeleteFunction", FunctionName=function.name, Namespace=name)
    call(sdk, "DeleteNamespace", Namespace=name)
    fails("ResourceNotFound.Namespace", call, sdk, "GetFunction", FunctionName=function.name, Namespace=name)


def account():
    """What the account has and may have."""
    sdk = client()
    with Function(sdk) as function:
        answer = call(sdk, "GetAccount")
        namespaces = {one.Namespace: one for one in answer.AccountUsage.Namespace}
        assert function.name in namespaces["default"].Functions
        assert answer.AccountUsage.NamespacesCount == len(namespaces) <= answer.AccountLimit.NamespacesCount
        limits = {one.Namespace: one for one in answer.AccountLimit.Namespace}
        assert namespaces["default"].FunctionsCount <= limits["default"].FunctionsCount


def errors():
    """Refusals are exceptions with the documented code."""
    sdk = client()
    code = {"ZipFile": package(ECHO)}
    create = dict(FunctionName="refused", Runtime="Python3", Code=code)
    with Function(sdk) as function:
        for expected, changed in (
            ("ResourceInUse.Function", dict(FunctionName=function.name)),
            ("InvalidParameterValue.FunctionName", dict(FunctionName="no name")),
            ("InvalidParameterValue.Runtime", dict(Runtime="Cobol85")),
            ("InvalidParameterValue.Runtime", dict(Runtime="Java8")),
            ("InvalidParameterValue.MemorySize", dict(MemorySize=100)),
            ("LimitExceeded.Memory", dict(MemorySize=4096)),
            ("LimitExceeded.Timeout", dict(Timeout=901)),
            ("InvalidParameterValue.Handler", dict(Handler="nothing.main_handler")),
            ("InvalidParameterValue.ZipFile", dict(Code={"ZipFile": base64.b64encode(b"no zip").decode()})),
            ("InvalidParameterValue.EnvironmentSystemProtect",
             dict(Environment={"Variables": [{"Key": "SCF_X", "Value": ""}]})),
            ("ResourceNotFound.Namespace", dict(Namespace="nowhere")),
        ):
            fails(expected, call, sdk, "CreateFunction", **{**create, **changed})
        fails("InvalidParameterValue.Param", call, sdk, "Invoke", FunctionName=function.name, ClientContext="{")
        fails("ResourceNotFound.Qualifier", call, sdk, "Invoke", FunctionName=function.name, Qualifier="9")
        # Of a later issue: said, not dropped.
        fails("UnsupportedOperation", call, sdk, "Invoke", FunctionName=function.name, InvocationType="Event")
    fails("ResourceNotFound.Function", call, sdk, "DeleteFunction", FunctionName="refused")
    fails("InvalidAction", sdk.call_json, "NoSuchAction", {})


def signatures():
    """Every way the SDK can sign."""
    ways = (dict(), dict(unsigned_payload=True), dict(method="GET"), dict(sign="HmacSHA1"), dict(sign="HmacSHA256"),
            dict(sign="HmacSHA1", method="GET"), dict(sign="HmacSHA256", method="GET"))
    with Function(client()) as function:
        for way in ways:
            sdk = client(**way)
            found = call(sdk, "ListFunctions", SearchKey=function.name, Limit=5)
            assert [one.FunctionName for one in found.Functions] == [function.name], way
            result = call(sdk, "Invoke", FunctionName=function.name, ClientContext='{"a": "值 &=+%"}').Result
            assert json.loads(result.RetMsg) == {"a": "值 &=+%"}, way


def strangers():
    """A wrong key, an unknown id and a clock that is wrong are told apart, however they sign."""
    for way in (dict(), dict(unsigned_payload=True), dict(method="GET"), dict(sign="HmacSHA1"), dict(sign="HmacSHA256")):
        fails("AuthFailure.SignatureFailure", call, client(secret_key="wrong" * 8, **way), "ListFunctions")
        fails("AuthFailure.SecretIdNotFound", call, client(secret_id="AKIDnobodynobodynobody", **way), "ListFunctions")
        now = time.time
        for skew in (-3600, 3600):
            time.time = lambda: now() + skew
            try:
                fails("AuthFailure.SignatureExpire", call, client(**way), "ListFunctions")
            finally:
                time.time = now
        call(client(**way), "ListFunctions")


def replays():
    """A request signed with a nonce is good once."""
    import base64 as encoding
    import hashlib
    import hmac
    import random
    import urllib.parse
    import urllib.request

    for method, digest in (("HmacSHA1", hashlib.sha1), ("HmacSHA256", hashlib.sha256)):
        fields = {"Action": "ListFunctions", "Limit": "5", "Nonce": str(random.getrandbits(62)), "Region": "local",
                  "SecretId": SECRET_ID, "SignatureMethod": method, "Timestamp": str(int(time.time())),
                  "Version": "2018-04-16"}
        source = "POST" + API + "/?" + "&".join(f"{key}={fields[key]}" for key in sorted(fields))
        signature = encoding.b64encode(hmac.new(SECRET_KEY.encode(), source.encode(), digest).digest()).decode()
        body = urllib.parse.urlencode({**fields, "Signature": signature}).encode()

        def send():
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            return json.load(opener.open(f"http://{API}/", body))["Response"]

        assert "TotalCount" in send()
        for _ in range(2):
            assert send()["Error"]["Code"] == "AuthFailure.SignatureFailure"


if __name__ == "__main__":
    globals()[NAME]()
