// The runtime of Node.js functions, executed anew for each sandbox, behind its walls: boots, warms itself, takes code
// and then runs one event at a time, or leaves that to what runs several.
//
// These files run unchanged from Node 6.10 on: syntax of ES2015 alone, and what later versions have is looked for.
// Nothing here trusts that user code behaves; nothing outside trusts what this process says after user code ran.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const v8 = require('v8');
const Module = require('module');

const calls = require('./call.js');
const code = require('./code.js');
const faults = require('./faults.js');
const output = require('./output.js');
const wire = require('./wire.js');

const USER_CODE = '/var/user';
const NOWHERE = 0; // standard input, which is /dev/null
// How long what a call left behind may take before the next event is waited for beside it, in milliseconds.
const LISTEN_AFTER = 1;
const WARM_FOLDERS = path.join(__dirname, 'warm');
// So many of them write something, too. With more, V8 finds parts of that so hot that it optimises them just when it counts.
const WARM_OUTPUTS = 3;
const WARM_VARIABLES = ['NAME', 'VERSION', 'NAMESPACE', 'RUNTIME', 'REGION', 'ID', 'OWNER', 'ENDPOINT'];

// What user code does with these afterwards must not reach what the platform does.
const parse = JSON.parse, stringify = JSON.stringify;
const now = Date.now, later = setImmediate, afterwards = setTimeout, cancel = clearTimeout;

const major = Number(process.versions.node.split('.')[0]);
// Before Node 10 a call lasts until nothing is left to happen; from then on it ends with its answer.
const LASTS_UNTIL_EMPTY = major < 10;

// Whether nothing is left that could happen by itself, where the version can say so.
const resources = process.getActiveResourcesInfo;
const IS_EMPTY = resources && (() => resources.call(process).length === 0);

// --- the instance ----------------------------------------------------------------------------------------------------

let handler = null;
let resultBytesMax = 0;
// What code to load and how.
let order = null;
// The event that is being run, the code that is being loaded, or nothing.
let call = null;
let loading = null;
let listening = null;
// What runs events once there is a handler that takes several at once.
let together = null;
// True while a thread of Node's stands in a read, which the end of the process would wait for.
let reading = false;
// Where the code is; elsewhere while this process warms itself, with nothing else to wait for.
let codeFolder = USER_CODE;
let warming = false;
// What is rehearsed with.
const script = [];
const searched = process.env.NODE_PATH;
// How much of its size the heap may grow before it is collected, as V8 was told.
let heapGrowth = 0;

// Stands still until the next request comes. What the code before left behind does not go on meanwhile.
function wait() {
  const request = next();
  if (request.kind === wire.INVOKE) {
    // First the loop sees what happened while it stood still, e.g. that the other end closed a connection.
    later(obey, request);
  } else {
    obey(request);
  }
}

function next() {
  if (warming) {
    rehearse();
  }
  return wire.receive();
}

// Takes the first event, once what the code began has had its turn. It may have come already.
function begin() {
  if (!wire.waits() && !LASTS_UNTIL_EMPTY && !(IS_EMPTY && IS_EMPTY())) {
    rest(true);
    return;
  }
  const since = now();
  const request = next();
  if (now() - since < LISTEN_AFTER) {
    obey(request);
  } else {
    later(obey, request);
  }
}

// Waits for the next request while what was left behind goes on.
function listen() {
  listening = null;
  reading = true;
  wire.receiveLater((request) => {
    reading = false;
    obey(request);
  });
}

function rest(goesOn) {
  if (goesOn && !warming && !LASTS_UNTIL_EMPTY) {
    // Does not keep the loop alive: if nothing is left, `beforeExit` comes first.
    listening = afterwards(listen, LISTEN_AFTER);
    listening.unref();
  } else {
    later(wait);
  }
}

// Nothing is left that could happen by itself.
process.on('beforeExit', () => {
  if (listening) {
    cancel(listening);
    listening = null;
  }
  if (together) {
    together.emptied();
    return;
  }
  if (call) {
    conclude(call, call.outcome || calls.returned(null));
  } else if (loading) {
    failLoading(new Error('the module waits for something that never happens'));
  }
  wait();
});

function obey(request) {
  if (request.kind === wire.INVOKE) {
    run(request.sequence, request.body);
  } else if (request.kind === wire.PREPARE) {
    prepare(request.body);
    wait();
  } else if (request.kind === wire.LOAD) {
    load(request.sequence);
  } else if (request.kind === wire.COMPILE) {
    // Sources are what Node runs.
    wire.send(wire.COMPILE_DONE, request.sequence, '');
    rest(false);
  }
}

function run(sequence, body) {
  const mine = calls.of(sequence, body);
  call = mine;
  output.of(mine.id);
  calls.run(mine, handler, answer, settle);
}

const goesOn = (context) => context.callbackWaitsForEmptyEventLoop !== false;

// The callback was called: that is the end of a call, unless it lasts until nothing is left.
function settle(mine) {
  if (!LASTS_UNTIL_EMPTY || !goesOn(mine.context)) {
    answer(mine, mine.outcome);
  }
}

// Ends a call, once, and waits for the next.
function answer(mine, outcome) {
  if (call === mine) {
    conclude(mine, outcome);
    rest(goesOn(mine.context));
  }
}

function conclude(mine, outcome) {
  call = null;
  calls.conclude(mine, outcome, resultBytesMax);
}

// What nobody caught ends the call it happened in. Code that listens for it itself has caught it.
function uncaught(name, error, promise) {
  if (process.listeners(name).length > 1) {
    return;
  }
  if (together) {
    together.uncaught(error, promise);
  } else if (call) {
    answer(call, calls.failed(error));
  } else if (loading) {
    failLoading(error);
    rest(false);
  } else {
    output.complain(faults.text(error));
  }
}

// --- taking code -----------------------------------------------------------------------------------------------------

// What can be done before the code is there.
function prepare(body) {
  order = parse(body.toString('utf8'));
  setEnvironment(order.environment);
  keepHeapSmall(order.memory_mb);
  resultBytesMax = order.result_bytes_max;
  const dot = order.handler.lastIndexOf('.');
  order.file = order.handler.slice(0, dot);
  order.name = order.handler.slice(dot + 1);
  // Before user code changes what it needs.
  order.several = order.concurrency > 1 ? require('./together.js') : null;
}

function load(sequence) {
  process.chdir(codeFolder);
  const mine = { sequence: sequence, file: null, started: process.hrtime() };
  loading = mine;
  mine.file = code.find(codeFolder, order.file);
  if (!mine.file) {
    refuseHandler(order.file + '.js is not in the package');
    return;
  }
  process.argv = [process.argv[0], mine.file.name];
  const fail = (error) => {
    if (loading === mine) {
      failLoading(error);
      rest(false);
    }
  };
  try {
    const loaded = code.load(codeFolder, mine.file);
    if (loaded.promise) {
      loaded.promise.then((exported) => loading === mine && takeHandler(exported)).catch(fail);
    } else {
      takeHandler(loaded.exported);
    }
  } catch (error) {
    fail(error);
  }
}

// Beside what the process was started with.
function setEnvironment(pairs) {
  pairs.forEach((pair) => { process.env[pair[0]] = pair[1]; });
  // Node has read it at its start, and mostly it is the same.
  if (process.env.NODE_PATH !== searched && Module._initPaths) {
    Module._initPaths();
  }
}

// A collector that may let the heap grow fourfold before it collects is killed in a small function for its garbage.
// V8's own limit cannot be set after its start; it was started with that of the largest function, and the memory of
// the sandbox decides.
function keepHeapSmall(memoryMb) {
  // 0 is V8's own measure.
  const percent = memoryMb >= 1024 || memoryMb === 0 ? 0 : memoryMb < 512 ? 30 : 60;
  if (percent !== heapGrowth) {
    heapGrowth = percent;
    v8.setFlagsFromString('--heap-growing-percent=' + percent);
  }
}

function takeHandler(exported) {
  const found = code.entry(exported, order.name);
  if (typeof found !== 'function') {
    const what = found === undefined ? ' has no function ' : ' has something that is no function: ';
    refuseHandler(path.relative(codeFolder, loading.file.name) + what + order.name);
    return;
  }
  handler = found;
  const spent = process.hrtime(loading.started);
  const sequence = loading.sequence;
  loading = null;
  wire.send(wire.LOADED, sequence, String(spent[0] * 1000000 + Math.floor(spent[1] / 1000)));
  if (order.several) {
    together = order.several;
    together.serve(handler, resultBytesMax);
  } else {
    later(begin);
  }
}

function refuseHandler(why) {
  const message = why + ' (Handler is ' + order.handler + ')';
  wire.send(wire.NO_HANDLER, loading.sequence, stringify({ message: message, stackTrace: '' }));
  loading = null;
  rest(false);
}

function failLoading(error) {
  wire.send(wire.LOAD_FAILED, loading.sequence, faults.fault(error));
  loading = null;
}

// --- the stem cell ---------------------------------------------------------------------------------------------------

// Takes code and runs events, as it will when it counts: of requests that it sends to itself. So all of that is compiled
// and its pages are this process's own by then. What is answered and written goes nowhere.
function warmUp() {
  ['http', 'https', 'crypto', 'url', 'querystring', 'zlib', 'dns', 'child_process', 'util'].forEach((name) => require(name));
  warming = true;
  learnAtOnce(true);
  wire.sendTo(NOWHERE);
  output.sendTo(NOWHERE);
  const event = '{"a": [1, 2.5, "x", null, true], "b": {"c": "d"}}';
  // A file that was loaded before is not loaded again.
  fs.readdirSync(WARM_FOLDERS).forEach((folder, index) => {
    const body = stringify({
      handler: 'index.' + (index < WARM_OUTPUTS ? 'main_handler' : 'promised'),
      environment: WARM_VARIABLES.map((name) => [name, 'of ' + folder]), memory_mb: 128, result_bytes_max: 1000
    });
    const context = stringify({
      memory_limit_in_mb: 128, time_limit_in_ms: 3000, request_id: folder, environment: '{"A":"b"}', environ: 'A=b',
      function_version: '$LATEST', function_name: folder, namespace: 'default', tencentcloud_region: 'local',
      tencentcloud_appid: '1', tencentcloud_uin: '1'
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(context.length, 0);
    script.push([folder, wire.request(wire.PREPARE, 0, body)]);
    script.push([folder, wire.request(wire.LOAD, 0, '')]);
    script.push([folder, wire.request(wire.INVOKE, 0, Buffer.concat([length, Buffer.from(context + event)]))]);
  });
}

// Has V8 learn from the first time on what it otherwise learns from the eighth. Before Node 12 it always does.
function learnAtOnce(atOnce) {
  if (major >= 12) {
    v8.setFlagsFromString(atOnce ? '--no-lazy-feedback-allocation' : '--lazy-feedback-allocation');
  }
}

// Sends itself what comes next. At the end it is as it was.
function rehearse() {
  const next = script.shift();
  if (next) {
    codeFolder = WARM_FOLDERS + '/' + next[0];
    // The other end of the pipe.
    const requests = fs.openSync('/proc/self/fd/' + wire.REQUESTS, 'r+');
    wire.writeAll(requests, next[1]);
    fs.closeSync(requests);
    return;
  }
  faults.fault(new TypeError('warm'));
  learnAtOnce(false);
  WARM_VARIABLES.forEach((name) => delete process.env[name]);
  Object.keys(require.cache).filter((file) => file.startsWith(WARM_FOLDERS)).forEach((file) => delete require.cache[file]);
  handler = null;
  output.of('');
  codeFolder = USER_CODE;
  output.sendTo();
  wire.sendTo();
  warming = false;
  process.argv.length = 1;
  wire.send(wire.WARM, 0, '');
}

function main() {
  output.replace();
  const warm = process.argv[2] === 'warm';
  process.argv.length = 1;
  process.env.HOSTNAME = os.hostname();
  wire.send(wire.READY, 0, '');
  const reallyExit = process.reallyExit;
  process.reallyExit = (status) => (reading ? process.kill(process.pid, 'SIGKILL') : reallyExit.call(process, status));
  process.on('uncaughtException', (error) => uncaught('uncaughtException', error));
  process.on('unhandledRejection', (error, promise) => uncaught('unhandledRejection', error, promise));
  if (warm) {
    warmUp();
  }
  later(wait);
}

main();
