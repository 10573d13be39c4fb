"""Versions, aliases and layers as users of the official SDK know them. Usage: as of sdk.py"""
import concurrent.futures
import urllib.error
import urllib.request

from sdk import *

# What ran: which version, and in which instance the how many-eth call.
WHO = """
import uuid
ME, calls = uuid.uuid4().hex, 0
def main_handler(event, context):
    global calls
    calls += 1
    print("version", context["function_version"])
    return {"code": %r, "version": context["function_version"], "instance": ME, "calls": calls}
"""


def who(function, **fields):
    result = function.invoke({}, **fields)
    assert result.InvokeResult == 0, result
    return json.loads(result.RetMsg)


def update(function, code, **fields):
    call(function.sdk, "UpdateFunctionCode", FunctionName=function.name, ZipFile=package(WHO % code), **fields)
    wait_active(function.sdk, function.name)


def at_gateway(function, qualifier, headers=()):
    """Direct invocation of a version or alias."""
    target = f"http://{GATEWAY}/2018-04-16/functions/default/{function.name}:{qualifier}/invocations"
    basic = base64.b64encode(f"{SECRET_ID}:{SECRET_KEY}".encode()).decode()
    request = urllib.request.Request(target, b"{}", {"Authorization": "Basic " + basic, **dict(headers)})
    return json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request))


# --- what is done -----------------------------------------------------------------------------------------------------

def versions():
    """Publish, list, show, call and delete versions; $LATEST moves on and they do not."""
    sdk = client()
    with Function(sdk, WHO % "a", Description="of a", Timeout=5) as function:
        name = function.name
        assert who(function) == {**who(function), "version": "$LATEST", "code": "a", "calls": 1}
        first = call(sdk, "PublishVersion", FunctionName=name, Description="first")
        assert (first.FunctionVersion, first.Description, first.Timeout, first.MemorySize) == ("1", "first", 5, 128)
        assert first.CodeSize > 0 and first.Handler == "index.main_handler" and first.Runtime.startswith("Python3.")
        one = who(function, Qualifier="1")
        assert (one["code"], one["version"], one["calls"]) == ("a", "1", 1), "an instance of its own"

        # Code and configuration of $LATEST change; the version, and its instance, do not.
        update(function, "b")
        call(sdk, "UpdateFunctionConfiguration", FunctionName=name, Timeout=7, MemorySize=256)
        again = who(function, Qualifier="1")
        assert again == {**one, "calls": 2}, (one, again)
        assert (who(function)["code"], who(function)["version"]) == ("b", "$LATEST")
        shown = call(sdk, "GetFunction", FunctionName=name, Qualifier="1", ShowCode="TRUE")
        assert (shown.FunctionVersion, shown.Timeout, shown.MemorySize, shown.Description) == ("1", 5, 128, "first")
        assert shown.CodeInfo == WHO % "a"
        assert call(sdk, "GetFunction", FunctionName=name).Timeout == 7
        assert call(sdk, "InvokeFunction", FunctionName=name, Qualifier="1").Result.InvokeResult == 0
        assert at_gateway(function, "1")["version"] == "1" and at_gateway(function, "$LATEST")["code"] == "b"

        # Updates publish when told to.
        update(function, "c", Publish="TRUE")
        call(sdk, "UpdateFunctionConfiguration", FunctionName=name, Timeout=9, Publish="TRUE")
        assert [who(function, Qualifier=at)["code"] for at in ("1", "2", "3")] == ["a", "c", "c"]
        listed = call(sdk, "ListVersionByFunction", FunctionName=name)
        assert listed.FunctionVersion == ["$LATEST", "1", "2", "3"] and listed.TotalCount == 4
        assert [one.Version for one in listed.Versions] == listed.FunctionVersion
        assert {one.Status for one in listed.Versions} == {"Active"}
        listed = call(sdk, "ListVersionByFunction", FunctionName=name, Order="DESC", OrderBy="AddTime", Limit=2)
        assert (listed.FunctionVersion, listed.TotalCount) == (["3", "2"], 4)

        # The log tells which version ran.
        deadline = time.monotonic() + 30
        while not (found := call(sdk, "GetFunctionLogs", FunctionName=name, Qualifier="2")).Data:
            assert time.monotonic() < deadline, "the logs do not come"
            time.sleep(0.05)
        assert found.TotalCount == 1 and "version 2" in found.Data[0].Log

        # What is deleted is gone, and its number with it.
        call(sdk, "DeleteFunctionVersion", FunctionName=name, Qualifier="3")
        call(sdk, "DeleteFunction", FunctionName=name, Qualifier="2")
        for gone in ("2", "3"):
            fails("ResourceNotFound.Qualifier", call, sdk, "Invoke", FunctionName=name, Qualifier=gone)
            fails("ResourceNotFound.Qualifier", call, sdk, "DeleteFunctionVersion", FunctionName=name, Qualifier=gone)
        fails("InvalidParameterValue.Qualifier", call, sdk, "DeleteFunctionVersion", FunctionName=name,
              Qualifier="$LATEST")
        assert call(sdk, "PublishVersion", FunctionName=name).FunctionVersion == "4"
    fails("ResourceNotFound.Function", call, sdk, "PublishVersion", FunctionName=name)


def aliases():
    """Names for versions: led forward by a share of the calls or by rules, and back; $DEFAULT is one of them."""
    sdk = client()
    with Function(sdk, WHO % "a") as function:
        name = function.name
        call(sdk, "PublishVersion", FunctionName=name)
        update(function, "b", Publish="TRUE")
        update(function, "c")
        ran = lambda **fields: who(function, Qualifier="prod", **fields)["version"]

        call(sdk, "CreateAlias", FunctionName=name, Name="prod", FunctionVersion="1", Description="live")
        alias = call(sdk, "GetAlias", FunctionName=name, Name="prod")
        assert (alias.FunctionVersion, alias.Description) == ("1", "live")
        assert alias.RoutingConfig.AdditionalVersionWeights == [] == alias.RoutingConfig.AddtionVersionMatchs
        one = who(function, Qualifier="prod")
        assert (one["code"], one["version"]) == ("a", "1")
        assert who(function, Qualifier="1")["instance"] == one["instance"], "the alias has no instances of its own"

        # A tenth, a half, all or none of the calls go to version 2. Six deviations off is never luck.
        for weight, low, high in ((0.1, 0, 40), (0.5, 20, 80), (1.0, 100, 100), (0.0, 0, 0)):
            weights = [{"Version": "2", "Weight": weight}]
            call(sdk, "UpdateAlias", FunctionName=name, Name="prod", FunctionVersion="1",
                 RoutingConfig={"AdditionalVersionWeights": weights})
            answered = [ran() for _ in range(100)]
            assert set(answered) <= {"1", "2"} and low <= answered.count("2") <= high, (weight, answered.count("2"))
        [back] = call(sdk, "GetAlias", FunctionName=name, Name="prod").RoutingConfig.AdditionalVersionWeights
        assert (back.Version, back.Weight) == ("2", 0)

        # By the caller: who is Bob, and who is young, goes elsewhere.
        rules = [{"Version": "2", "Key": "invoke.headers.User", "Method": "exact", "Expression": "Bob"},
                 {"Version": "$LATEST", "Key": "invoke.headers.Age", "Method": "range", "Expression": "[1,50)"}]
        call(sdk, "UpdateAlias", FunctionName=name, Name="prod", FunctionVersion="1",
             RoutingConfig={"AddtionVersionMatchs": rules})
        back = call(sdk, "GetAlias", FunctionName=name, Name="prod").RoutingConfig.AddtionVersionMatchs
        assert [(one.Version, one.Key, one.Method, one.Expression) for one in back] == [tuple(one.values()) for one in rules]
        for key, version in (({"User": "Bob"}, "2"), ({"User": "Eve"}, "1"), ({"Age": "7"}, "$LATEST"), ({"Age": 50}, "1"),
                             ({"User": "Bob", "Age": 7}, "2"), ({}, "1")):
            assert ran(RoutingKey=json.dumps(key)) == version, key
            answer = at_gateway(function, "prod", {"X-Scf-Routing-Key": json.dumps(key)})
            assert answer["version"] == version, key
        assert ran() == "1"
        result = call(sdk, "InvokeFunction", FunctionName=name, Qualifier="prod", RoutingKey='{"User": "Bob"}').Result
        assert json.loads(result.RetMsg)["version"] == "2"

        # Forward as a whole, and back: what is not stated anew is gone.
        call(sdk, "UpdateAlias", FunctionName=name, Name="prod", FunctionVersion="2")
        assert ran(RoutingKey='{"Age": 7}') == "2"
        call(sdk, "UpdateAlias", FunctionName=name, Name="prod", FunctionVersion="1")
        assert who(function, Qualifier="prod")["instance"] == one["instance"], "a rollback finds the instances there"
        shown = call(sdk, "GetFunction", FunctionName=name, Qualifier="prod", ShowCode="TRUE")
        assert (shown.FunctionVersion, shown.Qualifier, shown.CodeInfo) == ("1", "prod", WHO % "a")

        # $DEFAULT is where InvokeFunction goes, $LATEST until it is changed.
        default = lambda: json.loads(call(sdk, "InvokeFunction", FunctionName=name).Result.RetMsg)["version"]
        assert default() == "$LATEST"
        call(sdk, "UpdateAlias", FunctionName=name, Name="$DEFAULT", FunctionVersion="2")
        assert default() == "2" and who(function)["version"] == "$LATEST"
        assert who(function, Qualifier="$DEFAULT")["version"] == "2"

        call(sdk, "CreateAlias", FunctionName=name, Name="beta", FunctionVersion="$LATEST")
        listed = call(sdk, "ListAliases", FunctionName=name)
        assert [(one.Name, one.FunctionVersion) for one in listed.Aliases] == [
            ("$DEFAULT", "2"), ("beta", "$LATEST"), ("prod", "1")]
        listed = call(sdk, "ListAliases", FunctionName=name, Offset="1", Limit="1")
        assert ([one.Name for one in listed.Aliases], listed.TotalCount) == (["beta"], 3)
        listed = call(sdk, "ListAliases", FunctionName=name, FunctionVersion="1")
        assert [one.Name for one in listed.Aliases] == ["prod"]

        # The log of an alias's calls is found by the alias and by the version that ran.
        deadline = time.monotonic() + 30
        while not call(sdk, "GetFunctionLogs", FunctionName=name, Qualifier="prod").TotalCount > 400:
            assert time.monotonic() < deadline, "the logs do not come"
            time.sleep(0.05)

        for code, action, fields in (
            ("ResourceInUse.Alias", "CreateAlias", dict(Name="prod", FunctionVersion="1")),
            ("InvalidParameterValue.Alias", "CreateAlias", dict(Name="1st", FunctionVersion="1")),
            ("ResourceNotFound.FunctionVersion", "CreateAlias", dict(Name="next", FunctionVersion="9")),
            ("ResourceNotFound.Alias", "UpdateAlias", dict(Name="next", FunctionVersion="1")),
            ("ResourceNotFound.Alias", "GetAlias", dict(Name="next")),
            ("FailedOperation.DeleteAlias", "DeleteAlias", dict(Name="$DEFAULT")),
            ("InvalidParameterValue.AdditionalVersionWeights", "UpdateAlias", dict(Name="prod", FunctionVersion="1",
             RoutingConfig={"AdditionalVersionWeights": [{"Version": "2", "Weight": 2}]})),
            ("InvalidParameterValue.RoutingConfig", "UpdateAlias", dict(Name="prod", FunctionVersion="1",
             RoutingConfig={"AddtionVersionMatchs": [{**rules[1], "Expression": "young"}]})),
            ("UnsupportedOperation.AliasBind", "DeleteFunctionVersion", dict(Qualifier="1")),
            ("InvalidParameterValue.RoutingConfig", "Invoke", dict(Qualifier="prod", RoutingKey="Bob")),
        ):
            fails(code, call, sdk, action, FunctionName=name, **fields)
        call(sdk, "DeleteFunctionVersion", FunctionName=name, Qualifier="1", ForceDelete="TRUE")
        fails("ResourceNotFound.Qualifier", call, sdk, "Invoke", FunctionName=name, Qualifier="prod")
        call(sdk, "DeleteAlias", FunctionName=name, Name="beta")
        assert [one.Name for one in call(sdk, "ListAliases", FunctionName=name).Aliases] == ["$DEFAULT"]


# What a function sees of its layers.
OPT = """
import os, subprocess, sys
import lib, shadowed
def main_handler(event, context):
    read = lambda path: open(path).read() if os.path.exists(path) else None
    try:
        open("/opt/new", "w")
        written = True
    except OSError:
        written = False
    return {"lib": lib.WORD, "shadowed": shadowed.WORD, "which": read("/opt/which"), "only": read("/opt/folder/only"),
            "path": sys.path.index("/opt") > sys.path.index("/var/user"), "written": written,
            "libraries": "/opt" in os.environ["LD_LIBRARY_PATH"].split(":"),
            "tool": subprocess.run(["/opt/bin/tool"], capture_output=True, text=True).stdout}
"""


def archive(**files):
    """A zip of files by their paths, those in bin/ executable."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for path, text in files.items():
            info = zipfile.ZipInfo(path)
            info.external_attr = (0o755 if path.startswith("bin/") else 0o644) << 16
            zipped.writestr(info, text)
    return buffer.getvalue()


def layers():
    """Publish, bind, lay over each other, keep with versions, and delete layers."""
    sdk = client()
    unique = uuid.uuid4().hex[:8]
    base, over = "base-" + unique, "over-" + unique

    def publish(layer, content, **fields):
        encoded = base64.b64encode(content).decode()
        return call(sdk, "PublishLayerVersion", LayerName=layer, CompatibleRuntimes=["Python3"],
                    Content={"ZipFile": encoded}, **fields).LayerVersion

    one = archive(**{"lib.py": "WORD = 'one'\n", "shadowed.py": "WORD = 'of the layer'\n", "which": "base",
                     "folder/only": "there", "bin/tool": "#!/bin/sh\necho ran\n"})
    two = archive(**{"lib.py": "WORD = 'two'\n", "shadowed.py": "WORD = 'of the layer'\n", "which": "base"})
    assert publish(base, one, Description="what all need", LicenseInfo="MIT") == 1
    assert publish(base, two) == 2
    assert publish(over, archive(which="over")) == 1
    of = lambda *names: [{"LayerName": name, "LayerVersion": int(number)} for name, number in
                         (text.rsplit(":", 1) for text in names)]

    shown = call(sdk, "GetLayerVersion", LayerName=base, LayerVersion=1)
    assert (shown.Description, shown.LicenseInfo, shown.Status) == ("what all need", "MIT", "Active")
    assert "Python3.11" in shown.CompatibleRuntimes and "Python2.7" not in shown.CompatibleRuntimes
    got = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(shown.Location).read()
    assert got == one, "the content is to be had as it was published"
    listed = call(sdk, "ListLayers", SearchKey=unique)
    assert [(layer.LayerName, layer.LayerVersion) for layer in listed.Layers] == [(base, 2), (over, 1)]
    assert call(sdk, "ListLayers", SearchKey=unique, CompatibleRuntime="Java8").TotalCount == 0
    versions = call(sdk, "ListLayerVersions", LayerName=base).LayerVersions
    assert [version.LayerVersion for version in versions] == [1, 2]

    with Function(sdk, ECHO, Layers=of(base + ":1", over + ":1")) as function:
        name = function.name

        def code(**files):
            encoded = base64.b64encode(archive(**files)).decode()
            call(sdk, "UpdateFunctionCode", FunctionName=name, ZipFile=encoded)
            wait_active(sdk, name)

        def bind(*names):
            call(sdk, "UpdateFunctionConfiguration", FunctionName=name, Layers=of(*names))
            wait_active(sdk, name)
            bound = call(sdk, "GetFunction", FunctionName=name).Layers
            assert [f"{layer.LayerName}:{layer.LayerVersion}" for layer in bound] == list(names)

        code(**{"index.py": OPT, "shadowed.py": "WORD = 'its own'\n"})
        seen = who(function)
        assert seen == {"lib": "one", "shadowed": "its own", "which": "over", "only": "there", "tool": "ran\n",
                        "path": True, "libraries": True, "written": False}, seen
        bind(over + ":1", base + ":1")
        assert who(function)["which"] == "base", "the later one's files are seen"
        assert call(sdk, "PublishVersion", FunctionName=name).FunctionVersion == "1"

        # What is bound stays, though it is deleted, and however often other things change.
        call(sdk, "DeleteLayerVersion", LayerName=base, LayerVersion=1)
        fails("ResourceNotFound.LayerVersion", call, sdk, "GetLayerVersion", LayerName=base, LayerVersion=1)
        call(sdk, "UpdateFunctionConfiguration", FunctionName=name, Timeout=9)
        wait_active(sdk, name)
        assert (who(function)["lib"], who(function)["which"]) == ("one", "base")
        code(**{"index.py": "import lib\ndef main_handler(event, context):\n    return lib.WORD\n"})
        bind(base + ":2")
        assert who(function) == "two" and who(function, Qualifier="1")["lib"] == "one"
        fails("ResourceNotFound.LayerVersion", call, sdk, "UpdateFunctionConfiguration", FunctionName=name,
              Layers=of(base + ":1"))
        assert publish(base, one) == 3, "no number is given twice"
        bind()
        result = function.invoke()
        assert result.InvokeResult == 1 and "No module named 'lib'" in result.RetMsg, result


# Takes as many seconds as its event says.
HOLD = """
import time
def main_handler(event, context):
    time.sleep(event)
    return context["function_version"]
"""


def refused(result):
    """The documented answer to a call beyond a quota."""
    assert result.InvokeResult == -1, result
    error = json.loads(result.RetMsg)
    assert error["statusCode"] == 432 and error["errorCode"] == -1, error
    assert error["requestId"] == result.FunctionRequestId
    return error["errorMessage"]


def concurrency():
    """Reserve concurrency, meet its limit, stop a function, and limit the account."""
    sdk = client()
    with Function(sdk, HOLD, Timeout=60, MemorySize=128) as function:
        name = function.name
        assert call(sdk, "GetReservedConcurrencyConfig", FunctionName=name).ReservedMem is None
        call(sdk, "PutReservedConcurrencyConfig", FunctionName=name, ReservedConcurrencyMem=256)
        assert call(sdk, "GetReservedConcurrencyConfig", FunctionName=name).ReservedMem == 256
        usage = call(sdk, "GetAccount").AccountUsage
        assert usage.TotalAllocatedConcurrencyMem >= 256 and usage.UserConcurrencyMemLimit == 128000
        listed = call(sdk, "ListFunctions", SearchKey=name).Functions
        assert [one.ReservedConcurrencyMem for one in listed] == [256]

        # Two calls fit, a third is refused at once, whatever version it is of; then there is room again.
        call(sdk, "PublishVersion", FunctionName=name)
        message = f"Function [{name}] concurrency exceeded reserved quota 256 MB"
        deadline = time.monotonic() + 60
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            while True:
                held = [pool.submit(Function.invoke, function, 1, Qualifier=at) for at in ("1", "$LATEST") * 2]
                results = [one.result() for one in held]
                ran = [result for result in results if result.InvokeResult == 0]
                assert all(refused(result) == message for result in results if result not in ran)
                if len(ran) < len(results):
                    break
                assert time.monotonic() < deadline, "no call is refused"
        assert ran, "those that fit ran"
        assert function.invoke(0).InvokeResult == 0

        # Where its memory grows beyond what is reserved, it says what helps.
        call(sdk, "UpdateFunctionConfiguration", FunctionName=name, MemorySize=384)
        wait_active(sdk, name)
        assert refused(function.invoke(0)) == message + ": a call needs 384 MB, raise the reservation or lower the memory"
        fails("InvalidParameterValue", call, sdk, "PutReservedConcurrencyConfig", FunctionName=name,
              ReservedConcurrencyMem=300)

        # With nothing it does not run, and what asks for more than there is changes nothing.
        call(sdk, "PutReservedConcurrencyConfig", FunctionName=name, ReservedConcurrencyMem=0)
        assert refused(function.invoke(0)).endswith("reserved quota 0 MB")
        fails("LimitExceeded.FunctionReservedConcurrencyMemory", call, sdk, "PutReservedConcurrencyConfig",
              FunctionName=name, ReservedConcurrencyMem=128000)
        assert call(sdk, "GetReservedConcurrencyConfig", FunctionName=name).ReservedMem == 0
        call(sdk, "DeleteReservedConcurrencyConfig", FunctionName=name)
        assert function.invoke(0).InvokeResult == 0


# When its instance came to be, and how many calls it has served.
BORN = """
import time
BORN, calls = time.time(), 0
def main_handler(event, context):
    global calls
    calls += 1
    if event == "exit":
        import os
        os._exit(3)
    return {"born": BORN, "calls": calls}
"""


def provisioned():
    """Instances that are ready before they are called, replaced when they die, set by the clock, and let go."""
    sdk = client()
    with Function(sdk, BORN, MemorySize=128) as function:
        name = function.name
        call(sdk, "PublishVersion", FunctionName=name)
        put = lambda count, **fields: call(sdk, "PutProvisionedConcurrencyConfig", FunctionName=name, Qualifier="1",
                                           VersionProvisionedConcurrencyNum=count, **fields)

        def shown():
            [entry] = call(sdk, "GetProvisionedConcurrencyConfig", FunctionName=name, Qualifier="1").Allocated
            return entry

        def ready(count):
            deadline = time.monotonic() + 60
            while True:
                entry = shown()
                numbers = (entry.AllocatedProvisionedConcurrencyNum, entry.AvailableProvisionedConcurrencyNum)
                if numbers == (count, count) and entry.Status == "Done":
                    return entry
                assert time.monotonic() < deadline, entry
                time.sleep(0.05)

        put(2)
        ready(2)
        before = time.time()
        first = json.loads(function.invoke(Qualifier="1", LogType="Tail").RetMsg)
        assert first["born"] < before and first["calls"] == 1, "it was there before it was called"

        # One that ends is replaced, and nobody waits for it.
        assert function.invoke("exit", Qualifier="1").InvokeResult == -1
        ready(2)
        before = time.time()
        assert json.loads(function.invoke(Qualifier="1").RetMsg)["born"] < before
        listed = call(sdk, "ListFunctions", SearchKey=name).Functions
        assert [one.TotalProvisionedConcurrencyMem for one in listed] == [256]

        # The clock says how many; so do calls.
        action = {"TriggerName": "every-second", "TriggerProvisionedConcurrencyNum": 3,
                  "TriggerCronConfig": "* * * * * * *", "ProvisionedType": "Default"}
        put(1, TriggerActions=[action])
        [back] = ready(3).TriggerActions
        assert (back.TriggerName, back.TriggerProvisionedConcurrencyNum, back.TriggerCronConfig) == (
            "every-second", 3, "* * * * * * *")
        put(1, ProvisionedType="ConcurrencyUtilizationTracking", TrackingTarget=0.5, MinCapacity=1, MaxCapacity=4)
        assert shown().TriggerActions == []
        total = call(sdk, "GetProvisionedConcurrencyConfig", FunctionName=name)
        assert total.UnallocatedConcurrencyNum > 0 and len(total.Allocated) == 1

        fails("InvalidParameterValue.Qualifier", call, sdk, "PutProvisionedConcurrencyConfig", FunctionName=name,
              Qualifier="$LATEST", VersionProvisionedConcurrencyNum=1)
        fails("FailedOperation.ProvisionedExceedAvailable", put, 100000)
        fails("InvalidParameterValue.TriggerCronConfig", put, 1, TriggerActions=[{**action, "TriggerCronConfig": "noon"}])
        call(sdk, "PutReservedConcurrencyConfig", FunctionName=name, ReservedConcurrencyMem=512)
        fails("FailedOperation.ProvisionedExceedReserved", put, 5)
        call(sdk, "DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier="1")
        assert call(sdk, "GetProvisionedConcurrencyConfig", FunctionName=name).Allocated == []
        fails("ResourceNotFound", call, sdk, "DeleteProvisionedConcurrencyConfig", FunctionName=name, Qualifier="1")


# What its instance was handed.
HANDED = """
import os
NAMES = ("TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN")
def main_handler(event, context):
    return [os.environ.get(name) for name in NAMES] + [context["environ"]]
"""


def roles():
    """A function acts in a role: with the credentials it is handed, and within what the role allows. The server has the
    role "callers", which may invoke everything in default."""
    sdk = client()
    refused = "AuthFailure.UnauthorizedOperation"
    with Function(sdk, HANDED, Role="callers") as function, Function(sdk) as other:
        assert call(sdk, "GetFunction", FunctionName=function.name).Role == "callers"
        secret_id, secret_key, token, environ = json.loads(function.invoke().RetMsg)
        assert token and token not in environ, "they are in the environment alone"
        profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=API))
        its = scf_client.ScfClient(credential.Credential(secret_id, secret_key, token), "local", profile)
        result = call(its, "Invoke", FunctionName=other.name, ClientContext="[1]").Result
        assert (result.InvokeResult, result.RetMsg) == (0, "[1]")
        for action, fields in (("GetFunction", dict(FunctionName=other.name)), ("ListFunctions", {}),
                               ("DeleteFunction", dict(FunctionName=other.name)), ("GetAccount", {})):
            fails(refused, call, its, action, **fields)
        for token_too, code in ((None, "AuthFailure.SecretIdNotFound"), (token[:-2] + "xx", "AuthFailure.TokenFailure")):
            stranger = scf_client.ScfClient(credential.Credential(secret_id, secret_key, token_too), "local", profile)
            fails(code, call, stranger, "Invoke", FunctionName=other.name)

        def direct(name, pair, **headers):
            target = f"http://{GATEWAY}/2018-04-16/functions/default/{name}/invocations"
            basic = "Basic " + base64.b64encode(pair.encode()).decode()
            asked = urllib.request.Request(target, b"[2]", {"Authorization": basic, **headers})
            try:
                return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked).read()
            except urllib.error.HTTPError as error:
                return error.code

        pair = f"{secret_id}:{secret_key}"
        assert direct(other.name, pair, **{"X-TC-Token": token}) == b"[2]"
        assert direct(other.name, pair) == 401

        # Other instances are handed others; a function without a role none.
        assert json.loads(function.invoke().RetMsg)[0] == secret_id
        call(sdk, "UpdateFunctionConfiguration", FunctionName=function.name, Timeout=9)
        wait_active(sdk, function.name)
        assert json.loads(function.invoke().RetMsg)[0] not in (secret_id, None)
        call(sdk, "UpdateFunctionConfiguration", FunctionName=function.name, Role="")
        wait_active(sdk, function.name)
        assert json.loads(function.invoke().RetMsg)[:3] == [None] * 3
        fails("ResourceNotFound.Role", call, sdk, "UpdateFunctionConfiguration", FunctionName=function.name, Role="admin")


def quotas():
    """What the operator allows: 1,000 MB, 3 namespaces, 2 functions in each. A server of its own."""
    sdk = client()
    usage = call(sdk, "GetAccount")
    assert (usage.AccountUsage.TotalConcurrencyMem, usage.AccountUsage.UserConcurrencyMemLimit) == (1000, 1000)
    assert usage.AccountLimit.NamespacesCount == 3
    assert [one.FunctionsCount for one in usage.AccountLimit.Namespace] == [2]
    with Function(sdk, HOLD, Timeout=60, MemorySize=512) as one, Function(sdk, HOLD, MemorySize=512) as two:
        fails("LimitExceeded.Function", Function, sdk)
        call(sdk, "PutReservedConcurrencyConfig", FunctionName=one.name, ReservedConcurrencyMem=512)
        fails("FailedOperation.ReservedExceedTotal", call, sdk, "PutReservedConcurrencyConfig", FunctionName=two.name,
              ReservedConcurrencyMem=512)
        # What is set apart is not to be had by others, though nobody uses it.
        assert refused(two.invoke(0)) == f"Function [{two.name}] concurrency exceeded region unreserved quota 488 MB"
        assert one.invoke(0).InvokeResult == 0
        call(sdk, "DeleteReservedConcurrencyConfig", FunctionName=one.name)
        assert two.invoke(0).InvokeResult == 0
        # Its owner limits the account further, though not below what one call needs.
        fails("InvalidParameterValue", call, sdk, "PutTotalConcurrencyConfig", TotalConcurrencyMem=500)
        call(sdk, "PutTotalConcurrencyConfig", TotalConcurrencyMem=600)
        call(sdk, "UpdateFunctionConfiguration", FunctionName=two.name, MemorySize=640)
        wait_active(sdk, two.name)
        assert refused(two.invoke(0)).endswith("unreserved quota 600 MB")
        call(sdk, "UpdateFunctionConfiguration", FunctionName=two.name, MemorySize=512)
        wait_active(sdk, two.name)
        fails("LimitExceeded.UserTotalConcurrencyMemory", call, sdk, "PutTotalConcurrencyConfig", TotalConcurrencyMem=1001)
        call(sdk, "PutTotalConcurrencyConfig", TotalConcurrencyMem=1000)
        assert two.invoke(0).InvokeResult == 0
        for name in ("second", "third"):
            call(sdk, "CreateNamespace", Namespace=name)
        fails("LimitExceeded.Namespace", call, sdk, "CreateNamespace", Namespace="fourth")


if __name__ == "__main__":
    globals()[NAME]()
