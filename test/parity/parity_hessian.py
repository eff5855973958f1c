"""Hessians of the loss of small nets in float64, dense: what `initlab hessian` multiplies with.

usage: parity_hessian.py OUT.json
Parameter k of a net, in PyTorch's order, is fill(seed 10 + k) of parity_fill.py, with scale sqrt(6 / fan_in) for weights of two or
more dimensions, scale 0.3 and shift 1 for the norms' weights and scale 0.2 for the rest. Image i has the bytes
floor(256 u(i)) of seed 1, normalised by mean 0.5 and deviation 0.25; label i is i mod 3. Runs with any PyTorch.
"""
import json, sys
import numpy as np, torch
from torch import nn
from parity_fill import fill, uniform
torch.set_default_dtype(torch.float64)

COUNT, CHANNELS, SIZE, CLASSES = 6, 2, 8, 3

def conv(i, o, k=3, s=1, g=1): return nn.Conv2d(i, o, k, stride=s, padding=k // 2, groups=g, bias=False)

class Net(nn.Module):
    def __init__(self, **parts):
        super().__init__()
        for name, part in parts.items(): setattr(self, name, part)
        self.fc = nn.Linear(4, CLASSES)
    def forward(self, x): return self.fc(self.features(x).mean((2, 3)))

class Plain(Net):
    def __init__(self): super().__init__(conv1=conv(2, 4), bn1=nn.BatchNorm2d(4), conv2=conv(4, 4))
    def features(self, x): return torch.relu(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
class Strided(Net):
    def __init__(self): super().__init__(conv1=conv(2, 4, s=2), bn1=nn.BatchNorm2d(4), conv2=conv(4, 4, s=2), bn2=nn.BatchNorm2d(4))
    def features(self, x): return torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))
class Depthwise(Net):
    def __init__(self): super().__init__(conv1=conv(2, 4, k=1), bn1=nn.BatchNorm2d(4), conv2=conv(4, 4, s=2, g=4), bn2=nn.BatchNorm2d(4), conv3=conv(4, 4, k=1))
    def features(self, x):
        x = nn.functional.relu6(self.bn1(self.conv1(x)))
        return self.conv3(nn.functional.relu6(self.bn2(self.conv2(x))))
class Residual(Net):
    def __init__(self): super().__init__(conv1=conv(2, 4, s=2), bn1=nn.BatchNorm2d(4), conv2=conv(4, 4), bn2=nn.BatchNorm2d(4), short=conv(2, 4, k=1, s=2), bn3=nn.BatchNorm2d(4))
    def features(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.bn3(self.short(x)))

def setup(net):
    for k, (name, p) in enumerate(net.named_parameters()):
        if p.dim() > 1: value = fill(p.shape, 10 + k, (6 / (p.numel() / p.shape[0])) ** 0.5)
        elif name.endswith('weight'): value = fill(p.shape, 10 + k, 0.3, 1.0)
        else: value = fill(p.shape, 10 + k, 0.2)
        p.data.copy_(value)

def main(out):
    n = COUNT * CHANNELS * SIZE * SIZE
    images = torch.from_numpy(np.floor(256 * uniform(n, 1))).reshape(COUNT, CHANNELS, SIZE, SIZE)
    x, labels = (images / 255 - 0.5) / 0.25, torch.arange(COUNT) % CLASSES
    nets = []
    for make in (Plain, Strided, Depthwise, Residual):
        net = make(); setup(net); net.train()
        params = list(net.parameters())
        loss = nn.functional.cross_entropy(net(x), labels)
        slope = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, params, create_graph=True)])
        rows = []
        for s in slope:
            found = torch.autograd.grad(s, params, retain_graph=True, allow_unused=True)
            rows.append(torch.cat([(torch.zeros_like(p) if g is None else g).reshape(-1) for g, p in zip(found, params)]))
        hessian = torch.stack(rows)
        values = torch.linalg.eigvalsh((hessian + hessian.T) / 2).flip(0)
        v = fill((len(slope),), 3)
        nets.append({'name': make.__name__.lower(), 'parameters': len(slope), 'product': (hessian @ v).tolist(),
                     'largest': values[:3].tolist(), 'smallest': values[-1].item()})
    with open(out, 'w') as file: json.dump({'torch': torch.__version__, 'nets': nets}, file); file.write('\n')

main(sys.argv[1])
