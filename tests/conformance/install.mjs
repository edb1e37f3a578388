// Fetches the npm packages of package-lock.json when they are not there.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const mostSeconds = 300

// Whether node_modules holds what the lock file says; npm leaves a copy of the lock file there when it has finished.
function isInstalled () {
  const packages = file => JSON.parse(fs.readFileSync(path.join(here, file), 'utf8')).packages
  try {
    const installed = packages('node_modules/.package-lock.json')
    return Object.entries(packages('package-lock.json'))
      .filter(([name]) => name.startsWith('node_modules/'))
      .every(([name, { integrity }]) => name in installed && installed[name].integrity === integrity)
  } catch {
    return false
  }
}

export function install () {
  if (isInstalled()) return
  console.log('conformance: npm ci (needs a package registry, once)')
  const npm = spawnSync('npm', ['ci'], { cwd: here, encoding: 'utf8', timeout: mostSeconds * 1000 })
  if (npm.status === 0 && isInstalled()) return
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'))
  const wanted = Object.entries(dependencies).filter(([, version]) => !version.startsWith('file:'))
  const missing = wanted.map(([name, version]) => `${name} ${version}`).join(' and ')
  throw new Error(`${npm.error?.message ?? npm.stderr}
The npm packages ${missing} are missing in ${path.join(here, 'node_modules')}, and \`npm ci\` could not fetch them.
It needs npm and a package registry that it can reach, once; after that no network is needed.
FRESHET_SKIP_CONFORMANCE=1 scripts/test does without these tests.`)
}
