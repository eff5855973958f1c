"""Layers as modules, in float64: values, state, first and second gradients; what hooks see, in which order; maxima, where they were, and put back.

usage: parity_modules.py OUT.json
Parameter k of a layer (in the order of its state dict) is `fill(seed 10 + k, scale 0.5, shift 0.1)` of parity_fill.py, the vectors of spectral
norm (names ending in _u, _v) `fill(seed 40 + k)`, other state as PyTorch makes it. The input of the last forward is `fill(seed 1)`, with single
values replaced by `special`; those before it have seeds 100, 101, …; the cotangent is `fill(seed 2)`. The second derivatives are those of
Σ dx · fill(seed 3) + Σ grad_k · fill(seed 60 + k). Runs with PyTorch from 1.13.
"""
import json, math, sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import spectral_norm
from parity_fill import fill
torch.set_default_dtype(torch.float64)

def numbers(t): return [float('%.9g' % v) if math.isfinite(v) else str(v) for v in (t.detach() + 0).reshape(-1).tolist()]
def snake(options): return {''.join('_' + c.lower() if c.isupper() else c for c in name): tuple(v) if name == 'scaleFactor' and isinstance(v, list) else v for name, v in options.items()}
def spectral(make):
    def made(*sizes, n_power_iterations=1, eps=1e-12, **options): return spectral_norm(make(*sizes, **options), n_power_iterations=n_power_iterations, eps=eps)
    return made
# PyTorch takes None since 2.0, for 0.
def instance_norm(channels, momentum=0.1, **options): return nn.InstanceNorm2d(channels, momentum=momentum or 0, **options)
LAYERS = dict(InstanceNorm2d=instance_norm, SpectralNormConv2d=spectral(nn.Conv2d), SpectralNormLinear=spectral(nn.Linear))

cases = []
def case(layer, sizes, options, shape, training=True, forwards=1, special={}):
    module = LAYERS.get(layer, getattr(nn, layer, None))(*sizes, **snake(options)).train(training)
    state = module.state_dict(keep_vars=True)
    names = [name for name, t in state.items() if isinstance(t, nn.Parameter)]
    with torch.no_grad():
        for k, name in enumerate(names): state[name].copy_(fill(state[name].shape, 10 + k, 0.5, 0.1))
        for k, name in enumerate(name for name in state if name.endswith(('._u', '._v'))): state[name].copy_(fill(state[name].shape, 40 + k))
    for i in range(forwards - 1): module(fill(shape, 100 + i))
    x = fill(shape, 1)
    for at, value in special.items(): x.reshape(-1)[int(at)] = float(value)
    x.requires_grad_()
    params = [state[name] for name in names]
    y = module(x)
    after = {name: numbers(t) for name, t in module.state_dict().items() if name not in names}
    first = torch.autograd.grad((y * fill(y.shape, 2)).sum(), [x, *params], create_graph=True)
    total = (first[0] * fill(shape, 3)).sum() + sum((g * fill(g.shape, 60 + k)).sum() for k, g in enumerate(first[1:]))
    second = torch.autograd.grad(total, [x, *params], allow_unused=True) if total.requires_grad else [None] * (1 + len(params))
    second = [torch.zeros_like(t) if g is None else g for g, t in zip(second, [x, *params])]
    cases.append(dict(layer=layer, sizes=sizes, options=options, shape=shape, training=training, forwards=forwards, special=special, yShape=list(y.shape),
                      keys={name: list(t.shape) for name, t in module.state_dict().items()}, names=names, state=after, y=numbers(y),
                      first=[numbers(g) for g in first], second=[numbers(g) for g in second]))

image, row = [1, 2, 4, 5], [2, 2, 6]
for mode in ('reflect', 'replicate', 'circular'):
    case('Conv2d', [2, 3], dict(kernelSize=3, padding=[1, 2], paddingMode=mode), image)
case('Conv2d', [2, 2], dict(kernelSize=3, padding=2, paddingMode='reflect', stride=2, groups=2, bias=False), image)
case('Conv2d', [2, 3], dict(kernelSize=[2, 3], padding='same'), image)
case('Conv2d', [2, 3], dict(kernelSize=2, padding='same', dilation=[3, 1], paddingMode='circular'), image)
case('Conv2d', [2, 3], dict(kernelSize=3, padding='valid', paddingMode='reflect'), image)
case('Conv1d', [2, 3], dict(kernelSize=3), row)
case('Conv1d', [2, 4], dict(kernelSize=2, stride=2, padding=1, dilation=2, groups=2, bias=False), row)
case('Conv1d', [2, 3], dict(kernelSize=2, padding='same'), row)
for mode in ('reflect', 'replicate', 'circular'):
    case('Conv1d', [2, 3], dict(kernelSize=3, padding=2, paddingMode=mode), row)
case('ConvTranspose1d', [2, 3], dict(kernelSize=3, stride=2, padding=1, outputPadding=1), row)
case('ConvTranspose1d', [2, 4], dict(kernelSize=2, groups=2, dilation=2, bias=False), row)
pooled = [2, 3, 5, 6]
for options in (dict(ceilMode=True), dict(stride=3, ceilMode=True), dict(dilation=2), dict(stride=2, padding=1, dilation=[1, 3], ceilMode=True)):
    case('MaxPool2d', [2], options, pooled)
case('MaxPool2d', [3], dict(stride=2, padding=1, ceilMode=True), [1, 4, 6, 4], special={'0': 'nan', '7': 'inf', '20': '-inf', '21': '-inf'})
for options in (dict(stride=2, padding=1, ceilMode=True), dict(stride=2, padding=1, ceilMode=True, countIncludePad=False), dict(stride=2, ceilMode=True, divisorOverride=4),
                dict(stride=1, padding=1, divisorOverride=-2, countIncludePad=False)):
    case('AvgPool2d', [3], options, pooled)
for size in ([2, 4], 1, [None, 2], [7, 8]):
    case('AdaptiveMaxPool2d', [size], {}, pooled)
case('AdaptiveMaxPool2d', [2], {}, [1, 1, 3, 4], special={'1': 'nan', '2': 'nan', '3': 'inf', '6': '-inf', '7': '-inf', '10': '-inf', '11': '-inf'})
for size in ([None, 2], [3, None]):
    case('AdaptiveAvgPool2d', [size], {}, pooled)
case('MaxPool1d', [3], dict(stride=2, padding=1, dilation=2, ceilMode=True), [2, 3, 8])
case('AvgPool1d', [3], dict(stride=2, padding=1, ceilMode=True, countIncludePad=False), [2, 3, 8])
case('AdaptiveMaxPool1d', [3], {}, [2, 3, 8])
case('AdaptiveAvgPool1d', [3], {}, [2, 3, 8])
for options in (dict(trackRunningStats=False), dict(trackRunningStats=False, affine=False), dict(affine=False), dict(momentum=None), dict(momentum=None, affine=False)):
    for training in (True, False):
        if training or options != dict(momentum=None): case('BatchNorm2d', [3], options, pooled, training=training, forwards=3 if training else 1)
for training in (True, False):
    case('InstanceNorm2d', [3], dict(affine=True, trackRunningStats=True, momentum=0.3), pooled, training=training, forwards=3 if training else 1)
    case('InstanceNorm2d', [3], dict(affine=True, trackRunningStats=True, momentum=None), pooled, training=training, forwards=2 if training else 1)
case('BatchNorm1d', [2], dict(trackRunningStats=False), row, training=False)
case('SpectralNormConv2d', [2, 3], dict(kernelSize=3, padding=1), image, forwards=2)
case('SpectralNormConv2d', [2, 4], dict(kernelSize=2, groups=2, bias=False, nPowerIterations=3), image)
case('SpectralNormConv2d', [2, 3], dict(kernelSize=3, padding=1, paddingMode='reflect'), image, training=False)
case('SpectralNormLinear', [4, 3], {}, [2, 4], forwards=3)
case('ConvTranspose2d', [2, 4], dict(kernelSize=[2, 3], stride=[1, 2], padding=1, outputPadding=[2, 1], dilation=[3, 1], groups=2), image)
case('ConvTranspose2d', [2, 3], dict(kernelSize=2, stride=2, padding=[3, 0], outputPadding=[4, 1], dilation=[5, 2], bias=False), image)
case('ConvTranspose1d', [2, 3], dict(kernelSize=3, dilation=3, outputPadding=2, padding=1), row)
for options in (dict(size=[3, 7]), dict(scaleFactor=[1.5, 0.4]), dict(scaleFactor=[1.2, 2.5], mode='bilinear'), dict(scaleFactor=1.9, mode='bilinear', alignCorners=True),
                dict(size=[3, 11], mode='bicubic'), dict(scaleFactor=[1.3, 0.5], mode='bicubic'), dict(size=[7, 1], mode='bicubic', alignCorners=True),
                dict(size=[6, 3], mode='area'), dict(scaleFactor=[0.6, 1.4], mode='area')):
    case('Upsample', [], options, image)
for options in ({}, dict(numParameters=2, init=0.1)):
    case('PReLU', [], options, image, special={'0': 'inf', '3': '-inf', '21': 'nan', '22': '0'})

def hooked(wants, before):
    """
    Two linear layers in a net in a net, with hooks that look, replace, and come twice. `before`: full backward pre-hooks of the net, which came
    after 1.13; they are those of its output as a tensor.
    """
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(3, 2))
    inner, head = net[0], net[1]
    with torch.no_grad():
        for k, p in enumerate(net.parameters()): p.copy_(fill(p.shape, 10 + k, 0.5, 0.1))
    seen = []
    def note(name, *tensors): seen.append([name, *(None if t is None else numbers(t) for t in tensors)])
    def pre(name, f=None):
        def hook(m, args): note('pre ' + name, args[0]); return None if f is None else f(args[0])
        return hook
    def after(name, f=None):
        def hook(m, args, out): note('forward ' + name, args[0], out); return None if f is None else f(out)
        return hook
    def back(name, f=None):
        def hook(m, gi, go): note('backward ' + name, gi[0], go[0]); return None if f is None or gi[0] is None else (f(gi[0]),)
        return hook
    for name, m in (('net', net), ('inner', inner), ('first', inner[0]), ('tanh', inner[1]), ('head', head)):
        m.register_forward_pre_hook(pre(name)); m.register_forward_hook(after(name)); m.register_full_backward_hook(back(name))
    inner[0].register_forward_pre_hook(pre('first, doubling', lambda x: x * 2))
    inner.register_forward_hook(after('inner, adding', lambda y: y + 1))
    inner.register_forward_hook(after('inner, again'))
    head.register_full_backward_hook(back('head, halving', lambda g: g / 2))
    gone = head.register_forward_hook(after('gone')); gone.remove(); gone.remove()
    x = fill([2, 2], 1).requires_grad_(wants)
    y = net(x)
    if before:
        y.register_hook(lambda g: note('backward pre net', g))
        y.register_hook(lambda g: (note('backward pre net, doubling', g), g * 2)[1])
    asked = ([x] if wants else []) + list(net.parameters())
    grads = torch.autograd.grad((y * fill([2, 2], 2)).sum(), asked, create_graph=True)
    second = torch.autograd.grad(sum((g * fill(g.shape, 60 + k)).sum() for k, g in enumerate(grads)), asked, allow_unused=True)
    return dict(wants=wants, before=before, seen=seen, y=numbers(y), grads=[numbers(g) for g in grads], second=[numbers(torch.zeros_like(t) if g is None else g) for g, t in zip(second, asked)])

def unpooled(shape, pool, special={}, **sizes):
    """Maxima with their indices, and these put back; `pool`: options, or a size for an adaptive pooling. Gradients of Σ result · fill(seed 2), where no two
    values have one place: PyTorch gives those that are written over one, too."""
    x = fill(shape, 1)
    for at, value in special.items(): x.reshape(-1)[int(at)] = float(value)
    x.requires_grad_()
    adaptive = not isinstance(pool, dict)
    y, index = F.adaptive_max_pool2d(x, pool, return_indices=True) if adaptive else F.max_pool2d(x, **snake(pool), return_indices=True)
    result = dict(shape=shape, pool=pool, special=special, sizes=sizes, y=numbers(y), yShape=list(y.shape), indices=index.reshape(-1).tolist())
    if not adaptive:
        back = {name: value for name, value in snake(pool).items() if name in ('kernel_size', 'stride', 'padding')}
        z = F.max_unpool2d(y, index, **back, output_size=sizes.get('outputSize'))
        apart = all(len(set(plane)) == len(plane) for plane in index.reshape(-1, index[0, 0].numel()).tolist())
        result.update(z=numbers(z), zShape=list(z.shape), dx=numbers(torch.autograd.grad((z * fill(z.shape, 2)).sum(), x)[0]) if apart else None)
    return result

ties = {'0': '0', '1': '0', '6': '0', '7': '0', '20': 'nan', '33': 'inf', '44': '-inf'}
unpools = [unpooled(pooled, dict(kernelSize=2)), unpooled([1, 4, 7, 5], dict(kernelSize=[3, 2], stride=2, padding=1), outputSize=[7, 5]), unpooled(pooled, dict(kernelSize=2), ties),
           unpooled(pooled, dict(kernelSize=3, stride=2, padding=1), outputSize=[5, 6]), unpooled(pooled, dict(kernelSize=2, stride=3, dilation=2, ceilMode=True)),
           unpooled([2, 1, 7, 7], dict(kernelSize=3, stride=3), outputSize=[7, 8]), unpooled(pooled, [2, 4]), unpooled(pooled, 1, ties)]
hooks = [hooked(wants, before) for before in (False, True) for wants in (True, False)]
json.dump(dict(torch=torch.__version__, cases=cases, unpools=unpools, hooks=hooks), open(sys.argv[1], 'w'))
print(len(cases), 'cases')
