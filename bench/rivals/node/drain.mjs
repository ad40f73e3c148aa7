// Drains no-op jobs with graphile-worker: `node drain.mjs <database URL> <jobs>`.
//
// Inserting the jobs is not measured. The clock runs from the start of the worker until the database
// says that no job is left, and the seconds are printed as JSON. Batching is on;
// its sizes were chosen, not tuned.

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const [url, count] = process.argv.slice(2);
const jobs = Number(count);
const pool = new pg.Pool(connection(url));
// A connection that breaks shows at its next query.
pool.on("error", () => {});
pool.on("connect", (client) => client.on("error", () => {}));
const logger = new Logger(() => () => {});

// pg reads a socket's directory from `host`, not from where libpq's URLs have it.
function connection(text) {
  const parts = /^postgres(?:ql)?:\/\/([^@/]*)@(%2F[^/:?]*)\/([^?]*)/i.exec(text);
  if (!parts) return { connectionString: text, max: 16 };
  const [, user, host, database] = parts.map(decodeURIComponent);
  return { user, host, database, max: 16 };
}

const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();
await utils.release();
await pool.query(
  "SELECT graphile_worker.add_job('nothing', json_build_object('n', n)) FROM generate_series(1, $1) n",
  [jobs],
);
await pool.query("VACUUM ANALYZE");
await pool.query("CHECKPOINT");

const begun = performance.now();
const runner = await run({
  pgPool: pool,
  logger,
  noHandleSignals: true,
  taskList: { nothing: () => {} },
  preset: {
    worker: {
      concurrentJobs: 24,
      maxPoolSize: 16,
      pollInterval: 2000,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
const left = "SELECT 1 FROM graphile_worker._private_jobs LIMIT 1";
while ((await pool.query(left)).rowCount > 0) {
  await new Promise((done) => setTimeout(done, 20));
}
const seconds = (performance.now() - begun) / 1000;
await runner.stop();
await pool.end();
console.log(JSON.stringify({ seconds }));
