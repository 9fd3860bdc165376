using System.Buffers;
using System.Buffers.Binary;

namespace Konstruct.Load.Worker;

/// <summary>
/// A call to all clients of a group, in the form that a process with a hub context publishes on SignalR's Redis
/// backplane: MessagePack, an array of the excluded connections and a map from hub protocol to the call in that
/// protocol. Hand-written so that the worker costs the same for every server.
/// </summary>
internal static class SignalREnvelope
{
    public static byte[] Around(ReadOnlySpan<byte> payload)
    {
        var before = "{\"type\":1,\"target\":\"frame\",\"arguments\":["u8;
        var after = "]}\u001e"u8;
        var length = before.Length + payload.Length + after.Length;
        var output = new ArrayBufferWriter<byte>(length + 16);
        output.Write((ReadOnlySpan<byte>)[0x92, 0x90, 0x81, 0xa4, .. "json"u8]);
        if (length <= ushort.MaxValue)
        {
            output.Write((ReadOnlySpan<byte>)[0xc5, (byte)(length >> 8), (byte)length]);
        }
        else
        {
            output.Write((ReadOnlySpan<byte>)[0xc6]);
            BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(4), length);
            output.Advance(4);
        }

        output.Write(before);
        output.Write(payload);
        output.Write(after);
        return output.WrittenSpan.ToArray();
    }
}
