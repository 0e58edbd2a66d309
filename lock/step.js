// The runner starts this twice: as the step itself, and at the end of the job (`post`), also after a failure or a
// cancel. Composite actions have no such end, so this small program is here. All work is done by the launcher.
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const LAUNCHER = path.join(__dirname, '..', 'launcher', 'launch');

const folder = process.env.STATE_folder;
if (folder) {
  run('unlock', folder).then((code) => process.exit(code));
} else {
  lock();
}

async function lock() {
  let made;
  try {
    made = fs.mkdtempSync(path.join(process.env.RUNNER_TEMP || os.tmpdir(), 'deploy-coordinator.'));
    // Before anything can fail or be killed, so that the end of the job finds it.
    if (process.env.GITHUB_STATE) append(process.env.GITHUB_STATE, `folder=${made}`);
  } catch (error) {
    console.log(
      `::error title=deploy-coordinator::The end of the job could not find the lock (${error.message}), so nothing was ` +
        'locked. Free disk space on the runner.',
    );
    process.exit(70);
  }
  const code = await run('lock', made);
  if (code === 0 && fs.existsSync(path.join(made, 'keeper'))) keep(made);
  process.exit(code);
}

// On a line of its own, whatever is in the file already.
function append(name, line) {
  const file = fs.openSync(name, 'a+');
  const { size } = fs.fstatSync(file);
  const last = Buffer.from('\n');
  if (size > 0) fs.readSync(file, last, 0, 1, size - 1);
  fs.writeSync(file, `${last.toString() === '\n' ? '' : os.EOL}${line}${os.EOL}`);
  fs.closeSync(file);
}

// The runner gives an action its inputs as INPUT_*; the coordinator reads them as one JSON object.
function environment(state) {
  const inputs = {};
  const passed = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith('INPUT_')) inputs[name.slice(6).toLowerCase()] = value;
    else passed[name] = value;
  }
  return {
    ...passed,
    DEPLOY_COORDINATOR_INPUTS: JSON.stringify(inputs),
    DEPLOY_COORDINATOR_REGISTRY: inputs.registry || '',
    DEPLOY_COORDINATOR_RUNTIME: inputs.runtime || '',
    DEPLOY_COORDINATOR_IMAGE: inputs.image || '',
    DEPLOY_COORDINATOR_CHECK_RUN_ID: inputs['job-id'] || '',
    DEPLOY_COORDINATOR_JOB_WORKFLOW_REF: inputs['job-workflow-ref'] || '',
    DEPLOY_COORDINATOR_MATRIX: inputs['job-matrix'] || '',
    DEPLOY_COORDINATOR_JOB_STATUS: inputs['job-status'] || '',
    DEPLOY_COORDINATOR_JOB_PROCESS: String(process.ppid),
    DEPLOY_COORDINATOR_STATE: state,
  };
}

function run(step, state) {
  const child = spawn('bash', [LAUNCHER, step], { env: environment(state), stdio: ['ignore', 'inherit', 'inherit'] });
  // The runner signals this process only.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on('error', (error) => {
      console.log(`::error title=deploy-coordinator::bash could not be started: ${error.message}`);
      resolve(step === 'lock' ? 70 : 0);
    });
    child.on('close', (code) => resolve(code === null ? 130 : code));
  });
}

// Goes on beside the job's other steps, and writes into a file: nobody reads its output while they run.
function keep(state) {
  const log = fs.openSync(path.join(state, 'keep.log'), 'a');
  const child = spawn('bash', [LAUNCHER, 'keep'], {
    env: environment(state),
    stdio: ['ignore', log, log],
    detached: true,
  });
  child.on('error', () => console.log('::warning title=deploy-coordinator::The lock cannot be kept alive beside the job.'));
  child.unref();
}
