// The main path of dockerode: prints one line of JSON with what it saw. The socket is the only argument.
'use strict';
const { PassThrough } = require('stream');
const Docker = require('dockerode');

const text = (stream) => new Promise((resolve, reject) => {
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  stream.on('end', () => resolve(Buffer.concat(parts).toString()));
  stream.on('error', reject);
});

async function main() {
  const docker = new Docker({ socketPath: process.argv[2] });
  const seen = { ping: (await docker.ping()).toString() };
  const host = { NetworkMode: 'none' };

  const out = new PassThrough(), err = new PassThrough();
  const both = Promise.all([text(out), text(err)]);
  const [ended] = await docker.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 3'], [out, err], { Tty: false, HostConfig: host });
  out.end(); err.end();
  seen.run = [ended.StatusCode, ...(await both)];

  const container = await docker.createContainer({ Image: 'busybox', Cmd: ['cat'], name: 'node-cat', OpenStdin: true, StdinOnce: true, HostConfig: host });
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const copied = new PassThrough();
  container.modem.demuxStream(stream, copied, copied);
  stream.on('end', () => copied.end());
  const cat = text(copied);
  await container.start();
  stream.end('through');
  seen.wait = (await container.wait()).StatusCode;
  seen.cat = await cat;
  seen.logs = (await container.logs({ stdout: true })).subarray(8).toString();
  seen.state = (await container.inspect()).State.Status;
  await container.remove();

  const sleeper = await docker.createContainer({ Image: 'busybox', Cmd: ['sleep', '300'], name: 'node-sleep', HostConfig: host });
  await sleeper.start();
  const exec = await sleeper.exec({ Cmd: ['sh', '-c', 'echo inside; exit 4'], AttachStdout: true });
  const output = new PassThrough();
  const answer = await exec.start({ hijack: true });
  sleeper.modem.demuxStream(answer, output, output);
  answer.on('end', () => output.end());
  seen.exec = await text(output);
  seen.execCode = (await exec.inspect()).ExitCode;
  seen.names = (await docker.listContainers()).map((found) => found.Names[0]);
  await sleeper.putArchive(await sleeper.getArchive({ path: '/etc/passwd' }), { path: '/bin' });
  const copied2 = await sleeper.exec({ Cmd: ['test', '-s', '/bin/passwd'], AttachStdout: true });
  await text((await copied2.start({ hijack: true })).resume());
  seen.copied = (await copied2.inspect()).ExitCode;
  await sleeper.pause();
  seen.paused = (await sleeper.inspect()).State.Paused;
  await sleeper.unpause();
  await sleeper.rename({ name: 'node-renamed' });
  seen.stats = (await sleeper.stats({ stream: false })).pids_stats.current;
  seen.top = (await sleeper.top()).Processes.length;
  seen.changes = (await sleeper.changes()).some((change) => change.Path === '/bin/passwd');
  await sleeper.restart({ t: 0 });
  await sleeper.kill();
  seen.killed = (await sleeper.wait()).StatusCode;
  await docker.getImage('busybox').tag({ repo: 'node', tag: '1' });
  seen.image = (await docker.getImage('node:1').inspect()).RepoTags.includes('node:1');
  seen.untagged = (await docker.getImage('node:1').remove())[0].Untagged;
  const told = await docker.getEvents({ since: 1, until: Math.floor(Date.now() / 1000) + 1, filters: { container: [sleeper.id], event: ['rename'] } });
  seen.events = (await text(told)).split('\n').filter(Boolean).map((line) => JSON.parse(line).Actor.Attributes.name);
  await sleeper.remove({ force: true });
  seen.gone = await sleeper.inspect().then(() => 200, (error) => error.statusCode);
  console.log(JSON.stringify(seen));
}

main().catch((error) => { console.error(error); process.exit(1); });
