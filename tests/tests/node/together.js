'use strict';
const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');

const born = crypto.randomBytes(8).toString('hex');
let here = [];
let waiting = [];
let running = 0;

// Goes on once so many calls have come to this instance as are to meet in it.
const meet = (event, then) => {
  here.push(then);
  if (here.length === event.meet) {
    const all = here;
    here = [];
    all.forEach((one) => one());
  }
};

const frame = (kind, sequence, text) => {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(text.length, 0);
  head.writeUInt32LE(kind, 4);
  head.writeUInt32LE(sequence, 8);
  fs.writeSync(4, Buffer.concat([head, Buffer.from(text)]), 0, 12 + text.length);
};

const deeds = {
  answer: (event, context, callback) => {
    console.log('console of call', event.by);
    process.stdout.write('stream of call ' + event.by + '\n');
    callback(null, { born: born, id: context.request_id, by: event.by });
  },
  hold: (event, context, callback) => {
    childProcess.execFile('/bin/sleep', [event.mark], () => callback(null, { born: born }));
  },
  fail: (event, context, callback) => callback(new RangeError('of call ' + event.by)),
  half: (event, context, callback) => callback('\ud83d of call ' + event.by),
  throwHalfLater: (event) => { setTimeout(() => { throw new RangeError('\ud83d of call ' + event.by); }, 1); },
  rejectHalfLater: (event) => { setTimeout(() => { Promise.reject(new RangeError('\ud83d of call ' + event.by)); }, 1); },
  wait: (event, context, callback) => {
    const still = setInterval(() => undefined, 10);
    waiting.push(() => { clearInterval(still); callback(null, { born: born, by: event.by }); });
  },
  release: (event, context, callback) => {
    waiting.forEach((one) => one());
    waiting = [];
    callback(null, { born: born, by: event.by });
  },
  throwLater: (event) => { setTimeout(() => { throw new RangeError('of call ' + event.by); }, 1); },
  rejectLater: (event) => { setTimeout(() => { Promise.reject(new RangeError('of call ' + event.by)); }, 1); },
  never: () => { setInterval(() => undefined, 10); },
  exit: () => process.exit(3),
  eat: () => {
    const eaten = [];
    const more = () => { eaten.push(Buffer.alloc(16 << 20, 1)); setImmediate(more); };
    more();
  },
  deafen: (event, context, callback) => { fs.closeSync(3); callback(null, { born: born }); },
  lie: () => frame(6, 1000000, 'null'),
  nothing: () => undefined
};

exports.main_handler = (event, context, callback) => {
  // Each goes on in a timer of its own, not in what the last to come began.
  let arrived = null;
  const wait = setInterval(() => {
    if (arrived) {
      clearInterval(wait);
      deeds[event.deed](event, context, callback);
    }
  }, 1);
  meet(event, () => { arrived = true; });
};

exports.alone = (event, context, callback) => {
  running += 1;
  let most = running;
  const look = setInterval(() => { most = Math.max(most, running); }, 5);
  setTimeout(() => {
    clearInterval(look);
    running -= 1;
    callback(null, { born: born, most: most });
  }, 100);
};
