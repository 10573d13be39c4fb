// The frames that worker and runtime exchange on descriptors 3 and 4; they are described beside the worker's side of them.
'use strict';

const fs = require('fs');

const REQUESTS = 3, RESPONSES = 4;
exports.REQUESTS = REQUESTS;
const HEAD_BYTES = 12;
// Output sent at once.
const OUTPUT_BYTES_MAX = 65536;

exports.LOAD = 1;
exports.INVOKE = 2;
exports.COMPILE = 3;
exports.PREPARE = 7;

exports.READY = 1;
exports.WARM = 2;
exports.LOADED = 3;
exports.NO_HANDLER = 4;
exports.LOAD_FAILED = 5;
exports.RETURNED = 6;
exports.RAISED = 7;
exports.TOO_LARGE = 8;
exports.COMPILE_DONE = 10;
const OUTPUT = 13;

// What user code does with these afterwards must not reach what the platform does.
const readSync = fs.readSync, writeSync = fs.writeSync, read = fs.read, exit = process.exit;
const later = setImmediate;

const inbox = Buffer.alloc(65536);
// What was read and not taken yet.
let from = 0, have = 0;
let responses = RESPONSES;

// True when what comes next has come, or begun to, with what came before.
exports.waits = () => have > from;

// Waits for the next request, and stops everything else meanwhile.
exports.receive = whole;

// Waits for the next request while everything else goes on. Without one the server is gone.
exports.receiveLater = (done) => {
  if (have > from) {
    later(() => done(whole()));
    return;
  }
  read(REQUESTS, inbox, 0, inbox.length, null, (error, count) => {
    if (error || count === 0) {
      exit(0);
    }
    from = 0;
    have = count;
    done(whole());
  });
};

// The request that begins in the inbox. Its body is there until the next is waited for.
function whole() {
  while (have - from < HEAD_BYTES) {
    inbox.copy(inbox, 0, from, have);
    have -= from;
    from = 0;
    have += take(inbox, have);
  }
  const length = inbox.readUInt32LE(from), kind = inbox.readUInt32LE(from + 4), sequence = inbox.readUInt32LE(from + 8);
  const start = from + HEAD_BYTES;
  from = Math.min(have, start + length);
  let body = inbox.slice(start, from);
  if (body.length < length) {
    const first = body;
    body = Buffer.allocUnsafe(length);
    let filled = first.copy(body);
    while (filled < length) {
      filled += take(body, filled);
    }
  }
  return { kind: kind, sequence: sequence, body: body };
}

function take(buffer, at) {
  let count = 0;
  try {
    count = readSync(REQUESTS, buffer, at, buffer.length - at, null);
  } catch (error) {
    // User code has closed or changed the descriptor: nothing can be asked of this process any more.
    exit(1);
  }
  if (count === 0) {
    // The server is gone.
    exit(0);
  }
  return count;
}

// Takes every request as it comes, while everything else goes on. Gives back what keeps the loop alive.
exports.receiveAll = (done) => {
  const Socket = require('net').Socket;
  const line = new Socket({ fd: REQUESTS, readable: true, writable: false });
  // Some may have come with what was before.
  let chunks = [Buffer.from(inbox.slice(from, have))], length = have - from, wanted = HEAD_BYTES;
  const look = () => {
    while (length >= wanted) {
      const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length);
      const end = HEAD_BYTES + all.readUInt32LE(0);
      chunks = [all];
      wanted = end;
      if (length >= end) {
        chunks = [all.slice(end)];
        length -= end;
        wanted = HEAD_BYTES;
        done({ kind: all.readUInt32LE(4), sequence: all.readUInt32LE(8), body: all.slice(HEAD_BYTES, end) });
      }
    }
  };
  from = have;
  line.on('data', (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    look();
  });
  later(look);
  // The server is gone, or user code has closed the descriptor.
  line.on('error', () => exit(1));
  line.on('close', () => exit(0));
  return line;
};

// Sends one response.
exports.send = (kind, sequence, text) => {
  const length = Buffer.byteLength(text);
  const frame = begun(kind, sequence, length);
  frame.write(text, HEAD_BYTES);
  writeAll(responses, frame);
};

// Sends what a call has written.
exports.sendOutput = (sequence, bytes) => {
  for (let at = 0; at < bytes.length; at += OUTPUT_BYTES_MAX) {
    const piece = bytes.slice(at, at + OUTPUT_BYTES_MAX);
    const frame = begun(OUTPUT, sequence, piece.length);
    piece.copy(frame, HEAD_BYTES);
    writeAll(responses, frame);
  }
};

// A frame without its body.
function begun(kind, sequence, length) {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + length);
  frame.writeUInt32LE(length, 0);
  frame.writeUInt32LE(kind, 4);
  frame.writeUInt32LE(sequence, 8);
  return frame;
}

// A request as it comes.
exports.request = (kind, sequence, body) => {
  const bytes = Buffer.from(body);
  const frame = begun(kind, sequence, bytes.length);
  bytes.copy(frame, HEAD_BYTES);
  return frame;
};

// Where responses go instead, for a while.
exports.sendTo = (descriptor) => {
  responses = descriptor === undefined ? RESPONSES : descriptor;
};

function writeAll(descriptor, buffer) {
  let at = 0;
  while (at < buffer.length) {
    try {
      at += writeSync(descriptor, buffer, at, buffer.length - at);
    } catch (error) {
      // A child that shares the pipe may have made it one that does not wait.
      if (error.code !== 'EAGAIN') {
        throw error;
      }
    }
  }
}
exports.writeAll = writeAll;
