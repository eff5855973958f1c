/** Names `loadDataset` knows. */
export const datasetNames = ['fashion-mnist', 'fashion-mnist-sample', 'cifar10', 'cifar100'] as const;
/** A name of `datasetNames`. */
export type DatasetName = (typeof datasetNames)[number];

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
  /** Files to download, with the MD5 their publisher gives. */
  readonly files: readonly { readonly name: string; readonly md5: string }[];
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
const cifarUrl = 'https://www.cs.toronto.edu/~kriz/';

/** The datasets initlab reads; mean and standard deviation are the customary ones. */
export const datasetCatalog: Readonly<Record<DatasetName, DatasetInfo>> = {
  'fashion-mnist': {
    name: 'fashion-mnist',
    title: 'FashionMNIST',
    ...fashionShape,
    baseUrl: 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
    files: [
      { name: 'train-images-idx3-ubyte.gz', md5: '8d4fb7e6c68d591d4c3dfef9ec88bf0d' },
      { name: 'train-labels-idx1-ubyte.gz', md5: '25c81989df183df01b3e8a0aad5dffbe' },
      { name: 't10k-images-idx3-ubyte.gz', md5: 'bef4ecab320f06d8554ea6380940ec79' },
      { name: 't10k-labels-idx1-ubyte.gz', md5: 'bb300cfdad3c16e7a12a480ee83cd310' },
    ],
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
    channels: 3,
    height: 32,
    width: 32,
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2023, 0.1994, 0.201],
    baseUrl: cifarUrl,
    files: [{ name: 'cifar-10-binary.tar.gz', md5: 'c32a1d4ab5d03f1284b67883e8d87530' }],
  },
  cifar100: {
    name: 'cifar100',
    title: 'CIFAR-100',
    classes: cifar100Classes,
    channels: 3,
    height: 32,
    width: 32,
    mean: [0.5071, 0.4867, 0.4408],
    std: [0.2675, 0.2565, 0.2761],
    baseUrl: cifarUrl,
    files: [{ name: 'cifar-100-binary.tar.gz', md5: '03b5dce01913d631647c71ecec9e9cb8' }],
  },
};
