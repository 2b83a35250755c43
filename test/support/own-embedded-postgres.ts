import { startEmbeddedPostgres } from '../../src/postgres/embedded.js';

// A Holdfast reduced to its bundled PostgreSQL: a process of its own, for a test to kill.
const directory = process.argv[2];
if (!directory) throw new Error('Name the directory of the server.');
const server = await startEmbeddedPostgres({ directory });
console.log(server.url);
setInterval(() => {}, 60_000);
