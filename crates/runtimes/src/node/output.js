// What the process writes: the streams as they are, the console's lines with their time and call.
'use strict';

const stream = require('stream');
const Console = require('console').Console;
const wire = require('./wire.js');
const writeAll = wire.writeAll;

const STDOUT = 1, STDERR = 2;

// What user code does with these afterwards must not reach what the platform does.
const now = Date.now, inUtc = Date.prototype.toISOString;

// The call that lines of the console are of.
let requestId = '';
let elsewhere;
// Tells whose call it is that writes, where several run at once.
let writer = () => undefined;

exports.of = (id) => {
  requestId = id;
};

// Where all output goes instead, for a while.
exports.sendTo = (descriptor) => {
  elsewhere = descriptor;
};

// From now on what calls write is told apart.
exports.tellApart = (current) => {
  writer = () => {
    const call = current();
    return call && !call.over ? call : undefined;
  };
};

// Writes to standard error as it is.
exports.complain = (text) => writeAll(STDERR, Buffer.from(text + '\n'));

// Writes go straight to the descriptor: in order with children's and lost by no end of the process.
function output(descriptor, prefix) {
  const written = new stream.Writable({
    write(chunk, encoding, done) {
      try {
        const call = writer();
        const text = prefix ? Buffer.concat([Buffer.from(prefix(call ? call.id : requestId)), chunk]) : chunk;
        if (call) {
          wire.sendOutput(call.sequence, text);
        } else {
          writeAll(elsewhere === undefined ? descriptor : elsewhere, text);
        }
      } catch (error) {
        done(error);
        return;
      }
      done();
    }
  });
  written.fd = descriptor;
  written._isStdio = true;
  return written;
}

// Lines of the console say when and in which call; what is written to the streams is written as it is.
exports.replace = () => {
  const stamp = (id) => inUtc.call(new Date(now())) + '\t' + id + '\t';
  const lines = new Console(output(STDOUT, stamp), output(STDERR, stamp));
  Object.getOwnPropertyNames(console).forEach((name) => {
    if (name !== 'Console' && typeof lines[name] === 'function') {
      console[name] = lines[name].bind(lines);
    }
  });
  [['stdout', STDOUT], ['stderr', STDERR]].forEach((pair) => {
    const raw = output(pair[1]);
    Object.defineProperty(process, pair[0], { configurable: true, enumerable: true, get: () => raw });
  });
};
