// graphile-worker as a peer of the queue's bench; ../README.md says what a peer does. PG* name the database.
import fs from "node:fs";
import pg from "pg";
import { makeWorkerUtils, run } from "graphile-worker";

const BULK = 1000;
const [command, ...args] = process.argv.slice(2);
const now = () => performance.timeOrigin + performance.now();
const pgPool = new pg.Pool({ max: 12 });
const logger = { error: console.error, warn() {}, info() {}, debug() {}, scope() { return this; } };

async function fill(utils, count) {
  for (let done = 0; done < count; done += BULK) {
    const jobs = Array.from({ length: Math.min(BULK, count - done) }, () => ({ identifier: "note", payload: { at: now() } }));
    await utils.addJobs(jobs);
  }
}

async function publish(utils, count, perSecond) {
  let due = now();
  for (let i = 0; i < count; i++) {
    due += 1000 / perSecond;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - now())));
    await utils.addJob("note", { at: now() });
  }
}

// For rates ten jobs at a time and a queue of 100 in each process, which takes and completes them in batches; for pick-up times
// four claimers, as Tiro has.
async function work(file, mode) {
  const fd = fs.openSync(file, "a");
  const note = (payload) => {
    const took = Buffer.alloc(8);
    took.writeDoubleLE(now() - payload.at);
    fs.writeSync(fd, took);
  };
  const fast = { concurrentJobs: 10, localQueue: { size: 100 }, completeJobBatchDelay: 0 };
  await run({ pgPool, logger, taskList: { note }, preset: { worker: mode === "rate" ? fast : { concurrentJobs: 4 } } });
}

if (command === "work") {
  await work(...args);
} else {
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  if (command === "fill") await fill(utils, Number(args[0]));
  if (command === "publish") await publish(utils, Number(args[0]), Number(args[1]));
  await utils.release();
  await pgPool.end();
}
