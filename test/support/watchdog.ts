import { spawn } from 'node:child_process';

/**
 * Runs a shell script once this process is gone, however it went: even `kill -9` closes the pipe that the shell reads.
 * A test run that is cut short so leaves no server and no directory behind. `release` calls the watchdog off.
 */
export function whenWeAreGone(script: string, ...args: string[]): { release(): void } {
  const shell = spawn('/bin/sh', ['-c', `cat > /dev/null; ${script}`, ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C reaches us and not the watchdog, which has our mess to tidy.
  });
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref();
  return { release: () => void shell.kill('SIGKILL') };
}
