// Which call the code that runs now belongs to, through timers, promises and whatever else it waits for; and a promise that
// nobody listens to, where it is not told of in its call's own code. Node 12 and 14 know of no promise whose it is.
'use strict';

const hooks = (() => {
  try {
    return require('async_hooks');
  } catch (error) {
    // Before Node 8 nobody knows.
    return null;
  }
})();

if (!hooks) {
  exports.run = (call, work) => work();
  exports.current = () => undefined;
  exports.ofPromise = () => undefined;
} else if (hooks.AsyncLocalStorage) {
  const storage = new hooks.AsyncLocalStorage();
  exports.run = (call, work) => storage.run(call, work);
  exports.current = () => storage.getStore();
  exports.ofPromise = () => undefined;
} else {
  // Whatever is begun belongs to the call of the code that begins it.
  const owners = new Map(), ofPromises = new WeakMap();
  const now = hooks.executionAsyncId;
  const init = (id, type, trigger, resource) => {
    const owner = owners.get(now());
    if (owner) {
      owners.set(id, owner);
      // Before Node 12.
      if (resource.promise) {
        ofPromises.set(resource.promise, owner);
      }
    }
  };
  hooks.createHook({ init: init, destroy: (id) => owners.delete(id) }).enable();
  exports.run = (call, work) => {
    const here = now();
    owners.set(here, call);
    work();
    owners.delete(here);
  };
  exports.current = () => owners.get(now());
  exports.ofPromise = (promise) => ofPromises.get(promise);
}
