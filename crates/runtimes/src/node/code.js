// Finds and loads the user's code.
'use strict';

const fs = require('fs');
const path = require('path');

const parse = JSON.parse;
const version = process.versions.node.split('.').map(Number);
const HAS_MODULES = version[0] > 13 || (version[0] === 13 && version[1] >= 2) || (version[0] === 12 && version[1] >= 17);
// What `file` of `file.function` may mean; the crate's `entry_files` says the same.
const ENDINGS = ['.js', '.cjs', '.mjs', '/index.js', '.node'];

// The file of a handler in this folder, or nothing.
exports.find = (folder, name) => ENDINGS.map((end) => path.join(folder, name + end)).find(isFile);

// Loads a file. A CommonJS module is exported when this returns, or has thrown; an ES module is a promise.
exports.load = (folder, file) => {
  if (!isModule(folder, file)) {
    return { exported: require(file) };
  }
  if (!HAS_MODULES) {
    throw new Error('Node ' + process.versions.node + ' has no ES modules: use require and exports');
  }
  // In a file of its own, whose syntax older versions do not know.
  return { promise: require('./import.js')('file://' + file) };
};

// The function of this name, bound to what exports it; or what there is instead.
exports.entry = (exported, name) => {
  const has = (value) => (typeof value === 'object' || typeof value === 'function') && value !== null && name in value;
  const owner = !has(exported) && exported && has(exported.default) ? exported.default : exported;
  const found = has(owner) ? owner[name] : undefined;
  return typeof found === 'function' ? (event, context, callback) => found.call(owner, event, context, callback) : found;
};

function isFile(file) {
  try {
    return fs.statSync(file).isFile();
  } catch (error) {
    return false;
  }
}

// True for what `require` does not take: by its name, or by the nearest package.json.
function isModule(top, file) {
  if (!file.endsWith('.js')) {
    return file.endsWith('.mjs');
  }
  for (let folder = path.dirname(file); HAS_MODULES && folder.startsWith(top); folder = path.dirname(folder)) {
    const description = path.join(folder, 'package.json');
    if (isFile(description)) {
      try {
        return parse(fs.readFileSync(description, 'utf8')).type === 'module';
      } catch (error) {
        // `require` says what is wrong with it.
        return false;
      }
    }
  }
  return false;
}
