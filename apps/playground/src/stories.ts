import { own } from './choices.js';
import { sameTemplate } from './own-template.js';
import { defaultSettings, type Settings, type SideSettings, toHash } from './settings.js';

/** A pair of settings, and what to watch in it. */
export interface Scene {
  readonly title: string;
  readonly settings: Settings;
  readonly watch: readonly string[];
}

export interface Story {
  readonly name: string;
  readonly title: string;
  readonly scenes: readonly Scene[];
}

const pair = (same: SideSettings, a: Partial<SideSettings>, b: Partial<SideSettings>): Settings => ({
  ...defaultSettings,
  a: { ...same, ...a },
  b: { ...same, ...b },
});

const resnet: SideSettings = { net: 'resnet8', init: 'kaiming', norm: 'batch', lr: 0.1 };
const linear: SideSettings = { net: 'mlp20-64', init: 'kaiming-fan-in', norm: 'none', lr: 0.01 };
const weightNormed: SideSettings = { net: 'plain-resnet20', init: 'wn-he', norm: 'weight', lr: 0.05 };

/** The guided stories, in the order in which they are told. */
export const stories: readonly Story[] = [
  {
    name: 'zero',
    title: 'Zero',
    scenes: [
      {
        title: 'All weights zero',
        settings: pair(resnet, { init: 'zero' }, {}),
        watch: [
          'A begins with every weight at zero, B with Kaiming’s normal draw. The nets are the same otherwise, and so are their batches.',
          'Before the first step all of A’s channels are dead and its gradients are 0: nothing tells one layer what another should do.',
          'Press Start. B’s loss falls; A’s stays at ln 10 = 2.303, as for guessing, since only the last bias ever learns.',
        ],
      },
      {
        title: 'All the same',
        settings: { ...pair(resnet, { init: own }, {}), code: { init: sameTemplate, norm: '' } },
        watch: [
          'Now A’s weights are not zero, but alike: its code is below. Sizes are right, signals flow, nothing is dead.',
          'All filters of A’s first layer are the same picture, so all channels see the same, and get the same gradient.',
          'Press Start, and watch the filters: A’s stay one picture however they learn, B’s differ. A draw at random is what tells units apart.',
        ],
      },
    ],
  },
  {
    name: 'depth',
    title: 'Depth',
    scenes: [
      {
        title: 'Vanishing',
        settings: pair(linear, { init: 'lecun' }, {}),
        watch: [
          'Twenty linear layers with ReLU. A draws with variance 1 / fanIn, which forgets that ReLU halves the signal; B with 2 / fanIn.',
          'Look at the activations: A’s shrink by about √2 a layer, to a thousandth at the end. Its gradients are small throughout.',
          'Press Start. After a hundred steps B is right on about a quarter of the images, and A still guesses one in ten.',
        ],
      },
      {
        title: 'Exploding',
        settings: pair(linear, { init: 'random' }, {}),
        watch: [
          'A draws every weight from N(0, 1), whatever the size of its layer.',
          'Each layer makes the activations more than five times larger: after twenty they are beyond 10¹⁴, and so are the gradients.',
          'Press Start. A’s loss is no finite number after two steps; B goes on.',
        ],
      },
      {
        title: 'Weight norm',
        settings: { ...pair(weightNormed, {}, { init: 'wn-he-proposed' }), batchSize: 16 },
        watch: [
          'Twenty layers with weight norm and shortcuts. In A, He’s draw sets the scales; in B they are smaller at the end of a block, by arXiv:1906.02341.',
          'In A every block adds as much as comes in, and the activations grow a hundredfold; in B they stay level.',
          'Press Start. A is lost within three steps. Set both nets to plain-resnet56, and A grows by 10⁵ while B stays as it is.',
        ],
      },
    ],
  },
  {
    name: 'norm',
    title: 'Norms',
    scenes: [
      {
        title: 'Bad draw',
        settings: pair({ ...linear, init: 'lecun', lr: 0.05 }, {}, { norm: 'batch' }),
        watch: [
          'Both begin with the same weights, too small for twenty layers of ReLU. B has a batch norm in each layer.',
          'The norm puts every layer’s activations back to size: A’s fade with depth, B’s are level. B’s gradients grow towards the input instead.',
          'Press Start. B learns, from weights with which A cannot.',
        ],
      },
      {
        title: 'Large rate',
        settings: pair(resnet, { norm: 'none' }, {}),
        watch: [
          'A ResNet of eight layers with a good initialisation, at a learning rate of 0.1: A without norms, B with batch norm.',
          'At the start both look healthy. Watch the activations of A as it trains: some layers swell, others fade.',
          'After sixty steps B is right on about half of the images, and A hardly moved. Set A’s rate to 0.01: it learns, slowly.',
        ],
      },
    ],
  },
];

/** The scene that these settings are, where they are one's. */
export function sceneOf(settings: Settings): { readonly story: Story; readonly index: number; readonly scene: Scene } | undefined {
  const wanted = toHash(settings);
  for (const story of stories)
    for (const [index, scene] of story.scenes.entries()) if (toHash(scene.settings) === wanted) return { story, index, scene };
  return undefined;
}
