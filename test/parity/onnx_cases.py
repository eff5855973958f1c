"""ONNX's own cases for single nodes, of the operators that the library computes: a reference that comes neither from us nor from PyTorch.

usage: onnx_cases.py OUT.json
Needs Debian's `libonnx-testdata` and `python3-onnx` (1.12); `ONNX_NODE_CASES` names another folder of the same form. Taken are cases of one
node with an operator of `OPERATORS` and at most `LARGEST` numbers; larger ones of these operators are named in `larger`. What
ONNX calls `…_expanded` is another way to write the case without it.
Numbers are as short as their type allows: float32 and float16 to the bit, float64 to 9 digits; `bool` is 0 or 1.
"""
import json, math, os, sys
import numpy as np
import onnx
from onnx import numpy_helper

FOLDER = os.environ.get('ONNX_NODE_CASES', '/usr/share/libonnx-testdata/data/node')
LARGEST = 1300
OPERATORS = '''
Abs Ceil Celu Cos Elu Exp Floor HardSigmoid HardSwish Identity IsNaN LeakyRelu Log Neg PRelu Reciprocal Relu Selu Sigmoid Sign Sin Softplus Sqrt Tanh
Add Clip Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mul Pow Sub Sum Where Cast CastLike Dropout
ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
ArgMax ArgMin CumSum TopK Gather GatherElements ScatterElements
Concat ConstantOfShape DepthToSpace Expand EyeLike Flatten Pad Range Reshape Slice Split Squeeze Tile Transpose Unsqueeze
Conv ConvTranspose Einsum Gemm MatMul
AveragePool GlobalAveragePool GlobalMaxPool MaxPool MaxUnpool Resize Upsample
BatchNormalization InstanceNormalization LRN LayerNormalization LogSoftmax MeanVarianceNormalization Softmax
NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss Adagrad Adam Momentum'''.split()

# bfloat16 has no type in NumPy.
NO_NUMBERS = {onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING, onnx.TensorProto.BFLOAT16}


def short(value, dtype):
    if dtype.kind in 'iub': return int(value)
    if not math.isfinite(value): return str(float(value))
    digits = float(str(value)) if dtype.itemsize < 8 else float('%.9g' % value)
    return int(digits) if digits == int(digits) and not (digits == 0 and math.copysign(1, digits) < 0) else digits


def values(tensor):
    a = numpy_helper.to_array(tensor)
    return dict(shape=list(a.shape), dtype=str(a.dtype), data=[short(v, a.dtype) for v in a.reshape(-1)])


def attribute(a):
    value = onnx.helper.get_attribute_value(a)
    if isinstance(value, bytes): return value.decode()
    if isinstance(value, onnx.TensorProto): return values(value)
    if isinstance(value, float): return short(np.float32(value), np.dtype('float32'))
    return value if isinstance(value, int) else list(value)


def read(path, wanted):
    proto = onnx.TensorProto()
    with open(path, 'rb') as f: proto.ParseFromString(f.read())
    assert proto.name == wanted or not proto.name, (path, proto.name, wanted)
    return values(proto)


cases, larger = [], []
for folder in sorted(os.listdir(FOLDER)):
    name = folder[len('test_'):]
    graph = onnx.load(f'{FOLDER}/{folder}/model.onnx').graph
    if len(graph.node) != 1 or graph.node[0].op_type not in OPERATORS or name.endswith('_expanded'): continue
    # Lists of tensors and optional ones have type 0 here.
    if {entry.type.tensor_type.elem_type for entry in [*graph.input, *graph.output]} & NO_NUMBERS: continue
    node, data = graph.node[0], f'{FOLDER}/{folder}/test_data_set_0'
    if os.path.exists(f'{FOLDER}/{folder}/test_data_set_1'): sys.exit(f'{name} has more than one set of numbers')
    given = {entry.name: read(f'{data}/input_{k}.pb', entry.name) for k, entry in enumerate(graph.input)}
    made = {entry.name: read(f'{data}/output_{k}.pb', entry.name) for k, entry in enumerate(graph.output)}
    if sum(len(v['data']) for v in [*given.values(), *made.values()]) > LARGEST:
        larger.append(name)
        continue
    cases.append(dict(name=name, op=node.op_type, attrs={a.name: attribute(a) for a in node.attribute},
                      # An empty name is an operand, or a result, that is left out.
                      inputs=[given[i] if i else None for i in node.input], outputs=[made[o] if o else None for o in node.output]))

with open(sys.argv[1], 'w') as f:
    f.write(json.dumps(dict(source='ONNX, onnx/backend/test/data/node (github.com/onnx/onnx), in Debian libonnx-testdata',
                            version=onnx.__version__, licence='Apache-2.0', copyright='ONNX Project Contributors'))[:-1])
    f.write(',\n"larger": ' + json.dumps(larger) + ',\n"cases": [\n')
    f.write(',\n'.join(json.dumps(case, separators=(',', ':')) for case in cases) + '\n]}\n')
print(len(cases), 'cases,', len(larger), 'larger,', os.path.getsize(sys.argv[1]), 'bytes')
print('operators without a case:', sorted(set(OPERATORS) - {case['op'] for case in cases}))
