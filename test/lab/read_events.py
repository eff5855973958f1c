"""Reads a TensorBoard event file with Debian's python3-protobuf, by the field numbers that TensorFlow publishes in
event.proto and summary.proto, and checks each record's checksums with a CRC-32C of its own. Prints the events as JSON."""

import json
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

kinds = {"double": 1, "float": 2, "int64": 3, "string": 9, "message": 11}


def message(file, name, fields):
    kind = file.message_type.add(name=name)
    for number, field, type_name, repeated, of in fields:
        added = kind.field.add(name=field, number=number, type=kinds[type_name], label=3 if repeated else 1)
        if of:
            added.type_name = "." + of


file = descriptor_pb2.FileDescriptorProto(name="event.proto", syntax="proto3")
message(file, "Value", [(1, "tag", "string", False, None), (2, "simple_value", "float", False, None)])
message(file, "Summary", [(1, "value", "message", True, "Value")])
message(
    file,
    "Event",
    [
        (1, "wall_time", "double", False, None),
        (2, "step", "int64", False, None),
        (3, "file_version", "string", False, None),
        (5, "summary", "message", False, "Summary"),
    ],
)
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
Event = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("Event"))


def masked_crc32c(data):
    # Bit by bit, from the definition: another way than the writer's.
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


events = []
with open(sys.argv[1], "rb") as stream:
    while head := stream.read(12):
        (length,), (checksum,) = struct.unpack("<Q", head[:8]), struct.unpack("<I", head[8:])
        assert checksum == masked_crc32c(head[:8]), "checksum of a length"
        data = stream.read(length)
        assert len(data) == length, "a record is cut off"
        assert struct.unpack("<I", stream.read(4))[0] == masked_crc32c(data), "checksum of a record"
        event = Event()
        event.ParseFromString(data)
        # What the schema above has no field for would be kept as unknown, and written again.
        stripped = Event()
        stripped.CopyFrom(event)
        stripped.DiscardUnknownFields()
        assert stripped.ByteSize() == event.ByteSize(), "a field that is not in the schema"
        events.append(
            {
                "wallTime": event.wall_time,
                "step": event.step,
                "version": event.file_version,
                "scalars": {value.tag: value.simple_value for value in event.summary.value},
            }
        )
json.dump(events, sys.stdout)
