"""Images of every kind that a folder may hold, and what Pillow makes of them: `make_images.py` writes them beside itself, with pillow.json.

Interlaced ones of less than 8 bits are written here, with each of the filters, since Pillow writes none.
Pixels of `RGB` and `L` by `convert`; `resized` by torchvision's arithmetic: the shorter side to 8, bilinearly, then the middle.
"""
import json, os, struct, zlib
import numpy as np
from PIL import Image
here = os.path.dirname(os.path.abspath(__file__))
y, x = np.mgrid[0:10, 0:13]
colour = np.stack([(x * 19) % 256, (y * 25 + x) % 256, (x * y * 3) % 256], -1).astype(np.uint8)
gray = ((x * 17 + y * 5) % 256).astype(np.uint8)
smooth = np.stack([x * 12 + 40, y * 14 + 60, 200 - x * 6 - y * 4], -1).astype(np.uint8)
edges = smooth.copy(); edges[2:7, 3:9] = [250, 10, 30]; edges[5:, 8:] = [20, 40, 240]
images = {
    'rgb.png': Image.fromarray(colour), 'gray.png': Image.fromarray(gray),
    'rgba.png': Image.fromarray(np.concatenate([colour, gray[..., None]], -1), 'RGBA'),
    'gray-alpha.png': Image.fromarray(np.stack([gray, 255 - gray], -1), 'LA'),
    'palette.png': Image.fromarray(colour).quantize(16), 'two-colours.png': Image.fromarray(colour).quantize(2),
    'bits.png': Image.fromarray(gray > 100), 'baseline.jpg': Image.fromarray(smooth), 'gray.jpg': Image.fromarray(np.asarray(Image.fromarray(smooth).convert('L'))),
    'progressive.jpg': Image.fromarray(smooth),
    'chroma-2x2.jpg': Image.fromarray(edges), 'chroma-2x1.jpg': Image.fromarray(edges), 'colours.jpg': Image.fromarray(edges),
    'cmyk.jpg': Image.fromarray(edges).convert('CMYK'),
}

def interlaced(values, depth, palette=None):
    h, w = values.shape; data = b''; n = 0
    for left, top, across, down in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        part = values[top::down, left::across]
        if part.size == 0: continue
        above = None
        for row in part:
            bits = ''.join(format(int(v), f'0{depth}b') for v in row); bits += '0' * (-len(bits) % 8)
            line = [int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)]
            up = above or [0] * len(line); kind = n % 5; n += 1
            def guess(i):
                a, b, c = (line[i - 1] if i else 0), up[i], (up[i - 1] if i else 0)
                paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
                return (0, a, b, (a + b) // 2, paeth)[kind]
            data += bytes([kind] + [(v - guess(i)) & 255 for i, v in enumerate(line)]); above = line
    chunk = lambda kind, content: struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))
    packed = zlib.compress(data)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, 0 if palette is None else 3, 0, 0, 1))
            + (b'' if palette is None else chunk(b'PLTE', bytes(palette))) + chunk(b'IDAT', packed[:9]) + chunk(b'IDAT', packed[9:]) + chunk(b'IEND', b''))
colours = [v for i in range(16) for v in (i * 16, 255 - i * 10, (i * 53) % 256)]
written = {'interlaced-1.png': interlaced(gray > 100, 1), 'interlaced-2.png': interlaced(gray >> 6, 2), 'interlaced-4.png': interlaced(gray >> 4, 4),
           'interlaced-palette-4.png': interlaced(gray >> 4, 4, colours), 'interlaced-palette-2.png': interlaced((gray >> 6)[:2, :3], 2, colours[:12]), 'interlaced-pixel.png': interlaced(gray[:1, :1] > 100, 1)}

subsampling = {'chroma-2x2.jpg': 2, 'chroma-2x1.jpg': 1}
found = {}
for name, image in [*images.items(), *written.items()]:
    path = os.path.join(here, name)
    if name in written: open(path, 'wb').write(image)
    else: image.save(path, **({'quality': 95, 'subsampling': subsampling.get(name, 0), 'progressive': name.startswith('prog'), 'keep_rgb': name == 'colours.jpg'} if name.endswith('jpg') else {}))
    back = Image.open(path); mode = 'L' if back.mode in ('L', 'LA', '1') else 'RGB'
    plain = back.convert(mode)
    w, h = plain.size; size = 8
    to = (size * w // h, size) if h <= w else (size, size * h // w)
    small = plain.resize(to, Image.BILINEAR)
    left, top = round((to[0] - size) / 2), round((to[1] - size) / 2)
    small = small.crop((left, top, left + size, top + size))
    found[name] = dict(width=w, height=h, channels=len(mode), pixels=np.asarray(plain).reshape(-1).tolist(), resized=np.asarray(small).reshape(size * size, -1).T.reshape(-1).tolist())
json.dump(found, open(os.path.join(here, 'pillow.json'), 'w'))
print({name: (v['width'], v['height'], v['channels']) for name, v in found.items()})
