"""Reference values of the normalisation layers that PyTorch lacks, written out from their papers' formulas in float64.

usage: parity_norms.py OUT.json EXTREME.json
Parameters and inputs are `fill(seed, scale, shift)` of parity_fill.py: parameter k of a layer (in the order listed) has
seed 10 + k, scale 0.5 and shift 0.6; the input seed 1, scale 1; the cotangent seed 2. Inputs of the second file are small
beside their mean, rounded to half precision (`half`), or huge. Runs with any PyTorch.
"""
import json, sys
import numpy as np, torch
from parity_fill import fill
torch.set_default_dtype(torch.float64)

def groups_for(c):
    g = min(32, c)
    while c % g: g -= 1
    return g
def moments(x, dims): return x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)
def normal(x, dims, eps=1e-5):
    m, v = moments(x, dims)
    return (x - m) / torch.sqrt(v + eps)
def gn(x):
    n, c, h, w = x.shape
    return normal(x.reshape(n, groups_for(c), -1), (2,)).reshape(x.shape)
def ch(p): return p.reshape(1, -1, 1, 1)

def batch_instance(x, p):
    g = torch.sigmoid(ch(p['rho']))
    return (g * normal(x, (0, 2, 3)) + (1 - g) * normal(x, (2, 3))) * ch(p['weight']) + ch(p['bias'])
def switchable(x, p):
    stats = [moments(x, d) for d in ((2, 3), (1, 2, 3), (0, 2, 3))]
    wm, wv = torch.softmax(p['mean_weight'], 0), torch.softmax(p['var_weight'], 0)
    m = sum(wm[i] * stats[i][0] for i in range(3)); v = sum(wv[i] * stats[i][1] for i in range(3))
    return (x - m) / torch.sqrt(v + 1e-5) * ch(p['weight']) + ch(p['bias'])
def gated(x, p, scale=None):
    g = torch.sigmoid(ch(p['gate']))
    n = gn(x) * ch(p['group_norm.weight']) + ch(p['group_norm.bias'])
    return (g * n + (1 - g) * (x if scale is None else x * scale)) * ch(p['weight']) + ch(p['bias'])
def adaptive(x, p):
    a = x.abs().mean((2, 3), keepdim=True)
    return gn(x) * (1 + 0.5 * torch.tanh(ch(p['adapt_weight']) * a + ch(p['adapt_bias']))) * ch(p['weight']) + ch(p['bias'])
def filter_response(x, p):
    y = x / torch.sqrt((x * x).mean((2, 3), keepdim=True) + 1e-6) * ch(p['weight']) + ch(p['bias'])
    return torch.maximum(y, ch(p['tau']))
def group_excite(x, p):
    s = x.mean((2, 3), keepdim=True)
    return gn(x) * (1 + torch.tanh(ch(p['squeeze_weight']) * s + ch(p['squeeze_bias']))) * ch(p['weight']) + ch(p['bias'])
def layer_batch(x, p):
    return normal(normal(x, (1, 2, 3)), (0, 2, 3)) * ch(p['batch_norm.weight']) + ch(p['batch_norm.bias'])
def batch_group(x, p):
    (bm, bv) = moments(x, (0, 2, 3))
    n, c, h, w = x.shape; g = groups_for(c)
    gm, gv = (t.reshape(n, g, 1).expand(n, g, c // g).reshape(n, c, 1, 1) for t in moments(x.reshape(n, g, -1), (2,)))
    a, b = torch.sigmoid(ch(p['mean_gate'])), torch.sigmoid(ch(p['var_gate']))
    m, v = a * bm + (1 - a) * gm, b * bv + (1 - b) * gv
    return (x - m) / torch.sqrt(v + 1e-5) * ch(p['weight']) + ch(p['bias'])
def instance_gated(x, p):
    gate = torch.sigmoid(ch(p['gate_weight']) * x.mean((2, 3), keepdim=True) + ch(p['gate_bias']))
    return normal(x, (0, 2, 3)) * gate * ch(p['weight']) + ch(p['bias'])

LAYERS = {   # name: (formula, parameters in the order of the state dict; a number is a fixed size, None the channels)
    'batch-instance': (batch_instance, {'weight': None, 'bias': None, 'rho': None}),
    'switchable': (switchable, {'weight': None, 'bias': None, 'mean_weight': 3, 'var_weight': 3}),
    'gated-group': (gated, {'weight': None, 'bias': None, 'gate': None, 'group_norm.weight': None, 'group_norm.bias': None}),
    'skip-scaled-group': (lambda x, p: gated(x, p, ch(p['skip_scale'])), {'weight': None, 'bias': None, 'gate': None, 'skip_scale': None, 'group_norm.weight': None, 'group_norm.bias': None}),
    'batch-group': (batch_group, {'weight': None, 'bias': None, 'mean_gate': None, 'var_gate': None}),
    'group-excite': (group_excite, {'weight': None, 'bias': None, 'squeeze_weight': None, 'squeeze_bias': None}),
    'layer-batch': (layer_batch, {'batch_norm.weight': None, 'batch_norm.bias': None}),
    'instance-gated-batch': (instance_gated, {'weight': None, 'bias': None, 'gate_weight': None, 'gate_bias': None}),
    'channel-adaptive': (adaptive, {'weight': None, 'bias': None, 'adapt_weight': None, 'adapt_bias': None}),
    'filter-response': (filter_response, {'weight': None, 'bias': None, 'tau': None}),
    'instance': (lambda x, p: normal(x, (2, 3)) * ch(p['weight']) + ch(p['bias']), {'weight': None, 'bias': None}),
    'layer': (lambda x, p: normal(x, (1, 2, 3)) * ch(p['weight']) + ch(p['bias']), {'weight': None, 'bias': None}),
    'channel-layer': (lambda x, p: normal(x, (1,), 1e-6) * ch(p['weight']) + ch(p['bias']), {'weight': None, 'bias': None}),
    'group': (lambda x, p: gn(x) * ch(p['weight']) + ch(p['bias']), {'weight': None, 'bias': None}),
}
LAYERS['batch'] = (lambda x, p: normal(x, (0, 2, 3)) * ch(p['weight']) + ch(p['bias']), {'weight': None, 'bias': None})

# shape, scale, shift, rounded to half precision
USUAL = [([2, 8, 3, 3], 1.0, 0.0, False), ([3, 6, 2, 4], 1.0, 0.0, False), ([2, 36, 2, 2], 1.0, 0.0, False), ([2, 8, 3, 3], 1.0, 1000.0, False)]
EXTREME = [([3, 4, 3, 3], 1.0, 1e5, False), ([3, 4, 3, 3], 1.0, 1e6, False), ([2, 5, 3, 3], 600.0, 0.0, True), ([2, 4, 3, 3], 30000.0, 30000.0, True),
           ([2, 4, 3, 3], 1e-4, 0.0, True), ([3, 4, 3, 3], 1e20, 0.0, False), ([2, 5, 3, 3], 1e30, 1e30, False)]

def digits(t): return [float('%.9g' % v) for v in t.detach().reshape(-1).tolist()]
def cases_of(inputs, skip):
    cases = []
    for name, (f, params) in LAYERS.items():
        for shape, scale, shift, half in inputs:
            if skip(name, shift): continue
            x = fill(shape, 1, scale, shift)
            if half: x = x.half().double()
            x.requires_grad_(True)
            p = {k: fill([n or shape[1]], 10 + i, 0.5, 0.6).requires_grad_(True) for i, (k, n) in enumerate(params.items())}
            y = f(x, p)
            y.backward(fill(shape, 2))
            more = dict(scale=scale, half=half) if inputs is EXTREME else {}
            cases.append(dict(norm=name, shape=shape, shift=shift, **more, y=digits(y), dx=digits(x.grad), grads={k: digits(v.grad) for k, v in p.items()}))
    return cases
def write(path, cases):
    json.dump(dict(torch=torch.__version__, cases=cases), open(path, 'w'))
    print(len(cases), 'cases')
# Filter response keeps the mean: nothing to lose. Batch norm's usual values are in ops.json.
write(sys.argv[1], cases_of(USUAL, lambda name, shift: name == 'batch' or (name == 'filter-response' and shift)))
write(sys.argv[2], cases_of(EXTREME, lambda name, shift: False))
