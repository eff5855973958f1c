"""PyTorch's times for what `initlab bench` times: a JSON line a row, with the same field names.

usage: pytorch_bench.py step   [--models simple-cnn,resnet20] [--batch N] [--precision f32|tf32|mixed] [--how eager|graph|compile]
       pytorch_bench.py conv2d [--batch 128] [--precision f32|tf32|mixed]
       pytorch_bench.py norm   [--batch 128]
f32 is IEEE (no TF32), tf32 PyTorch's default for convolutions, mixed autocast to f16, channels last, with a gradient scaler.
`graph` replays the step as one CUDA graph, `compile` is torch.compile in reduce-overhead mode. Without CUDA it runs on the CPU.
"""
import argparse, json, time
import torch
from torch import nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class MeanHead(nn.Module):
    def __init__(self, channels, hidden=None):
        super().__init__()
        last = nn.Linear(channels, 10)
        self.fc = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Dropout(0.5), last) if hidden else last

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


def conv_bn(inputs, outputs, kernel=3, stride=1, groups=1, act=nn.ReLU):
    parts = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([act()] if act else []))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expand):
        super().__init__()
        wide = inputs * expand
        first = [conv_bn(inputs, wide, 1, act=nn.ReLU6)] if expand > 1 else []
        self.body = nn.Sequential(*first, conv_bn(wide, wide, 3, stride, wide, nn.ReLU6), conv_bn(wide, outputs, 1, act=None))
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.skip else self.body(x)


def make_model(name):
    if name == 'simple-cnn':
        convs = [nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*convs, nn.Flatten(), nn.Linear(2048, 512), nn.ReLU(), nn.Linear(512, 10))
    if name.startswith('resnet'):
        count = (int(name[6:]) - 2) // 6
        layers, inputs = [conv_bn(3, 16)], 16
        for outputs in (16, 32, 64):
            for i in range(count):
                layers.append(Block(inputs, outputs, 2 if i == 0 and outputs > 16 else 1))
                inputs = outputs
        return nn.Sequential(*layers, MeanHead(64))
    if name == 'vgg16-bn':
        layers, inputs = [], 3
        for outputs in (64, 64, 'M', 128, 128, 'M', 256, 256, 256, 'M', 512, 512, 512, 'M', 512, 512, 512, 'M'):
            layers.append(nn.MaxPool2d(2) if outputs == 'M' else conv_bn(inputs, outputs))
            inputs = inputs if outputs == 'M' else outputs
        return nn.Sequential(*layers, MeanHead(512, hidden=512))
    if name == 'mobilenetv2':
        layers, inputs = [conv_bn(3, 32, act=nn.ReLU6)], 32
        for expand, outputs, count, stride in ((1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
            for i in range(count):
                layers.append(Inverted(inputs, outputs, stride if i == 0 else 1, expand))
                inputs = outputs
        return nn.Sequential(*layers, conv_bn(320, 1280, 1, act=nn.ReLU6), MeanHead(1280))
    raise SystemExit(f'no model {name}')


cuda = torch.cuda.is_available()
device = torch.device('cuda' if cuda else 'cpu')
adapter = torch.cuda.get_device_name() if cuda else f'CPU, {torch.get_num_threads()} threads'


def wait():
    if cuda: torch.cuda.synchronize()


def median(values): return sorted(values)[len(values) // 2]


def timed(run, rounds=7, each=10):
    """Milliseconds of a run: several in a row with one wait at the end, the median of the rounds."""
    for _ in range(3): run()
    wait()
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(each): run()
        wait()
        times.append((time.perf_counter() - begin) * 1e3 / each)
    return median(times)


def captured(run, times=1):
    """A function that replays `times` runs as one CUDA graph."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3): run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times): run()
    return graph.replay


def kernel_times(run):
    """Of a run of one op: wall time, and on a GPU that of its kernels alone, without Python's time to ask for them."""
    each = 30 if cuda else 2
    return dict(wallMs=timed(run, each=each), gpuMs=timed(captured(run, each), each=1) / each if cuda else None)


def set_precision(precision):
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = precision == 'tf32'
    torch.backends.cuda.matmul.allow_tf32 = precision == 'tf32'
    return torch.channels_last if precision == 'mixed' else torch.contiguous_format


def step_row(name, args):
    batch = args.batch or (64 if name == 'simple-cnn' else 128 if cuda else 8)
    layout = set_precision(args.precision)
    mixed = args.precision == 'mixed'
    torch.manual_seed(1)
    model = make_model(name).to(device, memory_format=layout)
    x = torch.randn(batch, 3, 32, 32, device=device).to(memory_format=layout)
    labels = torch.randint(10, (batch,), device=device)
    # Only fused optimisers take the gradient scaler's verdict on the GPU; the others read it back, which no graph can.
    graph = {'fused': True} if args.how == 'graph' and mixed and cuda else {}
    if name == 'simple-cnn': optimizer = torch.optim.Adam(model.parameters(), 1e-3, **graph, **({'capturable': True} if args.how == 'graph' else {}))
    else: optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, **graph)
    scaler = torch.cuda.amp.GradScaler(enabled=mixed)
    forward = torch.compile(model, mode='reduce-overhead') if args.how == 'compile' else model

    def step():
        optimizer.zero_grad(set_to_none=args.how != 'graph')
        with torch.autocast(device.type, torch.float16 if cuda else torch.bfloat16, enabled=mixed):
            loss = F.cross_entropy(forward(x).float(), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    if cuda: torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    step(); wait()
    first = (time.perf_counter() - begin) * 1e3
    ms = timed(captured(step) if args.how == 'graph' else step, each=20 if cuda else 3)
    peak = torch.cuda.max_memory_allocated() if cuda else None
    return dict(lib=f'pytorch {args.how}', model=name, batch=batch, precision=args.precision, wallMs=ms, firstStepMs=first, peakBytes=peak)


SHAPES = [(32, 16, 16, 3, 1), (16, 32, 32, 3, 1), (8, 64, 64, 3, 1), (32, 64, 64, 3, 1), (16, 128, 128, 3, 1), (8, 256, 256, 3, 1),
          (4, 512, 512, 3, 1), (32, 3, 64, 3, 1), (32, 64, 256, 1, 1), (32, 96, 96, 3, 96)]


def conv_rows(args):
    batch = args.batch or (128 if cuda else 8)
    layout = set_precision(args.precision)
    dtype = torch.float16 if args.precision == 'mixed' else torch.float32
    for size, inputs, outputs, kernel, groups in SHAPES:
        shape = dict(device=device, dtype=dtype)
        x = torch.randn(batch, inputs, size, size, **shape).to(memory_format=layout)
        w = torch.randn(outputs, inputs // groups, kernel, kernel, **shape).to(memory_format=layout)
        g = torch.randn(batch, outputs, size, size, **shape).to(memory_format=layout)
        pair = lambda v: [v, v]
        back = lambda mask: torch.ops.aten.convolution_backward(g, x, w, None, pair(1), pair(kernel // 2), pair(1), False, pair(0), groups, mask)
        runs = dict(forward=lambda: F.conv2d(x, w, padding=kernel // 2, groups=groups), gradInput=lambda: back([True, False, False]), gradWeight=lambda: back([False, True, False]))
        name = f"{batch}x{inputs}x{size}x{size} -> {outputs} {kernel}x{kernel}{f' g{groups}' if groups > 1 else ''}"
        for direction, run in runs.items():
            yield dict(lib='pytorch', shape=name, direction=direction, batch=batch, precision=args.precision, **kernel_times(run))


def norm_rows(args):
    batch = args.batch or (128 if cuda else 8)
    for channels, size in ((16, 32), (64, 32), (256, 32)):
        for name, layer in (('batch', nn.BatchNorm2d(channels)), ('group', nn.GroupNorm(min(32, channels), channels))):
            layer = layer.to(device)
            x = torch.randn(batch, channels, size, size, device=device, requires_grad=True)
            g = torch.randn_like(x)
            def both():
                layer.zero_grad(); x.grad = None
                layer(x).backward(g)
            with torch.no_grad(): forward = kernel_times(lambda: layer(x))
            for which, times in (('forward', forward), ('forward and backward', kernel_times(both))):
                yield {'lib': 'pytorch', 'norm': name, 'shape': [batch, channels, size, size], 'pass': which, **times}


parser = argparse.ArgumentParser()
parser.add_argument('what', choices=['step', 'conv2d', 'norm'])
parser.add_argument('--models', default='simple-cnn,resnet20')
parser.add_argument('--batch', type=int)
parser.add_argument('--precision', default='f32', choices=['f32', 'tf32', 'mixed'])
parser.add_argument('--how', default='eager', choices=['eager', 'graph', 'compile'])
args = parser.parse_args()
rows = (step_row(m, args) for m in args.models.split(',')) if args.what == 'step' else conv_rows(args) if args.what == 'conv2d' else norm_rows(args)
for row in rows:
    rounded = {k: float('%.4g' % v) if isinstance(v, float) else v for k, v in row.items()}
    print(json.dumps({**rounded, 'adapter': adapter, 'torch': torch.__version__}), flush=True)
