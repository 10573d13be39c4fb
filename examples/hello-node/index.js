'use strict';
// Greets by name: what an event, a context, an environment variable and a log line are.

// Runs once per instance, before its first event.
const GREETING = process.env.GREETING || 'Hello';

// Called once per event; what it resolves to becomes JSON.
exports.main_handler = async (event, context) => {
  const name = event.name || 'world';
  console.log(`greeting ${name}`); // to the log: `skiff logs hello-node`
  return { message: `${GREETING}, ${name}!`, request_id: context.request_id, node: process.version };
};
