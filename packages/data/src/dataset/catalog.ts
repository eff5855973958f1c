/** Names `loadDataset` knows. */
export const datasetNames = ['mnist', 'fashion-mnist', 'fashion-mnist-sample', 'cifar10', 'cifar100'] as const;
/** A name of `datasetNames`. */
export type DatasetName = (typeof datasetNames)[number];

/** What a published file unpacks to. */
export interface PublishedContent {
  /** Path in the archive; the name alone for a file that is packed by itself. */
  readonly path: string;
  /** Size unpacked: nothing larger is read under that name. */
  readonly bytes: number;
  /** MD5 unpacked, where it is known. */
  readonly md5?: string;
}

/** A file as its publisher offers it. */
export interface PublishedFile {
  readonly name: string;
  /** The MD5 that its publisher gives. */
  readonly md5: string;
  readonly contents: readonly PublishedContent[];
}

/** What is known of a dataset before any file is read. */
export interface DatasetInfo {
  readonly name: DatasetName;
  readonly title: string;
  /** Class names in label order. */
  readonly classes: readonly string[];
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Customary mean of x / 255, per channel. */
  readonly mean: readonly number[];
  /** Customary standard deviation of x / 255, per channel. */
  readonly std: readonly number[];
  /** Address the files lie under, with a slash at the end; empty when the dataset ships with initlab. */
  readonly baseUrl: string;
  /** Files to download; of idx datasets training images and labels, then those for the test. */
  readonly files: readonly PublishedFile[];
}

/** Names of the four files of MNIST and what took its form, unpacked. */
export const idxFileNames = {
  trainImages: 'train-images-idx3-ubyte',
  trainLabels: 'train-labels-idx1-ubyte',
  testImages: 't10k-images-idx3-ubyte',
  testLabels: 't10k-labels-idx1-ubyte',
} as const;

/** MD5 of the .gz files and of what is in them, in the order of `idxFileNames`. */
function idxFiles(checksums: readonly (readonly [packed: string, unpacked: string])[]): readonly PublishedFile[] {
  const sizes = [16 + 60_000 * 784, 8 + 60_000, 16 + 10_000 * 784, 8 + 10_000];
  return Object.values(idxFileNames).map((path, i) => {
    const [packed, unpacked] = checksums[i] as readonly [string, string];
    return { name: `${path}.gz`, md5: packed, contents: [{ path, bytes: sizes[i] as number, md5: unpacked }] };
  });
}

/** An archive of CIFAR's binary version: members of so many records of `recordBytes`. */
function cifarArchive(
  { name, md5, folder, recordBytes }: { name: string; md5: string; folder: string; recordBytes: number },
  members: Readonly<Record<string, number>>,
): readonly PublishedFile[] {
  const contents = Object.entries(members).map(([member, records]) => ({ path: `${folder}/${member}`, bytes: records * recordBytes }));
  return [{ name, md5, contents }];
}

const fashionClasses = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'];
const cifar10Classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
// Alphabetical, as the label bytes count them.
const cifar100Classes = `apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree
orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal
shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
train trout tulip turtle wardrobe whale willow_tree wolf woman worm`.split(/\s+/);

const fashionShape = { classes: fashionClasses, channels: 1, height: 28, width: 28, mean: [0.286], std: [0.353] } as const;
const cifarShape = { channels: 3, height: 32, width: 32, baseUrl: 'https://www.cs.toronto.edu/~kriz/' } as const;

/** The datasets initlab reads; mean and standard deviation are the customary ones. */
export const datasetCatalog: Readonly<Record<DatasetName, DatasetInfo>> = {
  mnist: {
    name: 'mnist',
    title: 'MNIST',
    classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
    channels: 1,
    height: 28,
    width: 28,
    mean: [0.1307],
    std: [0.3081],
    baseUrl: 'https://ossci-datasets.s3.amazonaws.com/mnist/',
    files: idxFiles([
      ['f68b3c2dcbeaaa9fbdd348bbdeb94873', '6bbc9ace898e44ae57da46a324031adb'],
      ['d53e105ee54ea40749a09fcbcd1e9432', 'a25bea736e30d166cdddb491f175f624'],
      ['9fb629c4189551a2d022fa330f9573f3', '2646ac647ad5339dbf082846283269ea'],
      ['ec29112dd5afa0611ce80d1b7f02629c', '27ae3e4e09519cfbb04c329615203637'],
    ]),
  },
  'fashion-mnist': {
    name: 'fashion-mnist',
    title: 'FashionMNIST',
    ...fashionShape,
    // The publisher's own repository; the address its page names speaks plain http only.
    baseUrl: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    files: idxFiles([
      ['8d4fb7e6c68d591d4c3dfef9ec88bf0d', 'f4a8712d7a061bf5bd6d2ca38dc4d50a'],
      ['25c81989df183df01b3e8a0aad5dffbe', '9018921c3c673c538a1fc5bad174d6f9'],
      ['bef4ecab320f06d8554ea6380940ec79', '8181f5470baa50b63fa0f6fddb340f0a'],
      ['bb300cfdad3c16e7a12a480ee83cd310', '15d484375f8d13e6eb1aabb0c3f46965'],
    ]),
  },
  'fashion-mnist-sample': {
    name: 'fashion-mnist-sample',
    title: 'FashionMNIST, 2,000 + 500 images',
    ...fashionShape,
    baseUrl: '',
    files: [],
  },
  cifar10: {
    name: 'cifar10',
    title: 'CIFAR-10',
    classes: cifar10Classes,
    ...cifarShape,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
    files: cifarArchive(
      { name: 'cifar-10-binary.tar.gz', md5: 'c32a1d4ab5d03f1284b67883e8d87530', folder: 'cifar-10-batches-bin', recordBytes: 3073 },
      {
        ...Object.fromEntries([1, 2, 3, 4, 5].map((batch) => [`data_batch_${batch}.bin`, 10_000])),
        'test_batch.bin': 10_000,
      },
    ),
  },
  cifar100: {
    name: 'cifar100',
    title: 'CIFAR-100',
    classes: cifar100Classes,
    ...cifarShape,
    mean: [0.5071, 0.4867, 0.4408],
    std: [0.2675, 0.2565, 0.2761],
    files: cifarArchive(
      { name: 'cifar-100-binary.tar.gz', md5: '03b5dce01913d631647c71ecec9e9cb8', folder: 'cifar-100-binary', recordBytes: 3074 },
      { 'train.bin': 50_000, 'test.bin': 10_000 },
    ),
  },
};
