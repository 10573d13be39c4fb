// Which call the code that runs now belongs to, through timers, promises and whatever else it waits for.
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
} else if (hooks.AsyncLocalStorage) {
  const storage = new hooks.AsyncLocalStorage();
  exports.run = (call, work) => storage.run(call, work);
  exports.current = () => storage.getStore();
} else {
  // Whatever is begun belongs to the call of the code that begins it.
  const owners = new Map();
  const now = hooks.executionAsyncId;
  const init = (id) => {
    const owner = owners.get(now());
    if (owner) {
      owners.set(id, owner);
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
}
