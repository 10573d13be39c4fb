// Runs several events at once: events come while others run, and each call ends with its answer.
'use strict';

const calls = require('./call.js');
const faults = require('./faults.js');
const output = require('./output.js');
const scope = require('./scope.js');
const wire = require('./wire.js');

const running = new Set();
let handler = null;
let resultBytesMax = 0;
let line = null;

// Takes events for this handler from now on.
exports.serve = (entry, bytesMax) => {
  handler = entry;
  resultBytesMax = bytesMax;
  output.tellApart(scope.current);
  line = wire.receiveAll((request) => {
    if (request.kind === wire.INVOKE) {
      begin(calls.of(request.sequence, request.body));
    }
  });
};

function begin(mine) {
  running.add(mine);
  changed();
  scope.run(mine, () => calls.run(mine, handler, answer, () => answer(mine, mine.outcome)));
}

function answer(mine, outcome) {
  if (!mine.over) {
    calls.conclude(mine, outcome, resultBytesMax);
    running.delete(mine);
    changed();
  }
}

// With calls under way what they wait for keeps the loop alive, otherwise the next event does.
function changed() {
  if (running.size > 0) {
    line.unref();
  } else {
    line.ref();
  }
  // Of lines that nobody knows the call of, a call that runs alone is sure to be it.
  output.of(running.size === 1 ? running.values().next().value.id : '');
}

// Nothing is left that could happen by itself: who has not answered never will.
exports.emptied = () => running.forEach((mine) => answer(mine, calls.returned(null)));

// What nobody caught ends the call it happened in, or all where nobody knows which that is.
exports.uncaught = (error, promise) => {
  const mine = scope.current() || scope.ofPromise(promise);
  const theirs = mine ? [mine] : Array.from(running);
  const open = theirs.filter((call) => !call.over);
  if (open.length === 0) {
    output.complain(faults.text(error));
  }
  open.forEach((call) => answer(call, calls.failed(error)));
};
