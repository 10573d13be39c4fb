'use strict';
const childProcess = require('child_process');
const fs = require('fs');
const http = require('http');
const util = require('util');

let calls = 0;
let left = 0;

// Half of a surrogate pair, which JSON can name and UTF-8 cannot say.
const half = new RangeError('half \ud83d of \ud83d\ude00');

function deeper() {
  throw new RangeError('too deep: ü');
}

const cases = {
  echo: (event, context, callback) => callback(null, event.value),
  count: (event, context, callback) => callback(null, (calls += 1)),
  context: (event, context, callback) => callback(null, context),
  contextual: (event, context) => context.succeed({ same: context.getContext() === context }),
  failing: (event, context) => context.fail('by fail'),
  done: (event, context) => context.done(null, 'by done'),
  later: (event, context, callback) => { setTimeout(() => callback(null, 'later'), 20); },
  never: () => { setTimeout(() => undefined, 5); },
  nothing: (event, context, callback) => callback(),
  twice: (event, context, callback) => { callback(null, 'first'); callback(null, 'second'); },
  throwing: () => deeper(),
  error: (event, context, callback) => { setTimeout(() => callback(new TypeError('by callback')), 1); },
  text: (event, context, callback) => callback('only a text'),
  object: (event, context, callback) => callback({ code: 7 }),
  halfThrown: () => { throw half; },
  halfCalledBack: (event, context, callback) => callback(half),
  halfText: (event, context, callback) => callback(half.message),
  halfUncaught: () => { setTimeout(() => { throw half; }, 1); },
  halfUnhandled: () => { Promise.reject(half); setTimeout(() => undefined, 2000); },
  speechless: (event, context, callback) => callback({ toJSON: () => undefined }),
  circular: (event, context, callback) => { const loop = {}; loop.loop = loop; callback(null, loop); },
  uncaught: () => { setTimeout(deeper, 1); },
  unhandled: () => { Promise.reject(new RangeError('nobody listens')); setTimeout(() => undefined, 2000); },
  listened: (event, context, callback) => {
    const once = (error) => { process.removeListener('uncaughtException', once); callback(null, error.message); };
    process.on('uncaughtException', once);
    setTimeout(deeper, 1);
  },
  exit: () => process.exit(3),
  large: (event, context, callback) => callback(null, 'ü'.repeat(event.length / 2)),
  child: (event, context, callback) => {
    const said = childProcess.execSync('echo "$0 $PWD"; id -un', { encoding: 'utf8' });
    childProcess.execFile('/bin/cat', ['/var/user/index.js'], { maxBuffer: 1 << 20 }, (error, text) => {
      callback(error, { said: said, bytes: text.length });
    });
  },
  fork: (event, context, callback) => {
    fs.writeFileSync('/tmp/child.js', 'process.send(process.version)');
    childProcess.fork('/tmp/child.js').on('message', (text) => callback(null, { child: text, own: process.version }));
  },
  server: (event, context, callback) => {
    const server = http.createServer((request, response) => response.end('from a server'));
    server.listen(0, '127.0.0.1', () => {
      http.get({ port: server.address().port, host: '127.0.0.1', agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk) => { body += chunk; });
        response.on('end', () => { server.close(); callback(null, body); });
      });
    });
  },
  files: (event, context, callback) => fs.readFile('/var/user/index.js', (error, bytes) => callback(error, bytes.length)),
  output: (event, context, callback) => {
    process.stdout.write('raw out\n');
    process.stderr.write('raw err\n');
    console.log('logged %s', 'out', { a: 1 });
    console.error('logged err');
    childProcess.execFileSync('/bin/echo', ['child out'], { stdio: 'inherit' });
    fs.writeSync(1, 'written\n');
    console.info('info');
    console.warn('warn');
    process.stdout.write('end\n');
    callback(null, util.format('%j', process.stdout.fd));
  },
  flood: (event, context, callback) => {
    for (let line = 0; line < 2000; line += 1) {
      console.log('line ' + line + ' ' + 'x'.repeat(100));
    }
    process.exit(0);
  },
  environment: (event, context, callback) => callback(null, {
    env: process.env, argv: process.argv, cwd: process.cwd(), uid: process.getuid(), exec: process.execPath,
    main: require.main === module, host: require('os').hostname(), hour: new Date(0).getHours(),
    fds: fs.readdirSync('/proc/self/fd').length
  }),
  // What a call leaves behind: a timer that goes off after the answer.
  leave: (event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = event.waits;
    setTimeout(() => { left += 1; }, 100);
    callback(null, left);
  },
  left: (event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    callback(null, left);
  },
  leftSoon: (event, context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setTimeout(() => callback(null, left), 200);
  }
};

exports.main_handler = (event, context, callback) => cases[event.case](event, context, callback);
