// One call of a handler: what it is given, the ways in which it may answer, and what of its answer goes out.
'use strict';

const faults = require('./faults.js');
const wire = require('./wire.js');

// What user code does with these afterwards must not reach what the platform does.
const parse = JSON.parse, stringify = JSON.stringify;

// Before Node 8 a handler answers by its callback alone; what it happens to return means nothing.
const TAKES_PROMISES = Number(process.versions.node.split('.')[0]) >= 8;

const returned = (value) => ({ failed: false, what: value });
const failed = (error) => ({ failed: true, what: error });
exports.returned = returned;
exports.failed = failed;

// The call that a request asks for.
exports.of = (sequence, body) => {
  const contextEnd = 4 + body.readUInt32LE(0);
  const context = parse(body.toString('utf8', 4, contextEnd));
  return {
    sequence: sequence, context: context, id: context.request_id, body: body, eventStart: contextEnd,
    returned: false, promised: false, outcome: null, over: false
  };
};

// Runs the handler. `answer` is told of an answer that ends the call, `settle` that the callback was called.
exports.run = (mine, handler, answer, settle) => {
  // The first answer counts; one that comes before the handler returns counts once it has.
  const callback = (error, value) => {
    if (mine.over || mine.promised || mine.outcome) {
      return;
    }
    mine.outcome = error === null || error === undefined ? returned(value) : failed(error);
    if (mine.returned) {
      settle(mine);
    }
  };
  equip(mine.context, callback);
  let result, promise;
  try {
    const event = parse(mine.body.toString('utf8', mine.eventStart));
    mine.body = null;
    result = handler(event, mine.context, callback);
    promise = TAKES_PROMISES && result && typeof result.then === 'function' ? Promise.resolve(result) : null;
  } catch (error) {
    answer(mine, failed(error));
    return;
  }
  mine.returned = true;
  if (promise) {
    mine.promised = true;
    mine.outcome = null;
    promise.then((value) => answer(mine, returned(value)), (error) => answer(mine, failed(error)));
  } else if (mine.outcome) {
    settle(mine);
  }
};

// What a context has beside its documented keys.
function equip(context, callback) {
  const extras = {
    callbackWaitsForEmptyEventLoop: true,
    getContext: () => context,
    done: callback,
    succeed: (value) => callback(null, value),
    fail: (error) => callback(error === null || error === undefined ? new Error('the function failed') : error)
  };
  Object.keys(extras).forEach((name) => {
    Object.defineProperty(context, name, { value: extras[name], writable: true, configurable: true });
  });
}

// Says how a call ended.
exports.conclude = (mine, outcome, resultBytesMax) => {
  mine.over = true;
  if (outcome.failed) {
    wire.send(wire.RAISED, mine.sequence, faults.fault(outcome.what));
    return;
  }
  let text;
  try {
    text = stringify(outcome.what);
  } catch (error) {
    wire.send(wire.RAISED, mine.sequence, faults.notJson(error));
    return;
  }
  text = text === undefined ? 'null' : text;
  const size = Buffer.byteLength(text);
  if (size > resultBytesMax) {
    wire.send(wire.TOO_LARGE, mine.sequence, String(size));
  } else {
    wire.send(wire.RETURNED, mine.sequence, text);
  }
};
