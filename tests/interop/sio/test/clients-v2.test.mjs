import { clientSuite } from '../lib/client-suite.mjs';

for (const how of ['polling', 'websocket', 'upgrade']) clientSuite('v2', how);
