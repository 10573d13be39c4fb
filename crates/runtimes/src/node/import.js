// Loads an ES module. Apart from the rest because versions without them cannot read these lines.
'use strict';
module.exports = (url) => import(url);
