"""Torchvision's nets for the zoo, narrow enough to be trained in a test, and further CIFAR nets of the papers.

`parity_models.py OUT_DIR torchvision BASE_SEED parity_torchvision` and `parity_f32_error.py torchvision.json parity_torchvision` make
torchvision.json; this file by itself, `parity_torchvision.py KEYS.json`, torchvision-keys.json: names, shapes and the number of learned
values of torchvision's nets in full. Made with torchvision 0.14.
"""
import json, sys
import torch, torch.nn as nn, torch.nn.functional as F
from torchvision import models
from torchvision.models.convnext import CNBlockConfig, ConvNeXt
from torchvision.models.densenet import DenseNet

def narrow(m, f):
    """Every channel number but those of images and classes times f."""
    less = lambda c: c if c == 3 else max(1, round(c * f))
    for name, c in list(m.named_modules()):
        owner = m.get_submodule(name.rpartition('.')[0]); key = name.rpartition('.')[2]
        if isinstance(c, nn.Conv2d): setattr(owner, key, nn.Conv2d(less(c.in_channels), less(c.out_channels), c.kernel_size, c.stride, c.padding, bias=False))
        if isinstance(c, nn.BatchNorm2d): setattr(owner, key, nn.BatchNorm2d(less(c.num_features)))
        if isinstance(c, nn.Linear): setattr(owner, key, nn.Linear(less(c.in_features), c.out_features))
    return m

def convnext(dims, blocks, classes):
    out = dims[1:] + [None]
    return ConvNeXt([CNBlockConfig(*s) for s in zip(dims, out, blocks)], stochastic_depth_prob=0.1, num_classes=classes)

def small_densenet(layers, growth, classes):
    m = DenseNet(growth, (layers,) * 3, 2 * growth, num_classes=classes)
    m.features.conv0 = nn.Conv2d(3, 2 * growth, 3, 1, 1, bias=False)
    for key in ('norm0', 'relu0', 'pool0'): delattr(m.features, key)
    return m

class PreActBlock(nn.Module):
    def __init__(s, i, o, st, bottleneck):
        super().__init__(); w = o // 4 if bottleneck else o; conv = lambda *a: nn.Conv2d(*a, bias=False)
        s.bn1 = nn.BatchNorm2d(i); s.conv1 = conv(i, w, 1, st, 0) if bottleneck else conv(i, w, 3, st, 1)
        s.bn2 = nn.BatchNorm2d(w); s.conv2 = conv(w, w, 3, 1, 1)
        if bottleneck: s.bn3 = nn.BatchNorm2d(w); s.conv3 = conv(w, o, 1, 1, 0)
        s.shortcut = None if i == o and st == 1 else conv(i, o, 1, st, 0)
    def forward(s, x):
        a = F.relu(s.bn1(x)); h = s.conv2(F.relu(s.bn2(s.conv1(a))))
        if hasattr(s, 'conv3'): h = s.conv3(F.relu(s.bn3(h)))
        return h + (s.shortcut(a) if s.shortcut else x)
class PreActResNet(nn.Module):
    def __init__(s, n, bottleneck, nc):
        super().__init__(); s.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False); i = 16
        for k, (w, st) in enumerate(((16, 1), (32, 2), (64, 2)), 1):
            o = 4 * w if bottleneck else w; L = []
            for b in range(n): L.append(PreActBlock(i, o, st if b == 0 else 1, bottleneck)); i = o
            setattr(s, f'layer{k}', nn.Sequential(*L))
        s.bn = nn.BatchNorm2d(i); s.fc = nn.Linear(i, nc)
    def forward(s, x): return s.fc(F.relu(s.bn(s.layer3(s.layer2(s.layer1(s.conv1(x)))))).mean((2, 3)))

ZOO = {   # key: (net, classes, batch)
    'imagenet-resnet18-x0.125-c10': (lambda: narrow(models.resnet18(num_classes=10), 0.125), 10, 4),
    'imagenet-resnet50-x0.125-c10': (lambda: narrow(models.resnet50(num_classes=10), 0.125), 10, 8),
    'imagenet-densenet121-x0.125-c10': (lambda: DenseNet(4, (6, 12, 24, 16), 8, num_classes=10), 10, 4),
    'imagenet-convnext-tiny-x0.125-c10': (lambda: convnext([12, 24, 48, 96], [3, 3, 9, 3], 10), 10, 4),
    'densenet-bc-22-12-c10': (lambda: small_densenet(3, 12, 10), 10, 4),
    'preact-resnet14-c10': (lambda: PreActResNet(2, False, 10), 10, 4),
    'preact-resnet20-bottleneck-c10': (lambda: PreActResNet(2, True, 10), 10, 4),
}
FULL = {'imagenet-resnet18': models.resnet18, 'imagenet-resnet34': models.resnet34, 'imagenet-resnet50': models.resnet50,
        'imagenet-densenet121': models.densenet121, 'imagenet-convnext-tiny': models.convnext_tiny}

if __name__ == '__main__':
    nets = {name: make() for name, make in FULL.items()}
    found = {name: dict(parameters=sum(p.numel() for p in m.parameters()),
        keys=[f"{k} {'x'.join(map(str, v.shape))}" for k, v in m.state_dict().items() if not k.endswith('num_batches_tracked')]) for name, m in nets.items()}
    json.dump(found, open(sys.argv[1], 'w'))
    print({name: v['parameters'] for name, v in found.items()})
