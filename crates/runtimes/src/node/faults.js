// What an error looks like to its user: without the frames of the platform.
'use strict';

const OWN_FOLDER = __dirname + '/';

const stringify = JSON.stringify;
const toBytes = Buffer.from;

// Message and stack of whatever was thrown.
function described(error) {
  let message = '', stack = '';
  try {
    if (error instanceof Error || Object.prototype.toString.call(error) === '[object Error]') {
      message = usersLines(String(error).split('\n')).join('\n');
      stack = typeof error.stack === 'string' ? usersFrames(error.stack) : '';
    } else {
      const plain = typeof error === 'object' && error !== null && String(error) === '[object Object]';
      message = plain ? stringify(error) : String(error);
    }
  } catch (unspeakable) {
    // An error whose text cannot be made is still an error.
    message = message || 'an error that cannot be shown';
  }
  message = wellFormed(message);
  return { message: message, stackTrace: stack ? wellFormed(stack) : message };
}

// As UTF-8 can say it: with U+FFFD for each half of a surrogate pair.
const wellFormed = (text) => toBytes(String(text), 'utf8').toString('utf8');

const isFrame = (line) => /^\s+at /.test(line);
const isOurs = (line) => (isFrame(line) || line.startsWith('- ')) && line.indexOf(OWN_FOLDER) >= 0;
// Files of the user's are absolute paths or URLs of files.
const isInternal = (line) => isFrame(line) && !/[( ](?:file:\/\/)?\//.test(line);
// Neither frames of ours nor our place in the list of who required what.
const usersLines = (lines) => lines.filter((line) => !isOurs(line));

// Without ours, and without those of Node below the user's, which lead to ours.
function usersFrames(stack) {
  const lines = stack.split('\n');
  let end = lines.length;
  while (end > 0 && (isOurs(lines[end - 1]) || isInternal(lines[end - 1]))) {
    end -= 1;
  }
  const leadsToUs = lines.slice(0, end).some(isFrame) || lines.slice(end).some(isOurs);
  return usersLines(leadsToUs ? lines.slice(0, end) : lines).join('\n');
}

// An error as the worker reads it.
exports.fault = (error) => stringify(described(error));

// The same for people.
exports.text = (error) => described(error).stackTrace;

// A result that is not JSON: no line of the user's code is to blame, so there are no frames.
exports.notJson = (error) => {
  const message = described(error).message;
  return stringify({ message: message, stackTrace: 'The handler\'s result is not JSON:\n' + message });
};
