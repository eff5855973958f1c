/**
 * Who may import whom: the picture of docs/architecture.md as rules, which `npm run check` holds (`scripts/check.sh`). Types count
 * as any import: they tie two files together just as well. An error says which file imports which, and its rule what to do.
 * To add a package or a room: its place below, and in the picture.
 */
import { existsSync, readdirSync } from 'node:fs';

/** For each package, and for each app as it lies in apps/, the packages that it may import. */
export const arrows = {
  kernels: [],
  core: ['kernels'],
  nn: ['core'],
  models: ['nn', 'core'],
  data: ['core'],
  lab: ['core', 'nn', 'models', 'data'],
  playground: ['core', 'nn', 'models', 'data'],
};

/** Rooms (folders of src/) from below: each imports only those named before it. Of packages not named here: no circle. */
export const rooms = {
  core: ['checks', 'gpu', 'storage', 'record', 'tensor', 'op', 'random', 'ops', 'autograd', 'methods', 'compile'],
  nn: ['module', 'init', 'layers', 'norm', 'probe', 'initializers', 'safetensors', 'state-dict', 'optim'],
  data: ['dataset', 'transforms', 'formats', 'files'],
  lab: [
    ...['run', 'files', 'progress', 'plugins', 'tables', 'statistics', 'train', 'hessian', 'tensorboard', 'papers', 'sweep', 'launch'],
    ...['runs', 'report', 'ui', 'bench', 'tune', 'plan', 'selftest', 'experiments', 'commands', 'cli'],
  ],
};

/** What packages export, and the command: they import from every room, and no file of their package imports them. */
const entries = 'src/(index|internal|methods|common-methods|adapter-kernels|node|assets|cli)\\.ts$';
/** Exceptions: folders whose files serve the folders inside. `compile/rewrites/` changes what `compile/graph.ts` is. */
const foundations = ['packages/core/src/compile'];

const known = Object.keys(arrows);
const foldersIn = (parent) =>
  existsSync(parent) ? readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
for (const parent of ['packages', 'apps'])
  for (const { name } of foldersIn(parent))
    if (!known.includes(name))
      throw new Error(`${parent}/${name}: no arrows are known; add them to .dependency-cruiser.mjs and docs/architecture.md`);

const forbid = (name, comment, { from, to, ...rest }) => ({ name, comment, severity: 'error', from, to, ...rest });
const any = (names) => `(${names.join('|')})`;

for (const [name, order] of Object.entries(rooms))
  for (const { name: room } of foldersIn(`packages/${name}/src`))
    if (!order.includes(room))
      throw new Error(`packages/${name}/src/${room}: has no place among the rooms; give it one in .dependency-cruiser.mjs`);

const packageRules = known.map((name) => {
  const others = known.filter((other) => other !== name && !arrows[name].includes(other));
  return forbid(
    `arrows-of-${name}`,
    `${name} may import ${arrows[name].join(', ') || 'no other package'}; move what it needs below both, or pass it in`,
    {
      from: { path: `^(packages|apps)/${name}/src/` },
      to: { path: `^(packages/|apps/|@initlab/)${any(others)}(/|$)` },
    },
  );
});

const roomRules = Object.entries(rooms).flatMap(([name, order]) =>
  order.slice(0, -1).map((room, at) =>
    forbid(`rooms-of-${name}`, `rooms of ${name} from below: ${order.join(', ')}; move what both need to the lower one, or pass it in`, {
      from: { path: `^packages/${name}/src/${room}/` },
      to: { path: `^packages/${name}/src/${any(order.slice(at + 1))}/` },
    }),
  ),
);

const outwards = [
  forbid(
    'outwards',
    'a file beside the rooms is what they stand on (or what the package exports): give one that needs a room a place in a room',
    {
      from: { path: '^(packages/[^/]+)/src/[^/]+$', pathNot: `^packages/[^/]+/${entries}` },
      to: { path: '^$1/src/[^/]+/' },
    },
  ),
  // Within rooms it is the other way round.
  ...[1, 2].map((depth) =>
    forbid('outwards', 'a folder in a room does not import the files beside it, which import the folder: give what both need a folder', {
      from: { path: `^(packages/[^/]+/src${'/[^/]+'.repeat(depth)})/[^/]+/[^/]+$`, pathNot: `^${any(foundations)}/` },
      to: { path: '^$1/[^/]+$' },
    }),
  ),
];

export default {
  forbidden: [
    ...packageRules,
    ...roomRules,
    ...outwards,
    forbid('by-name', 'a path out of its package: import packages by name, and only what they export', {
      from: { path: '^(packages|apps)/([^/]+)/src/' },
      to: { path: '^(packages|apps)/', pathNot: '^$1/$2/', dependencyTypesNot: ['aliased-workspace', 'undetermined'] },
    }),
    forbid('inside', "a package's inside: import what its index exports", {
      from: {},
      to: { path: '^@initlab/[^/]+/(src|dist)/' },
    }),
    forbid('entry', 'a package does not import what it exports: import the file that has it', {
      from: { path: '^(packages|apps)/([^/]+)/src/' },
      to: { path: [`^$1/$2/${entries}`, '^@initlab/$2(/|$)'] },
    }),
    forbid('webgpu', 'the driver belongs in packages/core/src/gpu/; ask its Device for what is needed', {
      from: { path: '/src/', pathNot: '^packages/core/src/gpu/' },
      to: { path: '(^|node_modules/)webgpu(/|$)' },
    }),
    forbid('file-cycle', 'files import each other: move what they share to a third, or pass it in', { from: {}, to: { circular: true } }),
    forbid('folder-cycle', 'folders import each other: move what they share to the lower one, or to a third', {
      scope: 'folder',
      from: {},
      to: { circular: true },
    }),
  ],
  options: {
    tsPreCompilationDeps: true,
    includeOnly: '^(packages/[^/]+/src|apps/[^/]+/src|@initlab/|node_modules/webgpu|webgpu)',
    doNotFollow: { path: ['node_modules', '/dist/'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['@initlab/source'] },
  },
};
