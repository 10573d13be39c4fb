// What the process writes: the streams as they are, the console's lines with their time and call.
'use strict';

const stream = require('stream');
const Console = require('console').Console;
const writeAll = require('./wire.js').writeAll;

const STDOUT = 1, STDERR = 2;

// What user code does with these afterwards must not reach what the platform does.
const now = Date.now, inUtc = Date.prototype.toISOString;

// The call that lines of the console are of.
let requestId = '';
let elsewhere;

exports.of = (id) => {
  requestId = id;
};

// Where all output goes instead, for a while.
exports.sendTo = (descriptor) => {
  elsewhere = descriptor;
};

// Writes to standard error as it is.
exports.complain = (text) => writeAll(STDERR, Buffer.from(text + '\n'));

// Writes go straight to the descriptor: in order with children's and lost by no end of the process.
function output(descriptor, prefix) {
  const written = new stream.Writable({
    write(chunk, encoding, done) {
      try {
        writeAll(elsewhere === undefined ? descriptor : elsewhere, prefix ? Buffer.concat([Buffer.from(prefix()), chunk]) : chunk);
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
  const stamp = () => inUtc.call(new Date(now())) + '\t' + requestId + '\t';
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
