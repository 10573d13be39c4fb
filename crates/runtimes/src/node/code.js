// Finds and loads the user's code.
'use strict';

const fs = require('fs');
const path = require('path');
const Module = require('module');

const parse = JSON.parse, read = fs.readFileSync, realpath = fs.realpathSync.native || fs.realpathSync;
// What versions make of it differs.
const BYTE_ORDER_MARK = '\ufeff';
const version = process.versions.node.split('.').map(Number);
const HAS_MODULES = version[0] > 13 || (version[0] === 13 && version[1] >= 2) || (version[0] === 12 && version[1] >= 17);
// What `file` of `file.function` may mean; the crate's `entry_files` says the same.
const ENDINGS = ['.js', '.cjs', '.mjs', '/index.js', '.node'];

// An error that nobody reads takes its time; versions before 14.17 make it all the same.
const QUIETLY = { throwIfNoEntry: false };

// The file of a handler in this folder, with its text if that is at hand; or nothing.
exports.find = (folder, name) => {
  const usual = path.join(folder, name + '.js');
  try {
    return { name: usual, text: read(usual, 'utf8') };
  } catch (error) {
    const ending = ENDINGS.find((end) => isFile(path.join(folder, name + end)));
    return ending && { name: path.join(folder, name + ending), text: null };
  }
};

// Loads a file. A CommonJS module is exported when this returns, or has thrown; an ES module is a promise.
exports.load = (folder, file) => {
  const type = typeOf(folder, file.name);
  if (type === 'module' && HAS_MODULES) {
    // In a file of its own, whose syntax older versions do not know.
    return { promise: require('./import.js')('file://' + file.name) };
  }
  if (file.name.endsWith('.mjs')) {
    throw new Error('Node ' + process.versions.node + ' has no ES modules: use require and exports');
  }
  return { exported: type || !file.text || file.text[0] === BYTE_ORDER_MARK ? require(file.name) : compiled(file) };
};

// What `require` makes of a file once it has found it, and has nothing to ask of its package.
function compiled(file) {
  const name = realpath(file.name);
  const own = new Module(name, module);
  own.filename = name;
  own.paths = Module._nodeModulePaths(path.dirname(name));
  Module._cache[name] = own;
  own._compile(file.text, name);
  own.loaded = true;
  return own.exports;
}

// The function of this name, bound to what exports it; or what there is instead.
exports.entry = (exported, name) => {
  const has = (value) => (typeof value === 'object' || typeof value === 'function') && value !== null && name in value;
  const owner = !has(exported) && exported && has(exported.default) ? exported.default : exported;
  const found = has(owner) ? owner[name] : undefined;
  return typeof found === 'function' ? (event, context, callback) => found.call(owner, event, context, callback) : found;
};

function isFile(file) {
  try {
    const found = fs.statSync(file, QUIETLY);
    return Boolean(found) && found.isFile();
  } catch (error) {
    return false;
  }
}

// What the nearest package.json says of a file, if anything; `module` is what `require` does not take where there are any.
function typeOf(top, file) {
  if (!file.endsWith('.js')) {
    return file.endsWith('.mjs') ? 'module' : 'commonjs';
  }
  for (let folder = path.dirname(file); folder.startsWith(top); folder = path.dirname(folder)) {
    const description = path.join(folder, 'package.json');
    if (isFile(description)) {
      try {
        return parse(read(description, 'utf8')).type;
      } catch (error) {
        // `require` says what is wrong with it.
        return 'commonjs';
      }
    }
  }
  return undefined;
}
